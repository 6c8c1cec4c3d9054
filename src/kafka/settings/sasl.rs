//! Signing in to the brokers: `sasl.*` and the JAAS line of a Java client, as librdkafka's settings.
//!
//! Pure but for key tables (`kerberos`). No error repeats an option's value.

use std::collections::BTreeMap;

use rdkafka::ClientConfig;
use url::Url;

use super::assembled::{PROTOCOL, setting};
use super::kerberos::{self, JAAS, Login};
use super::module::expect_module;
use crate::config::is_loopback;
use crate::config::jaas::{LoginEntry, login_entry};
use crate::config::tls::Settings;
use crate::kafka::Error;
use crate::kafka::oauth::{self, ProviderKind, Source};

pub(super) const MECHANISM: &str = "sasl.mechanism";
const ENDPOINT: &str = "sasl.oauthbearer.token.endpoint.url";

/// What Java signs a request for a token by; librdkafka's own is not built in.
const ASSERTION: &str = "sasl.oauthbearer.assertion.";

/// Our own option of the JAAS line: the identity that Azure gives to the machine, for Event Hubs.
const CREDENTIAL: &str = "azureCredential";
const OPTIONS: [&str; 4] = ["clientId", "clientSecret", "scope", CREDENTIAL];

/// Handlers of Kafka's own whose work librdkafka does.
const OWN_HANDLERS: [&str; 5] = [
    "OAuthBearerLoginCallbackHandler",
    "OAuthBearerUnsecuredLoginCallbackHandler",
    "SaslClientCallbackHandler",
    "DefaultLogin",
    "KerberosLogin",
];

const MSK: &str = "the IAM mechanism of Amazon MSK is a Java class, which is not loaded: set sasl.mechanism=SCRAM-SHA-512 \
                   (the brokers' port 9096), or security.protocol=SSL with ssl.keystore.* (port 9094)";
const STRIMZI: &str = "Strimzi's OAuth classes are not loaded: leave it out, set sasl.oauthbearer.token.endpoint.url (Strimzi's \
                       oauth.token.endpoint.uri), and in sasl.jaas.config clientId, clientSecret and scope (its \
                       oauth.client.id, oauth.client.secret and oauth.scope)";
const CLASSES: &str = "Java classes are not loaded; leave it out and use one of Kafka's mechanisms: PLAIN, SCRAM-SHA-256, \
                       SCRAM-SHA-512 or OAUTHBEARER with sasl.oauthbearer.token.endpoint.url";

/// True for the keys that this room answers for; librdkafka's own names (`sasl.username`) are not among them.
pub(super) fn is_own(key: &str) -> bool {
    let java =
        ["sasl.login.", "sasl.client.callback.", "sasl.kerberos.", "sasl.oauthbearer.jwks.", ASSERTION];
    let java_oauth: &[&str] = &[
        ENDPOINT,
        "sasl.oauthbearer.scope.claim.name",
        "sasl.oauthbearer.sub.claim.name",
        "sasl.oauthbearer.expected.audience",
        "sasl.oauthbearer.expected.issuer",
        "sasl.oauthbearer.clock.skew.seconds",
        "sasl.oauthbearer.header.urlencode",
        "sasl.oauthbearer.jwt.retriever.class",
        "sasl.oauthbearer.jwt.validator.class",
        "sasl.oauthbearer.client.credentials.client.id",
        "sasl.oauthbearer.client.credentials.client.secret",
        "sasl.oauthbearer.scope",
    ];
    [JAAS, MECHANISM, "sasl.mechanisms"].contains(&key)
        || java_oauth.contains(&key)
        || java.iter().any(|prefix| key.starts_with(prefix))
}

/// Sets how to sign in; called only when `security.protocol` is one of SASL.
pub(super) fn apply(settings: &Settings<'_>, config: &mut ClientConfig) -> Result<(), Error> {
    for key in ["sasl.client.callback.handler.class", "sasl.login.callback.handler.class", "sasl.login.class"]
    {
        let class = settings.get(key).unwrap_or_default().trim();
        if !class.is_empty() && !OWN_HANDLERS.contains(&class.rsplit('.').next().unwrap_or_default()) {
            return Err(setting(&settings.name(key), instead_of(class)));
        }
    }
    let mechanism = mechanism(settings)?;
    let entry = login_of(settings)?;
    config.set(MECHANISM, &mechanism);
    match mechanism.as_str() {
        "PLAIN" | "SCRAM-SHA-256" | "SCRAM-SHA-512" => password(settings, entry.as_ref(), config),
        "OAUTHBEARER" => token(settings, entry.as_ref(), config),
        GSSAPI if kerberos::BUILT_IN => kerberos::apply(settings, entry.as_ref(), config),
        GSSAPI => Err(setting(&settings.name(MECHANISM), kerberos::NOT_BUILT_IN)),
        "AWS_MSK_IAM" => Err(setting(&settings.name(MECHANISM), MSK)),
        _ => Err(setting(
            &settings.name(MECHANISM),
            "must be PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER or GSSAPI",
        )),
    }
}

/// What is nearest to a Java class that is not loaded.
fn instead_of(class: &str) -> &'static str {
    if class.starts_with("software.amazon.msk.") {
        MSK
    } else if class.starts_with("io.strimzi.kafka.oauth.") {
        STRIMZI
    } else {
        CLASSES
    }
}

const GSSAPI: &str = "GSSAPI";

/// The mechanism in Kafka's letters; Java's default needs Kerberos.
fn mechanism(settings: &Settings<'_>) -> Result<String, Error> {
    match settings.get(MECHANISM).or_else(|| settings.get("sasl.mechanisms")) {
        Some(written) => Ok(written.trim().to_ascii_uppercase()),
        None if kerberos::BUILT_IN => Ok(GSSAPI.to_owned()),
        None => {
            let key = settings.name(PROTOCOL).replace(PROTOCOL, MECHANISM);
            Err(setting(&key, &format!("its default is GSSAPI. {}", kerberos::NOT_BUILT_IN)))
        }
    }
}

fn login_of(settings: &Settings<'_>) -> Result<Option<LoginEntry>, Error> {
    let entry = settings.get(JAAS).map(login_entry).transpose();
    entry.map_err(|reason| setting(&settings.name(JAAS), &reason))
}

/// The Kerberos login of settings that sign in with SASL; none when it is another mechanism, or not built in.
pub(super) fn kerberos(settings: &Settings<'_>) -> Result<Option<Login>, Error> {
    if !kerberos::BUILT_IN || mechanism(settings)? != GSSAPI {
        return Ok(None);
    }
    Login::read(settings, login_of(settings)?.as_ref()).map(Some)
}

/// User and password, from the JAAS line or under librdkafka's names.
fn password(
    settings: &Settings<'_>,
    entry: Option<&LoginEntry>,
    config: &mut ClientConfig,
) -> Result<(), Error> {
    let Some(entry) = entry else {
        if settings.get("sasl.username").is_some() && settings.get("sasl.password").is_some() {
            return Ok(());
        }
        let key = settings.name(MECHANISM).replace(MECHANISM, JAAS);
        return Err(setting(
            &key,
            "must be set for this sasl.mechanism: …LoginModule required username=\"…\" password=\"…\";",
        ));
    };
    let fail = |reason: &str| setting(&settings.name(JAAS), reason);
    expect_module(entry, &["PlainLoginModule", "ScramLoginModule"]).map_err(|reason| fail(&reason))?;
    if entry.option("tokenauth").is_some_and(|on| on.eq_ignore_ascii_case("true")) {
        return Err(fail("delegation tokens (tokenauth) are not supported by librdkafka"));
    }
    for (option, key) in [("username", "sasl.username"), ("password", "sasl.password")] {
        let value = entry.option(option).ok_or_else(|| fail(&format!("the option {option} is missing")))?;
        if value.trim().is_empty() {
            return Err(fail(&format!("the option {option} is empty")));
        }
        config.set(key, value);
    }
    Ok(())
}

/// A token, from an identity provider or (for tests) without a signature.
fn token(
    settings: &Settings<'_>,
    entry: Option<&LoginEntry>,
    config: &mut ClientConfig,
) -> Result<(), Error> {
    if let Some(entry) = entry {
        expect_module(entry, &["OAuthBearerLoginModule"])
            .map_err(|reason| setting(&settings.name(JAAS), &reason))?;
    }
    let handler = settings.get("sasl.login.callback.handler.class").unwrap_or_default();
    let azure = entry.is_some_and(|entry| entry.option(CREDENTIAL).is_some());
    if azure || settings.get(ENDPOINT).is_some() || handler.ends_with(".OAuthBearerLoginCallbackHandler") {
        return from_provider(settings, entry, config);
    }
    let mut parts = Vec::new();
    for (option, value) in entry.iter().flat_map(|entry| &entry.options) {
        let name = match option.as_str() {
            "unsecuredLoginStringClaim_sub" => "principal",
            "unsecuredLoginLifetimeSeconds" => "lifeSeconds",
            "unsecuredLoginPrincipalClaimName" => "principalClaimName",
            "unsecuredLoginScopeClaimName" => "scopeClaimName",
            _ => {
                let reason = format!("the option {option} of a token without a signature is not supported");
                return Err(setting(&settings.name(JAAS), &reason));
            }
        };
        parts.push(format!("{name}={}", value.expose()));
    }
    config
        .set("enable.sasl.oauthbearer.unsecure.jwt", "true")
        .set("sasl.oauthbearer.config", parts.join(" "));
    Ok(())
}

/// An identity provider, which `oauth` asks: librdkafka could only with an HTTP client of its own.
fn from_provider(
    settings: &Settings<'_>,
    entry: Option<&LoginEntry>,
    config: &mut ClientConfig,
) -> Result<(), Error> {
    if let Some((key, _)) = settings.iter().find(|(key, _)| key.starts_with(ASSERTION)) {
        let reason = "signed requests for tokens are not supported: use clientId and clientSecret";
        return Err(setting(&settings.name(key), reason));
    }
    let subject = settings.get("sasl.oauthbearer.sub.claim.name").unwrap_or("sub").trim().to_owned();
    let mut extensions = BTreeMap::new();
    for (option, value) in entry.iter().flat_map(|entry| &entry.options) {
        match option.strip_prefix("extension_") {
            Some(name) => drop(extensions.insert(name.to_owned(), value.expose().to_owned())),
            None if OPTIONS.contains(&option.as_str()) => {}
            None => {
                let reason = format!(
                    "the option {option} is not supported; there are {}, extension_*",
                    OPTIONS.join(", ")
                );
                return Err(setting(&settings.name(JAAS), &reason));
            }
        }
    }
    let kind = kind(settings, entry)?;
    oauth::configure(config, &Source { kind, subject, extensions });
    Ok(())
}

/// Who is asked, by the JAAS line's options or, in newer configurations, by keys.
fn kind(settings: &Settings<'_>, entry: Option<&LoginEntry>) -> Result<ProviderKind, Error> {
    let given = |option: &str, key: &str| {
        entry.and_then(|entry| entry.option(option)).or_else(|| settings.get(key)).map(str::to_owned)
    };
    let jaas = settings.name(MECHANISM).replace(MECHANISM, JAAS);
    let missing = |option: &str| setting(&jaas, &format!("the option {option} is missing"));
    let id = given("clientId", "sasl.oauthbearer.client.credentials.client.id");
    let secret = given("clientSecret", "sasl.oauthbearer.client.credentials.client.secret");
    let scope = given("scope", "sasl.oauthbearer.scope");
    if let Some(credential) = entry.and_then(|entry| entry.option(CREDENTIAL)) {
        let scope = scope.ok_or_else(|| missing("scope"))?;
        return match credential {
            "managed_identity" => Ok(ProviderKind::ManagedIdentity { client_id: id, scope }),
            "workload_identity" => Ok(ProviderKind::WorkloadIdentity { scope }),
            _ => Err(setting(&jaas, &format!("{CREDENTIAL} must be managed_identity or workload_identity"))),
        };
    }
    let name = settings.name(MECHANISM).replace(MECHANISM, ENDPOINT);
    let Some(text) = settings.get(ENDPOINT).map(str::trim) else {
        return Err(setting(&name, "must be set for this sasl.login.callback.handler.class"));
    };
    let url =
        Url::parse(text).map_err(|_| setting(&name, "it is no URL such as https://login.example/token"))?;
    match url.scheme() {
        "file" => match url.to_file_path() {
            Ok(path) => Ok(ProviderKind::File(path.to_string_lossy().into_owned())),
            Err(()) => Err(setting(&name, "it names no file of this machine")),
        },
        "http" if !is_loopback(&url) => {
            Err(setting(&name, "plain http would show the secret to the network: use https"))
        }
        "http" | "https" => {
            let encode = settings.get("sasl.oauthbearer.header.urlencode");
            Ok(ProviderKind::Endpoint {
                url: text.to_owned(),
                id: id.ok_or_else(|| missing("clientId"))?,
                secret: secret.ok_or_else(|| missing("clientSecret"))?,
                scope,
                encode: encode.is_some_and(|on| on.trim().eq_ignore_ascii_case("true")),
            })
        }
        scheme => Err(setting(&name, &format!("the scheme is {scheme}, but must be https or file"))),
    }
}
