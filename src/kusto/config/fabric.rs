//! The settings of the Fabric connector, `com.microsoft.fabric.connect.eventhouse.sink.FabricSinkConnector`, as what they
//! differ from the Kusto sink's (`fabric-sink-connector.md` §§2–4).
//!
//! What a connection string says stands in where a key of its own says nothing; all else is read as the Kusto sink's.

use crate::configdef::def::{Check, ConfigKey, DefaultValue, Importance, KeyType, Row, RowDefault, Width};
use crate::configdef::{ConfigValue, Problems, Values};
use crate::kusto::config::connection_string::ConnectionString;
use crate::kusto::config::keys::{self, WRITES};
use crate::kusto::config::mapping::{MappingSyntax, standard_quotes};
use crate::kusto::config::{HeaderChoice, KustoSinkConfig};
use crate::kusto::signin::CONNECTION;
use crate::sink::SinkSettings;
use std::borrow::Cow;
use std::collections::BTreeMap;

const STRING: &str = "connection.string";
const INGESTION: &str = "kusto.ingestion.url";
const QUERY: &str = "kusto.query.url";

#[rustfmt::skip] // a table: one row is one key
const OWN: [Row; 3] = [
    Row(STRING, KeyType::String, RowDefault::Null, Check::Any, Importance::High, (CONNECTION, 0), Width::Medium, "Eventhouse connection string",
        "A Kusto connection string: its Data Source stands in for URLs that are not set, its service principal or token for \
         aad.auth.appid. Prefer the keys of their own, which are masked."),
    Row("headers.to.project", KeyType::String, RowDefault::Null, Check::Any, Importance::Low, (WRITES, 3), Width::Medium, "Headers to project",
        "A JSON array of the names of headers that are written; all when it is empty."),
    Row("headers.to.drop", KeyType::String, RowDefault::Null, Check::Any, Importance::Low, (WRITES, 4), Width::Medium, "Headers to drop",
        "A JSON array of the names of headers that are not written."),
];

/// The keys, in the connector's order.
pub fn keys() -> Vec<ConfigKey> {
    let [string, project, drop] = OWN.each_ref().map(ConfigKey::from);
    let mut all = vec![string];
    for mut key in keys::kusto() {
        let default = match &*key.name {
            INGESTION | QUERY => Some(DefaultValue::Null),
            "errors.retry.max.time.ms" => Some(DefaultValue::Is(Cow::Borrowed("10000"))),
            "errors.retry.backoff.time.ms" => Some(DefaultValue::Is(Cow::Borrowed("2000"))),
            _ => None,
        };
        key.default = default.unwrap_or(key.default);
        if key.group.as_deref() == Some(CONNECTION) {
            key.order += 1;
        }
        let is_last_of_writes = key.name == "flush.interval.ms";
        all.push(key);
        if is_last_of_writes {
            all.extend([project.clone(), drop.clone()]);
        }
    }
    all
}

/// Builds the settings from read values; what is wrong goes to `problems` and the result is none.
pub fn build(settings: &SinkSettings<'_>, problems: &mut Problems) -> Option<KustoSinkConfig> {
    let values = &settings.values;
    let before = problems.0.len();
    let string = values.filled(STRING).map(ConnectionString::parse).transpose();
    let string = string.unwrap_or_else(|error| {
        problems.add(STRING, format!("Invalid value for configuration {STRING}: {error}"));
        None
    });
    let supplied = supplied(values, &string.unwrap_or_default());
    let values = values.over(&supplied);
    if values.text(INGESTION).is_none() && problems.0.len() == before {
        problems.add(INGESTION, format!("Missing configuration \"{INGESTION}\"; it or {STRING} is needed."));
    }
    let headers = HeaderChoice {
        project: names(&values, "headers.to.project", problems),
        drop: names(&values, "headers.to.drop", problems),
    };
    let settings = SinkSettings { values, ..*settings };
    let config = KustoSinkConfig::build(MappingSyntax::Fabric, &settings, problems);
    let config = config.filter(|_| problems.0.len() == before)?;
    Some(KustoSinkConfig { headers, reporter_first: true, ..config })
}

/// What the connection string gives for keys that are not set.
fn supplied(values: &Values<'_>, string: &ConnectionString) -> BTreeMap<&'static str, ConfigValue> {
    let mut supplied = BTreeMap::new();
    let mut supply = |key: &'static str, value: Option<ConfigValue>| {
        if let Some(value) = value.filter(|_| values.filled(key).is_none() && values.secret(key).is_none()) {
            supplied.insert(key, value);
        }
    };
    let text = |text: &Option<String>| text.clone().map(ConfigValue::Text);
    supply(INGESTION, text(&string.data_source));
    let ingestion = values.filled(INGESTION).map(|url| ConfigValue::Text(url.to_owned()));
    supply(QUERY, text(&string.data_source).or(ingestion));
    let is_application =
        values.text("aad.auth.strategy").is_some_and(|strategy| strategy.eq_ignore_ascii_case("APPLICATION"));
    if !is_application || values.filled("aad.auth.appid").is_some() {
        return supplied;
    }
    if let (Some(token), None) = (&string.token, &string.app_id) {
        supplied.insert("aad.auth.strategy", ConfigValue::Text("AZ_DEV_TOKEN".to_owned()));
        supplied.insert("aad.auth.accesstoken", ConfigValue::Password(token.clone()));
        return supplied;
    }
    supply("aad.auth.appid", text(&string.app_id));
    supply("aad.auth.appkey", string.app_key.clone().map(ConfigValue::Password));
    supply("aad.auth.authority", text(&string.authority));
    supplied
}

/// A JSON array of names, single quotes allowed.
fn names(values: &Values<'_>, key: &str, problems: &mut Problems) -> Vec<String> {
    let Some(text) = values.filled(key) else { return Vec::new() };
    serde_json::from_str(&standard_quotes(text)).unwrap_or_else(|_| {
        problems.invalid(key, text, "it must be a JSON array of names, as ['one', 'two']");
        Vec::new()
    })
}
