//! Levels by their log4j names.

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

    /// What is wrong with the name in a setting; none when it is a level's, or nothing is set.
    pub fn objection(name: Option<&str>) -> Option<String> {
        let name = name.map(str::trim).filter(|name| !name.is_empty())?;
        let is_known = name.eq_ignore_ascii_case("WARNING") || Self::from_name(name).is_some();
        let names = || LEVELS.iter().map(|(name, ..)| *name).collect::<Vec<_>>().join(", ");
        (!is_known).then(|| format!("{name} is no level of the log, so INFO is used; there are {}", names()))
    }

    /// Its log4j name.
    pub fn as_str(self) -> &'static str {
        self.row().0
    }

    /// The name of the level that does the same in a filter of tracing.
    pub(super) fn directive(self) -> &'static str {
        self.row().2
    }

    /// How much is said: more for a larger number.
    pub(super) fn verbosity(self) -> usize {
        LEVELS.iter().position(|(_, level, _)| *level == self).unwrap_or_default()
    }

    fn row(self) -> &'static (&'static str, Self, &'static str) {
        LEVELS.iter().find(|(_, level, _)| *level == self).unwrap_or(&LEVELS[4])
    }
}

/// The name of the logger above all others.
pub const ROOT: &str = "root";

/// All of ours.
pub(super) const OURS: &str = "kusto_connect";

#[cfg(test)]
mod tests {
    use super::Level;

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
}
