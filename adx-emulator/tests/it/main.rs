//! The emulator from outside: started in this process, driven over HTTP as clients do.

#![expect(clippy::unwrap_used, reason = "a step that fails is the test's failure, in the helpers too")]

mod faults;
mod ingestion;
mod life;
mod outcomes;
mod reports;
mod rest_ingestion;
mod sign_in;
mod storage;
mod support;
