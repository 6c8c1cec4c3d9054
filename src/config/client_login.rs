//! The login of Kafka clients in a JAAS file: section `KafkaClient` of the file that the JVM's option
//! `java.security.auth.login.config` names, as Java takes it where no `sasl.jaas.config` is written.
//!
//! Reads that file once, at the start. What is wrong with it is a warning: only clients that sign in need it, and they
//! say what they lack.

use std::collections::BTreeMap;
use std::path::Path;

use super::{files, jaas, properties};
use crate::configdef::Properties;

const JAAS: &str = "sasl.jaas.config";
const SECTION: &str = "KafkaClient";
/// Java's name for what MIT Kerberos finds in its own variable.
const KRB5_OPTION: &str = "-Djava.security.krb5.conf=";
const KRB5_VARIABLE: &str = "KRB5_CONFIG";

/// Gives the login to those of these clients that have none; returns what to warn of.
pub(super) fn fill<const N: usize>(
    env: &BTreeMap<String, String>,
    clients: [&mut Properties; N],
) -> Vec<String> {
    let mut warnings = Vec::new();
    if let Some(file) = jaas::jvm_option(env, KRB5_OPTION)
        && env.get(KRB5_VARIABLE).is_none_or(|other| other != file)
    {
        warnings.push(format!(
            "java.security.krb5.conf in KAFKA_OPTS has no effect: set the environment variable {KRB5_VARIABLE}={file}"
        ));
    }
    let Some(file) = jaas::jvm_option(env, jaas::FILE_OPTION) else { return warnings };
    match line_of(file) {
        Ok(Some(line)) => {
            for client in clients {
                let is_set = |key: &str| client.get(key).is_some_and(|value| !value.trim().is_empty());
                if !is_set(JAAS) && !is_set("sasl.username") {
                    client.insert(JAAS.to_owned(), line.clone());
                }
            }
        }
        Ok(None) => {}
        Err(reason) => {
            warnings.push(format!("KAFKA_OPTS: file {file} {reason}: {JAAS} is not set by it"));
        }
    }
    warnings
}

/// The section, as `sasl.jaas.config` has it; none when the file has no such section.
fn line_of(file: &str) -> Result<Option<String>, String> {
    let bytes = files::read(Path::new(file)).map_err(|reason| format!("cannot be read ({reason})"))?;
    match jaas::section(&properties::decode(bytes), SECTION)?.as_deref() {
        None => Ok(None),
        Some([entry]) => Ok(Some(entry.line())),
        Some(_) => Err(format!("must have exactly one login module in its section {SECTION}")),
    }
}

#[cfg(test)]
mod tests {
    use crate::config::WorkerConfig;
    use crate::config::jaas::{self, login_entry};
    use crate::configdef::Properties;
    use crate::plugins::BUILT_IN;

    fn worker(options: &str, more: &[(&str, &str)]) -> WorkerConfig {
        let env = [
            ("CONFIG_STORAGE_TOPIC", "c"),
            ("OFFSET_STORAGE_TOPIC", "o"),
            ("GROUP_ID", "g"),
            ("KAFKA_OPTS", options),
        ];
        let all = env.iter().chain(more).map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        WorkerConfig::load(&BUILT_IN, None, all.collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn clients_without_a_login_have_that_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("jaas");
        let entry =
            "com.sun.security.auth.module.Krb5LoginModule required keyTab=\"/a \\\"b\\\\\" principal='x';";
        std::fs::write(&file, format!("Client {{ a.B required; }};\nKafkaClient {{\n {entry}\n}};\n"))
            .unwrap();
        let options = format!("-Xmx1g {}{} -Dx=y", jaas::FILE_OPTION, file.display());
        let found = |properties: &Properties| {
            properties.get("sasl.jaas.config").map(|line| login_entry(line).unwrap())
        };
        let expected = login_entry(entry).unwrap();
        let config = worker(&options, &[("CONNECT_PRODUCER_SASL_JAAS_CONFIG", "x.Own required;")]);
        assert_eq!(found(&config.client), Some(expected.clone()));
        assert_eq!(found(&config.consumer), Some(expected));
        assert_eq!(found(&config.producer).unwrap().module, "x.Own");
        assert_eq!(found(&config.admin), None);
        assert_eq!(config.warnings, Vec::<String>::new());
        assert_eq!(found(&worker("-Xmx1g", &[]).client), None);
    }

    #[test]
    fn what_cannot_be_used_is_a_warning_without_a_value() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("jaas");
        let options = format!("{}{} -Djava.security.krb5.conf=/etc/k", jaas::FILE_OPTION, file.display());
        let krb5 = "set the environment variable KRB5_CONFIG=/etc/k";
        for (text, expected) in [
            (None, "cannot be read"),
            (Some("KafkaClient { a.B required; c.D required; };"), "exactly one login module"),
            (Some("KafkaClient { a.B required password=\"geheim\" }"), "not terminated by semi-colon"),
        ] {
            if let Some(text) = text {
                std::fs::write(&file, text).unwrap();
            }
            let warnings = worker(&options, &[]).warnings;
            assert_eq!(warnings.len(), 2, "{warnings:?}");
            assert!(warnings[0].contains(krb5) && warnings[1].contains(expected), "{warnings:?}");
            assert!(!warnings[1].contains("geheim"), "{warnings:?}");
        }
        std::fs::write(&file, "Other { a.B required; };").unwrap();
        assert_eq!(worker(&options, &[("KRB5_CONFIG", "/etc/k")]).warnings, Vec::<String>::new());
    }
}
