//! `storm-events-producer`: the lab's source of storm events.

use std::{io, process::ExitCode};

use clap::Parser;
use lab::{producer, signals};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let args = producer::Args::parse();
    match signals::stop() {
        Ok(stop) => match producer::run(&args, io::stdout(), stop).await {
            Ok(_sent) => ExitCode::SUCCESS,
            Err(error) => fail(&error),
        },
        Err(error) => fail(&error),
    }
}

fn fail(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("storm-events-producer: {error}");
    ExitCode::FAILURE
}
