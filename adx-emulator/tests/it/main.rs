//! The emulator from outside: started in this process, driven over HTTP as clients do.

mod faults;
mod ingestion;
mod life;
mod reports;
mod sign_in;
mod storage;
mod support;
