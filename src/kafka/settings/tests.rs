//! Java's client settings as users write them, and what librdkafka gets.

use rdkafka::ClientConfig;

use super::{Layer, client_config};
use crate::config::{ClientKind, WorkerConfig, fixtures, java_key};
use crate::configdef::Properties;
use crate::kafka::Error;

fn properties(pairs: &[(&str, &str)]) -> Properties {
    pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

/// Of a consumer's settings, or a producer's if only producers have them.
fn one_layer(pairs: &[(&str, &str)]) -> Result<ClientConfig, Error> {
    let has = |kind, key: &str| java_key(kind, key).is_some();
    let is_producers =
        |(key, _): &(&str, &str)| has(ClientKind::Producer, key) && !has(ClientKind::Consumer, key);
    let kind = if pairs.iter().any(is_producers) { ClientKind::Producer } else { ClientKind::Consumer };
    client_config(kind, &[], &[Layer { prefix: "consumer.override.", properties: &properties(pairs) }])
}

/// The text of the error of one layer.
fn error(pairs: &[(&str, &str)]) -> String {
    let error = one_layer(pairs).unwrap_err();
    assert!(!error.is_retriable());
    let text = error.to_string();
    assert!(!text.contains("geheim"), "{text}");
    text
}

const JAAS: &str = "sasl.jaas.config";
const PLAIN: &str =
    r#"org.apache.kafka.common.security.plain.PlainLoginModule required username="u" password="p\"q";"#;

#[test]
fn later_layers_win_and_java_names_are_understood() {
    let worker = properties(&[("fetch.max.wait.ms", "100"), ("max.poll.records", "9"), ("client.id", "a")]);
    let connector = properties(&[
        ("client.id", "b"),
        ("security.protocol", "SASL_SSL"),
        ("sasl.mechanism", "PLAIN"),
        ("partition.assignment.strategy", "org.apache.kafka.clients.consumer.RangeAssignor"),
        (JAAS, PLAIN),
        ("no.such.key", "1"),
    ]);
    let layers = [
        Layer { prefix: "consumer.", properties: &worker },
        Layer { prefix: "consumer.override.", properties: &connector },
    ];
    let config = client_config(ClientKind::Consumer, &[("group.id", "connect-x")], &layers).unwrap();
    for (key, expected) in [
        ("fetch.wait.max.ms", Some("100")),
        ("client.id", Some("b")),
        ("security.protocol", Some("sasl_ssl")),
        ("partition.assignment.strategy", Some("range")),
        ("sasl.username", Some("u")),
        ("sasl.password", Some("p\"q")),
        ("max.poll.records", None),
        ("no.such.key", None),
        ("group.id", Some("connect-x")),
    ] {
        assert_eq!(config.get(key), expected, "{key}");
    }
    config.create_native_config().unwrap();
}

#[test]
fn values_outside_of_librdkafkas_range_are_its_bounds() {
    for (key, value, name, expected) in [
        ("max.poll.interval.ms", "2147483647", "max.poll.interval.ms", "86400000"),
        ("request.timeout.ms", "600000", "socket.timeout.ms", "300000"),
        ("connections.max.idle.ms", "-1", "connections.max.idle.ms", "0"),
        ("receive.buffer.bytes", "-1", "socket.receive.buffer.bytes", "0"),
        ("retry.backoff.ms", "0", "retry.backoff.ms", "1"),
        ("buffer.memory", "33554432", "queue.buffering.max.kbytes", "32768"),
        ("max.request.size", "1048576", "message.max.bytes", "1048576"),
        ("max.partition.fetch.bytes", "1048576", "max.partition.fetch.bytes", "1048576"),
        ("auto.offset.reset", "none", "auto.offset.reset", "error"),
        ("auto.offset.reset", "LATEST", "auto.offset.reset", "latest"),
        ("isolation.level", "READ_COMMITTED", "isolation.level", "read_committed"),
        ("acks", "all", "acks", "all"),
        ("group.instance.id", "i", "group.instance.id", "i"),
        ("client.rack", "r", "client.rack", "r"),
        ("client.dns.lookup", "use_all_dns_ips", "client.dns.lookup", "use_all_dns_ips"),
        ("allow.auto.create.topics", "false", "allow.auto.create.topics", "false"),
        ("delivery.timeout.ms", "120000", "delivery.timeout.ms", "120000"),
        ("metadata.recovery.strategy", "none", "metadata.recovery.strategy", "none"),
    ] {
        let config = one_layer(&[(key, value)]).unwrap();
        assert_eq!(config.get(name), Some(expected), "{key}");
        config.create_native_config().unwrap();
    }
}

#[test]
fn every_name_of_the_table_is_known_to_librdkafka() {
    use super::table::{JAVA, Treatment};
    for (java, treatment) in JAVA {
        let (to, value) = match treatment {
            Treatment::Number(to, (least, most), unlimited) => {
                ClientConfig::new().set(*to, most.to_string()).create_native_config().expect(java);
                ClientConfig::new().set(*to, unlimited.to_string()).create_native_config().expect(java);
                (to, least.to_string())
            }
            Treatment::Renamed("compression.type") => (&"compression.type", "none".to_owned()),
            Treatment::Kibibytes(to) | Treatment::Renamed(to) => (to, "1".to_owned()),
            Treatment::Level(..) | Treatment::Ignored(_) | Treatment::Refused(_) => continue,
        };
        ClientConfig::new().set(*to, value).create_native_config().expect(java);
    }
}

#[test]
fn a_bad_value_names_the_key_as_written_and_not_the_value() {
    for (key, expected) in [
        ("fetch.min.bytes", "must be a whole number"),
        ("session.timeout.ms", "must be a whole number"),
        ("auto.offset.reset", "must be earliest, latest or none"),
        ("security.protocol", "must be PLAINTEXT, SSL"),
        ("partitioner.class", "are not loaded"),
        ("plugin.library.paths", "are not loaded"),
        ("ssl.engine.location", "are not loaded"),
        ("ssl.providers", "are not loaded"),
    ] {
        let text = error(&[(key, "geheim")]);
        assert!(text.contains(&format!("consumer.override.{key}")) && text.contains(expected), "{text}");
    }
}

const SASL: (&str, &str) = ("security.protocol", "SASL_PLAINTEXT");

#[test]
fn signing_in_without_all_that_it_needs_says_what_is_missing() {
    let scram = ("sasl.mechanism", "SCRAM-SHA-512");
    let iam = ("sasl.client.callback.handler.class", "software.amazon.msk.auth.iam.IAMClientCallbackHandler");
    let strimzi = (
        "sasl.login.callback.handler.class",
        "io.strimzi.kafka.oauth.client.JaasClientOauthLoginCallbackHandler",
    );
    let own_class = ("sasl.login.class", "com.example.Login");
    for (pairs, key, reason) in [
        (vec![SASL, ("sasl.mechanism", "AWS_MSK_IAM")], "sasl.mechanism", "set sasl.mechanism=SCRAM-SHA-512"),
        (vec![SASL, ("sasl.mechanism", "NTLM")], "sasl.mechanism", "must be PLAIN, SCRAM-SHA-256"),
        (vec![SASL, scram], "consumer.override.sasl.jaas.config", "must be set for this sasl.mechanism"),
        (vec![SASL, scram, (JAAS, "x")], JAAS, "control flag not specified"),
        (
            vec![SASL, scram, (JAAS, "a.ScramLoginModule required username=\"geheim\";")],
            JAAS,
            "option password is missing",
        ),
        (
            vec![SASL, scram, (JAAS, "a.Krb5LoginModule required;")],
            JAAS,
            "module Krb5LoginModule cannot be used",
        ),
        (vec![SASL, scram, (JAAS, "a.ScramLoginModule required tokenauth=true;")], JAAS, "delegation tokens"),
        (vec![SASL, scram, iam], "sasl.client.callback.handler.class", "port 9096"),
        (vec![SASL, strimzi], "sasl.login.callback.handler.class", "sasl.oauthbearer.token.endpoint.url"),
        (vec![SASL, scram, own_class], "sasl.login.class", "Java classes are not loaded"),
    ] {
        let text = error(&pairs);
        assert!(text.contains(key) && text.contains(reason), "{text}");
    }
}

#[test]
fn users_passwords_and_unsigned_tokens() {
    let scram =
        r#"org.apache.kafka.common.security.scram.ScramLoginModule required username="u" password="p";"#;
    let config = one_layer(&[SASL, ("sasl.mechanism", "scram-sha-256"), (JAAS, scram)]).unwrap();
    assert_eq!(
        (config.get("sasl.mechanism"), config.get("sasl.username")),
        (Some("SCRAM-SHA-256"), Some("u"))
    );
    let native = [SASL, ("sasl.mechanism", "PLAIN"), ("sasl.username", "u"), ("sasl.password", "p")];
    assert_eq!(one_layer(&native).unwrap().get("sasl.password"), Some("p"));
    // Without SASL the line is not even read.
    assert_eq!(one_layer(&[(JAAS, "broken")]).unwrap().get("sasl.username"), None);

    let module = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required";
    let unsecured =
        format!("{module} unsecuredLoginStringClaim_sub=\"alice\" unsecuredLoginLifetimeSeconds=\"60\";");
    let oauth = ("sasl.mechanism", "OAUTHBEARER");
    let config = one_layer(&[SASL, oauth, (JAAS, &unsecured)]).unwrap();
    assert_eq!(config.get("sasl.oauthbearer.config"), Some("lifeSeconds=60 principal=alice"));
    config.create_native_config().unwrap();
    let provider = ("sasl.oauthbearer.token.endpoint.url", "https://login.example/token");
    let secret = format!("{module} clientId=\"c\" clientSecret=\"geheim\";");
    let config = one_layer(&[SASL, oauth, provider, (JAAS, &secret)]).unwrap();
    assert!(config.get("sasl.oauthbearer.config").is_some_and(|text| text.contains("login.example")));
    for (settings, key, words) in [
        (vec![SASL, oauth, provider], JAAS, "clientId is missing"),
        (
            vec![
                SASL,
                oauth,
                ("sasl.oauthbearer.token.endpoint.url", "http://login.example"),
                (JAAS, &secret),
            ],
            "sasl.oauthbearer.token.endpoint.url",
            "use https",
        ),
        (
            vec![
                SASL,
                oauth,
                ("sasl.login.callback.handler.class", "x.OAuthBearerLoginCallbackHandler"),
                (JAAS, &secret),
            ],
            "sasl.oauthbearer.token.endpoint.url",
            "must be set",
        ),
    ] {
        let text = error(&settings);
        assert!(text.contains(&format!("consumer.override.{key}")) && text.contains(words), "{text}");
        assert!(!text.contains("geheim"), "{text}");
    }
    let azure = format!("{module} azureCredential=\"managed_identity\";");
    assert!(error(&[SASL, oauth, (JAAS, &azure)]).contains("the option scope is missing"));
}

#[test]
fn tls_settings_count_only_with_tls_and_name_their_keys() {
    let missing = ("ssl.truststore.location", "/no/such/file");
    assert!(one_layer(&[missing]).is_ok());
    let text = error(&[("security.protocol", "SSL"), missing, ("ssl.truststore.password", "geheim")]);
    assert!(
        text.contains("consumer.override.ssl.truststore.location: /no/such/file cannot be read"),
        "{text}"
    );
    let engine = ("ssl.engine.factory.class", "x.Y");
    assert!(error(&[("security.protocol", "SSL"), engine]).contains("ssl.engine.factory.class"));
    let config = one_layer(&[
        ("security.protocol", "SSL"),
        ("ssl.endpoint.identification.algorithm", ""),
        ("ssl.protocol", "TLSv1.3"),
        ("ssl.enabled.protocols", "TLSv1.2"),
        ("ssl.client.auth", "required"),
    ])
    .unwrap();
    assert_eq!(config.get("ssl.endpoint.identification.algorithm"), Some("none"));
    config.create_native_config().unwrap();
}

#[test]
fn a_client_receives_what_it_may_ask_for_and_a_broker_decides_what_it_is_sent() {
    use rdkafka::consumer::BaseConsumer;
    for (pairs, expected) in [
        (vec![], "350000000"),
        (vec![("fetch.max.bytes", "2147483135")], "2147483647"),
        (vec![("max.request.size", "1000000000")], "1000000512"),
        (vec![("receive.message.max.bytes", "90000000")], "90000000"),
    ] {
        let mut config = one_layer(&pairs).unwrap();
        assert_eq!(config.get("receive.message.max.bytes"), Some(expected), "{pairs:?}");
        let _consumer: BaseConsumer =
            config.set("bootstrap.servers", "127.0.0.1:1").set("group.id", "g").create().unwrap();
    }
    for (pairs, expected) in [(vec![], "100000000"), (vec![("max.request.size", "5000")], "5000")] {
        let mut config = one_layer(&pairs).unwrap();
        super::limit_by_the_broker(&mut config);
        assert_eq!(config.get("message.max.bytes"), Some(expected), "{pairs:?}");
    }
}

#[test]
fn errors_of_size_name_the_topics_setting_and_are_for_good() {
    use rdkafka::error::{KafkaError, RDKafkaErrorCode};
    let of = |code| Box::new(KafkaError::MessageProduction(code));
    for code in [RDKafkaErrorCode::MessageSizeTooLarge, RDKafkaErrorCode::MessageBatchTooLarge] {
        let (topic, bootstrap, operation) = ("configs".to_owned(), "b:1".to_owned(), "cannot write");
        let error = Error::Topic { topic, operation, bootstrap, source: of(code) };
        assert!(error.to_string().contains("max.message.bytes of the topic"), "{error}");
        assert!(!error.is_retriable());
    }
    let down = of(RDKafkaErrorCode::MessageTimedOut);
    let (topic, bootstrap, operation) = ("configs".to_owned(), "b:1".to_owned(), "cannot write");
    let error = Error::Topic { topic, operation, bootstrap, source: down };
    assert!(!error.to_string().contains("max.message.bytes") && error.is_retriable(), "{error}");
}

/// A worker whose settings say which layer they stand in.
fn worker() -> WorkerConfig {
    fixtures::worker(&[
        ("CONNECT_CLIENT_RACK", "top"),
        ("CONNECT_CONSUMER_METADATA_MAX_AGE_MS", "2000"),
        ("CONNECT_ADMIN_METADATA_MAX_AGE_MS", "3000"),
        ("CONNECT_PRODUCER_METADATA_MAX_AGE_MS", "4000"),
    ])
}

#[test]
fn each_kind_of_client_inherits_as_in_connect() {
    let (worker, none, age) = (worker(), Properties::new(), properties(&[("metadata.max.age.ms", "9000")]));
    let found = |config: ClientConfig| {
        ["client.rack", "metadata.max.age.ms"].map(|key| config.get(key).map(str::to_owned))
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(found(super::storage(&worker, "configs").unwrap()), [some("top"), None]);
    assert_eq!(found(super::consumer(&worker, "x", &none).unwrap()), [None, some("2000")]);
    assert_eq!(found(super::consumer(&worker, "x", &age).unwrap()), [None, some("9000")]);
    assert_eq!(found(super::admin(&worker, "a", &none).unwrap()), [some("top"), some("3000")]);
    assert_eq!(found(super::admin(&worker, "a", &age).unwrap()), [some("top"), some("9000")]);
    assert_eq!(found(super::producer(&worker, "p", &none).unwrap()), [None, some("4000")]);
    let consumer = super::consumer(&worker, "x", &properties(&[("enable.auto.commit", "true")])).unwrap();
    assert_eq!(consumer.get("enable.auto.commit"), Some("false"));
    assert_eq!(
        consumer.get("topic.metadata.refresh.interval.ms"),
        Some("2000"),
        "so late is a new topic seen"
    );
    assert_eq!(consumer.get("group.id"), Some("connect-x"));
    assert_eq!(consumer.get("isolation.level"), Some("read_uncommitted"));
}

#[test]
fn no_client_shows_the_workers_login_to_a_host_that_a_connector_names() {
    let login = [
        ("security.protocol", "SASL_SSL"),
        ("sasl.mechanism", "PLAIN"),
        (JAAS, PLAIN),
        ("bootstrap.servers", "own:9093"),
    ];
    let worker = WorkerConfig {
        client: properties(&login),
        consumer: properties(&login),
        producer: properties(&login),
        ..worker()
    };
    let made = |own: &[(&str, &str)]| {
        let own = properties(own);
        [
            super::consumer(&worker, "x", &own),
            super::producer(&worker, "x", &own),
            super::admin(&worker, "x", &own),
        ]
    };
    for client in made(&[("bootstrap.servers", "evil:9093")]) {
        let text = client.unwrap_err().to_string();
        assert!(text.contains(".override.bootstrap.servers") && !text.contains("p\"q"), "{text}");
    }
    for client in made(&[("bootstrap.servers", "own:9093")]) {
        client.unwrap();
    }
    let own = properties(&[
        ("bootstrap.servers", "evil:9093"),
        ("security.protocol", "SASL_SSL"),
        ("sasl.mechanism", "OAUTHBEARER"),
        (
            JAAS,
            "x.OAuthBearerLoginModule required azureCredential=\"managed_identity\" \
             scope=\"https://management.azure.com/.default\";",
        ),
    ]);
    let text = super::own(&worker, "x", "misc.deadletterqueue.", &own).unwrap_err().to_string();
    assert!(text.contains("misc.deadletterqueue.bootstrap.servers"), "{text}");
}

#[test]
fn librdkafkas_own_ways_around_are_refused() {
    // What its callbacks are to know also carries where we get tokens from.
    for key in [
        "metadata.broker.list",
        "sasl.oauthbearer.config",
        "sasl.oauthbearer.method",
        "sasl.oauthbearer.metadata.authentication.type",
    ] {
        let text = error(&[(key, "geheim")]);
        assert!(text.contains(&format!("consumer.override.{key}")), "{text}");
    }
    // None of these gets to librdkafka, which would read the files.
    for key in ["sasl.oauthbearer.assertion.file", "sasl.oauthbearer.assertion.jwt.template.file"] {
        let oauth = [("security.protocol", "SASL_SSL"), ("sasl.mechanism", "OAUTHBEARER"), (key, "/geheim")];
        assert_eq!(one_layer(&oauth).unwrap().get(key), None);
        let endpoint = [&oauth[..], &[("sasl.oauthbearer.token.endpoint.url", "https://h/token")]].concat();
        assert!(error(&endpoint).contains(&format!("consumer.override.{key}")));
        assert_eq!(one_layer(&[(key, "/geheim")]).unwrap().get(key), None);
    }
    for key in ["ssl.ca.location", "ssl.key.location", "ssl.certificate.location", "ssl.crl.location"] {
        let text = error(&[("security.protocol", "SSL"), (key, "/dev/zero")]);
        assert!(
            text.contains(&format!("consumer.override.{key}")) && text.contains("regular file"),
            "{text}"
        );
    }
}
