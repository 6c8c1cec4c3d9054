//! A real broker that lets nobody in without a password or a certificate.

use std::path::Path;

use super::process::free_ports;
use super::{Authority, Kafka};

/// The user that may sign in.
const USER: &str = "alice";

/// The broker, its authority, and the ports beside the open one.
pub struct Secured {
    /// The broker; its own address is the open port, for the test itself.
    pub kafka: Kafka,
    /// Who signed the broker's certificate, and signs those of clients.
    pub authority: Authority,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Secured {
    /// The password of the user.
    pub const PASSWORD: &str = "s3cret-of-alice";

    /// A broker with a port for SASL over TLS and one for certificates.
    pub async fn start() -> Self {
        Self::with("").await
    }

    /// The same, where only who comes by the open port is allowed anything.
    pub async fn strict() -> Self {
        Self::with(
            "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer\n\
             super.users=User:ANONYMOUS\nallow.everyone.if.no.acl.found=false\n",
        )
        .await
    }

    async fn with(more: &str) -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        let authority = Authority::new(folder.path());
        let port = free_ports(4);
        let kafka = Kafka::with(port, |dir| prepare(dir, &authority, port, more)).await;
        Self { kafka, authority, port, _folder: folder }
    }

    /// The port for passwords.
    pub fn sasl(&self) -> String {
        format!("127.0.0.1:{}", self.port + 2)
    }

    /// The port for certificates.
    pub fn mutual(&self) -> String {
        format!("127.0.0.1:{}", self.port + 3)
    }

    /// Signs in with a password: protocol, mechanism and JAAS line.
    pub fn sign_in(mechanism: &str, password: &str) -> Vec<(String, String)> {
        let package = "org.apache.kafka.common.security";
        let module = match mechanism {
            "PLAIN" => format!("{package}.plain.PlainLoginModule"),
            _ => format!("{package}.scram.ScramLoginModule"),
        };
        [
            ("security.protocol", "SASL_SSL".to_owned()),
            ("sasl.mechanism", mechanism.to_owned()),
            ("sasl.jaas.config", format!("{module} required username=\"{USER}\" password=\"{password}\";")),
        ]
        .map(|(key, value)| (key.to_owned(), value))
        .into()
    }
}

fn prepare(dir: &Path, authority: &Authority, port: u16, more: &str) {
    let put = |name: &str, bytes: &[u8]| std::fs::write(dir.join(name), bytes).expect("a file of the broker");
    put("broker.pem", &authority.keys("broker").pem_bytes());
    put("ca.pem", authority.pem().as_bytes());
    let password = Secured::PASSWORD;
    let scram = ["SCRAM-SHA-256", "SCRAM-SHA-512"]
        .map(|mechanism| format!("{mechanism}=[name={USER},password={password}]\n"));
    put("scram", scram.concat().as_bytes());
    let (sasl, mutual, controller) = (port + 2, port + 3, port + 1);
    let module = "org.apache.kafka.common.security";
    let text = format!(
        "listeners=PLAINTEXT://127.0.0.1:@PORT@,CONTROLLER://127.0.0.1:{controller},SASL_SSL://127.0.0.1:{sasl},\
         SSL://127.0.0.1:{mutual}\n\
         listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL\n\
         ssl.keystore.type=PEM\n\
         ssl.keystore.location=@DIR@/broker.pem\n\
         ssl.truststore.type=PEM\n\
         ssl.truststore.location=@DIR@/ca.pem\n\
         listener.name.ssl.ssl.client.auth=required\n\
         sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER\n\
         listener.name.sasl_ssl.plain.sasl.jaas.config={module}.plain.PlainLoginModule required \
         user_{USER}=\"{password}\";\n\
         listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config={module}.scram.ScramLoginModule required;\n\
         listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config={module}.scram.ScramLoginModule required;\n\
         listener.name.sasl_ssl.oauthbearer.sasl.jaas.config={module}.oauthbearer.OAuthBearerLoginModule required \
         unsecuredLoginStringClaim_sub=\"broker\";\n"
    );
    put("extra.properties", (text + more).as_bytes());
}
