//! Settings of registries: what is taken, and what is said about the rest.

use super::{Credentials, Protocol, RegistryConfig};
use crate::configdef::{Classes, Problems, Properties, Values};
use crate::convert::{ConverterRow, avro, connect_json, json};
use crate::plugins::BUILT_IN;

/// As a connector that names this converter of values is told, beside what its table of keys says.
fn read(row: &ConverterRow, settings: &[(&str, &str)]) -> (Option<RegistryConfig>, Vec<String>) {
    let prefix = "value.converter.";
    let written: Properties =
        settings.iter().map(|(key, value)| (format!("{prefix}{key}"), (*value).to_owned())).collect();
    let raw = written.iter().map(|(key, value)| (key.clone(), Some(value.clone()))).collect();
    let mut problems = Problems::default();
    let checked = BUILT_IN.check_converter("value", row.class, &raw, &mut problems);
    let registry = row.registry.filter(|_| problems.0.is_empty());
    let config = registry.and_then(|kind| {
        RegistryConfig::read(kind, &Values::at(prefix, &checked, &written), &mut Problems::default())
    });
    (config, problems.0.into_iter().map(|problem| problem.message).collect())
}

fn basic(settings: &[(&str, &str)]) -> (String, String, String) {
    let mut all = vec![("schema.registry.url", "http://ann:a%2Bb%40@one:8081/, https://two")];
    all.extend(settings);
    let (config, problems) = read(&avro::CONFLUENT, &all);
    let config = config.unwrap_or_else(|| panic!("{problems:?}"));
    let urls: Vec<_> = config.urls.iter().map(ToString::to_string).collect();
    assert_eq!(urls, ["http://one:8081/", "https://two/"]);
    match config.credentials {
        Credentials::Basic { user, password, key } => (user, password.expose().to_owned(), key),
        other => panic!("{other:?}"),
    }
}

#[test]
fn user_and_password_come_from_each_source() {
    let of = |user: &str, password: &str, key: &str| {
        (user.to_owned(), password.to_owned(), format!("value.converter.{key}"))
    };
    assert_eq!(basic(&[]), of("ann", "a+b@", "schema.registry.url"));
    let info = ("basic.auth.user.info", "bob:p:w");
    assert_eq!(basic(&[info]), of("bob", "p:w", "basic.auth.user.info"));
    let long = ("schema.registry.basic.auth.user.info", "bob:pw");
    assert_eq!(basic(&[long]), of("bob", "pw", "basic.auth.user.info"));
    assert_eq!(
        basic(&[info, ("basic.auth.credentials.source", "url")]),
        of("ann", "a+b@", "schema.registry.url")
    );
    let jaas = ("sasl.jaas.config", "a.b.PlainLoginModule required username=\"sam\" password=\"pw\";");
    assert_eq!(
        basic(&[jaas, ("basic.auth.credentials.source", "SASL_INHERIT")]),
        of("sam", "pw", "sasl.jaas.config")
    );
}

#[test]
fn an_oauth_client_needs_all_of_its_keys() {
    let url = ("schema.registry.url", "http://one");
    let source = ("bearer.auth.credentials.source", "OAUTHBEARER");
    let (config, problems) = read(&avro::CONFLUENT, &[url, source, ("bearer.auth.client.id", "c")]);
    assert!(config.is_none());
    let keys = ["bearer.auth.issuer.endpoint.url", "bearer.auth.client.secret"];
    assert_eq!(problems.len(), keys.len());
    assert!(problems.iter().zip(keys).all(|(problem, key)| problem.contains(key)), "{problems:?}");
    let (config, _) = read(
        &avro::CONFLUENT,
        &[
            url,
            source,
            ("bearer.auth.client.id", "c"),
            ("bearer.auth.client.secret", "s3cret"),
            ("bearer.auth.issuer.endpoint.url", "https://login/token"),
            ("bearer.auth.logical.cluster", "lsrc-1"),
        ],
    );
    let config = config.unwrap();
    assert!(!format!("{config:?}").contains("s3cret"));
    let Credentials::OAuth(oauth) = config.credentials else { panic!("no OAuth") };
    assert_eq!(oauth.headers, [("target-sr-cluster", "lsrc-1".to_owned())]);
}

#[test]
fn what_is_wrong_names_its_key_and_repeats_no_secret() {
    let url = ("schema.registry.url", "http://one");
    let cases: [(&[(&str, &str)], &str); 7] = [
        (&[("schema.registry.url", " , ")], "value.converter.schema.registry.url"),
        (
            &[("schema.registry.url", "http://u:s3cret@one, ftp://u:s3cret@two")],
            "value.converter.schema.registry.url",
        ),
        (&[url, ("basic.auth.user.info", "s3cret")], "value.converter.basic.auth.user.info"),
        (
            &[
                url,
                ("basic.auth.credentials.source", "URL"),
                ("bearer.auth.credentials.source", "STATIC_TOKEN"),
            ],
            "only one of it",
        ),
        (&[url, ("bearer.auth.credentials.source", "CUSTOM")], "STATIC_TOKEN or OAUTHBEARER"),
        (&[url, ("proxy.host", "proxy")], "value.converter.proxy.port"),
        (
            &[url, ("basic.auth.credentials.source", "SASL_INHERIT"), ("sasl.jaas.config", "s3cret")],
            "sasl.jaas.config",
        ),
    ];
    for (settings, words) in cases {
        let (config, problems) = read(&avro::CONFLUENT, settings);
        assert!(config.is_none(), "{words}");
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].contains(words) && !problems[0].contains("s3cret"), "{problems:?}");
    }
}

#[test]
fn apicurio_is_asked_by_its_own_keys() {
    let (config, problems) = read(
        &avro::APICURIO,
        &[
            ("apicurio.registry.url", "http://one/apis/registry/v2"),
            ("apicurio.registry.use-id", "contentId"),
            ("apicurio.auth.username", "ann"),
            ("apicurio.auth.password", "pw"),
        ],
    );
    let config = config.unwrap_or_else(|| panic!("{problems:?}"));
    assert_eq!(config.protocol, Protocol::ApicurioContentId);
    assert!(matches!(config.credentials, Credentials::Basic { .. }));
    let by_content = [("apicurio.registry.url", "http://one"), ("apicurio.registry.use-id", "contentId")];
    let json = read(&connect_json::ROW, &by_content).0.map(|config| config.protocol);
    assert_eq!(json, Some(Protocol::ApicurioGlobalId), "it writes no other id");
    let (_, problems) =
        read(&avro::APICURIO, &[("apicurio.registry.url", "http://one"), ("apicurio.auth.username", "a")]);
    assert!(problems[0].contains("value.converter.apicurio.auth.password"), "{problems:?}");
    assert!(read(&json::ROW, &[]).0.is_none());
}
