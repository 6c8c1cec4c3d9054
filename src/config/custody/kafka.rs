//! What Kafka clients of a connector would show of the worker's, and to which brokers.
//!
//! A client's settings come in layers: what the worker's file says of it, and over that what the connector says. Whoever
//! wrote a login owns it; whoever wrote the host decides who sees it. So where the two are not one, the host must be one of
//! the worker's own, one of Azure's with the scope that belongs to it, or named by the operator; and nothing that proves the
//! host (TLS, its authorities) may be the connector's.

use url::Url;

use super::super::clouds::event_hubs;
use super::super::jaas::{LoginEntry, login_entry};
use super::super::tls::{Error, Settings};
use super::super::{SINK_DEAD_LETTERS, WorkerConfig};
use super::{HOSTS, host_and_port, resource};
use crate::configdef::{Problems, Properties, with_prefix};

const BOOTSTRAP: &str = "bootstrap.servers";
const PROTOCOL: &str = "security.protocol";
const JAAS: &str = "sasl.jaas.config";
const ENDPOINT: &str = "sasl.oauthbearer.token.endpoint.url";
const SCOPE: &str = "sasl.oauthbearer.scope";
const CLIENT_SECRET: &str = "sasl.oauthbearer.client.credentials.client.secret";
/// The port of a broker of which none is said.
const PORT: u16 = 9092;

/// Where a client's own key is.
const KEYS: [&str; 4] = ["ssl.keystore.location", "ssl.keystore.key", "ssl.key.location", "ssl.key.pem"];
/// Files of authorities, which leave nothing behind at the brokers.
const AUTHORITIES: [&str; 4] =
    ["ssl.truststore.location", "ssl.ca.location", "ssl.crl.location", "https.ca.location"];
/// All other files that a client reads.
const FILES: [&str; 3] = ["ssl.keystore.location", "ssl.key.location", "ssl.certificate.location"];
/// What proves that a host is who it should be.
const PROOFS: [&str; 9] = [
    PROTOCOL,
    "enable.ssl.certificate.verification",
    "ssl.endpoint.identification.algorithm",
    "ssl.truststore.location",
    "ssl.truststore.certificates",
    "ssl.ca.location",
    "ssl.ca.pem",
    "https.ca.location",
    "https.ca.pem",
];

/// The settings of one client.
#[derive(Clone, Copy)]
pub struct Layers<'a> {
    /// The worker's, with what stands before them; later ones win.
    pub of_worker: &'a [(&'a str, &'a Properties)],
    /// The connector's, which win over those.
    pub of_connector: (&'a str, &'a Properties),
}

/// Something of the worker's that a client would show.
enum Asset {
    /// What the setting of this name holds.
    Login(String),
    /// What is in a file that the connector names.
    File,
    /// A token of the machine's identity for this scope; the worker's own file asks for it, or the connector does.
    Token { scope: String, of_worker: bool },
}

/// Refuses a client that would show what is the worker's to a host that its operator does not know.
pub fn check_client(worker: &WorkerConfig, layers: &Layers<'_>) -> Result<(), Error> {
    if layers.of_connector.1.is_empty() {
        return Ok(());
    }
    let client = Client::new(worker, layers);
    client.files()?;
    for asset in client.assets()? {
        client.proof(&asset)?;
        client.hosts(&asset)?;
    }
    Ok(())
}

/// Notes what is wrong with each client that a connector would have.
pub fn check(written: &Properties, worker: &WorkerConfig, problems: &mut Problems) {
    let of = |prefix: &'static str| (prefix, with_prefix(written, prefix));
    let [consumer, producer, admin, letters] =
        ["consumer.override.", "producer.override.", "admin.override.", SINK_DEAD_LETTERS].map(of);
    let clients: [(&[(&str, &Properties)], _); 4] = [
        (&[("consumer.", &worker.consumer)], &consumer),
        (&[("producer.", &worker.producer)], &producer),
        (&[("", &worker.client), ("admin.", &worker.admin)], &admin),
        (&[], &letters),
    ];
    for (of_worker, (prefix, own)) in clients {
        let layers = Layers { of_worker, of_connector: (prefix, own) };
        if let Err(Error { key, reason }) = check_client(worker, &layers) {
            problems.add(key.clone(), format!("Invalid value for configuration {key}: {reason}"));
        }
    }
}

struct Client<'a> {
    worker: &'a WorkerConfig,
    base: Settings<'a>,
    own: Settings<'a>,
    /// Both, as the client has them.
    all: Settings<'a>,
}

impl<'a> Client<'a> {
    fn new(worker: &'a WorkerConfig, layers: &Layers<'a>) -> Self {
        let [mut base, mut own] = [Settings::default(), Settings::default()];
        for (prefix, properties) in layers.of_worker {
            base.add(prefix, properties);
        }
        own.add(layers.of_connector.0, layers.of_connector.1);
        let mut all = base.clone();
        all.add(layers.of_connector.0, layers.of_connector.1);
        Self { worker, base, own, all }
    }

    /// True when the client has this setting from the worker's file.
    fn is_of_worker(&self, key: &str) -> bool {
        self.own.written(key).is_none() && self.base.get(key).is_some()
    }

    /// What all the worker's clients have for `key`.
    fn of_worker(&self, key: &'a str) -> impl Iterator<Item = &'a str> {
        let WorkerConfig { client, consumer, producer, admin, .. } = self.worker;
        [client, consumer, producer, admin]
            .into_iter()
            .filter_map(move |all| all.get(key))
            .map(|text| text.trim())
    }

    fn protocol(&self) -> String {
        self.all.get(PROTOCOL).unwrap_or_default().trim().to_ascii_lowercase()
    }

    /// Files that the connector names lie where the operator wants them.
    fn files(&self) -> Result<(), Error> {
        for key in AUTHORITIES.into_iter().chain(FILES) {
            let Some(path) = self.own.get(key).map(str::trim) else { continue };
            // librdkafka's word for the usual places.
            let is_probe = key == "ssl.ca.location" && path == "probe";
            // The worker's own authorities may be named again.
            let is_known = AUTHORITIES.contains(&key) && self.of_worker(key).any(|own| own == path);
            let objection = self.worker.custody.objection_to_file(path);
            if let Some(reason) = objection.filter(|_| !is_probe && !is_known) {
                return Err(self.own.error(key, reason));
            }
        }
        Ok(())
    }

    /// What is the worker's in the logins of this client.
    fn assets(&self) -> Result<Vec<Asset>, Error> {
        let protocol = self.protocol();
        let mut assets = Vec::new();
        if protocol.contains("ssl") {
            // The same file or key under the connector's name is still the worker's.
            let named = |key: &&str| {
                let again = self.own.get(key).map(str::trim);
                self.is_of_worker(key) || again.is_some_and(|text| self.of_worker(key).any(|own| own == text))
            };
            assets.extend(KEYS.iter().find(|key| named(key)).map(|key| Asset::Login(self.all.name(key))));
        }
        if protocol.contains("sasl") {
            assets.extend(self.login()?);
        }
        Ok(assets)
    }

    fn login(&self) -> Result<Option<Asset>, Error> {
        let entry = match self.all.get(JAAS).map(login_entry) {
            // The client cannot be made, and says why.
            Some(Err(_)) => return Ok(None),
            entry => entry.and_then(Result::ok),
        };
        let mechanism = self.all.get("sasl.mechanism").or_else(|| self.all.get("sasl.mechanisms"));
        let of_worker = |key: &str| self.is_of_worker(key).then(|| Asset::Login(self.all.name(key)));
        match mechanism.map(|name| name.trim().to_ascii_uppercase()).as_deref() {
            // Tickets are the process's, whoever names them.
            None | Some("GSSAPI") => Ok(Some(Asset::Login(self.all.name(JAAS)))),
            Some("OAUTHBEARER") => self.bearer(entry.as_ref()),
            Some(_) if entry.is_some() => Ok(of_worker(JAAS)),
            Some(_) => Ok(of_worker("sasl.password")),
        }
    }

    fn bearer(&self, entry: Option<&LoginEntry>) -> Result<Option<Asset>, Error> {
        let of_worker = |key: &str| self.is_of_worker(key).then(|| Asset::Login(self.all.name(key)));
        let option = |name: &str| entry.and_then(|entry| entry.option(name));
        if option("azureCredential").is_some() {
            let (scope, key) = match option("scope") {
                Some(scope) => (scope, JAAS),
                None => (self.all.get(SCOPE).unwrap_or_default(), SCOPE),
            };
            let of_worker = self.is_of_worker(JAAS) && self.is_of_worker(key);
            return Ok(Some(Asset::Token { scope: scope.to_owned(), of_worker }));
        }
        let Some(endpoint) = self.all.get(ENDPOINT).map(str::trim) else { return Ok(of_worker(JAAS)) };
        let url = Url::parse(endpoint).ok();
        if let Some(url) = url.as_ref().filter(|url| url.scheme() == "file") {
            if self.of_worker(ENDPOINT).any(|own| own == endpoint) {
                return Ok(Some(Asset::Login(self.all.name(ENDPOINT))));
            }
            let path = url.to_file_path().unwrap_or_default();
            let objection = self.worker.custody.objection_to_token_file(&path.to_string_lossy());
            return match objection {
                Some(reason) => Err(self.all.error(ENDPOINT, reason)),
                None => Ok(Some(Asset::File)),
            };
        }
        let secret = if option("clientSecret").is_some() { JAAS } else { CLIENT_SECRET };
        let Some(login) = of_worker(secret) else { return Ok(None) };
        self.steered(secret, url.as_ref(), option("scope").is_some())?;
        Ok(Some(login))
    }

    /// The worker's client secret goes to the worker's own token endpoint, and asks for the worker's own scope.
    fn steered(&self, secret: &str, endpoint: Option<&Url>, has_scope: bool) -> Result<(), Error> {
        let is_other = |key: &'a str| {
            let written = self.own.written(key).map(str::trim);
            written.is_some_and(|text| self.of_worker(key).all(|own| own != text))
        };
        let lets = |url: &Url| {
            let place = url.host_str().zip(url.port_or_known_default());
            url.scheme() == "https"
                && place.is_some_and(|(host, port)| self.worker.custody.lets_to(host, port))
        };
        let secret = self.all.name(secret);
        if is_other(ENDPOINT) && !endpoint.is_some_and(lets) {
            let reason = format!(
                "{secret} is the worker's, and goes to no token endpoint that a connector names, unless the worker's \
                 operator names the host in {HOSTS}"
            );
            return Err(self.all.error(ENDPOINT, reason));
        }
        if is_other(SCOPE) && !has_scope {
            let reason = format!("{secret} is the worker's, and a connector chooses no scope for it");
            return Err(self.all.error(SCOPE, reason));
        }
        Ok(())
    }

    /// Nothing that proves the brokers to be who they are is the connector's, unless it is as strict as can be.
    fn proof(&self, asset: &Asset) -> Result<(), Error> {
        for key in PROOFS {
            let Some(text) = self.own.written(key).map(str::trim) else { continue };
            let is_strict = match key {
                PROTOCOL => matches!(text.to_ascii_lowercase().as_str(), "ssl" | "sasl_ssl"),
                "enable.ssl.certificate.verification" => text == "true",
                "ssl.endpoint.identification.algorithm" => text.eq_ignore_ascii_case("https"),
                _ => false,
            };
            let is_nothing = text.is_empty() && self.base.get(key).is_none() && !key.ends_with(".algorithm");
            if !is_strict && !is_nothing && self.of_worker(key).all(|own| own != text) {
                let reason = format!(
                    "{} is the worker's, so a connector does not say how the brokers prove who they are: leave it out, or \
                     give the connector a login of its own",
                    self.named(asset)
                );
                return Err(self.own.error(key, reason));
            }
        }
        Ok(())
    }

    fn hosts(&self, asset: &Asset) -> Result<(), Error> {
        const ALIAS: &str = "metadata.broker.list";
        if self.own.written(ALIAS).is_some() {
            return Err(self.own.error(ALIAS, format!("use {BOOTSTRAP}")));
        }
        let worker = self.worker;
        let of_worker: Vec<_> =
            self.of_worker(BOOTSTRAP).chain([worker.bootstrap_servers.as_str()]).collect();
        let of_worker: Vec<_> = of_worker.iter().flat_map(|list| brokers(list)).collect();
        let own = self.own.written(BOOTSTRAP);
        let all = own.or_else(|| self.all.get(BOOTSTRAP)).unwrap_or(&worker.bootstrap_servers);
        for broker in brokers(all) {
            let is_own = own.is_none() || of_worker.contains(&broker);
            let place = host_and_port(broker).map(|(host, port)| (host, port.unwrap_or(PORT)));
            let place = place.as_ref().map(|(host, port)| (host.as_str(), *port));
            if !self.may_see(asset, is_own, place) {
                let key = if own.is_some() { BOOTSTRAP } else { JAAS };
                return Err(self.all.error(key, self.objection(asset)));
            }
        }
        Ok(())
    }

    /// `is_own`: one of the worker's own brokers. `place` is none where host and port cannot be told.
    fn may_see(&self, asset: &Asset, is_own: bool, place: Option<(&str, u16)>) -> bool {
        let custody = &self.worker.custody;
        match asset {
            Asset::Login(_) | Asset::File => {
                is_own || place.is_some_and(|(host, port)| custody.lets_to(host, port))
            }
            Asset::Token { scope, of_worker } => {
                let is_azures =
                    place.is_some_and(|(host, _)| self.protocol() == "sasl_ssl" && is_hub(host, scope));
                (is_own && (*of_worker || self.worker_asks_for(scope)))
                    || is_azures
                    || place.is_some_and(|(host, port)| custody.lets_token_to(host, port, scope))
            }
        }
    }

    /// True when one of the worker's own clients signs in with such a token.
    fn worker_asks_for(&self, scope: &str) -> bool {
        let entries = self.of_worker(JAAS).filter_map(|text| login_entry(text).ok());
        let mut scopes =
            entries.filter(|entry| entry.option("azureCredential").is_some()).filter_map(|entry| {
                entry
                    .option("scope")
                    .map(str::to_owned)
                    .or_else(|| self.of_worker(SCOPE).next().map(str::to_owned))
            });
        scopes.any(|own| resource(&own) == resource(scope))
    }

    fn named(&self, asset: &Asset) -> String {
        match asset {
            Asset::Login(key) => key.clone(),
            Asset::File => format!("the file of {}", self.all.name(ENDPOINT)),
            Asset::Token { .. } => format!("the Azure identity that {} asks for", self.all.name(JAAS)),
        }
    }

    /// Without the host, which may have come from a config provider.
    fn objection(&self, asset: &Asset) -> String {
        let named = self.named(asset);
        match asset {
            Asset::Login(_) | Asset::File => format!(
                "{named} is the worker's, and these are not the worker's own {BOOTSTRAP}: give the connector a login of its \
                 own for them, or let the worker's operator name the hosts in {HOSTS}"
            ),
            Asset::Token { .. } => format!(
                "{named} is the worker's: over SASL_SSL it goes to a host of Azure Event Hubs with its own scope, \
                 https://<namespace>.servicebus.windows.net/.default, and to others only if the worker's operator names host \
                 and scope in {HOSTS}"
            ),
        }
    }
}

/// A list of brokers as librdkafka cuts it.
fn brokers(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|broker| !broker.is_empty())
}

/// True for a namespace of Event Hubs and the scope that is for it alone.
fn is_hub(host: &str, scope: &str) -> bool {
    event_hubs().any(|domain| host.len() > domain.len() && host.ends_with(domain))
        && resource(scope).strip_prefix("https://").is_some_and(|of| of.eq_ignore_ascii_case(host))
}
