//! Asking: one address after the other, then all once more after a pause.
//!
//! It owns the connections and the token. What does not pass (a schema that is not there, a password that is refused)
//! ends the asking at once.

use super::answer::{Artifact, Reference, Refusal, Schema};
use super::config::{Protocol, RegistryConfig};
use super::credentials::Credentials;
use super::http::{self, body, chain};
use super::token::Tokens;
use super::{Error, may_pass};
use crate::data::registered::{self, Registered, SchemaId};
use crate::retry::Backoff;
use crate::words;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use url::Url;

/// More references than that are a ring that is not one by name, or an attack.
const MOST_REFERENCES: usize = 1000;
/// Bytes of a schema and of all it refers to.
const MOST_BYTES: usize = 32 * 1024 * 1024;

/// A registry.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    config: RegistryConfig,
    tokens: Tokens,
    /// The address that answered last.
    good: AtomicUsize,
    /// What other schemas refer to, which many of them do: versions of a subject never change. Held for a look.
    kept: Mutex<Kept>,
}

/// Schemas by the questions that they answer.
#[derive(Debug, Default)]
struct Kept {
    by_question: HashMap<Vec<String>, Arc<Schema>>,
    bytes: usize,
}

/// The schemas that one refers to, while they are fetched.
#[derive(Debug, Default)]
struct Found {
    all: Vec<registered::Reference>,
    bytes: usize,
}

/// Path and query below an address.
struct Question {
    path: Vec<String>,
    query: Option<(&'static str, String)>,
}

impl Question {
    fn of(path: &[&str]) -> Self {
        Self { path: path.iter().map(|part| (*part).to_owned()).collect(), query: None }
    }
}

impl Client {
    /// A client as `config` wants it; reads the files of key stores.
    pub fn new(config: RegistryConfig) -> Result<Self, Error> {
        let http = http::client(&config)?;
        Ok(Self {
            http,
            config,
            tokens: Tokens::default(),
            good: AtomicUsize::new(0),
            kept: Mutex::default(),
        })
    }

    /// The schema `id` and all it refers to. `subject` is what it is probably registered under.
    ///
    /// All of it together takes no longer than two questions that nobody answers, however many references there are.
    pub async fn schema(&self, id: SchemaId, subject: Option<&str>) -> Result<Registered, Error> {
        let limit = self.longest();
        if let Ok(fetched) = tokio::time::timeout(limit, self.fetch(id, subject)).await {
            return fetched;
        }
        let question = Question::of(&["schemas", "ids", &id.to_string()]);
        let reason = format!("it and what it refers to took longer than {} s", limit.as_secs());
        Err(self.malformed(&question, reason))
    }

    /// Does it answer, and let us in? One try at each address; what it holds does not matter.
    pub async fn reach(&self) -> Result<(), Error> {
        let question = match self.config.protocol {
            Protocol::Confluent => Question::of(&["schemas", "types"]),
            Protocol::ApicurioGlobalId | Protocol::ApicurioContentId => Question::of(&["system", "info"]),
        };
        match self.ask_all(&question).await {
            // Older ones know no such question, and have answered.
            Err(Error::Refused { status: 404 | 405, .. }) => Ok(()),
            other => other.map(drop),
        }
    }

    fn longest(&self) -> Duration {
        let RegistryConfig { connect_timeout, read_timeout, retries, pauses, .. } = &self.config;
        let once = connect_timeout.saturating_add(*read_timeout).saturating_add(pauses.1);
        let addresses = u32::try_from(self.config.urls.len()).unwrap_or(1).max(1);
        once.saturating_mul(retries.saturating_add(1)).saturating_mul(addresses).saturating_mul(2)
    }

    async fn fetch(&self, id: SchemaId, subject: Option<&str>) -> Result<Registered, Error> {
        match self.config.protocol {
            Protocol::Confluent => self.confluent(id, subject).await,
            Protocol::ApicurioGlobalId => self.apicurio("globalIds", id).await,
            Protocol::ApicurioContentId => self.apicurio("contentIds", id).await,
        }
    }

    async fn confluent(&self, id: SchemaId, subject: Option<&str>) -> Result<Registered, Error> {
        let mut question = match id {
            SchemaId::Number(number) => Question::of(&["schemas", "ids", &number.to_string()]),
            SchemaId::Guid(guid) => Question::of(&["schemas", "guids", &guid.to_string()]),
        };
        question.query = subject.map(|subject| ("subject", subject.to_owned()));
        let schema: Schema = self.json(&question).await?;
        let mut found = Found { bytes: schema.bytes(), ..Found::default() };
        let Schema { text, kind, references } = schema;
        self.references(references, &mut found, &question).await?;
        Ok(Registered { kind: kind.or_else(|| Some("AVRO".to_owned())), text, references: found.all })
    }

    /// Fetches what is referred to, deepest first.
    async fn references(
        &self,
        references: Vec<Reference>,
        found: &mut Found,
        of: &Question,
    ) -> Result<(), Error> {
        /// A reference whose own are to be fetched first, and one whose are.
        enum Step {
            Fetch(Reference),
            Add(registered::Reference),
        }
        let mut seen = HashSet::new();
        let mut open: Vec<Step> = references.into_iter().rev().map(Step::Fetch).collect();
        while let Some(step) = open.pop() {
            let reference = match step {
                Step::Add(reference) => {
                    found.all.push(reference);
                    continue;
                }
                Step::Fetch(reference) => reference,
            };
            let Reference { name, subject, version } = reference;
            if !seen.insert(name.clone()) {
                continue;
            }
            if seen.len() > MOST_REFERENCES {
                return Err(self.malformed(of, format!("more than {MOST_REFERENCES} references")));
            }
            let question = Question::of(&["subjects", &subject, "versions", &version.to_string()]);
            let schema = self.kept(&question).await?;
            self.count(found, schema.bytes(), of)?;
            open.push(Step::Add(registered::Reference { name, text: schema.text.clone() }));
            open.extend(schema.references.iter().rev().cloned().map(Step::Fetch));
        }
        Ok(())
    }

    fn count(&self, found: &mut Found, more: usize, of: &Question) -> Result<(), Error> {
        found.bytes += more;
        if found.bytes > MOST_BYTES {
            return Err(
                self.malformed(of, format!("with what it refers to it has more than {MOST_BYTES} bytes"))
            );
        }
        Ok(())
    }

    /// A version of a subject or an artifact, asked for once.
    async fn kept(&self, question: &Question) -> Result<Arc<Schema>, Error> {
        let known = |client: &Self| {
            let kept = client.kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.by_question.get(&question.path).map(Arc::clone)
        };
        if let Some(schema) = known(self) {
            return Ok(schema);
        }
        let schema = self.version(question).await?;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever has ever new ones gains nothing from keeping them.
        let bytes = schema.bytes() + question.path.iter().map(String::len).sum::<usize>();
        if kept.bytes + bytes > MOST_BYTES {
            *kept = Kept::default();
        }
        kept.bytes += bytes;
        kept.by_question.insert(question.path.clone(), Arc::clone(&schema));
        Ok(schema)
    }

    async fn version(&self, question: &Question) -> Result<Arc<Schema>, Error> {
        Ok(Arc::new(match self.config.protocol {
            Protocol::Confluent => self.json(question).await?,
            Protocol::ApicurioGlobalId | Protocol::ApicurioContentId => {
                Schema { text: self.text(question).await?, kind: None, references: Vec::new() }
            }
        }))
    }

    async fn apicurio(&self, ids: &str, id: SchemaId) -> Result<Registered, Error> {
        let number = id.to_string();
        let question = Question::of(&["ids", ids, &number]);
        let text = self.text(&question).await?;
        let question = Question::of(&["ids", ids, &number, "references"]);
        let artifacts: Vec<Artifact> = match self.json(&question).await {
            // Registries older than 2.4 know no references.
            Err(Error::Refused { status: 404, .. }) => Vec::new(),
            other => other?,
        };
        if artifacts.len() > MOST_REFERENCES {
            return Err(self.malformed(&question, format!("more than {MOST_REFERENCES} references")));
        }
        let mut found = Found { bytes: text.len(), ..Found::default() };
        let mut seen = HashSet::new();
        for Artifact { name, group, id: artifact, version } in artifacts {
            if !seen.insert(name.clone()) {
                continue;
            }
            let group = group.unwrap_or_else(|| "default".to_owned());
            // The latest one is another tomorrow.
            let is_fixed = version.is_some();
            let version = version.unwrap_or_else(|| "latest".to_owned());
            let mut question =
                Question::of(&["groups", &group, "artifacts", &artifact, "versions", &version]);
            if self.config.urls.iter().any(|url| url.path().contains("/v3")) {
                question.path.push("content".to_owned());
            }
            let schema = if is_fixed { self.kept(&question).await? } else { self.version(&question).await? };
            self.count(&mut found, schema.bytes(), &question)?;
            found.all.push(registered::Reference { name, text: schema.text.clone() });
        }
        Ok(Registered { kind: None, text, references: found.all })
    }

    async fn json<T: serde::de::DeserializeOwned>(&self, question: &Question) -> Result<T, Error> {
        let body = self.ask(question).await?;
        serde_json::from_slice(&body).map_err(|error| self.malformed(question, words::json(&error)))
    }

    async fn text(&self, question: &Question) -> Result<String, Error> {
        let body = self.ask(question).await?;
        String::from_utf8(body).map_err(|_| self.malformed(question, "it is not UTF-8".to_owned()))
    }

    fn malformed(&self, question: &Question, reason: String) -> Error {
        let url = self.config.urls.first().map(|url| self.address(url, question).to_string());
        Error::Malformed { url: url.unwrap_or_default(), reason, key: self.config.urls_key.clone() }
    }

    /// Asks all addresses, and again after pauses, until one answers or refuses for good.
    async fn ask(&self, question: &Question) -> Result<Vec<u8>, Error> {
        let (first, longest) = self.config.pauses;
        let mut backoff = Backoff::new(first, longest.max(first), u64::from(std::process::id()));
        loop {
            let error = match self.ask_all(question).await {
                Err(error) if error.is_retriable() => error,
                other => return other,
            };
            if backoff.attempts() >= self.config.retries {
                return Err(error);
            }
            let pause = backoff.next_pause();
            tracing::debug!(%error, ?pause, "schema registry; trying again");
            tokio::time::sleep(pause).await;
        }
    }

    async fn ask_all(&self, question: &Question) -> Result<Vec<u8>, Error> {
        let good = self.good.load(Ordering::Relaxed);
        let count = self.config.urls.len().max(1);
        let mut last = None;
        for place in (0..count).map(|step| (good + step) % count) {
            let Some(base) = self.config.urls.get(place) else { continue };
            match self.ask_one(base, question).await {
                Err(error) if error.is_retriable() => last = Some(error),
                other => {
                    self.good.store(place, Ordering::Relaxed);
                    return other;
                }
            }
        }
        Err(last.unwrap_or_else(|| self.malformed(question, "there is no address".to_owned())))
    }

    async fn ask_one(&self, base: &Url, question: &Question) -> Result<Vec<u8>, Error> {
        let url = self.address(base, question);
        let unreachable = |reason: String| {
            let is_trust = words::is_about_trust(&reason);
            let key = &self.config.urls_key;
            let trust =
                format!("{}ssl.truststore.location or SSL_CERT_FILE, and {key}", self.config.tls_prefix);
            Error::Unreachable {
                url: url.to_string(),
                reason,
                key: if is_trust { trust } else { key.clone() },
            }
        };
        let mut request = self.http.get(url.clone());
        if self.config.protocol == Protocol::Confluent {
            request = request.header("accept", "application/vnd.schemaregistry.v1+json, application/json");
        }
        for (name, value) in &self.config.headers {
            request = request.header(name, value.expose());
        }
        let request = self.with_credentials(request).await?;
        let response = request.send().await.map_err(|error| unreachable(chain(&error)))?;
        let status = response.status().as_u16();
        let body = body(response).await.map_err(unreachable)?;
        if status == 200 {
            return Ok(body);
        }
        if status == 401 {
            self.tokens.forget().await;
        }
        let (code, reason) = Refusal::read(&body);
        let of_credentials = self.config.credentials.key().filter(|_| matches!(status, 401 | 403));
        let key = match (of_credentials, status) {
            (Some(key), _) => key.to_owned(),
            (None, 401 | 403) => format!("{} and its credentials", self.config.urls_key),
            (None, _) if may_pass(status) => self.config.urls_key.clone(),
            (None, _) => format!("{} and the schema's id", self.config.urls_key),
        };
        Err(Error::Refused { url: url.to_string(), status, code, reason, key })
    }

    async fn with_credentials(
        &self,
        request: reqwest::RequestBuilder,
    ) -> Result<reqwest::RequestBuilder, Error> {
        Ok(match &self.config.credentials {
            Credentials::None => request,
            Credentials::Basic { user, password, .. } => request.basic_auth(user, Some(password.expose())),
            Credentials::Token { token, .. } => request.bearer_auth(token.expose()),
            Credentials::OAuth(oauth) => {
                let token = self.tokens.get(&self.http, oauth).await?;
                let request = request.bearer_auth(token.expose());
                oauth.headers.iter().fold(request, |request, (name, value)| request.header(*name, value))
            }
        })
    }

    fn address(&self, base: &Url, question: &Question) -> Url {
        let mut url = base.clone();
        if self.config.protocol != Protocol::Confluent && !url.path().contains("/apis/") {
            url.set_path(&format!("{}/apis/registry/v2", url.path().trim_end_matches('/')));
        }
        // Every http address can have segments.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(&question.path);
        }
        if let Some((name, value)) = &question.query {
            url.query_pairs_mut().append_pair(name, value);
        }
        url
    }
}
