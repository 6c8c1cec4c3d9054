//! `ingestion_failures` of `src/lib.rs` under libFuzzer.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| kusto_connect_fuzz::ingestion_failures(bytes));
