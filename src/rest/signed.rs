//! Requests that workers send each other: signed with the key of their cluster instead of carrying the user's password
//! (`connect-runtime.md` §3.6 has the headers, in which Connect's own workers sign theirs).
//!
//! A signature binds the method, the path, the worker it is meant for, the moment, a number that is used once, and the
//! digest of the body; so it is checked before anything of the body is read, and is good for nothing else and only once.
//! It owns the numbers that were seen. What a request may do is decided elsewhere.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openssl::sha::sha256;
use time::OffsetDateTime;
use tokio::sync::watch;
use url::Url;
use uuid::Uuid;

use super::error::Error;
use crate::cluster_key::{self, ClusterKeys, Purpose};

/// Connect's headers.
pub(super) const SIGNATURE: HeaderName = HeaderName::from_static("x-connect-authorization");
pub(super) const ALGORITHM: HeaderName = HeaderName::from_static("x-connect-request-signature-algorithm");
/// What is signed beside the request's own line: the moment, the number, the digest.
const SAID: HeaderName = HeaderName::from_static("x-kusto-connect-request");

/// How far the clocks of two workers may be apart, in milliseconds.
const WINDOW: i64 = 120_000;
/// Numbers that are remembered. Only workers can make one, so nobody else fills the list.
const MOST_SEEN: usize = 65_536;

/// The workers of the cluster, as far as requests prove that they come from one.
pub struct Workers {
    /// By which the others know this one.
    url: Arc<str>,
    keys: watch::Receiver<Arc<ClusterKeys>>,
    seen: Mutex<Seen>,
}

/// Numbers of requests, in the order in which they came, with the moment.
#[derive(Default)]
struct Seen {
    order: VecDeque<(i64, String)>,
    known: HashSet<String>,
}

/// In a request's extensions: a worker sent it, with a body of this digest.
#[derive(Debug, Clone)]
pub(super) struct FromWorker {
    digest: String,
}

impl FromWorker {
    /// Is it the body that was signed?
    pub(super) fn fits(&self, body: &[u8]) -> bool {
        self.digest == digest(body)
    }
}

/// The answer to a signature that is not right, in Connect's words.
pub(super) fn refused() -> Error {
    Error::new(StatusCode::FORBIDDEN, "Internal request contained invalid signature.")
}

/// Lets signed requests pass as such; without a signature a request is a client's.
pub(super) async fn verify(
    State(workers): State<Arc<Workers>>,
    mut request: Request,
    next: Next,
) -> Response {
    if request.headers().contains_key(&SAID) {
        match workers.check(request.method(), &path(&request), request.headers(), now()) {
            Ok(from) => drop(request.extensions_mut().insert(from)),
            Err(reason) => {
                let (method, path) = (request.method(), request.uri().path());
                tracing::warn!(%method, path, reason, "a request that is signed as a worker's is refused");
                return refused().into_response();
            }
        }
    }
    next.run(request).await
}

fn path(request: &Request) -> String {
    request.uri().path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string)
}

impl Workers {
    /// Those that have one of `keys`; this one is known to them by `url`.
    pub fn new(url: Arc<str>, keys: watch::Receiver<Arc<ClusterKeys>>) -> Self {
        Self { url, keys, seen: Mutex::default() }
    }

    /// Has this worker a key at all?
    pub(super) fn has_key(&self) -> bool {
        self.keys.borrow().current().is_some()
    }

    /// The headers of a request to the worker at `to`; none without a key.
    pub(super) fn sign(
        &self,
        method: &Method,
        target: &Url,
        to: &str,
        body: &[u8],
    ) -> Option<[(HeaderName, HeaderValue); 3]> {
        self.sign_at(method, target, to, (body, now()))
    }

    fn sign_at(
        &self,
        method: &Method,
        target: &Url,
        to: &str,
        (body, now): (&[u8], i64),
    ) -> Option<[(HeaderName, HeaderValue); 3]> {
        let query = target.query().map(|query| format!("?{query}")).unwrap_or_default();
        let path = format!("{}{query}", target.path());
        let said = format!("time={now}; nonce={}; body={}", Uuid::new_v4().simple(), digest(body));
        let proof = self.keys.borrow().prove(Purpose::Request, &[to, method.as_str(), &path, &said])?;
        Some([
            (SIGNATURE, HeaderValue::from_str(&proof).ok()?),
            (ALGORITHM, HeaderValue::from_static(cluster_key::ALGORITHM)),
            (SAID, HeaderValue::from_str(&said).ok()?),
        ])
    }

    /// Checks a signature by the headers alone.
    fn check(
        &self,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
        now: i64,
    ) -> Result<FromWorker, &'static str> {
        let one = |name: &HeaderName| {
            let mut all = headers.get_all(name).iter();
            all.next().filter(|_| all.next().is_none()).and_then(|value| value.to_str().ok())
        };
        let missing = "a header of the signature is missing or not single";
        let (Some(proof), Some(algorithm), Some(said)) = (one(&SIGNATURE), one(&ALGORITHM), one(&SAID))
        else {
            return Err(missing);
        };
        if algorithm != cluster_key::ALGORITHM {
            return Err("another algorithm");
        }
        let parts = [&*self.url, method.as_str(), path, said];
        if !self.keys.borrow().accept(proof, Purpose::Request, &parts) {
            return Err("it was not signed with the cluster's key, or for another worker, method or path");
        }
        let fields: Vec<&str> = said.split("; ").collect();
        let field = |place: usize, name: &str| fields.get(place)?.strip_prefix(name);
        let time = field(0, "time=").and_then(|time| time.parse::<i64>().ok());
        let (Some(time), Some(nonce), Some(digest)) = (time, field(1, "nonce="), field(2, "body=")) else {
            return Err("what was signed is not complete");
        };
        if now.saturating_sub(time).saturating_abs() > WINDOW {
            return Err("the clocks of the two workers are more than two minutes apart, or it is an old one");
        }
        if !self.seen.lock().unwrap_or_else(PoisonError::into_inner).first(nonce, now) {
            return Err("it came before");
        }
        Ok(FromWorker { digest: digest.to_owned() })
    }
}

impl Seen {
    /// True when the number is new.
    fn first(&mut self, nonce: &str, now: i64) -> bool {
        // What is older than both windows is refused by its moment.
        let is_old = |at: i64| now.saturating_sub(at) > 2 * WINDOW;
        while self.order.len() >= MOST_SEEN || self.order.front().is_some_and(|(at, _)| is_old(*at)) {
            if let Some((_, old)) = self.order.pop_front() {
                self.known.remove(&old);
            }
        }
        let is_new = self.known.insert(nonce.to_owned());
        if is_new {
            self.order.push_back((now, nonce.to_owned()));
        }
        is_new
    }
}

fn digest(body: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(sha256(body))
}

fn now() -> i64 {
    i64::try_from(OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{ALGORITHM, MOST_SEEN, SAID, SIGNATURE, Seen, WINDOW, Workers};
    use crate::cluster_key::ClusterKeys;
    use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
    use proptest::prelude::*;
    use std::sync::Arc;
    use tokio::sync::watch;
    use url::Url;

    fn keys() -> watch::Receiver<Arc<ClusterKeys>> {
        watch::channel(Arc::new(ClusterKeys::generated())).1
    }

    fn signed(workers: &Workers, at: i64) -> HeaderMap {
        let target = Url::parse("http://b:1/connectors/a%2Fb/pause?forward=true").unwrap();
        HeaderMap::from_iter(workers.sign_at(&Method::PUT, &target, "http://b:1/", (b"{}", at)).unwrap())
    }

    const PATH: &str = "/connectors/a%2Fb/pause?forward=true";

    #[test]
    fn a_signature_is_good_for_one_request_to_one_worker_at_one_time() {
        let keys = keys();
        let (a, b) =
            (Workers::new("http://a:1/".into(), keys.clone()), Workers::new("http://b:1/".into(), keys));
        let headers = signed(&a, 0);
        let check = |workers: &Workers, method, path, now| workers.check(&method, path, &headers, now);
        for (why, refused) in [
            ("worker", check(&a, Method::PUT, PATH, 0)),
            ("method", check(&b, Method::DELETE, PATH, 0)),
            ("path", check(&b, Method::PUT, "/connectors/a%2Fb/pause?forward=false", 0)),
            ("path", check(&b, Method::PUT, "/connectors/a/b/pause?forward=true", 0)),
            ("clocks", check(&b, Method::PUT, PATH, WINDOW + 1)),
            ("clocks", check(&b, Method::PUT, PATH, -WINDOW - 1)),
        ] {
            assert!(refused.unwrap_err().contains(why), "{why}");
        }
        let from = check(&b, Method::PUT, PATH, WINDOW).unwrap();
        assert!(from.fits(b"{}") && !from.fits(b"{} ") && !from.fits(b""));
        assert_eq!(check(&b, Method::PUT, PATH, 0).unwrap_err(), "it came before");
        let mut twice = signed(&a, 0);
        twice.append(SAID, HeaderValue::from_static("time=0"));
        assert!(b.check(&Method::PUT, PATH, &twice, 0).is_err());
        assert!(!Workers::new("x".into(), watch::channel(Arc::default()).1).has_key());
    }

    #[test]
    fn numbers_are_remembered_as_long_as_they_could_come_again_and_no_more_of_them_than_fit() {
        let mut seen = Seen::default();
        assert!(seen.first("x", 0) && !seen.first("x", 2 * WINDOW));
        assert!(seen.first("x", 2 * WINDOW + 1));
        for number in 0..2 * MOST_SEEN {
            assert!(seen.first(&number.to_string(), 0));
        }
        assert_eq!((seen.order.len(), seen.known.len()), (MOST_SEEN, MOST_SEEN));
    }

    proptest! {
        #[test]
        fn no_other_header_is_taken(which in 0_usize..3, text in "[ -~]{0,80}") {
            let keys = keys();
            let (a, b) = (Workers::new("http://a:1/".into(), keys.clone()), Workers::new("http://b:1/".into(), keys));
            let mut headers = signed(&a, 0);
            let name: HeaderName = [SIGNATURE, ALGORITHM, SAID][which].clone();
            prop_assume!(headers[&name] != text.as_str());
            headers.insert(name, HeaderValue::from_str(&text).unwrap());
            prop_assert!(b.check(&Method::PUT, PATH, &headers, 0).is_err());
        }
    }
}
