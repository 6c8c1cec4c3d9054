//! The schema registries of converters: the way to them, and whether they let us in.

use crate::checkup::{Finding, Inspection, Place, Trust, dns, tcp, tls};
use crate::config::tls::{Settings, checks_host_name, trust};
use crate::config::{DefaultConverter, WorkerConfig, files};
use crate::plugins::{ConverterConfig, Plugins, SinkConnectorConfig};
use crate::registry::{Client, Error, RegistryConfig};
use url::Url;

/// Of a connector's converters.
pub(super) fn of_connector(config: &SinkConnectorConfig) -> Vec<Inspection> {
    let sides = [("key", &config.key_converter), ("value", &config.value_converter)];
    sides.into_iter().flat_map(|(side, converter)| of(side, converter)).collect()
}

/// Of the converters of connectors that name none.
pub(super) fn of_worker(plugins: Plugins, worker: &WorkerConfig) -> Vec<Inspection> {
    let sides = [("key", &worker.key_converter), ("value", &worker.value_converter)];
    let made = sides.into_iter().filter_map(|(side, DefaultConverter { class, settings })| {
        Some((side, plugins.converter(side, class, settings).ok()?))
    });
    made.flat_map(|(side, converter)| of(side, &converter)).collect()
}

fn of(side: &str, converter: &ConverterConfig) -> Vec<Inspection> {
    let Some(config) = converter.registry() else { return Vec::new() };
    let (mut all, mut needs) = (Vec::new(), Vec::new());
    // A proxy sees to the way by itself.
    if config.proxy.is_none() {
        for url in &config.urls {
            needs.extend(network(&config, url, &mut all));
        }
    }
    if config.urls.len() > 1 {
        // Any of them is enough.
        all = all.into_iter().map(Inspection::only_warning).collect();
        needs.clear();
    }
    all.push(answers(side, config).after(needs));
    all
}

/// Adds the checks of the way to `url`; the name of the last.
fn network(config: &RegistryConfig, url: &Url, all: &mut Vec<Inspection>) -> Option<String> {
    let host = url.host_str()?.trim_start_matches('[').trim_end_matches(']').to_owned();
    let place = Place { host, port: url.port_or_known_default()?, setting: config.urls_key.clone() };
    all.extend(dns(&place));
    all.push(tcp(&place));
    if url.scheme() != "https" {
        return Some(place.tcp_name());
    }
    let mut settings = Settings::default();
    settings.add(&config.tls_prefix, &config.tls);
    // What is wrong with the files is said by the client, with their keys.
    let (Ok(authorities), Ok(checks_host)) = (trust(&settings), checks_host_name(&settings)) else {
        return Some(place.tcp_name());
    };
    let advice = format!(
        "put the authority that signed it into {}ssl.truststore.location, or into the file of SSL_CERT_FILE",
        config.tls_prefix
    );
    all.push(tls(&place, Trust { authorities, checks_host, advice }));
    Some(place.tls_name())
}

fn answers(side: &str, config: RegistryConfig) -> Inspection {
    let place = config.urls.first().map(Url::to_string).unwrap_or_default();
    let late = format!("check {} and the network", config.urls_key);
    Inspection::new(format!("schema registry of the {side} converter"), async move {
        let reached = match files::beside(move || Client::new(config)).await {
            Ok(client) => client.reach().await,
            Err(error) => Err(error),
        };
        match reached {
            Ok(()) => Finding::good(format!("{place} answers")),
            Err(error) => failed(&error),
        }
    })
    .or_late(late)
}

fn failed(error: &Error) -> Finding {
    let advice = match error {
        Error::Setup { key, .. } => format!("correct {key}"),
        Error::Unreachable { key, .. } | Error::Malformed { key, .. } => {
            format!("check {key} and the network")
        }
        Error::Refused { key, status: 401 | 403, .. } => format!("correct user, password or token: {key}"),
        Error::Refused { key, .. } | Error::NoToken { key, .. } => format!("check {key}"),
    };
    Finding::failed(error.to_string(), advice)
}
