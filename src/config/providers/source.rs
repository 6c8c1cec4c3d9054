//! The three providers of Kafka: properties files, folders of files, the environment.
//!
//! A [`Lookup`] lives as long as one set of settings is resolved, so that a file is read once for all its keys and all
//! of them are of one version of it. Values are secrets here, whatever they are for.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use super::reference::Reference;
use crate::config::allowed_paths::AllowedPaths;
use crate::config::{files, properties};
use crate::configdef::{Properties, did_you_mean};
use crate::secret::Secret;
use crate::words;

/// A provider.
pub(super) enum Source {
    /// `${alias:/path/file.properties:key}`.
    File(AllowedPaths),
    /// `${alias:/path/folder:file}`.
    Directory(AllowedPaths),
    /// `${alias:NAME}`.
    Env(BTreeMap<String, Secret>),
}

/// A provider that cannot be made; without a key the class is at fault.
pub(super) struct Problem {
    pub(super) key: Option<String>,
    pub(super) message: String,
}

impl Source {
    /// The provider `class` with the parameters below `params`.
    pub(super) fn new(
        class: &str,
        params: &str,
        settings: &Properties,
        env: &BTreeMap<String, String>,
    ) -> Result<Self, Problem> {
        let param = |name: &str| {
            let key = format!("{params}{name}");
            let value = settings.get(&key).map(String::as_str);
            (key, value)
        };
        let paths = || {
            let (key, value) = param("allowed.paths");
            AllowedPaths::parse(value)
                .map_err(|reason| Problem { message: format!("{key}: {reason}"), key: Some(key) })
        };
        let simple = class.strip_prefix("org.apache.kafka.common.config.provider.").unwrap_or(class);
        match simple {
            "FileConfigProvider" => Ok(Self::File(paths()?)),
            "DirectoryConfigProvider" => Ok(Self::Directory(paths()?)),
            "EnvVarConfigProvider" => {
                let (key, value) = param("allowlist.pattern");
                let pattern = regex::Regex::new(&format!("^(?:{})$", value.unwrap_or(".*")));
                let pattern = pattern.map_err(|_| Problem {
                    message: format!("{key} is not a regular expression"),
                    key: Some(key),
                })?;
                let allowed = env.iter().filter(|(name, _)| pattern.is_match(name));
                Ok(Self::Env(allowed.map(|(name, value)| (name.clone(), Secret::new(value))).collect()))
            }
            _ => Err(Problem {
                key: None,
                message: format!(
                    "Config provider class {class} is not built in; use FileConfigProvider, DirectoryConfigProvider or \
                     EnvVarConfigProvider of org.apache.kafka.common.config.provider"
                ),
            }),
        }
    }
}

/// What a provider says.
pub(super) enum Found {
    /// This.
    Value(String),
    /// It has no such value: why.
    Not(String),
}

/// Looks variables up while one set of settings is resolved.
pub(super) struct Lookup<'a> {
    sources: &'a BTreeMap<String, Source>,
    files: HashMap<PathBuf, Result<Properties, String>>,
}

impl<'a> Lookup<'a> {
    pub(super) fn new(sources: &'a BTreeMap<String, Source>) -> Self {
        Self { sources, files: HashMap::new() }
    }

    /// The value of a variable.
    pub(super) fn value(&mut self, reference: Reference<'_>) -> Result<Found, String> {
        let Reference { provider, path, key, .. } = reference;
        match self.sources.get(provider) {
            None => {
                let meant = did_you_mean(provider, self.sources.keys().map(String::as_str));
                Ok(Found::Not(format!("config.providers names no provider {provider}{meant}")))
            }
            Some(Source::Env(_)) if !path.is_empty() => {
                Err(format!("Path is not supported for EnvVarConfigProvider, invalid value '{path}'"))
            }
            Some(Source::Env(variables)) => Ok(match variables.get(key) {
                Some(value) => Found::Value(value.expose().to_owned()),
                None => Found::Not(format!(
                    "the worker's environment has no variable {key}, or param.allowlist.pattern keeps it back"
                )),
            }),
            Some(Source::File(_) | Source::Directory(_)) if path.is_empty() => {
                Ok(Found::Not(format!("it has no path: write ${{{provider}:/path:{key}}}")))
            }
            Some(Source::File(allowed)) => match admit(allowed, path) {
                Some(file) => self.in_file(file, path, key),
                None => Ok(not_allowed(path)),
            },
            Some(Source::Directory(allowed)) => match admit(allowed, path) {
                Some(folder) => in_folder(&folder, path, key),
                None => Ok(not_allowed(path)),
            },
        }
    }

    fn in_file(&mut self, file: PathBuf, path: &str, key: &str) -> Result<Found, String> {
        let read = self.files.entry(file).or_insert_with_key(|file| {
            let fail = |reason: String| format!("Could not read properties from file {path}: {reason}");
            let bytes = files::read(file).map_err(fail)?;
            properties::parse(&properties::decode(bytes)).map_err(|error| fail(error.to_string()))
        });
        match read {
            Ok(entries) => Ok(match entries.get(key) {
                Some(value) => Found::Value(value.clone()),
                None => Found::Not(format!("the file {path} has no key {key}")),
            }),
            Err(message) => Err(message.clone()),
        }
    }
}

fn not_allowed(path: &str) -> Found {
    Found::Not(format!("param.allowed.paths does not allow {path}"))
}

fn admit(allowed: &AllowedPaths, path: &str) -> Option<PathBuf> {
    let admitted = allowed.admit(path);
    if admitted.is_none() {
        tracing::warn!(path, "a config provider may not read this path; see its param.allowed.paths");
    }
    admitted
}

/// The whole content of the file `key` in `folder`.
fn in_folder(folder: &std::path::Path, path: &str, key: &str) -> Result<Found, String> {
    if !folder.is_dir() {
        tracing::warn!(path, "the path of a variable is not a directory");
        return Ok(Found::Not(format!("{path} is not a directory")));
    }
    let entries = std::fs::read_dir(folder)
        .map_err(|error| format!("Could not list directory {path}: {}", words::file(&error)))?;
    // Chosen from the list, so that a key such as `../x` is only a name that is not there.
    let found = entries.filter_map(Result::ok).find(|entry| entry.file_name().to_str() == Some(key));
    let Some(file) = found.map(|entry| entry.path()).filter(|file| file.is_file()) else {
        return Ok(Found::Not(format!("the directory {path} has no file {key}")));
    };
    match files::read(&file) {
        Ok(bytes) => Ok(Found::Value(String::from_utf8_lossy(&properties::without_mark(bytes)).into_owned())),
        Err(reason) => Err(format!("Could not read file {} for property {key}: {reason}", file.display())),
    }
}
