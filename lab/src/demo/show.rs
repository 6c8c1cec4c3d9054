//! What the demo prints. Everything it says goes through here.

use std::{path::Path, time::Duration};

use super::args::Args;

/// A heading.
pub fn step(text: &str) {
    println!("\n== {text}");
}

/// Something is up.
pub fn done(text: &str) {
    println!("   {text}");
}

/// A line the user could type.
pub fn command(text: &str) {
    println!("\n> {text}");
}

/// An answer as it came.
pub fn text(text: &str) {
    println!("{text}");
}

/// A line that is no part of the story.
pub fn note(text: &str) {
    eprintln!("demo: {text}");
}

/// How far things are.
pub fn progress(elapsed: Duration, produced: usize, want: usize, rows: u64, state: &str) {
    println!(
        "   {:>3} s   produced {produced}/{want}   in the table {rows}/{want}   connector {state}",
        elapsed.as_secs()
    );
}

/// The end of a demo that worked.
pub fn verdict(events: usize) {
    println!("\nOK: all {events} events are in the table exactly as produced.");
}

/// What runs where, for `KEEP=1`.
pub fn addresses(args: &Args, kafka_servers: &str, folder: &Path) {
    step("Running until Ctrl-C");
    println!("   Kafka          {kafka_servers}");
    println!("   worker REST    http://localhost:{}", args.rest_port);
    println!("   ADX emulator   http://localhost:{}", args.adx_port);
    println!("   worker log     {}", folder.join("kusto-connect.log").display());
}
