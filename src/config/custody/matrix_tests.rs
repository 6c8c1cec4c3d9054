//! Every way in which something of the worker's could leave, against every setting that names a host: what is allowed, and
//! which setting an error names.

use crate::plugins::BUILT_IN;
use std::path::Path;

use super::super::{WorkerConfig, tests::storm};
use crate::configdef::{ConnectorProperties, Properties};

/// The worker's own brokers, and a host that its operator named.
pub(super) const OWN: &str = "own-1:9093,own-2:9093";
pub(super) const NAMED: &str = "named.corp:9093";
pub(super) const SCOPE: &str = "https://ns.servicebus.windows.net/.default";

pub(super) type Pairs = Vec<(String, String)>;

pub(super) fn pairs(prefix: &str, settings: &[(&str, &str)]) -> Pairs {
    settings.iter().map(|(key, text)| (format!("{prefix}{key}"), (*text).to_owned())).collect()
}

/// A worker whose file has `more`.
pub(super) fn worker(more: &Pairs) -> WorkerConfig {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("worker.properties");
    let mut all = Properties::from([
        ("group.id".to_owned(), "g".to_owned()),
        ("bootstrap.servers".to_owned(), OWN.to_owned()),
        ("config.storage.topic".to_owned(), "connect-configs".to_owned()),
        ("offset.storage.topic".to_owned(), "connect-offsets".to_owned()),
        ("status.storage.topic".to_owned(), "connect-status".to_owned()),
        ("key.converter".to_owned(), "StringConverter".to_owned()),
        ("value.converter".to_owned(), "StringConverter".to_owned()),
    ]);
    all.extend(more.iter().cloned());
    std::fs::write(&file, super::super::properties::render(&all)).unwrap();
    WorkerConfig::load(&BUILT_IN, Some(Path::new(&file)), []).map_err(|errors| errors.to_string()).unwrap()
}

pub(super) fn connector(more: &Pairs) -> ConnectorProperties {
    let mut raw = storm(&[]);
    raw.extend(more.iter().map(|(key, text)| (key.clone(), Some(text.clone()))));
    raw
}

/// The keys that are wrong, in order.
pub(super) fn wrong_keys(raw: &ConnectorProperties, worker: &WorkerConfig) -> Vec<String> {
    let infos = BUILT_IN.validate(raw, worker);
    let keys: Vec<_> = infos
        .configs
        .iter()
        .filter(|info| !info.value.errors.is_empty())
        .map(|info| info.value.name.clone())
        .collect();
    assert_eq!(BUILT_IN.parse(raw, worker).is_ok(), keys.is_empty(), "{keys:?}");
    for message in infos.messages() {
        assert!(!message.contains("geheim"), "{message}");
    }
    keys
}

pub(super) fn jaas(module: &str, options: &str) -> String {
    format!("org.apache.kafka.common.security.x.{module} required {options};")
}

/// Logins of the worker's own file, as a client's settings without prefix.
pub(super) fn logins_of_worker() -> Vec<(&'static str, Vec<(&'static str, String)>)> {
    let sasl = |mechanism: &str, more: Vec<(&'static str, String)>| {
        let first = [("security.protocol", "SASL_SSL".to_owned()), ("sasl.mechanism", mechanism.to_owned())];
        first.into_iter().chain(more).collect::<Vec<_>>()
    };
    let password = "username=\"u\" password=\"geheim\"";
    let bearer = |options: &str| ("sasl.jaas.config", jaas("OAuthBearerLoginModule", options));
    let endpoint = |url: &str| ("sasl.oauthbearer.token.endpoint.url", url.to_owned());
    let keyed = |more: Vec<(&'static str, String)>| {
        [("security.protocol", "SSL".to_owned())].into_iter().chain(more).collect::<Vec<_>>()
    };
    vec![
        ("PLAIN", sasl("PLAIN", vec![("sasl.jaas.config", jaas("PlainLoginModule", password))])),
        ("SCRAM", sasl("SCRAM-SHA-512", vec![("sasl.jaas.config", jaas("ScramLoginModule", password))])),
        (
            "librdkafka's names",
            sasl("PLAIN", vec![("sasl.username", "u".to_owned()), ("sasl.password", "geheim".to_owned())]),
        ),
        (
            "a client secret",
            sasl(
                "OAUTHBEARER",
                vec![bearer("clientId=\"c\" clientSecret=\"geheim\""), endpoint("https://idp/t")],
            ),
        ),
        (
            "a client secret in keys",
            sasl(
                "OAUTHBEARER",
                vec![
                    ("sasl.oauthbearer.client.credentials.client.id", "c".to_owned()),
                    ("sasl.oauthbearer.client.credentials.client.secret", "geheim".to_owned()),
                    endpoint("https://idp/t"),
                ],
            ),
        ),
        ("a token file", sasl("OAUTHBEARER", vec![endpoint("file:///var/run/secrets/token")])),
        (
            "a managed identity",
            sasl(
                "OAUTHBEARER",
                vec![bearer(&format!("azureCredential=\"managed_identity\" scope=\"{SCOPE}\""))],
            ),
        ),
        ("a key store", keyed(vec![("ssl.keystore.location", "/etc/worker.p12".to_owned())])),
        ("a key", keyed(vec![("ssl.keystore.key", "PEM".to_owned())])),
        ("librdkafka's key", keyed(vec![("ssl.key.location", "/etc/worker.pem".to_owned())])),
    ]
}

/// The clients of a connector: what stands before the worker's settings of it, and before the connector's.
const CLIENTS: [(&str, &str); 4] = [
    ("consumer.", "consumer.override."),
    ("producer.", "producer.override."),
    ("admin.", "admin.override."),
    ("", "admin.override."),
];

pub(super) fn with(prefix: &str, settings: &[(&str, String)]) -> Pairs {
    settings.iter().map(|(key, text)| (format!("{prefix}{key}"), text.clone())).collect()
}

#[test]
fn the_workers_kafka_login_goes_to_its_brokers_alone() {
    for (name, login) in logins_of_worker() {
        for (of_worker, own) in CLIENTS {
            let mut settings = with(of_worker, &login);
            settings
                .extend(pairs("", &[("worker.allow.identity.hosts", &format!("{NAMED},ns.corp:1=api://x"))]));
            let worker = worker(&settings);
            let judge = |changes: &[(&str, &str)]| wrong_keys(&connector(&pairs(own, changes)), &worker);
            let what = format!("{name} of {of_worker}");
            assert!(judge(&[]).is_empty(), "{what}");
            assert!(judge(&[("client.id", "x")]).is_empty(), "{what}");
            for brokers in [OWN, "own-2:9093", " own-1:9093 , own-2:9093 "] {
                assert!(judge(&[("bootstrap.servers", brokers)]).is_empty(), "{what} to {brokers}");
            }
            let is_token = name == "a managed identity";
            assert_eq!(judge(&[("bootstrap.servers", NAMED)]).is_empty(), !is_token, "{what}");
            for brokers in [
                "evil:9093",
                "own-1:9093,evil:9093",
                "own-1:9092",
                "SASL_PLAINTEXT://own-1:9093",
                "own-1:9093 evil:9093",
                "own-1",
                "ns.corp:1",
                "evil.servicebus.windows.net:9093",
            ] {
                let key = format!("{own}bootstrap.servers");
                assert_eq!(judge(&[("bootstrap.servers", brokers)]), [key], "{what} to {brokers}");
            }
            let hub = judge(&[("bootstrap.servers", "ns.servicebus.windows.net:9093")]);
            assert_eq!(hub.is_empty(), is_token, "{what}");
            let alias = format!("{own}metadata.broker.list");
            assert_eq!(judge(&[("metadata.broker.list", "evil:9093")]), [alias], "{what}");
        }
    }
}

#[test]
fn what_proves_the_brokers_is_the_workers_where_the_login_is() {
    for (name, login) in logins_of_worker() {
        let is_sasl = login[0].1 == "SASL_SSL";
        for (of_worker, own) in CLIENTS {
            let mut settings = with(of_worker, &login);
            settings.extend(pairs(of_worker, &[("ssl.truststore.location", "/etc/worker-trust.pem")]));
            let worker = worker(&settings);
            let judge = |key: &str, text: &str| wrong_keys(&connector(&pairs(own, &[(key, text)])), &worker);
            for (key, text) in [
                ("enable.ssl.certificate.verification", "false"),
                ("ssl.endpoint.identification.algorithm", ""),
                ("ssl.truststore.location", "/tmp/evil.pem"),
                ("ssl.truststore.location", ""),
                ("ssl.truststore.certificates", "PEM"),
                ("ssl.ca.location", "/tmp/evil.pem"),
                ("ssl.ca.pem", "PEM"),
            ] {
                assert_eq!(judge(key, text), [format!("{own}{key}")], "{name} of {of_worker}: {key}={text}");
            }
            for (key, text) in [
                ("enable.ssl.certificate.verification", "true"),
                ("ssl.endpoint.identification.algorithm", "https"),
                ("ssl.truststore.location", "/etc/worker-trust.pem"),
            ] {
                assert!(judge(key, text).is_empty(), "{name} of {of_worker}: {key}={text}");
            }
            let plain = judge("security.protocol", "SASL_PLAINTEXT");
            let expected: &[String] = if is_sasl { &[format!("{own}security.protocol")] } else { &[] };
            // Without a login there is nothing to be shown; Kerberos, the default mechanism, is the worker's again.
            if is_sasl {
                assert_eq!(plain, expected, "{name} of {of_worker}");
            }
        }
    }
}

#[test]
fn the_workers_client_secret_goes_to_its_own_token_endpoint() {
    for name in ["a client secret", "a client secret in keys"] {
        let login = logins_of_worker().into_iter().find(|(known, _)| *known == name).unwrap().1;
        for (of_worker, own) in CLIENTS {
            let mut settings = with(of_worker, &login);
            settings.extend(pairs("", &[("worker.allow.identity.hosts", "idp.corp")]));
            let worker = worker(&settings);
            let judge = |key: &str, text: &str| wrong_keys(&connector(&pairs(own, &[(key, text)])), &worker);
            let endpoint = "sasl.oauthbearer.token.endpoint.url";
            for url in ["https://evil/t", "http://localhost:1/t", "https://idp@evil/t", "http://idp.corp/t"] {
                assert_eq!(judge(endpoint, url), [format!("{own}{endpoint}")], "{name}: {url}");
            }
            for url in ["https://idp/t", "https://idp.corp/t"] {
                assert!(judge(endpoint, url).is_empty(), "{name}: {url}");
            }
            let scope = "sasl.oauthbearer.scope";
            assert_eq!(judge(scope, "https://vault.azure.net/.default"), [format!("{own}{scope}")], "{name}");
            // Keys are looked at by brokers; a client asks no such address.
            assert!(judge("sasl.oauthbearer.jwks.endpoint.url", "https://evil/k").is_empty(), "{name}");
        }
    }
}

/// What a connector would ask of the machine, for `scope`.
pub(super) fn asked_of_machine(credential: &str, scope: &str) -> Vec<(&'static str, String)> {
    let options = format!("azureCredential=\"{credential}\" scope=\"{scope}\"");
    vec![
        ("security.protocol", "SASL_SSL".to_owned()),
        ("sasl.mechanism", "OAUTHBEARER".to_owned()),
        ("sasl.jaas.config", jaas("OAuthBearerLoginModule", &options)),
    ]
}

#[test]
fn a_connector_gets_a_token_of_the_machine_for_event_hubs_and_what_the_operator_named() {
    let worker =
        worker(&pairs("", &[("worker.allow.identity.hosts", "kafka.corp:9093=api://kafka,named.corp:9093")]));
    let prefixes = ["consumer.override.", "producer.override.", "admin.override.", "misc.deadletterqueue."];
    for (credential, prefix) in
        ["managed_identity", "workload_identity"].iter().flat_map(|one| prefixes.map(|prefix| (*one, prefix)))
    {
        let judge = |brokers: &str, scope: &str, more: &[(&str, &str)]| {
            let mut all = with(prefix, &asked_of_machine(credential, scope));
            all.extend(pairs(prefix, &[("bootstrap.servers", brokers)]));
            all.extend(pairs(prefix, more));
            if prefix.starts_with("misc.") {
                all.extend(pairs(prefix, &[("topic.name", "letters")]));
            }
            wrong_keys(&connector(&all), &worker)
        };
        for (brokers, scope) in [
            ("ns.servicebus.windows.net:9093", SCOPE),
            ("NS.servicebus.windows.net:9093", "https://ns.servicebus.windows.net"),
            ("ns.servicebus.usgovcloudapi.net:9093", "https://ns.servicebus.usgovcloudapi.net/.default"),
            ("kafka.corp:9093", "api://kafka/.default"),
        ] {
            assert!(judge(brokers, scope, &[]).is_empty(), "{prefix} {brokers} {scope}");
        }
        let management = "https://management.azure.com/.default";
        for (brokers, scope) in [
            ("evil:9093", SCOPE),
            ("evil:9093", management),
            ("ns.servicebus.windows.net:9093", management),
            ("other.servicebus.windows.net:9093", SCOPE),
            ("ns.servicebus.windows.net:9093,evil:9093", SCOPE),
            ("ns.servicebus.windows.net.evil.com:9093", "https://ns.servicebus.windows.net.evil.com"),
            ("x@ns.servicebus.windows.net:9093", SCOPE),
            ("servicebus.windows.net:9093", "https://servicebus.windows.net"),
            ("kafka.corp:9093", management),
            ("kafka.corp:9094", "api://kafka"),
            ("named.corp:9093", SCOPE),
            ("own-1:9093", management),
        ] {
            let found = judge(brokers, scope, &[]);
            assert_eq!(found, [format!("{prefix}bootstrap.servers")], "{brokers} {scope}");
        }
        for (key, text) in [
            ("security.protocol", "SASL_PLAINTEXT"),
            ("enable.ssl.certificate.verification", "false"),
            ("ssl.endpoint.identification.algorithm", ""),
            ("ssl.truststore.location", "/tmp/evil.pem"),
        ] {
            let found = judge("ns.servicebus.windows.net:9093", SCOPE, &[(key, text)]);
            assert_eq!(found, [format!("{prefix}{key}")], "{key}={text}");
        }
    }
    // Not even to the worker's own brokers, where nothing of the connector names a host.
    let own = with("consumer.override.", &asked_of_machine("managed_identity", SCOPE));
    assert_eq!(wrong_keys(&connector(&own), &worker), ["consumer.override.sasl.jaas.config"]);
}

#[test]
fn a_token_file_is_below_a_folder_of_the_operators_and_goes_where_the_worker_does() {
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path().to_str().unwrap().to_owned();
    let (closed, open) = (worker(&vec![]), worker(&pairs("", &[("worker.allow.paths", &base)])));
    for prefix in ["consumer.override.", "producer.override.", "admin.override.", "misc.deadletterqueue."] {
        let judge = |worker: &WorkerConfig, path: &str, brokers: Option<&str>| {
            let endpoint = format!("file://{path}");
            let mut all = pairs(
                prefix,
                &[
                    ("security.protocol", "SASL_SSL"),
                    ("sasl.mechanism", "OAUTHBEARER"),
                    ("sasl.oauthbearer.token.endpoint.url", &endpoint),
                ],
            );
            all.extend(brokers.iter().flat_map(|brokers| pairs(prefix, &[("bootstrap.servers", brokers)])));
            if prefix.starts_with("misc.") {
                all.extend(pairs(prefix, &[("topic.name", "letters")]));
            }
            wrong_keys(&connector(&all), worker)
        };
        let (endpoint, bootstrap) =
            (format!("{prefix}sasl.oauthbearer.token.endpoint.url"), format!("{prefix}bootstrap.servers"));
        let inside = format!("{base}/token");
        let pod = "/var/run/secrets/kubernetes.io/serviceaccount/token";
        assert_eq!(judge(&closed, &inside, Some(OWN)), [endpoint.as_str()]);
        for path in [
            pod.to_owned(),
            format!("{base}/../token"),
            format!("{base}x/token"),
            format!("{base}/%2e%2e/token"),
        ] {
            assert_eq!(judge(&open, &path, Some(OWN)), [endpoint.as_str()], "{path}");
        }
        assert!(judge(&open, &inside, Some("own-1:9093")).is_empty(), "{prefix}");
        assert_eq!(judge(&open, &inside, Some("evil:9093")), [bootstrap]);
    }
}
