//! Completions for shells and manual pages, made from the command line's own definition.

use super::exit::UNCHECKED;
use crate::cli::out::{answer, say};
use clap::Command;
use clap_complete::Shell;
use std::process::ExitCode;

/// Prints the completions of a shell.
pub(super) fn completions(shell: Shell, mut program: Command) -> ExitCode {
    let mut text = Vec::new();
    let name = program.get_name().to_owned();
    clap_complete::generate(shell, &mut program, name, &mut text);
    answer(&String::from_utf8_lossy(&text));
    ExitCode::SUCCESS
}

/// Prints the page of the program, or of one of its commands.
pub(super) fn page(mut program: Command, command: Option<&str>) -> ExitCode {
    program.build();
    let chosen = match command {
        None => Some(&program),
        Some(name) => program.find_subcommand(name),
    };
    let Some(chosen) = chosen.cloned() else {
        let known: Vec<_> = program.get_subcommands().map(Command::get_name).collect();
        say(&format_args!("there is no such command to have a page; there are {}", known.join(", ")));
        return ExitCode::from(UNCHECKED);
    };
    let title = chosen.get_display_name().unwrap_or(chosen.get_name()).to_owned();
    let mut text = Vec::new();
    match clap_mangen::Man::new(chosen).title(title).render(&mut text) {
        Ok(()) => {
            answer(&String::from_utf8_lossy(&text));
            ExitCode::SUCCESS
        }
        Err(error) => {
            say(&error);
            ExitCode::from(UNCHECKED)
        }
    }
}
