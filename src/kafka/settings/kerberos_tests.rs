//! Kerberos logins as users of Java clients write them: what librdkafka and the shell get, and what is refused.

use std::path::Path;

use rdkafka::ClientConfig;

use super::kerberos::{self, Login};
use super::{Error, Layer, merged};
use crate::config::jaas::login_entry;
use crate::configdef::Properties;

const MODULE: &str = "com.sun.security.auth.module.Krb5LoginModule required";

fn properties(pairs: &[(&str, &str)]) -> Properties {
    pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

/// The settings of a client whose JAAS line has these options.
fn applied(options: &str, more: &[(&str, &str)]) -> Result<ClientConfig, Error> {
    let line = format!("{MODULE} {options};");
    let mut all = properties(more);
    all.insert("sasl.jaas.config".to_owned(), line.clone());
    let settings = merged(&[Layer { prefix: "consumer.override.", properties: &all }]);
    let mut config = ClientConfig::new();
    kerberos::apply(&settings, Some(&login_entry(&line).unwrap()), &mut config)?;
    Ok(config)
}

/// A file that begins as a key table does.
fn key_table(folder: &Path) -> String {
    let path = folder.join("it's no name.keytab");
    std::fs::write(&path, [5, 2, 0]).unwrap();
    let plain = folder.join("connect $(id) \"x\" %{y}.keytab");
    std::fs::rename(path, &plain).unwrap();
    plain.to_str().unwrap().to_owned()
}

#[test]
fn a_key_table_is_for_kinit_and_its_values_stay_between_quotes() {
    let folder = tempfile::tempdir().unwrap();
    let keytab = key_table(folder.path());
    let escaped = keytab.replace('"', "\\\"");
    let options = format!(
        "useKeyTab=true storeKey=true doNotPrompt=true keyTab=\"{escaped}\" principal=\"connect/h.x$y@EX.COM\" \
         serviceName=\"kafka\""
    );
    for (more, kinit, relogin) in [
        (&[][..], "kinit", None),
        (
            &[
                ("sasl.kerberos.kinit.cmd", "/usr/bin/kinit"),
                ("sasl.kerberos.service.name", "kafka"),
                ("sasl.kerberos.min.time.before.relogin", "1"),
                ("sasl.kerberos.ticket.renew.jitter", "0.05"),
            ],
            "/usr/bin/kinit",
            Some("10000"),
        ),
        (&[("sasl.kerberos.min.time.before.relogin", "0")], "kinit", Some("0")),
        (&[("sasl.kerberos.min.time.before.relogin", "999999999999")], "kinit", Some("86400000")),
    ] {
        let config = applied(&options, more).unwrap();
        let line = format!("{kinit} -k -t '%{{sasl.kerberos.keytab}}' '%{{sasl.kerberos.principal}}'");
        assert_eq!(config.get("sasl.kerberos.kinit.cmd"), Some(line.as_str()));
        assert_eq!(config.get("sasl.kerberos.keytab"), Some(keytab.as_str()));
        assert_eq!(config.get("sasl.kerberos.principal"), Some("connect/h.x$y@EX.COM"));
        assert_eq!(config.get("sasl.kerberos.service.name"), Some("kafka"));
        assert_eq!(config.get("sasl.kerberos.min.time.before.relogin"), relogin);
    }
}

#[test]
fn a_ticket_cache_is_renewed() {
    let config =
        applied("useTicketCache=true renewTGT=true", &[("sasl.kerberos.service.name", "kafka")]).unwrap();
    assert_eq!(config.get("sasl.kerberos.kinit.cmd"), Some("kinit -R"));
    assert_eq!((config.get("sasl.kerberos.keytab"), config.get("sasl.kerberos.principal")), (None, None));
}

#[test]
fn what_is_wrong_names_the_key_and_the_option_and_repeats_no_value() {
    let folder = tempfile::tempdir().unwrap();
    let keytab = key_table(folder.path()).replace('"', "\\\"");
    let no_table = folder.path().join("geheim");
    std::fs::write(&no_table, "hello").unwrap();
    let with =
        |keytab: &str| format!("useKeyTab=true keyTab=\"{keytab}\" principal=\"geheim\" serviceName=k");
    let good = with(&keytab);
    for (options, more, key, expected) in [
        ("useKeyTab=true principal=geheim".to_owned(), None, "jaas.config", "keyTab is missing"),
        ("useKeyTab=true keyTab=\"/geheim\"".to_owned(), None, "jaas.config", "principal is missing"),
        ("keyTab=\"/geheim\" principal=geheim".to_owned(), None, "jaas.config", "useKeyTab=true"),
        ("useTicketCache=true ticketCache=\"/geheim\"".to_owned(), None, "jaas.config", "KRB5CCNAME"),
        (
            "useTicketCache=true useKeytab=\"geheim\"".to_owned(),
            None,
            "jaas.config",
            "option useKeytab is not",
        ),
        ("useTicketCache=true".to_owned(), None, "kerberos.service.name", "mostly kafka"),
        (with("geheim"), None, "jaas.config", "keyTab must be an absolute path"),
        (with("/no/such/geheim"), None, "jaas.config", "(keyTab) cannot be read: there is no such file"),
        (with(no_table.to_str().unwrap()), None, "jaas.config", "no key table"),
        (with("/geheim'; id; '"), None, "jaas.config", "single quote"),
        (with("/gehe\\nim"), None, "jaas.config", "control character"),
        (good.replace("\"geheim\"", "\"-Vgeheim\""), None, "jaas.config", "dash"),
        (good.replace("\"geheim\"", "\"geheim' || id '\""), None, "jaas.config", "single quote"),
        (
            good.clone(),
            Some(("sasl.kerberos.service.name", "geheim")),
            "kerberos.service.name",
            "another serviceName",
        ),
        (
            good.clone(),
            Some(("sasl.kerberos.kinit.cmd", "kinit -R; geheim")),
            "kerberos.kinit.cmd",
            "without arguments",
        ),
        (
            good.clone(),
            Some(("sasl.kerberos.kinit.cmd", "%{geheim}")),
            "kerberos.kinit.cmd",
            "without arguments",
        ),
        (
            good.clone(),
            Some(("sasl.kerberos.min.time.before.relogin", "geheim")),
            "before.relogin",
            "whole number",
        ),
    ] {
        let text = applied(&options, more.as_slice()).unwrap_err().to_string();
        assert!(
            text.contains(key) && text.contains(expected) && !text.contains("geheim"),
            "{options}: {text}"
        );
    }
}

#[test]
fn logins_are_the_same_when_the_person_and_the_program_are() {
    let login = |options: &str, kinit: &str| {
        let all = properties(&[("sasl.kerberos.kinit.cmd", kinit)]);
        let settings = merged(&[Layer { prefix: "", properties: &all }]);
        Login::read(&settings, Some(&login_entry(&format!("{MODULE} {options};")).unwrap())).unwrap()
    };
    let keys = "useKeyTab=true keyTab=\"/k\" principal=p";
    assert_eq!(login(keys, "kinit"), login(&format!("storeKey=true {keys}"), " kinit "));
    for other in [keys.replace("/k", "/l"), keys.replace("=p", "=q"), "useTicketCache=true".to_owned()] {
        assert_ne!(login(keys, "kinit"), login(&other, "kinit"));
    }
    assert_ne!(login(keys, "kinit"), login(keys, "/opt/kinit"));
}

#[cfg(not(feature = "gssapi"))]
mod without {
    use super::super::client_config;
    use super::{Layer, properties};
    use crate::config::ClientKind;

    #[test]
    fn a_build_without_kerberos_refuses_it_and_says_how_to_build_it() {
        let sasl = ("security.protocol", "SASL_PLAINTEXT");
        for (pairs, expected) in [
            (vec![sasl], "its default is GSSAPI. Kerberos is not built in"),
            (vec![sasl, ("sasl.mechanism", "GSSAPI")], "cargo build --release --features gssapi"),
        ] {
            let all = properties(&pairs);
            let error = client_config(
                ClientKind::Consumer,
                &[],
                &[Layer { prefix: "consumer.override.", properties: &all }],
            );
            let text = error.unwrap_err().to_string();
            assert!(text.contains("consumer.override.sasl.mechanism") && text.contains(expected), "{text}");
        }
    }
}

#[cfg(feature = "gssapi")]
mod with {
    use super::super::{admin, consumer, own, producer, storage};
    use super::{MODULE, key_table, properties};
    use crate::config::{WorkerConfig, fixtures};
    use crate::configdef::Properties;

    fn sign_in(options: &str) -> Properties {
        let line = format!("{MODULE} {options};");
        properties(&[
            ("security.protocol", "SASL_PLAINTEXT"),
            ("sasl.jaas.config", &line),
            ("sasl.kerberos.service.name", "kafka"),
        ])
    }

    fn worker() -> WorkerConfig {
        fixtures::worker(&[])
    }

    #[test]
    fn all_clients_of_a_worker_have_one_login_and_no_connector_brings_another() {
        let folder = tempfile::tempdir().unwrap();
        let keytab = key_table(folder.path()).replace('"', "\\\"");
        let options = format!("useKeyTab=true keyTab=\"{keytab}\" principal=alice");
        let (alice, bob) = (sign_in(&options), sign_in(&options.replace("alice", "bob")));
        let mut program = alice.clone();
        program.insert("sasl.kerberos.kinit.cmd".to_owned(), "/tmp/evil".to_owned());
        let none = Properties::new();

        // Nobody but the connector has one.
        let text = consumer(&worker(), "x", &alice).unwrap_err().to_string();
        assert!(text.contains("consumer.override.sasl.jaas.config: a connector cannot bring"), "{text}");

        let all = WorkerConfig { client: alice.clone(), consumer: alice.clone(), ..worker() };
        let made = [
            storage(&all, "configs"),
            consumer(&all, "x", &none),
            consumer(&all, "x", &alice),
            admin(&all, "x", &none),
            producer(&all, "x", &alice),
            own(&all, "x", "misc.deadletterqueue.", &alice),
        ];
        for config in made {
            let config = config.unwrap();
            assert_eq!(config.get("sasl.kerberos.principal"), Some("alice"));
            config.create_native_config().unwrap();
        }
        for (what, refused) in [
            ("consumer.override.sasl.jaas.config", consumer(&all, "x", &bob)),
            ("consumer.override.sasl.jaas.config", consumer(&all, "x", &program)),
            ("producer.override.sasl.jaas.config", producer(&all, "x", &bob)),
            ("admin.override.sasl.jaas.config", admin(&all, "x", &bob)),
            ("misc.deadletterqueue.sasl.jaas.config", own(&all, "x", "misc.deadletterqueue.", &bob)),
        ] {
            let text = refused.unwrap_err().to_string();
            assert!(text.contains(what) && text.contains("one Kerberos login"), "{text}");
        }
        let kinit = properties(&[("sasl.kerberos.kinit.cmd", "/tmp/evil")]);
        let text = consumer(&all, "x", &kinit).unwrap_err().to_string();
        assert!(text.contains("consumer.override.sasl.kerberos.kinit.cmd"), "{text}");
        let mixed = WorkerConfig { consumer: bob, ..all };
        let text = consumer(&mixed, "x", &none).unwrap_err().to_string();
        assert!(text.contains("setting consumer.sasl.jaas.config: a worker has one"), "{text}");
    }

    #[test]
    fn consumers_ask_for_tickets_only_when_nobody_else_of_the_worker_does() {
        let alice = sign_in("useTicketCache=true");
        let period = |worker: &WorkerConfig| {
            let config = consumer(worker, "x", &Properties::new()).unwrap();
            config.get("sasl.kerberos.min.time.before.relogin").map(str::to_owned)
        };
        let alone = WorkerConfig { consumer: alice.clone(), ..worker() };
        assert_eq!(period(&alone), None, "librdkafka's own");
        assert_eq!(period(&WorkerConfig { client: alice, ..alone }), Some("0".to_owned()));
    }
}
