//! Signing in to the brokers: `sasl.*` and the JAAS line of a Java client, as librdkafka's settings.
//!
//! Pure. No error repeats an option's value.

use std::collections::BTreeMap;

use rdkafka::ClientConfig;
use url::Url;

use super::{Error, setting};
use crate::config::is_loopback;
use crate::config::jaas::{LoginEntry, login_entry};
use crate::config::tls::Settings;
use crate::kafka::oauth::{self, Kind, Source};

const JAAS: &str = "sasl.jaas.config";
const MECHANISM: &str = "sasl.mechanism";
const ENDPOINT: &str = "sasl.oauthbearer.token.endpoint.url";

/// Our own option of the JAAS line: the identity that Azure gives to the machine, for Event Hubs.
const CREDENTIAL: &str = "azureCredential";
const OPTIONS: [&str; 4] = ["clientId", "clientSecret", "scope", CREDENTIAL];

/// Handlers of Kafka's own whose work librdkafka does.
const OWN_HANDLERS: [&str; 3] =
    ["OAuthBearerLoginCallbackHandler", "OAuthBearerUnsecuredLoginCallbackHandler", "DefaultLogin"];

/// True for the keys that this room answers for; librdkafka's own names (`sasl.username`) are not among them.
pub(super) fn is_own(key: &str) -> bool {
    let java = ["sasl.login.", "sasl.client.callback.", "sasl.kerberos.", "sasl.oauthbearer.jwks."];
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
        let simple = settings.get(key).map(|class| class.trim().rsplit('.').next().unwrap_or_default());
        if simple.is_some_and(|simple| !OWN_HANDLERS.contains(&simple)) {
            return Err(setting(
                &settings.name(key),
                "Java classes are not loaded; use one of Kafka's mechanisms",
            ));
        }
    }
    let Some(mechanism) = settings.get(MECHANISM).or_else(|| settings.get("sasl.mechanisms")) else {
        let key = settings.name("security.protocol").replace("security.protocol", MECHANISM);
        return Err(setting(&key, &format!("its default is GSSAPI. {NO_KERBEROS}")));
    };
    let entry = match settings.get(JAAS) {
        Some(text) => Some(login_entry(text).map_err(|reason| setting(&settings.name(JAAS), &reason))?),
        None => None,
    };
    let mechanism = mechanism.trim().to_ascii_uppercase();
    config.set("sasl.mechanism", &mechanism);
    match mechanism.as_str() {
        "PLAIN" | "SCRAM-SHA-256" | "SCRAM-SHA-512" => password(settings, entry.as_ref(), config),
        "OAUTHBEARER" => token(settings, entry.as_ref(), config),
        "GSSAPI" => Err(setting(&settings.name(MECHANISM), NO_KERBEROS)),
        _ => Err(setting(
            &settings.name(MECHANISM),
            "must be PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER",
        )),
    }
}

const NO_KERBEROS: &str = "Kerberos is not built in (librdkafka's feature gssapi); set it to PLAIN, SCRAM-SHA-256, \
                           SCRAM-SHA-512 or OAUTHBEARER";

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
fn kind(settings: &Settings<'_>, entry: Option<&LoginEntry>) -> Result<Kind, Error> {
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
            "managed_identity" => Ok(Kind::ManagedIdentity { client_id: id, scope }),
            "workload_identity" => Ok(Kind::WorkloadIdentity { scope }),
            _ => Err(setting(&jaas, &format!("{CREDENTIAL} must be managed_identity or workload_identity"))),
        };
    }
    let name = settings.name(MECHANISM).replace(MECHANISM, ENDPOINT);
    let Some(text) = settings.get(ENDPOINT).map(str::trim) else {
        return Err(setting(&name, "must be set for this sasl.login.callback.handler.class"));
    };
    let url = Url::parse(text).map_err(|error| setting(&name, &format!("it is no URL: {error}")))?;
    match url.scheme() {
        "file" => match url.to_file_path() {
            Ok(path) => Ok(Kind::File(path.to_string_lossy().into_owned())),
            Err(()) => Err(setting(&name, "it names no file of this machine")),
        },
        "http" if !is_loopback(&url) => {
            Err(setting(&name, "plain http would show the secret to the network: use https"))
        }
        "http" | "https" => {
            let encode = settings.get("sasl.oauthbearer.header.urlencode");
            Ok(Kind::Endpoint {
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

fn expect_module(entry: &LoginEntry, known: &[&str]) -> Result<(), String> {
    let module = entry.simple_name();
    if known.contains(&module) {
        return Ok(());
    }
    Err(format!(
        "the login module {module} cannot be used with this sasl.mechanism; use {}",
        known.join(" or ")
    ))
}
