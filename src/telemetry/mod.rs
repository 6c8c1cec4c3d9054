//! What a worker tells of itself in log lines: one subscriber for the process, to standard output, whose levels can be changed while it runs.
//!
//! `LOG_LEVEL` (or Connect's variables, which `config` reads into the same place) sets the level of our own lines;
//! `RUST_LOG` can say anything tracing understands and wins. `LOG_FORMAT=json` writes one JSON object a line. Fields
//! are for search, messages are readable alone, and a secret is in neither.

mod java_loggers;
mod level;
mod lines;
mod loggers;
mod redaction;

pub use level::Level;
use lines::{Lines, Style};
pub use loggers::{LoggerLevel, Loggers, WeakLoggers};
pub use redaction::{Hiding, Redaction};

use redaction::Redacting;
use std::io::IsTerminal;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry, fmt, reload};

/// Libraries that are only worth reading when something is wrong; ours follow the level that was set.
const QUIET: &str = "warn,azure_core=error,azure_identity=error";
/// What is never written, whatever filter is asked for: headers as a service of somebody else wrote them, and addresses with
/// what the service lent.
const NEVER: &str = "typespec_client_core::http::policies=off";

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
pub struct LogOptions {
    /// A level by its log4j or tracing name.
    pub level: Option<String>,
    /// A filter in tracing's own words, instead of a level.
    pub filter: Option<String>,
    /// How lines look.
    pub format: Format,
}

impl LogOptions {
    /// The level of our own lines.
    fn root(&self) -> Level {
        Level::of_setting(self.level.as_deref())
    }

    fn written(&self) -> Option<String> {
        self.filter.clone().filter(|filter| !filter.trim().is_empty())
    }
}

/// Why logging cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The filter cannot be read.
    #[error(
        "RUST_LOG={filter} cannot be read: it is a level, or a list such as info,kusto_connect::task=debug"
    )]
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

/// The filter of the process's log lines; whoever has it may change it.
pub struct Filter {
    root: Level,
    /// `RUST_LOG`, when it decides.
    written: Option<String>,
    redaction: Redaction,
    handle: Option<reload::Handle<EnvFilter, Registry>>,
}

impl Filter {
    /// A filter of nothing, for a worker that is not the process's only one.
    pub fn detached(root: Level) -> Self {
        Self { root, written: None, redaction: Redaction::default(), handle: None }
    }

    /// What the lines must not hold.
    pub fn redaction(&self) -> Redaction {
        self.redaction.clone()
    }

    fn reload(&self, directives: &str) {
        let Some(handle) = &self.handle else { return };
        let reloaded = parsed(directives).map_err(|error| error.to_string());
        let reloaded = reloaded.and_then(|filter| handle.reload(filter).map_err(|error| error.to_string()));
        if let Err(error) = reloaded {
            tracing::error!(error, directives, "the filter of log lines could not be changed");
        }
    }
}

/// Sets up logging for the whole process; called once, by `main`.
pub fn start(options: &LogOptions) -> Result<Filter, Error> {
    let (filter, handle) = reload::Layer::new(filter(options)?);
    let lines = tracing_subscriber::registry().with(filter);
    let redaction = Redaction::default();
    let colours = options.format == Format::Text && std::io::stdout().is_terminal();
    let style = match options.format {
        Format::Json => Style::Json,
        Format::Text if colours => Style::Coloured,
        Format::Text => Style::Plain,
    };
    // Secrets are known as they are, not as they are escaped.
    let writer = Redacting { redaction: redaction.clone(), writer: Lines { out: std::io::stdout, style } };
    // That nobody reads the lines any more must not end a worker, and could be told nowhere else.
    let layer = fmt::layer().log_internal_errors(false).with_writer(writer);
    let started = match options.format {
        Format::Json => {
            let layer = layer.json().flatten_event(true);
            lines.with(layer.with_current_span(true).with_span_list(false)).try_init()
        }
        Format::Text => lines.with(layer.with_ansi(colours)).try_init(),
    };
    started.map_err(|_| Error::Twice)?;
    Ok(Filter { root: options.root(), written: options.written(), redaction, handle: Some(handle) })
}

fn filter(options: &LogOptions) -> Result<EnvFilter, Error> {
    let level = options.root().directive();
    let directives = options.written().unwrap_or_else(|| format!("{QUIET},kusto_connect={level}"));
    parsed(&directives).map_err(|source| Error::Filter { filter: directives, source })
}

fn parsed(directives: &str) -> Result<EnvFilter, ParseError> {
    EnvFilter::try_new(format!("{directives},{NEVER}"))
}

#[cfg(test)]
mod tests {
    use super::{Level, LogOptions, NEVER, filter};

    #[test]
    fn a_name_that_is_no_level_is_said() {
        for level in [None, Some(""), Some(" debug "), Some("WARNING"), Some("off")] {
            assert_eq!(Level::objection(level), None, "{level:?}");
        }
        let said = Level::objection(Some("bogus")).unwrap();
        assert!(
            said.starts_with("bogus is no level") && said.contains("INFO is used; there are OFF"),
            "{said}"
        );
    }

    #[test]
    fn a_level_is_for_our_lines_and_a_filter_for_all() {
        let shown = |options: LogOptions| filter(&options).unwrap().to_string();
        assert!(shown(LogOptions::default()).contains("kusto_connect=info"));
        assert!(
            shown(LogOptions { level: Some("debug".into()), ..LogOptions::default() })
                .contains("kusto_connect=debug")
        );
        let both =
            LogOptions { level: Some("ERROR".into()), filter: Some("trace".into()), ..LogOptions::default() };
        assert_eq!(shown(both), format!("{NEVER},trace"));
        let wrong = LogOptions { filter: Some("=,=".into()), ..LogOptions::default() };
        assert!(filter(&wrong).unwrap_err().to_string().starts_with("RUST_LOG==,= cannot be read"));
    }
}
