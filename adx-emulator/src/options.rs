//! What an emulator is started with: the library's [`Options`] and the program's command line.
//!
//! Owns the defaults and their texts. Never opens a file or a port.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use clap::builder::FalseyValueParser;
use url::Url;

/// Tries of a source unless something else is asked for.
const MAX_TRIES: u32 = 30;

/// Where tables, blobs and queued messages live.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Data {
    /// Gone when the emulator stops.
    #[default]
    InMemory,
    /// In this folder, made when absent.
    Dir(PathBuf),
}

/// Who keeps the uploaded blobs and the queues.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum StorageBackend {
    /// The emulator itself, on its own ports.
    #[default]
    Own,
    /// An Azurite.
    Azurite(Box<AzuriteEndpoints>),
}

/// The three services of one Azurite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AzuriteEndpoints {
    /// The blob service.
    pub blob: Url,
    /// The queue service.
    pub queue: Url,
    /// The table service.
    pub table: Url,
}

impl AzuriteEndpoints {
    /// The endpoints of an Azurite whose blob port is in `blob` and whose queue and table ports are the next
    /// two, as with Azurite's own defaults.
    pub fn from_blob_url(blob: &Url) -> Option<Self> {
        let port = blob.port_or_known_default()?;
        let with_port = |add: u16| {
            let mut url = blob.clone();
            url.set_path("");
            url.set_port(Some(port.checked_add(add)?)).ok()?;
            Some(url)
        };
        Some(Self { blob: with_port(0)?, queue: with_port(1)?, table: with_port(2)? })
    }
}

/// Who may ask for tokens and who may use them.
#[derive(Debug, Clone, Default)]
pub struct AuthOptions {
    /// Management, query and streaming requests need a bearer token issued here (or `dev_token`).
    pub require: bool,
    /// The only client id that gets a token; any when none.
    pub client_id: Option<String>,
    /// The secret that goes with it; any when none.
    pub client_secret: Option<String>,
    /// A token accepted in addition to the issued ones.
    pub dev_token: Option<String>,
    /// Life of an issued token; one hour when none.
    pub token_lifetime: Option<Duration>,
}

/// How an emulator is set up. `Options::default()` is for tests: all in memory, on a free port, without TLS.
#[derive(Debug, Clone)]
pub struct Options {
    /// Address of the plain HTTP port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Address of the TLS port, if any; port 0 takes a free one.
    pub tls_listen: Option<SocketAddr>,
    /// Folder of `ca.pem`, `cert.pem`, `key.pem`: used when valid, written otherwise. A temporary one when none.
    pub cert_dir: Option<PathBuf>,
    /// Names and addresses for the certificate, in addition to localhost, 127.0.0.1, `::1` and adx.
    pub tls_names: Vec<String>,
    /// Where the data lives.
    pub data: Data,
    /// The storage that holds blobs and queues.
    pub storage: StorageBackend,
    /// Check and count what arrives, and keep nothing of it: for measurements.
    pub discard: bool,
    /// Base of the storage URLs handed out; taken from each request's `Host` header when none.
    pub public_url: Option<Url>,
    /// Life of a handed out SAS.
    pub sas_lifetime: Duration,
    /// An upper limit for the time a batch waits, whatever the tables' policies say.
    pub max_batching_time: Option<Duration>,
    /// Tries of a source whose failure may pass, before `General_RetryAttemptsExceeded`. The service goes on for 48 hours.
    pub max_tries: u32,
    /// The rules about tokens.
    pub auth: AuthOptions,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            tls_listen: None,
            cert_dir: None,
            tls_names: Vec::new(),
            data: Data::InMemory,
            storage: StorageBackend::Own,
            discard: false,
            public_url: None,
            sas_lifetime: Duration::from_hours(24),
            max_batching_time: None,
            max_tries: MAX_TRIES,
            auth: AuthOptions::default(),
        }
    }
}

/// An Azure Data Explorer stand-in: ingestion service, query service, storage and sign-in on local ports.
#[derive(Debug, Parser)]
#[command(version)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub struct Args {
    /// Address of the plain HTTP port
    #[arg(long, env = "ADX_EMULATOR_LISTEN", value_name = "HOST:PORT", value_parser = address, default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Address of the TLS port (no TLS when absent)
    #[arg(long, env = "ADX_EMULATOR_TLS_LISTEN", value_name = "HOST:PORT", value_parser = address)]
    pub tls_listen: Option<SocketAddr>,
    /// Folder of ca.pem, cert.pem and key.pem: used when valid, written otherwise
    #[arg(long, env = "ADX_EMULATOR_CERT_DIR", value_name = "DIR", default_value = "adx-emulator-certs")]
    pub cert_dir: PathBuf,
    /// More host names or addresses for the certificate
    #[arg(long, env = "ADX_EMULATOR_TLS_NAMES", value_name = "NAME", value_delimiter = ',')]
    pub tls_names: Vec<String>,
    /// Keep everything in memory (the default)
    #[arg(long, env = "ADX_EMULATOR_IN_MEMORY", value_parser = FalseyValueParser::new(), conflicts_with = "data")]
    pub in_memory: bool,
    /// Keep tables, blobs and queues in this folder
    #[arg(long, env = "ADX_EMULATOR_DATA", value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// `own`, or an Azurite: its blob service URL (queue and table are the next two ports) or all three with commas
    #[arg(long, env = "ADX_EMULATOR_STORAGE", value_name = "own|URL[,URL,URL]", default_value = "own", value_parser = storage)]
    pub storage: StorageBackend,
    /// Check and count what arrives, keep nothing: for measurements
    #[arg(long, env = "ADX_EMULATOR_DISCARD", value_parser = FalseyValueParser::new())]
    pub discard: bool,
    /// Base of the storage URLs handed out (default: the request's Host header)
    #[arg(long, env = "ADX_EMULATOR_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<Url>,
    /// Life of a handed out SAS, in seconds
    #[arg(long, env = "ADX_EMULATOR_SAS_SECONDS", value_name = "N", default_value_t = 86_400)]
    pub sas_seconds: u64,
    /// No batch waits longer than this many seconds, whatever the tables' policies say
    #[arg(long, env = "ADX_EMULATOR_MAX_BATCHING_SECONDS", value_name = "N")]
    pub max_batching_seconds: Option<u64>,
    /// Tries of a source whose failure may pass, before it is reported as failed
    #[arg(long, env = "ADX_EMULATOR_TRIES", value_name = "N", default_value_t = MAX_TRIES, value_parser = clap::value_parser!(u32).range(1..))]
    pub tries: u32,
    /// Management, query and streaming requests need a token issued here
    #[arg(long, env = "ADX_EMULATOR_REQUIRE_AUTH", value_parser = FalseyValueParser::new())]
    pub require_auth: bool,
    /// The only client id that gets a token (default: any)
    #[arg(long, env = "ADX_EMULATOR_CLIENT_ID", value_name = "ID")]
    pub client_id: Option<String>,
    /// The client secret that is right (default: any)
    #[arg(long, env = "ADX_EMULATOR_CLIENT_SECRET", value_name = "TEXT", hide_env_values = true)]
    pub client_secret: Option<String>,
    /// A bearer token accepted in addition to the issued ones
    #[arg(long, env = "ADX_EMULATOR_DEV_TOKEN", value_name = "TEXT", hide_env_values = true)]
    pub dev_token: Option<String>,
    /// Ask a running emulator on `--listen` whether it is healthy, and exit 0 or 1: for containers
    #[arg(long)]
    pub health: bool,
}

/// An address by numbers or by name; of several the first of IPv4.
fn address(text: &str) -> Result<SocketAddr, String> {
    let found = text.to_socket_addrs().map_err(|error| format!("no HOST:PORT of this machine: {error}"))?;
    let mut found: Vec<_> = found.collect();
    found.sort_by_key(SocketAddr::is_ipv6);
    found.into_iter().next().ok_or_else(|| "the host name has no address".to_owned())
}

fn storage(text: &str) -> Result<StorageBackend, String> {
    if text.eq_ignore_ascii_case("own") {
        return Ok(StorageBackend::Own);
    }
    let mut urls = Vec::new();
    for part in text.split(',') {
        let url = Url::parse(part.trim()).map_err(|error| format!("neither `own` nor a URL: {error}"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("the URL of an Azurite begins with http:// or https://".to_owned());
        }
        urls.push(url);
    }
    let endpoints = match urls.as_slice() {
        [blob] => AzuriteEndpoints::from_blob_url(blob),
        [blob, queue, table] => {
            Some(AzuriteEndpoints { blob: blob.clone(), queue: queue.clone(), table: table.clone() })
        }
        _ => return Err("give one URL, or three: blob, queue and table".to_owned()),
    };
    endpoints
        .map(|found| StorageBackend::Azurite(Box::new(found)))
        .ok_or_else(|| "the URL has no usable port".to_owned())
}

impl From<Args> for Options {
    fn from(args: Args) -> Self {
        Self {
            listen: args.listen,
            tls_listen: args.tls_listen,
            cert_dir: Some(args.cert_dir),
            tls_names: args.tls_names,
            data: args.data.map_or(Data::InMemory, Data::Dir),
            storage: args.storage,
            discard: args.discard,
            public_url: args.public_url,
            sas_lifetime: Duration::from_secs(args.sas_seconds),
            max_batching_time: args.max_batching_seconds.map(Duration::from_secs),
            max_tries: args.tries,
            auth: AuthOptions {
                require: args.require_auth,
                client_id: args.client_id,
                client_secret: args.client_secret,
                dev_token: args.dev_token,
                token_lifetime: None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Args, Options, StorageBackend};
    use clap::Parser;

    #[test]
    fn an_azurite_is_three_neighbouring_ports() {
        let args =
            Args::try_parse_from(["adx-emulator", "--storage", "http://127.0.0.1:20000/devstoreaccount1"]);
        let StorageBackend::Azurite(found) = Options::from(args.unwrap()).storage else {
            panic!("not Azurite")
        };
        assert_eq!(found.blob.as_str(), "http://127.0.0.1:20000/");
        assert_eq!(found.queue.as_str(), "http://127.0.0.1:20001/");
        assert_eq!(found.table.as_str(), "http://127.0.0.1:20002/");
        assert!(Args::try_parse_from(["adx-emulator", "--storage", "azurite"]).is_err());
        let three = "http://a:1,http://b:2,http://c:3";
        let args = Args::try_parse_from(["adx-emulator", "--storage", three]).unwrap();
        let StorageBackend::Azurite(found) = args.storage else { panic!("not Azurite") };
        assert_eq!(found.table.as_str(), "http://c:3/");
        let args = Args::try_parse_from(["adx-emulator", "--listen", "localhost:81"]).unwrap();
        assert_eq!(args.listen.to_string(), "127.0.0.1:81");
        assert!(Args::try_parse_from(["adx-emulator", "--listen", "81"]).is_err());
        assert!(Args::try_parse_from(["adx-emulator", "--in-memory", "--data", "d"]).is_err());
    }
}
