//! Where metrics are sent by OTLP: OpenTelemetry's own variables, which have the same names for every program
//! (its specification of exporters). Nothing is sent unless one of them names a collector.

use crate::configdef::Problems;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use std::collections::BTreeMap;
use std::time::Duration;
use url::Url;

type Environment = BTreeMap<String, String>;

/// Those for metrics alone win.
const PREFIXES: [&str; 2] = ["OTEL_EXPORTER_OTLP_METRICS_", "OTEL_EXPORTER_OTLP_"];
const INTERVAL: &str = "OTEL_METRIC_EXPORT_INTERVAL";
const SERVICE: &str = "OTEL_SERVICE_NAME";
const RESOURCE: &str = "OTEL_RESOURCE_ATTRIBUTES";
/// Milliseconds, as its specification says.
const EVERY: u64 = 60_000;
const TIMEOUT: u64 = 10_000;

/// Where metrics go.
#[derive(Debug, Clone)]
pub struct OtlpConfig {
    /// The whole address.
    pub endpoint: Url,
    /// What is sent along; secrets, marked as such.
    pub headers: HeaderMap,
    /// How often.
    pub interval: Duration,
    /// How long one request may take.
    pub timeout: Duration,
    /// Of whom the numbers are.
    pub resource: Vec<(String, String)>,
}

/// The first of these variables that says something.
fn setting<'a>(env: &'a Environment, end: &str) -> Option<(String, &'a str)> {
    PREFIXES.iter().find_map(|prefix| {
        let name = format!("{prefix}{end}");
        let value = filled(env, &name)?;
        Some((name, value))
    })
}

fn filled<'a>(env: &'a Environment, name: &str) -> Option<&'a str> {
    env.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
}

/// The values of headers, which nobody may see.
pub(super) fn secrets(env: &Environment) -> Vec<(String, String)> {
    let names = PREFIXES.map(|prefix| format!("{prefix}HEADERS"));
    let values = names.iter().filter_map(|name| Some((filled(env, name)?, name)));
    values
        .flat_map(|(text, name)| {
            pairs(text).into_iter().flatten().map(move |(_, value)| (value, format!("${{{name}}}")))
        })
        .collect()
}

/// What the variables say; none when no collector is named, or when something is wrong.
pub(super) fn read(env: &Environment, problems: &mut Problems) -> Option<OtlpConfig> {
    let is_off = filled(env, "OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"))
        || filled(env, "OTEL_METRICS_EXPORTER") == Some("none");
    let (name, text) = setting(env, "ENDPOINT").filter(|_| !is_off)?;
    if let Some((name, protocol)) =
        setting(env, "PROTOCOL").filter(|(_, protocol)| *protocol != "http/protobuf")
    {
        problems.add(
            name,
            format!("{protocol} is not there: set http/protobuf, and the collector's port for it (4318)"),
        );
    }
    let endpoint = endpoint(&name, text, problems);
    let headers = headers(env, problems);
    let mut millis = |found: Option<(String, &str)>, default: u64| match found
        .map(|(name, text)| (name, text.parse::<u64>()))
    {
        None => Some(default),
        Some((_, Ok(millis))) if millis > 0 => Some(millis),
        Some((name, _)) => {
            problems.add(name, "must be a number of milliseconds above 0".to_owned());
            None
        }
    };
    let every = millis(filled(env, INTERVAL).map(|text| (INTERVAL.to_owned(), text)), EVERY);
    let timeout = millis(setting(env, "TIMEOUT"), TIMEOUT);
    Some(OtlpConfig {
        resource: resource(env, problems),
        endpoint: endpoint?,
        headers: headers?,
        interval: Duration::from_millis(every?),
        timeout: Duration::from_millis(timeout?),
    })
}

/// That of metrics is the whole address; the other one is where the paths of all signals begin.
fn endpoint(name: &str, text: &str, problems: &mut Problems) -> Option<Url> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let Some(mut url) = url else {
        problems.add(name, "must be the collector's address, such as http://localhost:4318".to_owned());
        return None;
    };
    if !url.username().is_empty() || url.password().is_some() {
        let text =
            "must name no user: who sends belongs into OTEL_EXPORTER_OTLP_HEADERS, which is shown to nobody";
        problems.add(name, text.to_owned());
        return None;
    }
    if !name.starts_with(PREFIXES[0]) {
        url.set_path(&format!("{}/v1/metrics", url.path().trim_end_matches('/')));
    }
    Some(url)
}

fn headers(env: &Environment, problems: &mut Problems) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    let Some((name, text)) = setting(env, "HEADERS") else { return Some(headers) };
    let read = |(key, value): (String, String)| {
        let mut value = HeaderValue::from_str(&value).ok()?;
        value.set_sensitive(true);
        Some((HeaderName::from_bytes(key.as_bytes()).ok()?, value))
    };
    let all: Option<Vec<_>> = pairs(text).and_then(|pairs| pairs.into_iter().map(read).collect());
    let Some(all) = all else {
        problems.add(
            name,
            "must be headers as name=value with commas between, values in the escapes of URLs".to_owned(),
        );
        return None;
    };
    headers.extend(all);
    Some(headers)
}

fn resource(env: &Environment, problems: &mut Problems) -> Vec<(String, String)> {
    let mut all = filled(env, RESOURCE).map_or(Some(Vec::new()), pairs).unwrap_or_else(|| {
        problems.add(
            RESOURCE,
            "must be attributes as name=value with commas between, values in the escapes of URLs".to_owned(),
        );
        Vec::new()
    });
    let is_named = |all: &[(String, String)]| all.iter().any(|(key, _)| key == "service.name");
    match filled(env, SERVICE) {
        Some(name) => {
            all.retain(|(key, _)| key != "service.name");
            all.push(("service.name".to_owned(), name.to_owned()));
        }
        None if !is_named(&all) => all.push(("service.name".to_owned(), env!("CARGO_PKG_NAME").to_owned())),
        None => {}
    }
    all
}

/// Reads `a=b,c=d`; none when that is no such text.
fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let pair = |part: &str| {
        let (key, value) = part.split_once('=')?;
        Some((key.trim().to_owned(), unescaped(value.trim())?))
    };
    parts.map(pair).collect()
}

/// Takes the escapes of URLs out of a text.
fn unescaped(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (code, rest) = part.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(code, 16).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::{Environment, read, secrets};
    use crate::configdef::Problems;
    use std::time::Duration;

    fn env(all: &[(&str, &str)]) -> Environment {
        all.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_variables_of_the_specification_say_where_and_how_often() {
        let mut problems = Problems::default();
        let env = env(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://collector:4318/base/"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=canary%20k, x=1=2"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "5000"),
            ("OTEL_SERVICE_NAME", "mine"),
            ("OTEL_RESOURCE_ATTRIBUTES", "service.name=other,deployment.environment.name=test"),
        ]);
        let config = read(&env, &mut problems).unwrap();
        assert!(problems.0.is_empty());
        assert_eq!(config.endpoint.as_str(), "https://collector:4318/base/v1/metrics");
        assert_eq!((config.interval, config.timeout), (Duration::from_secs(5), Duration::from_secs(10)));
        assert_eq!(
            (&config.headers["api-key"], &config.headers["x"]),
            (&"canary k".parse().unwrap(), &"1=2".parse().unwrap())
        );
        assert!(!format!("{config:?}").contains("canary"), "{config:?}");
        let hidden = secrets(&env);
        assert_eq!(hidden[0], ("canary k".to_owned(), "${OTEL_EXPORTER_OTLP_HEADERS}".to_owned()));
        let own = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
        assert_eq!(
            config.resource,
            [own(("deployment.environment.name", "test")), own(("service.name", "mine"))]
        );
    }

    #[test]
    fn nothing_is_sent_unless_a_collector_is_named_and_wrong_variables_are_named() {
        let all = [
            ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://c/x"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "nonsense"),
        ];
        let mut problems = Problems::default();
        assert_eq!(read(&env(&all), &mut problems).unwrap().endpoint.as_str(), "http://c/x");
        for off in [("OTEL_SDK_DISABLED", "true"), ("OTEL_METRICS_EXPORTER", "none"), (all[0].0, " ")] {
            let mut env = env(&all[..1]);
            env.insert(off.0.to_owned(), off.1.to_owned());
            assert!(read(&env, &mut problems).is_none(), "{off:?}");
        }
        assert!(problems.0.is_empty());
        for (name, value) in [
            ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "collector:4318"),
            ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://me:canary@collector:4318"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "canary"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "a=%zz"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "a b=canary"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "0"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "soon"),
            ("OTEL_RESOURCE_ATTRIBUTES", "a"),
        ] {
            let mut env = env(&all[..1]);
            env.insert(name.to_owned(), value.to_owned());
            let mut problems = Problems::default();
            read(&env, &mut problems);
            assert_eq!(problems.0.len(), 1, "{name}={value}");
            assert_eq!(problems.0[0].key, name);
            assert!(!format!("{:?}", problems.0[0]).contains("canary"), "{:?}", problems.0[0]);
        }
    }
}
