//! Every place for a secret in a connector's settings, each with a canary.

use super::{canary, in_url};
use crate::canaries::services::Parrots;
use crate::support::Authority;

/// One connector that fails: its name, and its settings beside the common ones.
pub type Case = (&'static str, Vec<(&'static str, String)>);

/// Where things are.
pub struct Around<'a> {
    /// The services.
    pub parrots: &'a Parrots,
    /// Who signs.
    pub authority: &'a Authority,
    /// A real broker.
    pub broker: &'a str,
    /// The folder of a config provider.
    pub vault: &'a str,
}

/// Gives canaries out.
#[derive(Default)]
pub struct Aviary {
    /// How many there are.
    pub count: usize,
    /// Those that services are told when they answer at all.
    pub told: Vec<usize>,
}

impl Aviary {
    /// The next.
    pub fn next(&mut self) -> String {
        self.count += 1;
        canary(self.count - 1)
    }

    /// The next, for a setting that a service is told.
    pub fn told(&mut self) -> String {
        self.told.push(self.count);
        self.next()
    }
}

/// All of them.
pub fn cases(around: &Around<'_>, aviary: &mut Aviary) -> Vec<Case> {
    let mut all = registries(around, aviary);
    all.extend(registries_by_tokens(around, aviary));
    all.extend(services(around, aviary));
    all.extend(clients(around, aviary));
    all.extend(letters(around, aviary));
    all
}

const AVRO: &str = "io.confluent.connect.avro.AvroConverter";
const PLAIN: &str = "org.apache.kafka.common.security.plain.PlainLoginModule";
const OAUTH: &str = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule";

fn own(settings: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    settings.iter().map(|(key, value)| (*key, (*value).to_owned())).collect()
}

fn registry(url: &str, more: Vec<(&'static str, String)>) -> Vec<(&'static str, String)> {
    let common = own(&[
        ("value.converter", AVRO),
        ("value.converter.schema.registry.url", url),
        ("value.converter.retries.wait.ms", "10"),
    ]);
    common.into_iter().chain(more).collect()
}

/// A login entry with a password.
pub fn login(password: &str) -> String {
    format!("{PLAIN} required username=\"user\" password=\"{}\";", password.replace('"', "\\\""))
}

fn registries(around: &Around<'_>, aviary: &mut Aviary) -> Vec<Case> {
    let url = around.parrots.url();
    let keys = around.authority.keys("client");
    let password = aviary.next();
    let store = around.authority.put("client.p12", &keys.pkcs12_bytes(&password));
    let trust = around.authority.pem_file();
    let apicurio = vec![
        ("value.converter", "io.apicurio.registry.utils.converter.AvroConverter".to_owned()),
        ("value.converter.apicurio.registry.url", url.clone()),
        ("value.converter.apicurio.auth.username", "user".to_owned()),
        ("value.converter.apicurio.auth.password", aviary.told()),
    ];
    let info = vec![
        ("value.converter.basic.auth.user.info", format!("user:{}", aviary.told())),
        ("value.converter.request.header.X-Key", aviary.told()),
        // A header whose name says nothing of a secret.
        ("value.converter.request.header.X-Tenant.id", aviary.told()),
    ];
    let inherited = vec![
        ("value.converter.basic.auth.credentials.source", "SASL_INHERIT".to_owned()),
        ("value.converter.sasl.jaas.config", login(&aviary.told())),
    ];
    let proxy = vec![
        ("value.converter.proxy.host", format!("user:{}@127.0.0.1", in_url(&aviary.next()))),
        ("value.converter.proxy.port", around.parrots.port().to_string()),
    ];
    let mutual = vec![
        ("value.converter.schema.registry.ssl.truststore.location", trust),
        ("value.converter.schema.registry.ssl.keystore.location", store.clone()),
        ("value.converter.schema.registry.ssl.keystore.password", password),
    ];
    let wrong = vec![
        ("value.converter.schema.registry.ssl.keystore.location", store),
        ("value.converter.schema.registry.ssl.keystore.password", aviary.next()),
        ("value.converter.schema.registry.ssl.key.password", aviary.next()),
        ("value.converter.schema.registry.ssl.truststore.password", aviary.next()),
    ];
    let of_user = around.parrots.url_of(&format!("user:{}", in_url(&aviary.told())));
    let of_query = format!("{url}/?token={}", in_url(&aviary.next()));
    vec![
        ("apicurio", apicurio),
        ("info", registry(&url, info)),
        ("inherited", registry(&url, inherited)),
        ("user", registry(&of_user, vec![])),
        ("query", registry(&of_query, vec![])),
        ("proxied", registry(&url, proxy)),
        // Only the worker's environment says how to get there.
        ("outside", registry("http://registry.invalid:8081", vec![])),
        ("mutual", registry(&around.parrots.secure_url(), mutual)),
        ("wrong-store", registry(&around.parrots.secure_url(), wrong)),
    ]
}

fn registries_by_tokens(around: &Around<'_>, aviary: &mut Aviary) -> Vec<Case> {
    let url = around.parrots.url();
    let bearer = vec![
        ("value.converter.bearer.auth.credentials.source", "STATIC_TOKEN".to_owned()),
        ("value.converter.bearer.auth.token", aviary.told()),
    ];
    let oauth = vec![
        ("value.converter.bearer.auth.credentials.source", "OAUTHBEARER".to_owned()),
        (
            "value.converter.bearer.auth.issuer.endpoint.url",
            format!("{url}/token?code={}", in_url(&aviary.told())),
        ),
        ("value.converter.bearer.auth.client.id", "client".to_owned()),
        ("value.converter.bearer.auth.client.secret", aviary.told()),
    ];
    vec![("bearer", registry(&url, bearer)), ("oauth-registry", registry(&url, oauth))]
}

/// ADX, its sign-in, its storage, and the proxy on the way there.
fn services(around: &Around<'_>, aviary: &mut Aviary) -> Vec<Case> {
    let (plain, secure) = (around.parrots.url(), around.parrots.secure_url());
    let at = |url: &str| own(&[("kusto.ingestion.url", url), ("kusto.query.url", url)]);
    let application = own(&[
        ("aad.auth.strategy", "APPLICATION"),
        ("aad.auth.appid", "app"),
        ("aad.auth.authority", "tenant"),
    ]);
    let of = |more: Vec<(&'static str, String)>| [at(&secure), application.clone(), more].concat();
    let key = ("aad.auth.appkey", aviary.told());
    let keys = around.authority.rsa_keys("application");
    let wrong = around.authority.put("application.p12", &keys.pkcs12_bytes("another"));
    let certificate =
        vec![("aad.auth.certificate.path", wrong), ("aad.auth.certificate.password", aviary.next())];
    let token = aviary.told();
    let file = format!("{}/secrets.properties", around.vault);
    std::fs::write(&file, format!("token={}\n", aviary.told())).expect("a file");
    let provided = vec![("aad.auth.accesstoken", format!("${{vault:{file}:token}}"))];
    let string = format!("Data Source={secure};AppClientId=app;AppKey={};Authority Id=tenant", aviary.told());
    let fabric = own(&[
        ("connector.class", "com.microsoft.fabric.connect.eventhouse.sink.FabricSinkConnector"),
        ("connection.string", &string),
        ("kusto.ingestion.url", ""),
        ("kusto.query.url", ""),
        ("aad.auth.strategy", "APPLICATION"),
    ]);
    let proxy = vec![
        ("proxy.host", format!("user:{}@127.0.0.1", in_url(&aviary.next()))),
        ("proxy.port", around.parrots.port().to_string()),
    ];
    vec![
        ("token", [at(&plain), vec![("aad.auth.accesstoken", token)]].concat()),
        ("provided", [at(&plain), provided].concat()),
        ("application", of(vec![key])),
        ("certificate", of(certificate)),
        ("fabric", fabric),
        ("proxy", proxy),
        ("container", at(&format!("{plain}/lending"))),
        ("queue", at(&format!("{plain}/storing"))),
    ]
}

/// Kafka's clients.
fn clients(around: &Around<'_>, aviary: &mut Aviary) -> Vec<Case> {
    let sasl = |password: &str| {
        own(&[
            ("consumer.override.security.protocol", "SASL_PLAINTEXT"),
            ("consumer.override.sasl.mechanism", "PLAIN"),
            ("consumer.override.sasl.jaas.config", &login(password)),
        ])
    };
    let native = vec![
        ("consumer.override.security.protocol", "SASL_PLAINTEXT".to_owned()),
        ("consumer.override.sasl.mechanism", "SCRAM-SHA-256".to_owned()),
        ("consumer.override.sasl.username", "user".to_owned()),
        ("consumer.override.sasl.password", aviary.next()),
    ];
    let endpoint = format!("{}/token?code={}", around.parrots.url(), in_url(&aviary.told()));
    let jaas =
        format!("{OAUTH} required clientId=\"id\" clientSecret=\"{}\";", aviary.told().replace('"', "\\\""));
    let oauth = own(&[
        ("consumer.override.security.protocol", "SASL_PLAINTEXT"),
        ("consumer.override.sasl.mechanism", "OAUTHBEARER"),
        ("consumer.override.sasl.jaas.config", &jaas),
        ("consumer.override.sasl.oauthbearer.token.endpoint.url", &endpoint),
    ]);
    let keys = vec![
        ("consumer.override.sasl.oauthbearer.client.credentials.client.secret", aviary.next()),
        ("consumer.override.sasl.oauthbearer.assertion.private.key.passphrase", aviary.next()),
        ("consumer.override.sasl.oauthbearer.token.endpoint.url", endpoint),
        ("consumer.override.security.protocol", "SASL_PLAINTEXT".to_owned()),
        ("consumer.override.sasl.mechanism", "OAUTHBEARER".to_owned()),
    ];
    let stores = vec![
        ("consumer.override.security.protocol", "SSL".to_owned()),
        ("consumer.override.ssl.keystore.location", around.authority.put("k.p12", b"none")),
        ("consumer.override.ssl.keystore.password", aviary.next()),
        ("consumer.override.ssl.key.password", aviary.next()),
        ("consumer.override.ssl.truststore.password", aviary.next()),
    ];
    let pem = vec![
        ("consumer.override.security.protocol", "SSL".to_owned()),
        ("consumer.override.ssl.key.pem", aviary.next()),
    ];
    vec![
        ("plain", sasl(&aviary.next())),
        ("native", native),
        ("oauth", oauth),
        ("keys", keys),
        ("stores", stores),
        ("pem", pem),
    ]
}

/// Dead letters of both kinds, and the client for administration.
fn letters(around: &Around<'_>, aviary: &mut Aviary) -> Vec<Case> {
    let connects = vec![
        ("producer.override.security.protocol", "SSL".to_owned()),
        ("producer.override.ssl.keystore.key", aviary.next()),
        ("producer.override.ssl.key.password", aviary.next()),
    ];
    let admin = own(&[
        ("admin.override.security.protocol", "SASL_PLAINTEXT"),
        ("admin.override.sasl.mechanism", "PLAIN"),
        ("admin.override.sasl.jaas.config", &login(&aviary.next())),
    ]);
    let lending = format!("{}/lending", around.parrots.url());
    let sinks = own(&[
        ("behavior.on.error", "LOG"),
        ("misc.deadletterqueue.bootstrap.servers", around.broker),
        ("misc.deadletterqueue.topic.name", "canaries-of-the-sink"),
        ("misc.deadletterqueue.security.protocol", "SASL_PLAINTEXT"),
        ("misc.deadletterqueue.sasl.mechanism", "PLAIN"),
        ("misc.deadletterqueue.sasl.jaas.config", &login(&aviary.next())),
        ("kusto.ingestion.url", &lending),
        ("kusto.query.url", &lending),
    ]);
    vec![("letters", connects), ("admin", admin), ("sink-letters", sinks)]
}
