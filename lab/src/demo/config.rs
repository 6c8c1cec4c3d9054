//! The connector's configuration file, and what has to be other than it says on this run.
//!
//! With all defaults the file is sent as it is. A real Kafka (own topic) or another emulator port make a changed copy, written beside
//! the logs, so that the printed `curl` line is always the truth.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::args::{Args, DEFAULT_ADX_PORT};
use crate::connect::curl_data;

const MAPPING: &str = "kusto.tables.topics.mapping";

/// What is wrong with the file.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be read or its copy not be written.
    #[error("{path}: {source}; the demo runs in the repository's top folder, or takes --config")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is not a connector's configuration.
    #[error("{path}: {problem}")]
    Content {
        /// The file.
        path: PathBuf,
        /// What is missing or wrong.
        problem: String,
    },
}

/// The connector as it will be created.
#[derive(Debug)]
pub struct SinkConfig {
    /// The connector's name.
    pub name: String,
    /// The database its mapping names.
    pub database: String,
    /// The topic it reads.
    pub topic: String,
    /// The request body.
    pub body: String,
    file: PathBuf,
}

impl SinkConfig {
    /// Reads the file; `topic` is given when it must be another than the file's. A changed copy goes to `folder`.
    pub fn read(args: &Args, topic: Option<&str>, folder: &Path) -> Result<Self, Error> {
        let path = &args.config;
        let content = |problem: &str| Error::Content { path: path.clone(), problem: problem.to_owned() };
        let text = fs::read_to_string(path).map_err(|source| Error::File { path: path.clone(), source })?;
        let mut json: Value =
            serde_json::from_str(&text).map_err(|error| content(&format!("not JSON: {error}")))?;
        let own_topic =
            json["config"]["topics"].as_str().ok_or_else(|| content("no config.topics"))?.to_owned();
        let mapping = json["config"][MAPPING]
            .as_str()
            .ok_or_else(|| content("no config.kusto.tables.topics.mapping"))?;
        let database = database(mapping).ok_or_else(|| content("no 'db' in its mapping"))?;
        let name = json["name"].as_str().ok_or_else(|| content("no name"))?.to_owned();

        let topic = topic.map_or_else(|| own_topic.clone(), str::to_owned);
        if topic == own_topic && args.adx_port == DEFAULT_ADX_PORT {
            return Ok(Self { name, database, topic, body: curl_data(&text), file: path.clone() });
        }
        let mapping = mapping.replace(&format!("'{own_topic}'"), &format!("'{topic}'"));
        json["config"]["topics"] = topic.clone().into();
        json["config"][MAPPING] = mapping.into();
        for key in ["kusto.ingestion.url", "kusto.query.url"] {
            let old = json["config"][key].as_str().unwrap_or_default();
            json["config"][key] =
                old.replace(&format!(":{DEFAULT_ADX_PORT}"), &format!(":{}", args.adx_port)).into();
        }
        let text = serde_json::to_string_pretty(&json).map_err(|error| content(&error.to_string()))?;
        let file = folder.join("adx-sink-config.json");
        fs::write(&file, &text).map_err(|source| Error::File { path: file.clone(), source })?;
        Ok(Self { name, database, topic, body: curl_data(&text), file })
    }

    /// The command that does what the demo does now.
    pub fn curl_line(&self, rest_port: u16) -> String {
        format!(
            "curl -X POST -H \"Content-Type: application/json\" --data @{} http://localhost:{rest_port}/connectors",
            self.file.display()
        )
    }
}

/// The first `'db'` of a mapping, which is JSON in single quotes.
fn database(mapping: &str) -> Option<String> {
    let json: Value = serde_json::from_str(&mapping.replace('\'', "\"")).ok()?;
    Some(json[0]["db"].as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    fn args(extra: &[&str]) -> Args {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../config/adx-sink-config.json");
        Args::parse_from(["demo", "--config", file].iter().chain(extra))
    }

    #[test]
    fn by_default_the_file_is_sent_as_curl_sends_it() {
        let folder = tempfile::tempdir().unwrap();
        let config = SinkConfig::read(&args(&[]), None, folder.path()).unwrap();
        assert_eq!(
            (config.name.as_str(), config.topic.as_str(), config.database.as_str()),
            ("storm", "storm-events", "NetDefaultDB")
        );
        assert!(!config.body.contains('\n'));
        assert!(config.curl_line(8083).ends_with("adx-sink-config.json http://localhost:8083/connectors"));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn other_ports_and_topics_make_a_copy_that_can_be_posted() {
        let folder = tempfile::tempdir().unwrap();
        let config = SinkConfig::read(&args(&["--adx-port", "9999"]), Some("other"), folder.path()).unwrap();
        let copy: Value = serde_json::from_str(&fs::read_to_string(&config.file).unwrap()).unwrap();
        assert_eq!(copy["config"]["kusto.ingestion.url"], "http://localhost:9999");
        assert_eq!(copy["config"]["topics"], "other");
        assert!(copy["config"][MAPPING].as_str().unwrap().contains("'topic': 'other'"));
        assert_eq!(copy, serde_json::from_str::<Value>(&config.body).unwrap());
        assert!(config.curl_line(1).contains(&config.file.display().to_string()));
    }

    #[test]
    fn what_is_missing_is_named() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        io::Write::write_all(&mut file, br#"{"name": "storm", "config": {}}"#).unwrap();
        let args = Args { config: file.path().to_owned(), ..args(&[]) };
        let error = SinkConfig::read(&args, None, Path::new("/")).unwrap_err().to_string();
        assert!(error.ends_with("no config.topics"), "{error}");
    }
}
