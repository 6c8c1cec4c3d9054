//! Reading the files that commands are given; what cannot be read is said, and ends the command.

use super::exit::{UNCHECKED, WRONG};
use crate::cli::out::say;
use crate::config::{ConnectorFile, ConnectorFileError, Mode, WorkerConfig};
use crate::configdef::ConnectorProperties;
use crate::herder;
use crate::kafka::settings as clients;
use crate::plugins::{BUILT_IN, SinkConnectorConfig};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

/// A standalone worker's key that no check of a connector looks at.
const OFFSETS: &str = "CONNECT_OFFSET_STORAGE_FILE_FILENAME";

/// The settings of the worker that a connector is for, from its file and the environment. Without a file, and where the
/// environment names no storage topics, it is a worker that has none.
pub(super) fn worker(
    file: Option<&Path>,
    mut env: BTreeMap<String, String>,
) -> Result<WorkerConfig, ExitCode> {
    let is_named =
        ["CONFIG_STORAGE_TOPIC", "CONNECT_CONFIG_STORAGE_TOPIC"].iter().any(|name| env.contains_key(*name));
    let mode = if file.is_some() || is_named { Mode::Distributed } else { Mode::Standalone };
    if mode == Mode::Standalone {
        env.entry(OFFSETS.to_owned()).or_insert_with(|| "/dev/null".to_owned());
    }
    read_worker(mode, file, env).map_err(|errors| {
        say(&format_args!("the worker's settings are wrong:\n{errors}"));
        ExitCode::from(UNCHECKED)
    })
}

/// The same for who says what is wrong elsewhere: a line for each error.
pub(super) fn read_worker(
    mode: Mode,
    file: Option<&Path>,
    env: BTreeMap<String, String>,
) -> Result<WorkerConfig, String> {
    let config = WorkerConfig::load_for(&BUILT_IN, mode, file, env).map_err(|errors| errors.to_string())?;
    match clients::check_worker(&config).own_errors() {
        Some(errors) => Err(errors),
        None => Ok(config),
    }
}

/// The settings in a connector's file. `wrong` is the exit code of a file that is there and holds no settings.
pub(super) fn connector(path: &Path, wrong: u8) -> Result<ConnectorProperties, ExitCode> {
    ConnectorFile::settings(path).map_err(|error| {
        say(&error);
        ExitCode::from(if matches!(error, ConnectorFileError::Read { .. }) { UNCHECKED } else { wrong })
    })
}

/// The typed settings of a connector without errors; what is wrong is said.
pub(super) fn good(
    raw: &ConnectorProperties,
    worker: &WorkerConfig,
) -> Result<SinkConnectorConfig, ExitCode> {
    let infos = herder::checked(BUILT_IN, raw, worker);
    for info in &infos.configs {
        for error in &info.value.errors {
            say(&format_args!("{}: {error}", info.value.name));
        }
    }
    if infos.error_count() > 0 {
        return Err(ExitCode::from(WRONG));
    }
    BUILT_IN.parse(raw, worker).map_err(|errors| {
        say(&errors);
        ExitCode::from(WRONG)
    })
}

/// The settings in a file that is a connector's: a worker's is no JSON, and names no class.
pub(super) fn connector_in(path: &Path) -> Option<ConnectorProperties> {
    ConnectorFile::settings(path).ok().filter(|settings| settings.contains_key("connector.class"))
}
