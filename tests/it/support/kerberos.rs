//! A realm of Kerberos on loopback, by MIT's own programs, and a real broker that lets in only who has its tickets.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::process::{Guarded, free_port, free_ports, root, wait_for_port};
use super::{Kafka, Worker, unique};

const REALM: &str = "EXAMPLE.TEST";
/// The broker's own principal: its service name and the host in its address.
const BROKER: &str = "kafka/localhost";

/// What a shell would leave behind where the worker runs, if it read the name of a key table.
const SHELL: &str = "a-shell-was-here";

/// The realm's server, and its files in a folder.
struct Realm {
    folder: tempfile::TempDir,
    _server: Guarded,
}

impl Realm {
    async fn start() -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        let (dir, port) = (folder.path().display().to_string(), free_port());
        let put = |name: &str, text: String| std::fs::write(folder.path().join(name), text).expect("a file");
        put(
            "krb5.conf",
            format!(
                "[libdefaults]\n default_realm = {REALM}\n dns_lookup_kdc = false\n dns_lookup_realm = false\n \
                 dns_canonicalize_hostname = false\n rdns = false\n udp_preference_limit = 1\n forwardable = true\n\
                 [realms]\n {REALM} = {{\n  kdc = 127.0.0.1:{port}\n }}\n\
                 [domain_realm]\n localhost = {REALM}\n"
            ),
        );
        put(
            "kdc.conf",
            format!(
                "[kdcdefaults]\n kdc_listen = 127.0.0.1:{port}\n kdc_tcp_listen = 127.0.0.1:{port}\n\
                 [realms]\n {REALM} = {{\n  database_name = {dir}/principals\n  key_stash_file = {dir}/stash\n  \
                 max_renewable_life = 7d\n }}\n[logging]\n kdc = FILE:{dir}/kdc.log\n"
            ),
        );
        let variables = variables(folder.path());
        let create = ["-r", REALM, "create", "-s", "-P", "of-the-database"];
        run(Command::new("/usr/sbin/kdb5_util").args(create), &variables);
        let [config, profile] = variables.each_ref().map(|(name, value)| format!("{name}={value}"));
        let arguments = [config.as_str(), profile.as_str(), "/usr/sbin/krb5kdc", "-n"];
        let server = Guarded::start("env", &arguments, &folder.path().join("server.log"));
        wait_for_port("the realm's server", port).await;
        Self { folder, _server: server }
    }

    /// New keys for `principal`, which is made if it is not there; what was given before is worth nothing any more.
    fn key_table(&self, principal: &str) -> String {
        // A name that a shell would make much of.
        let file = self.file(&format!("{} $(touch {SHELL});&|`id`*", unique("keys")));
        let exists =
            self.admin(&format!("getprinc {principal}")).contains(&format!("Principal: {principal}"));
        if !exists {
            self.admin(&format!("addprinc -randkey {principal}"));
        }
        self.admin(&format!("ktadd -k \"{file}\" {principal}"));
        assert!(Path::new(&file).exists(), "no keys of {principal}");
        file
    }

    fn admin(&self, line: &str) -> String {
        run(
            Command::new("/usr/sbin/kadmin.local").args(["-r", REALM, "-q", line]),
            &variables(self.folder.path()),
        )
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }
}

/// Where the programs find the realm.
fn variables(folder: &Path) -> [(&'static str, String); 2] {
    let path = |name: &str| folder.join(name).display().to_string();
    [("KRB5_CONFIG", path("krb5.conf")), ("KRB5_KDC_PROFILE", path("kdc.conf"))]
}

/// Runs a program to its good end; what it said.
fn run(command: &mut Command, variables: &[(&str, String)]) -> String {
    let ended = command.envs(variables.iter().map(|(name, value)| (name, value))).output();
    let ended =
        ended.unwrap_or_else(|error| panic!("{command:?}: {error}; run scripts/prerequisites gssapi"));
    let said = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert!(ended.status.success(), "{command:?}: {said}{}", String::from_utf8_lossy(&ended.stderr));
    said
}

/// The broker and its realm.
pub struct Kerberos {
    /// The broker; its own address is the open port, for the test itself.
    pub kafka: Kafka,
    realm: Realm,
    port: u16,
}

impl Kerberos {
    /// A broker with a port for SASL, whose connections sign in anew every few seconds.
    pub async fn start() -> Self {
        let realm = Realm::start().await;
        let keys = realm.key_table(BROKER);
        let port = free_ports(3);
        let config = realm.file("krb5.conf");
        let kafka = Kafka::with(port, |dir| prepare(dir, &keys, &config, port)).await;
        Self { kafka, realm, port }
    }

    /// The port for SASL.
    pub fn sasl(&self) -> String {
        format!("localhost:{}", self.port + 2)
    }

    /// New keys for `principal`; those that it had are worth nothing any more.
    pub fn key_table(&self, principal: &str) -> String {
        self.realm.key_table(principal)
    }

    /// Signs in by the keys of `principal` in `keytab`.
    pub fn sign_in_with(keytab: &str, principal: &str) -> Vec<(String, String)> {
        let options = format!("useKeyTab=true storeKey=true keyTab=\"{keytab}\" principal=\"{principal}\"");
        Self::sign_in(&options)
    }

    /// Signs in as a Java client does: protocol, mechanism, JAAS line and the broker's name.
    pub fn sign_in(options: &str) -> Vec<(String, String)> {
        let module = "com.sun.security.auth.module.Krb5LoginModule";
        [
            ("security.protocol", "SASL_PLAINTEXT".to_owned()),
            ("sasl.mechanism", "GSSAPI".to_owned()),
            ("sasl.jaas.config", format!("{module} required {options};")),
            ("sasl.kerberos.service.name", "kafka".to_owned()),
            ("sasl.kerberos.min.time.before.relogin", "10000".to_owned()),
        ]
        .map(|(key, value)| (key.to_owned(), value))
        .into()
    }

    /// Tells a worker of the realm, and gives it a credential cache of its own; the cache.
    pub fn equip(&self, worker: &mut Worker) -> PathBuf {
        let cache = self.realm.file(&unique("cache"));
        worker.environment("KRB5_CONFIG", &self.realm.file("krb5.conf"));
        worker.environment("KRB5CCNAME", &format!("FILE:{cache}"));
        cache.into()
    }

    /// Puts renewable tickets of `principal` into `cache`.
    pub fn put_tickets(&self, principal: &str, cache: &Path) {
        let keytab = self.key_table(principal);
        let cache = format!("FILE:{}", cache.display());
        let arguments = ["-r", "1d", "-c", &cache, "-k", "-t", &keytab, principal];
        run(Command::new("kinit").args(arguments), &variables(self.realm.folder.path()));
    }

    /// Whether a shell has read the name of a key table.
    pub fn was_told_to_a_shell() -> bool {
        root().join(SHELL).exists()
    }

    /// How many requests the realm has granted to `principal` for `service`.
    pub fn granted(&self, principal: &str, service: &str) -> usize {
        let log = std::fs::read_to_string(self.realm.folder.path().join("kdc.log")).unwrap_or_default();
        let (who, what) = (format!(" {principal}@{REALM} for "), format!("{service}@{REALM}"));
        log.lines()
            .filter(|line| line.contains("ISSUE") && line.contains(&who) && line.contains(&what))
            .count()
    }
}

fn prepare(dir: &Path, keys: &str, config: &str, port: u16) {
    let put = |name: &str, text: String| std::fs::write(dir.join(name), text).expect("a file of the broker");
    let (sasl, controller) = (port + 2, port + 1);
    put("jvm", format!("-Djava.security.krb5.conf={config}\n"));
    put(
        "extra.properties",
        format!(
            "listeners=PLAINTEXT://127.0.0.1:@PORT@,CONTROLLER://127.0.0.1:{controller},\
             SASL_PLAINTEXT://127.0.0.1:{sasl}\n\
             advertised.listeners=PLAINTEXT://127.0.0.1:@PORT@,SASL_PLAINTEXT://localhost:{sasl}\n\
             listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT\n\
             sasl.enabled.mechanisms=GSSAPI\n\
             sasl.kerberos.service.name=kafka\n\
             listener.name.sasl_plaintext.gssapi.connections.max.reauth.ms=5000\n\
             listener.name.sasl_plaintext.gssapi.sasl.jaas.config=com.sun.security.auth.module.Krb5LoginModule \
             required useKeyTab=true storeKey=true keyTab=\"{keys}\" principal=\"{BROKER}@{REALM}\";\n"
        ),
    );
}
