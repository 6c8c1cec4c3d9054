//! Ways to sign in to the cluster: `aad.auth.*` (`kusto-sink-connector.md` §2.3, `kusto-protocol.md` §1.3, and ways of our own).
//!
//! Each way is a file with a `ROW`: its names, its keys, how settings become a [`SignIn`], and what that does with a login
//! server. `rows` lists them. Nothing here sends anything but what `azure_identity` sends for a credential; whether a token
//! may go to a place is `ingest`'s to judge.

pub mod application;
pub mod azure_cli;
mod cached;
pub mod certificate;
pub mod dev_token;
pub mod managed_identity;
pub mod nobody;
mod principal;
pub mod rows;
mod signed_assertion;
pub mod workload_identity;

pub use principal::Principal;

use crate::config::Custody;
use crate::configdef::def::Row;
use crate::configdef::{Problems, Values};
use crate::secret::Secret;
use azure_core::cloud::{CloudConfiguration, CustomConfiguration};
use azure_core::credentials::TokenCredential;
use azure_core::http::ClientOptions;
use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;
use time::OffsetDateTime;
use url::Url;

/// The group of keys that is about the cluster; those of signing in are among them.
pub const CONNECTION: &str = "Connection";

/// The client id of a principal.
pub const APP_ID: &str = "aad.auth.appid";
/// Its tenant.
pub const AUTHORITY: &str = "aad.auth.authority";

/// One way: a value of `aad.auth.strategy` with all that belongs to it.
#[derive(Debug)]
pub struct SignInRow {
    /// Its values in upper and in lower case. Mixed case is refused, as the JVM connector does.
    pub names: [&'static str; 2],
    /// What it is, for the documentation of `aad.auth.strategy`.
    pub summary: &'static str,
    /// Keys that no other way has.
    pub keys: &'static [Row],
    /// Reads its settings and checks that they are complete; what is wrong goes to the problems, and the result is none.
    pub read: fn(&Reading<'_>, &mut Problems) -> Option<Arc<dyn SignIn>>,
}

/// Where a way reads its settings.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'a> {
    /// The connector's.
    pub values: &'a Values<'a>,
    /// Neither URL can be a real cluster's.
    pub emulator: bool,
    /// What the worker's operator allows.
    pub custody: &'a Custody,
}

impl Reading<'_> {
    /// A text that is not empty, as its own.
    fn text(&self, key: &str) -> Option<String> {
        self.values.filled(key).map(str::to_owned)
    }
}

/// Notes that a strategy lacks a key.
fn note_missing(key: &str, strategy: &str, problems: &mut Problems) {
    problems.add(key, format!("Missing configuration \"{key}\", which aad.auth.strategy={strategy} needs."));
}

/// Who we are for the service.
pub trait SignIn: Any + Debug + Send + Sync {
    /// The way's name, for tracing fields.
    fn strategy(&self) -> &'static str;

    /// True for who the worker is, not the connector: its machine's or pod's identity, whoever is signed in to the CLI there.
    fn is_of_worker(&self) -> bool {
        false
    }

    /// Who we are in Kusto's words (`aadapp=<client id>;<tenant>`), where the settings tell.
    fn principal(&self) -> Option<String> {
        None
    }

    /// What tells it apart from all others that sign in on this worker, where the settings tell.
    fn identity(&self) -> Option<String> {
        self.principal().or_else(|| self.is_of_worker().then(|| self.strategy().to_owned()))
    }

    /// What proves it.
    fn proof(self: Arc<Self>) -> Proof;
}

/// What proves who we are.
#[derive(Debug)]
pub enum Proof {
    /// Nothing does, and nothing is sent.
    Nothing,
    /// A token that is here.
    Token(Secret),
    /// Tokens from the login server that the cluster names.
    Issued(Arc<dyn Issuer>),
}

/// Gets tokens from a login server.
pub trait Issuer: Debug + Send + Sync {
    /// The credential at a login server. Made from settings, environment and files alone, which may block, without I/O to the
    /// network: an error stays until one of them changes. It caches tokens and renews them in time.
    fn credential(&self, login: &Login) -> azure_core::Result<Arc<dyn TokenCredential>>;

    /// When what it signs in with ends and a person must put another in its place, where that can be known. May block, as
    /// `credential` may.
    fn ends(&self) -> Option<OffsetDateTime> {
        None
    }

    /// The settings behind a refusal in these words (Entra's codes are documented as AADSTS numbers).
    fn settings_behind(&self, refusal: &str) -> &'static str;

    /// Whether what failed may go well later. `status` is that of the login server's answer: without a refusal in its own words it
    /// was out of reach, or something stood in its place.
    fn may_pass(&self, status: Option<u16>, text: &str) -> bool {
        status.is_none_or(|status| !matches!(status, 400 | 401 | 403 | 404) || text.contains("AADSTS90033"))
    }
}

/// A login server and the ways to it.
#[derive(Debug)]
pub struct Login {
    /// Its address.
    pub url: Url,
    /// The way to it.
    pub options: ClientOptions,
    /// The way to the machine's own service, which is never behind a proxy.
    pub direct: ClientOptions,
}

impl Login {
    /// Its address without a slash at the end.
    pub fn authority(&self) -> &str {
        self.url.as_str().trim_end_matches('/')
    }

    /// The options of a client that asks this server.
    fn options(&self) -> ClientOptions {
        let mut custom = CustomConfiguration::default();
        self.authority().clone_into(&mut custom.authority_host);
        ClientOptions { cloud: Some(Arc::new(CloudConfiguration::from(custom))), ..self.options.clone() }
    }
}
