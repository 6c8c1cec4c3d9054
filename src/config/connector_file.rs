//! A connector file of the command line: which connector it asks for (`connect-runtime.md` §8.4).
//!
//! Three forms, tried in this order whatever the file is called: a flat JSON object of settings, the JSON body of a
//! create request, Java properties. Only the connector's name is checked here: the rest is validated where the requests
//! of REST are.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::value::RawValue;

use super::{files, properties};
use crate::configdef::ConnectorProperties;
use crate::status::TargetState;
use crate::words;

/// A connector to be created when the worker starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectorFile {
    /// Where it was read, for messages.
    pub path: String,
    /// The connector's name.
    pub name: String,
    /// Its settings, its name among them.
    pub config: ConnectorProperties,
    /// What it is to do at first; none is the same as STARTED.
    pub initial_state: Option<TargetState>,
}

/// Why a file is no connector.
#[derive(Debug, thiserror::Error)]
pub enum ConnectorFileError {
    /// There is no such file, or it may not be read.
    #[error("Connector configuration at '{path}' cannot be read: {reason}")]
    Read {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
    /// It is in none of the three forms.
    #[error(
        "Connector configuration at '{path}' is neither a JSON object nor a properties file: {properties}"
    )]
    Form {
        /// The file.
        path: String,
        /// What the properties' rules say against it.
        properties: properties::ParseError,
    },
    /// It begins as JSON, and is none.
    #[error("Connector configuration at '{path}' is no JSON object of settings: {reason}")]
    Json {
        /// The file.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// It has no name.
    #[error("Connector configuration at '{path}' is missing the mandatory 'name' configuration")]
    NoName {
        /// The file.
        path: String,
    },
    /// It has two names.
    #[error("Connector name configuration in 'config' doesn't match the one specified in 'name' at '{path}'")]
    TwoNames {
        /// The file.
        path: String,
    },
}

type Fields = BTreeMap<String, Box<RawValue>>;

impl ConnectorFile {
    /// Reads the file at `path`.
    pub fn read(path: &Path) -> Result<Self, ConnectorFileError> {
        let name = path.display().to_string();
        match files::read_by_hand(path) {
            Ok(bytes) => Self::parse(name, &properties::decode(bytes)),
            Err(reason) => Err(ConnectorFileError::Read { path: name, reason }),
        }
    }

    /// Reads the `text` of the file at `path`.
    pub fn parse(path: String, text: &str) -> Result<Self, ConnectorFileError> {
        let (config, initial_state) = contents(&path, text)?;
        match config.get("name").cloned().flatten() {
            Some(name) => Ok(Self { path, name, config, initial_state }),
            None => Err(ConnectorFileError::NoName { path }),
        }
    }

    /// The settings in the file at `path`, be they without a name: for who says all that is wrong with them at once.
    pub fn settings(path: &Path) -> Result<ConnectorProperties, ConnectorFileError> {
        let name = path.display().to_string();
        match files::read_by_hand(path) {
            Ok(bytes) => contents(&name, &properties::decode(bytes)).map(|(config, _)| config),
            Err(reason) => Err(ConnectorFileError::Read { path: name, reason }),
        }
    }
}

type Contents = (ConnectorProperties, Option<TargetState>);

/// What stands in `text`, in any of the three forms.
fn contents(path: &str, text: &str) -> Result<Contents, ConnectorFileError> {
    let path = || path.to_owned();
    let json = match serde_json::from_str::<Fields>(text).map_err(|error| words::json(&error)) {
        Ok(fields) => match flat(&fields) {
            Ok(config) => return Ok((config, None)),
            Err(_) => match Request::read(&fields) {
                Ok(request) => return request.contents(path()),
                Err(reason) => reason,
            },
        },
        Err(reason) => reason,
    };
    if text.trim_start().starts_with(['{', '[']) {
        return Err(ConnectorFileError::Json { path: path(), reason: json });
    }
    match properties::parse(text) {
        Ok(entries) => Ok((entries.into_iter().map(|(key, value)| (key, Some(value))).collect(), None)),
        Err(properties) => Err(ConnectorFileError::Form { path: path(), properties }),
    }
}

/// A create request; fields it does not know are ignored, unlike in REST.
struct Request {
    name: Option<String>,
    config: ConnectorProperties,
    initial_state: Option<TargetState>,
}

impl Request {
    fn read(fields: &Fields) -> Result<Self, String> {
        let config = fields.get("config").ok_or("the field \"config\" is missing")?;
        let config = serde_json::from_str::<Fields>(config.get())
            .map_err(|error| format!("config: {}", words::json(&error)))?;
        let given = |field: &str| fields.get(field).map_or(Ok(None), |value| text(field, value));
        let initial_state = given("initial_state")?.map(|state| {
            TargetState::from_initial(&state)
                .ok_or_else(|| format!("initial_state {state} must be one of RUNNING, PAUSED, STOPPED"))
        });
        Ok(Self { name: given("name")?, config: flat(&config)?, initial_state: initial_state.transpose()? })
    }

    fn contents(self, path: String) -> Result<Contents, ConnectorFileError> {
        let Self { name, mut config, initial_state } = self;
        if let (Some(inner), Some(name)) = (config.get("name"), &name)
            && inner.as_ref() != Some(name)
        {
            return Err(ConnectorFileError::TwoNames { path });
        }
        if let Some(name) = name {
            config.insert("name".to_owned(), Some(name));
        }
        Ok((config, initial_state))
    }
}

/// All values as texts; an error names the first that is none.
fn flat(fields: &Fields) -> Result<ConnectorProperties, String> {
    fields.iter().map(|(key, value)| Ok((key.clone(), text(key, value)?))).collect()
}

/// A text, a number or a boolean as it was written; null is none.
fn text(key: &str, value: &RawValue) -> Result<Option<String>, String> {
    let written = value.get();
    match written.as_bytes().first() {
        Some(b'"') => {
            serde_json::from_str(written).map(Some).map_err(|error| format!("{key}: {}", words::json(&error)))
        }
        Some(b'{' | b'[') => Err(format!("the value of \"{key}\" is no text")),
        _ if written == "null" => Ok(None),
        _ => Ok(Some(written.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::ConnectorFile;
    use crate::status::TargetState;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<ConnectorFile, String> {
        ConnectorFile::parse("f".to_owned(), text).map_err(|error| error.to_string())
    }

    #[test]
    fn the_three_forms_give_the_same_connector() {
        let flat = read(r#"{"name": "x", "tasks.max": 2, "topics": "t"}"#).unwrap();
        let request =
            read(r#"{"name": "x", "config": {"tasks.max": "2", "topics": "t"}, "more": [1]}"#).unwrap();
        let inner = read(r#"{"config": {"name": "x", "tasks.max": 2, "topics": "t"}}"#).unwrap();
        let properties = read("# a file\nname=x\ntasks.max = 2\ntopics: t\n").unwrap();
        assert_eq!((flat.name.as_str(), flat.config["tasks.max"].as_deref()), ("x", Some("2")));
        assert_eq!([&request, &inner, &properties], [&flat; 3]);
    }

    #[test]
    fn a_create_request_may_name_the_first_state() {
        let file = read(r#"{"name": "x", "config": {}, "initial_state": "paused"}"#).unwrap();
        assert_eq!(file.initial_state, Some(TargetState::Paused));
        assert_eq!(file.config["name"].as_deref(), Some("x"));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let missing = "Connector configuration at 'f' is missing the mandatory 'name' configuration";
        let json = "Connector configuration at 'f' is no JSON object of settings: ";
        let cases = [
            ("topics=t", missing, ""),
            ("{}", missing, ""),
            (r#"{"name": null, "config": {}}"#, missing, ""),
            (r#"{"name": "x", "config": {}"#, json, "it ends too early"),
            (r#"{"name": "x", "config": {"a": []}}"#, json, "\"a\" is no text"),
            (r#"{"name": "x", "config": {}, "initial_state": "asleep"}"#, json, "RUNNING, PAUSED, STOPPED"),
            ("{\"name\": \"\\u12", json, "line 1"),
            ("[]", json, "an object is expected"),
            ("name=\\u12", "Connector configuration at 'f' is neither", "four hexadecimal digits"),
            (
                r#"{"name": "x", "config": {"name": "y"}}"#,
                "Connector name configuration in 'config' doesn't match the one specified in 'name' at 'f'",
                "",
            ),
        ];
        for (text, start, words) in cases {
            let error = read(text).unwrap_err();
            assert!(error.starts_with(start) && error.contains(words), "{text}: {error}");
        }
        let none = ConnectorFile::read(std::path::Path::new("/nowhere/x.json")).unwrap_err().to_string();
        assert!(none.starts_with("Connector configuration at '/nowhere/x.json' cannot be read: "), "{none}");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in r#"[\[\]{}":,=a0 nul\\\n-]{0,40}"#) {
            let _read_or_refused = read(&text);
        }
    }
}
