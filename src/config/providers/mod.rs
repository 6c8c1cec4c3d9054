//! Config providers: `${provider:path:key}` in a setting stands for a value kept elsewhere (`connect-runtime.md` §8.3).
//!
//! Owns the providers that `config.providers` names, and reads their files whenever settings are resolved, so that a
//! restart sees a changed secret. Settings stay raw wherever they are stored or shown: a resolved value goes only to
//! who uses it, and [`Hidden`] takes it out of messages again.

mod reference;
mod source;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::configdef::{ConfigError, ConnectorProperties, Problems, Properties};
pub use crate::secret::Hidden;
use source::{Found, Lookup, Source};

/// The worker setting that is read before anything is resolved: Java's plugin loader saw only the raw text.
const NEVER_RESOLVED: &str = "plugin.path";
/// The beginning of the providers' own settings.
const PREFIX: &str = "config.providers";

/// The providers of a worker by their aliases; none unless `config.providers` is set.
#[derive(Clone, Default)]
pub struct ConfigProviders {
    sources: Arc<BTreeMap<String, Source>>,
}

impl fmt::Debug for ConfigProviders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.sources.keys()).finish()
    }
}

/// Settings with their variables replaced.
#[derive(Default)]
pub struct Resolution {
    /// The new texts of the keys that had variables.
    pub values: BTreeMap<String, String>,
    /// What must not be shown.
    pub hidden: Hidden,
    /// Keys whose variables could not be read; their texts stay as they are.
    pub failed: Vec<ConfigError>,
    /// Keys with variables that are none here; their texts stay as they are, as in Connect. Whole sentences.
    pub unresolved: BTreeMap<String, String>,
}

impl ConfigProviders {
    /// The providers that `settings` name; `env` is what an environment provider may give away.
    pub(super) fn read(
        settings: &Properties,
        env: &BTreeMap<String, String>,
        problems: &mut Problems,
    ) -> Self {
        let list = settings.get(PREFIX).map(String::as_str).unwrap_or_default();
        let mut sources = BTreeMap::new();
        for alias in list.split(',').map(str::trim).filter(|alias| !alias.is_empty()) {
            let prefix = format!("{PREFIX}.{alias}.");
            let key = format!("{prefix}class");
            let Some(class) = settings.get(&key) else {
                problems.add(
                    PREFIX,
                    format!("Missing required configuration \"{key}\" for the provider {alias}."),
                );
                continue;
            };
            match Source::new(class.trim(), &format!("{prefix}param."), settings, env) {
                Ok(source) => drop(sources.insert(alias.to_owned(), source)),
                Err(problem) => problems.add(problem.key.unwrap_or(key), problem.message),
            }
        }
        Self { sources: Arc::new(sources) }
    }

    /// A connector's settings with their variables replaced; one that cannot be read stays as it is.
    pub fn replace(&self, properties: &ConnectorProperties) -> ConnectorProperties {
        let texts = properties.iter().filter_map(|(key, text)| Some((key.as_str(), text.as_deref()?)));
        let mut replaced = properties.clone();
        replaced.extend(self.resolve(texts).values.into_iter().map(|(key, text)| (key, Some(text))));
        replaced
    }

    /// Replaces the variables in `entries`. A variable of an unknown provider, or one that its provider does not have,
    /// stays as it is; a provider that cannot answer is an error of the key.
    pub fn resolve<'a>(&self, entries: impl IntoIterator<Item = (&'a str, &'a str)>) -> Resolution {
        let mut resolution = Resolution::default();
        let mut lookup = Lookup::new(&self.sources);
        for (key, text) in entries {
            if key == NEVER_RESOLVED || key.starts_with(PREFIX) {
                continue;
            }
            let (mut taken, mut missing) = (Vec::new(), None);
            let answer: Result<_, String> =
                reference::replace(text, |reference| match lookup.value(reference)? {
                    Found::Value(value) => {
                        taken.push((value.clone(), reference.text.to_owned()));
                        Ok(Some(value))
                    }
                    Found::Not(reason) => {
                        missing.get_or_insert_with(|| {
                            format!("{key}: {} stays as it is, since {reason}", reference.text)
                        });
                        Ok(None)
                    }
                });
            match answer {
                Ok(value) => {
                    resolution.values.extend(value.map(|value| (key.to_owned(), value)));
                    resolution.unresolved.extend(missing.map(|text| (key.to_owned(), text)));
                }
                Err(reason) => {
                    let message = format!("{reason} (in {key})");
                    resolution.failed.push(ConfigError { key: key.to_owned(), message });
                }
            }
            resolution.hidden.extend(taken);
        }
        resolution
    }
}

#[cfg(test)]
mod tests;
