//! The users of the basic auth extension: a properties file of names and passwords, found by a JAAS file as in Java, or
//! named directly by a setting of ours.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use openssl::memcmp;
use openssl::sha::sha256;

use crate::config::{files, jaas, properties};
use crate::configdef::{Problems, Values};
use crate::secret::Secret;

const EXTENSIONS: &str = "rest.extension.classes";
const EXTENSION: &str = "org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension";
const USERS_FILE: &str = "rest.basic.auth.users.file";
const SECTION: &str = "KafkaConnect";
const MODULE: &str = "PropertyFileLoginModule";

/// Who may call REST.
pub struct Users(Vec<User>);

/// The hashes of a name and a password: hashes have one length, and how many bytes of them agree tells nothing.
struct User {
    name: [u8; 32],
    password: [u8; 32],
}

impl User {
    fn new(name: &str, password: &Secret) -> Self {
        Self { name: sha256(name.as_bytes()), password: sha256(password.expose().as_bytes()) }
    }
}

impl fmt::Debug for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} users", self.0.len())
    }
}

impl Users {
    /// True when these credentials are those of a user, or when there are no users at all (then anyone may call, with
    /// or without credentials, as in Connect). How long it takes says neither which names there are nor how much of a
    /// password was right: all users are compared, and both of their texts.
    pub fn admit(&self, credentials: Option<(&str, &Secret)>) -> bool {
        if self.0.is_empty() {
            return true;
        }
        let Some((name, password)) = credentials else { return false };
        let given = User::new(name, password);
        self.0.iter().fold(false, |found, user| {
            found | (memcmp::eq(&user.name, &given.name) & memcmp::eq(&user.password, &given.password))
        })
    }
}

/// The users, when the extension is on.
pub(super) fn read(
    values: &Values<'_>,
    env: &BTreeMap<String, String>,
    problems: &mut Problems,
) -> Option<Arc<Users>> {
    let classes: Vec<_> = values.list(EXTENSIONS).iter().filter(|class| !class.is_empty()).collect();
    for class in classes.iter().filter(|class| class.as_str() != EXTENSION) {
        problems.invalid(
            EXTENSIONS,
            class,
            &format!("Java classes are not loaded; only {EXTENSION} is built in"),
        );
    }
    if !classes.iter().any(|class| class.as_str() == EXTENSION) {
        return None;
    }
    let users = load(values.filled(USERS_FILE), env);
    users.map_err(|reason| problems.add(EXTENSIONS, format!("{EXTENSIONS}: {reason}"))).map(Arc::new).ok()
}

fn load(users_file: Option<&str>, env: &BTreeMap<String, String>) -> Result<Users, String> {
    let file = match users_file {
        Some(file) => file.to_owned(),
        None => from_jaas(env)?,
    };
    let text = text_of(&file)?;
    let entries = properties::parse(&text).map_err(|error| format!("file {file}, {error}"))?;
    if entries.is_empty() {
        tracing::warn!(file, "the file of REST's users is empty: every request is allowed");
    }
    Ok(Users(
        entries.iter().map(|(name, password)| User::new(name, &Secret::new(password.as_str()))).collect(),
    ))
}

/// The users' file that the JAAS file of the environment names.
fn from_jaas(env: &BTreeMap<String, String>) -> Result<String, String> {
    let option = jaas::FILE_OPTION;
    let Some(jaas_file) = jaas::jvm_option(env, option) else {
        return Err(format!(
            "basic auth needs its users: set {USERS_FILE}, or {option}FILE in the environment variable KAFKA_OPTS"
        ));
    };
    let entries = jaas::section(&text_of(jaas_file)?, SECTION)
        .map_err(|reason| format!("file {jaas_file}: {reason}"))?
        .ok_or_else(|| format!("file {jaas_file} has no section {SECTION}"))?;
    let [entry] = entries.as_slice() else {
        return Err(format!("file {jaas_file}: section {SECTION} must have exactly one login module"));
    };
    if entry.simple_name() != MODULE {
        return Err(format!(
            "file {jaas_file}: the login module {} is not built in; use {MODULE}",
            entry.module
        ));
    }
    let file = entry.option("file").filter(|file| !file.trim().is_empty());
    file.map(str::to_owned).ok_or_else(|| format!("file {jaas_file}: {MODULE} needs the option file"))
}

fn text_of(file: &str) -> Result<String, String> {
    let bytes =
        files::read(Path::new(file)).map_err(|reason| format!("file {file} cannot be read: {reason}"))?;
    Ok(properties::decode(bytes))
}

#[cfg(test)]
mod tests {
    use super::load;
    use crate::config::jaas::FILE_OPTION;
    use crate::secret::Secret;
    use std::collections::BTreeMap;

    fn write(folder: &tempfile::TempDir, name: &str, text: &str) -> String {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn options(jaas_file: &str) -> BTreeMap<String, String> {
        BTreeMap::from([("KAFKA_OPTS".to_owned(), format!("-Xmx1g \"{FILE_OPTION}{jaas_file}\" -Dx=y"))])
    }

    #[test]
    fn users_are_found_by_the_jaas_file_or_the_setting() {
        let folder = tempfile::tempdir().unwrap();
        let users = write(&folder, "users", "alice=geheim\nbob=b\n");
        let class = "org.apache.kafka.connect.rest.basic.auth.extension.PropertyFileLoginModule";
        let jaas =
            write(&folder, "jaas", &format!("KafkaConnect {{\n {class} required\n file=\"{users}\";\n}};\n"));
        for found in [load(None, &options(&jaas)), load(Some(&users), &BTreeMap::new())] {
            let found = found.unwrap();
            let admitted = |name: &str, password: &str| found.admit(Some((name, &Secret::new(password))));
            assert!(admitted("alice", "geheim") && admitted("bob", "b"));
            assert!(!admitted("alice", "b") && !admitted("carol", "geheim") && !admitted("alice", ""));
            assert!(!found.admit(None));
            assert_eq!(format!("{found:?}"), "2 users");
        }
    }

    #[test]
    fn an_empty_file_lets_everyone_in_and_a_missing_one_nobody_start() {
        let folder = tempfile::tempdir().unwrap();
        let empty = write(&folder, "empty", "# nobody\n");
        assert!(load(Some(&empty), &BTreeMap::new()).unwrap().admit(None));
        for (jaas, expected) in [
            ("", "has no section KafkaConnect"),
            ("KafkaConnect { a.Ldap required; };", "the login module a.Ldap is not built in"),
            ("KafkaConnect { x.PropertyFileLoginModule required; };", "needs the option file"),
            (
                "KafkaConnect { x.PropertyFileLoginModule required file=\"/no/such\"; };",
                "/no/such cannot be read",
            ),
            ("KafkaConnect { a.B required; c.D required; };", "exactly one login module"),
        ] {
            let jaas = write(&folder, "jaas", jaas);
            let error = load(None, &options(&jaas)).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
        assert!(load(None, &BTreeMap::new()).unwrap_err().contains("rest.basic.auth.users.file"));
    }
}
