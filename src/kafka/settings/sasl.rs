//! Signing in to the brokers: `sasl.*` and the JAAS line of a Java client, as librdkafka's settings.
//!
//! Pure but for asking librdkafka what it was built with. No error repeats an option's value.

use rdkafka::ClientConfig;

use super::{Error, setting};
use crate::config::jaas::{LoginEntry, login_entry};
use crate::config::tls::Settings;

const JAAS: &str = "sasl.jaas.config";
const MECHANISM: &str = "sasl.mechanism";
const ENDPOINT: &str = "sasl.oauthbearer.token.endpoint.url";

/// Handlers of Kafka's own whose work librdkafka does.
const OWN_HANDLERS: [&str; 3] =
    ["OAuthBearerLoginCallbackHandler", "OAuthBearerUnsecuredLoginCallbackHandler", "DefaultLogin"];

/// True for the keys that this room answers for; librdkafka's own names (`sasl.username`) are not among them.
pub(super) fn is_own(key: &str) -> bool {
    let java = ["sasl.login.", "sasl.client.callback.", "sasl.kerberos.", "sasl.oauthbearer.jwks."];
    let java_oauth = [
        ENDPOINT,
        "sasl.oauthbearer.scope.claim.name",
        "sasl.oauthbearer.sub.claim.name",
        "sasl.oauthbearer.expected.audience",
        "sasl.oauthbearer.expected.issuer",
        "sasl.oauthbearer.clock.skew.seconds",
        "sasl.oauthbearer.header.urlencode",
        "sasl.oauthbearer.jwt.retriever.class",
        "sasl.oauthbearer.jwt.validator.class",
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
    let wants_provider =
        settings.get(ENDPOINT).is_some() || handler.ends_with(".OAuthBearerLoginCallbackHandler");
    if wants_provider || settings.get("sasl.oauthbearer.method").is_some() {
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

/// OIDC, which librdkafka does when it was built with an HTTP client.
fn from_provider(
    settings: &Settings<'_>,
    entry: Option<&LoginEntry>,
    config: &mut ClientConfig,
) -> Result<(), Error> {
    if ClientConfig::new().set("sasl.oauthbearer.method", "oidc").create_native_config().is_err() {
        return Err(setting(
            &settings.name(ENDPOINT),
            "tokens of an identity provider are not built in (librdkafka's feature curl); use PLAIN or SCRAM",
        ));
    }
    config.set("sasl.oauthbearer.method", "oidc");
    if let Some(url) = settings.get(ENDPOINT) {
        config.set(ENDPOINT, url);
    }
    let mut extensions = Vec::new();
    for (option, value) in entry.iter().flat_map(|entry| &entry.options) {
        let key = match option.as_str() {
            "clientId" => "sasl.oauthbearer.client.id",
            "clientSecret" => "sasl.oauthbearer.client.secret",
            "scope" => "sasl.oauthbearer.scope",
            other => {
                let Some(name) = other.strip_prefix("extension_") else {
                    let reason = format!("the option {other} is not supported");
                    return Err(setting(&settings.name(JAAS), &reason));
                };
                extensions.push(format!("{name}={}", value.expose()));
                continue;
            }
        };
        config.set(key, value.expose());
    }
    if !extensions.is_empty() {
        config.set("sasl.oauthbearer.extensions", extensions.join(","));
    }
    Ok(())
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
