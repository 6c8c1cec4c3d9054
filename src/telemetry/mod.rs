//! Log lines: one subscriber for the process, to standard output.
//!
//! `LOG_LEVEL` (or Connect's variables, which `config` reads into the same place) sets the level of our own lines;
//! `RUST_LOG` can say anything tracing understands and wins. `LOG_FORMAT=json` writes one JSON object a line. Fields
//! are for search, messages are readable alone, and a secret is in neither.

use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

/// Libraries that are only worth reading when something is wrong; ours follow the level that was set.
const QUIET: &str = "warn,azure_core=error,azure_identity=error";

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For machines.
    Json,
}

/// What decides about log lines.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// A level by its log4j or tracing name.
    pub level: Option<String>,
    /// A filter in tracing's own words, instead of a level.
    pub filter: Option<String>,
    /// How lines look.
    pub format: Format,
}

/// Why logging cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The filter cannot be read.
    #[error("RUST_LOG={filter} cannot be read: {source}")]
    Filter {
        /// The filter.
        filter: String,
        /// What is wrong with it.
        source: ParseError,
    },
    /// Somebody else did it before.
    #[error("logging is set up already")]
    Twice,
}

/// Sets up logging for the whole process; called once, by `main`.
pub fn start(options: &Options) -> Result<(), Error> {
    let filter = filter(options)?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter);
    let started = match options.format {
        Format::Json => {
            lines.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init()
        }
        Format::Text => lines.with_ansi(std::io::stdout().is_terminal()).try_init(),
    };
    started.map_err(|_| Error::Twice)
}

fn filter(options: &Options) -> Result<EnvFilter, Error> {
    let level = tracing_level(options.level.as_deref().unwrap_or_default());
    let asked = options.filter.clone().filter(|filter| !filter.trim().is_empty());
    let directives = asked.unwrap_or_else(|| format!("{QUIET},kusto_connect={level}"));
    EnvFilter::try_new(&directives).map_err(|source| Error::Filter { filter: directives, source })
}

/// Log4j's names of levels; an unknown one is INFO.
fn tracing_level(level: &str) -> &'static str {
    match level.trim().to_ascii_uppercase().as_str() {
        "TRACE" | "ALL" => "trace",
        "DEBUG" => "debug",
        "WARN" | "WARNING" => "warn",
        "ERROR" | "FATAL" => "error",
        "OFF" => "off",
        _ => "info",
    }
}

#[cfg(test)]
mod tests {
    use super::{Options, filter};

    #[test]
    fn a_level_is_for_our_lines_and_a_filter_for_all() {
        let shown = |options: Options| filter(&options).unwrap().to_string();
        assert!(shown(Options::default()).contains("kusto_connect=info"));
        assert!(
            shown(Options { level: Some("debug".into()), ..Options::default() })
                .contains("kusto_connect=debug")
        );
        let both =
            Options { level: Some("ERROR".into()), filter: Some("trace".into()), ..Options::default() };
        assert_eq!(shown(both), "trace");
        let wrong = Options { filter: Some("=,=".into()), ..Options::default() };
        assert!(filter(&wrong).unwrap_err().to_string().starts_with("RUST_LOG==,= cannot be read"));
    }
}
