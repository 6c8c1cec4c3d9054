//! Levels by their log4j names, and the Java names of loggers that mean something to us.
//!
//! Users know the loggers of a JVM worker; each of those below stands for the modules of ours that do the same work.
//! Libraries are not among them: their lines may hold what must not be logged, and only who starts the process can ask
//! for them (`RUST_LOG`).

/// A level by its log4j name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Nothing.
    Off,
    /// As `Error`.
    Fatal,
    /// What went wrong.
    Error,
    /// What may go wrong.
    Warn,
    /// What happens.
    Info,
    /// How it happens.
    Debug,
    /// Every step.
    Trace,
    /// As `Trace`.
    All,
}

const LEVELS: [(&str, Level, &str); 8] = [
    ("OFF", Level::Off, "off"),
    ("FATAL", Level::Fatal, "error"),
    ("ERROR", Level::Error, "error"),
    ("WARN", Level::Warn, "warn"),
    ("INFO", Level::Info, "info"),
    ("DEBUG", Level::Debug, "debug"),
    ("TRACE", Level::Trace, "trace"),
    ("ALL", Level::All, "trace"),
];

impl Level {
    /// The level with this name in any letter case.
    pub fn from_name(name: &str) -> Option<Self> {
        let found = LEVELS.iter().find(|(known, ..)| known.eq_ignore_ascii_case(name));
        found.map(|(_, level, _)| *level)
    }

    /// The level that a setting names; an unknown one is INFO.
    pub fn of_setting(name: Option<&str>) -> Self {
        let name = name.unwrap_or_default().trim();
        let name = if name.eq_ignore_ascii_case("WARNING") { "WARN" } else { name };
        Self::from_name(name).unwrap_or(Self::Info)
    }

    /// Its log4j name.
    pub fn as_str(self) -> &'static str {
        self.row().0
    }

    /// The name of the level that does the same in a filter of tracing.
    pub(super) fn directive(self) -> &'static str {
        self.row().2
    }

    fn row(self) -> &'static (&'static str, Self, &'static str) {
        LEVELS.iter().find(|(_, level, _)| *level == self).unwrap_or(&LEVELS[4])
    }
}

/// The name of the logger above all others.
pub const ROOT: &str = "root";

/// All of ours.
pub(super) const OURS: &str = "kusto_connect";

/// Java's names and the modules that they stand for.
const JAVA: [(&str, &[&str]); 14] = [
    ("org.apache.kafka.connect", &[OURS]),
    ("org.apache.kafka.connect.runtime.Worker", &["kusto_connect::worker"]),
    ("org.apache.kafka.connect.runtime.WorkerSinkTask", &["kusto_connect::task"]),
    ("org.apache.kafka.connect.runtime.WorkerTask", &["kusto_connect::task"]),
    ("org.apache.kafka.connect.runtime.distributed", &["kusto_connect::herder", "kusto_connect::membership"]),
    ("org.apache.kafka.connect.runtime.rest", &["kusto_connect::rest"]),
    ("org.apache.kafka.connect.storage", &["kusto_connect::storage"]),
    ("org.apache.kafka.connect.util", &["kusto_connect::kafka"]),
    ("org.apache.kafka.clients", &["kusto_connect::kafka"]),
    ("org.apache.kafka.common.config", &["kusto_connect::config"]),
    ("org.apache.kafka.connect.json", &["kusto_connect::convert"]),
    ("org.apache.kafka.connect.converters", &["kusto_connect::convert"]),
    ("com.microsoft.azure.kusto.kafka.connect", &["kusto_connect::connector", "kusto_connect::batch"]),
    ("com.microsoft.azure.kusto.ingest", &["kusto_connect::ingest"]),
];

/// True when `name` is `above`, or below it.
pub(super) fn is_within(name: &str, above: &str) -> bool {
    above == ROOT || name.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// True for a Java name that stands for modules of ours.
pub(super) fn is_known(logger: &str) -> bool {
    !targets(logger).is_empty()
}

/// The modules that a logger stands for: those of its own name and of all names below it. A module of ours may be named
/// itself, too.
pub(super) fn targets(logger: &str) -> Vec<&str> {
    if logger == OURS || logger.strip_prefix(OURS).is_some_and(is_module_path) {
        return vec![logger];
    }
    let within = JAVA.iter().filter(|(name, _)| is_within(name, logger));
    let mut targets: Vec<_> = within.flat_map(|(_, targets)| targets.iter().copied()).collect();
    targets.sort_unstable();
    targets.dedup();
    targets
}

/// `::a::b_c`, which a filter can hold.
fn is_module_path(text: &str) -> bool {
    let is_name =
        |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    text.strip_prefix("::").is_some_and(|path| path.split("::").all(is_name))
}

#[cfg(test)]
mod tests {
    use super::{Level, is_within, targets};

    #[test]
    fn levels_are_read_in_any_case() {
        for (name, level, directive) in
            [("debug", Level::Debug, "debug"), ("Fatal", Level::Fatal, "error"), ("ALL", Level::All, "trace")]
        {
            assert_eq!(Level::from_name(name), Some(level));
            assert_eq!((level.as_str().to_lowercase(), level.directive()), (name.to_lowercase(), directive));
        }
        assert_eq!((Level::from_name("LOUD"), Level::from_name("")), (None, None));
    }

    #[test]
    fn java_names_stand_for_modules_of_ours() {
        assert_eq!(targets("org.apache.kafka.connect.runtime.rest"), ["kusto_connect::rest"]);
        assert!(targets("com.microsoft.azure.kusto").contains(&"kusto_connect::ingest"));
        assert!(targets("org.apache.kafka").contains(&"kusto_connect"));
        assert_eq!(targets("kusto_connect::herder::service"), ["kusto_connect::herder::service"]);
        for other in
            ["hyper", "no.such.logger", "kusto_connect::a=trace,hyper", "kusto_connect::", "org.apache.kaf"]
        {
            assert!(targets(other).is_empty(), "{other}");
        }
        assert!(
            is_within("a.b", "a") && is_within("a", "a") && is_within("x", "root") && !is_within("ab", "a")
        );
    }
}
