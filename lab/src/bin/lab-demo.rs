//! `lab-demo`: what `make demo` runs.

use std::process::ExitCode;

use clap::Parser;
use lab::{demo, signals};

#[tokio::main]
async fn main() -> ExitCode {
    let args = demo::Args::parse();
    let outcome = match signals::stop() {
        Ok(stop) => demo::run(&args, stop).await,
        Err(error) => Err(demo::Error::Io(error.to_string())),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("demo: {error}");
            // As shells report a program ended by Ctrl-C.
            if matches!(error, demo::Error::Stopped) { ExitCode::from(130) } else { ExitCode::FAILURE }
        }
    }
}
