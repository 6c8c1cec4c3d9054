//! What the sink itself needs: credentials, a proxy, and how much is asked about its tables.

use super::*;
use crate::kusto::signin::azure_cli::AzureCli;
use crate::plugins::BUILT_IN;

#[test]
fn credentials_are_complete_or_the_missing_key_is_named() {
    let cloud = "https://c.kusto.windows.net";
    let base = [("kusto.ingestion.url", Some(cloud)), ("kusto.query.url", Some(cloud))];
    let with = |more: &[(&'static str, Option<&'static str>)]| storm_errors(&[&base[..], more].concat());
    let missing = |key: &str, strategy: &str| {
        format!("Missing configuration \"{key}\", which aad.auth.strategy={strategy} needs.")
    };
    let both = [missing("aad.auth.appkey", "APPLICATION"), missing("aad.auth.appid", "APPLICATION")];
    assert_eq!(with(&[]), both);
    assert_eq!(with(&[("aad.auth.appid", Some("a")), ("aad.auth.appkey", Some(" "))]), both[..1]);
    let token = [("aad.auth.strategy", Some("az_dev_token"))];
    assert_eq!(with(&token), [missing("aad.auth.accesstoken", "AZ_DEV_TOKEN")]);
    assert!(with(&[("aad.auth.strategy", Some("managed_identity"))]).is_empty());
    assert!(with(&[("aad.auth.strategy", Some("WORKLOAD_IDENTITY"))]).is_empty());
    // On this machine none are needed, but half of them is a mistake.
    assert_eq!(storm_errors(&[("aad.auth.appid", Some("a"))]), [missing("aad.auth.appkey", "APPLICATION")]);
}

#[test]
fn a_proxy_needs_its_port_and_must_be_on_this_machine_for_plain_http() {
    let cloud = "https://c.kusto.windows.net";
    let with = |host: &str, port: &str, more: &[(&'static str, Option<&'static str>)]| {
        storm_errors(&[&[("proxy.host", Some(host)), ("proxy.port", Some(port))], more].concat())
    };
    let safe = [
        ("kusto.ingestion.url", Some(cloud)),
        ("kusto.query.url", Some(cloud)),
        ("aad.auth.strategy", Some("MANAGED_IDENTITY")),
    ];
    assert!(with("proxy.corp", "3128", &safe).is_empty());
    assert!(with("", "3128", &safe).is_empty(), "a port alone means nothing");
    for port in ["-1", "0", "65536"] {
        let errors = with("proxy.corp", port, &safe);
        assert!(errors.len() == 1 && errors[0].contains("proxy.port"), "{errors:?}");
    }
    let errors = with("http://proxy.corp", "3128", &safe);
    assert!(errors.len() == 1 && errors[0].contains("without http://"), "{errors:?}");
    let errors = with("proxy.corp", "3128", &[]);
    assert!(errors.len() == 1 && errors[0].contains("plain http"), "{errors:?}");
    assert!(with("localhost", "3128", &[]).is_empty());
}

#[test]
fn a_certificate_is_read_when_the_settings_are() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("none.pem");
    let path: &'static str = file.to_str().unwrap().to_owned().leak();
    let base = [("aad.auth.appid", Some("a")), ("aad.auth.certificate.path", Some(path))];
    let with = |more: &[(&'static str, Option<&'static str>)]| storm_errors(&[&base[..], more].concat());
    let errors = with(&[]);
    assert!(errors.len() == 1 && errors[0].contains("none.pem cannot be read"), "{errors:?}");
    std::fs::write(&file, "-----BEGIN NOTHING-----").unwrap();
    let errors = with(&[("aad.auth.appkey", Some("k")), ("aad.auth.appid", None)]);
    for part in ["\"aad.auth.appid\"", "not both", "no certificate in PEM format"] {
        assert!(errors.iter().any(|error| error.contains(part)), "{part} in {errors:?}");
    }
    let cloud = Some("https://c.kusto.windows.net");
    let urls = [("kusto.ingestion.url", cloud), ("kusto.query.url", cloud)];
    let cli =
        [&urls[..], &[("aad.auth.strategy", Some("az_cli")), ("aad.auth.authority", Some("t"))]].concat();
    let cli = BUILT_IN.parse(&storm(&cli), &worker()).unwrap();
    let sign_in: &dyn std::any::Any = &*kusto_of(&cli).sign_in;
    assert_eq!(sign_in.downcast_ref(), Some(&AzureCli { tenant: Some("t".to_owned()) }));
}

#[test]
fn tables_are_looked_at_as_far_as_was_asked_for() {
    let allowed = [
        ("behavior.on.error", Some("LOG")),
        ("kusto.validation.table.enable", Some("false")),
        ("errors.tolerance", Some("all")),
        ("errors.deadletterqueue.topic.name", Some("dlq")),
        ("key.converter", Some("LongConverter")),
    ];
    assert!(storm_errors(&allowed).is_empty());
    let target_check = |changes| kusto_of(&BUILT_IN.parse(&storm(changes), &worker()).unwrap()).target_check;
    assert_eq!(target_check(&allowed), TargetCheck::Off);
    assert_eq!(target_check(&[("kusto.validation.table.enable", Some("true"))]), TargetCheck::Thorough);
}
