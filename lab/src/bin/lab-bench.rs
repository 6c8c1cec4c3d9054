//! `lab-bench`: what `make bench` runs.

use std::process::ExitCode;

use clap::Parser;
use lab::{bench, signals};

#[tokio::main]
async fn main() -> ExitCode {
    let args = bench::Args::parse();
    let outcome = match signals::stop() {
        // Dropping the bench kills what it started.
        Ok(stop) => tokio::select! {
            outcome = bench::run(args) => outcome,
            () = stop => Err(bench::Error::Part("stopped by a signal".to_owned())),
        },
        Err(error) => Err(error.into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}
