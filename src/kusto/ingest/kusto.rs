//! Kusto over REST: management commands (`POST {url}/v1/rest/mgmt`, `kusto-protocol.md` §2) and whatever else is posted.
//!
//! One try, except that a refused token is replaced once. Errors inside a 200 answer are errors.

use super::advice;
use super::answer::{Found, Table, parse_table};
use super::auth::Auth;
use super::endpoint::Endpoint;
use super::error::{Class, Refusal, chain};
use super::http::{Call, Http};
use super::message::Sender;
use super::storage::retry_after_of;
use super::{Error, SasUrl};
use bytes::Bytes;
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use url::Url;
use uuid::Uuid;

/// Where queries go, which only read.
const READ: &str = "v1/rest/query";
/// How long a query may take: what the service gives it when nothing is said.
const QUERY: Duration = Duration::from_mins(4);

/// One of the two endpoints of a cluster.
#[derive(Debug)]
pub struct KustoClient {
    http: Http,
    auth: Arc<Auth>,
    sender: Arc<Sender>,
    endpoint: Endpoint,
}

/// One request that carries something.
#[derive(Debug)]
pub struct Post {
    /// What it is, for errors, e.g. `get identity token`.
    pub operation: &'static str,
    /// Where it goes.
    pub url: Url,
    /// `x-ms-client-request-id`.
    pub id: String,
    /// `Content-Type`.
    pub content_type: &'static str,
    /// The body is a gzip stream of that.
    pub gzip: bool,
    /// The body.
    pub body: Bytes,
    /// How long to wait for the answer.
    pub limit: Duration,
}

/// The service's answer to a request.
struct Answer {
    status: u16,
    retry_after: Option<Duration>,
    body: Vec<u8>,
}

impl KustoClient {
    /// A client of `endpoint`. No I/O.
    pub fn new(http: Http, auth: Arc<Auth>, sender: Arc<Sender>, endpoint: Endpoint) -> Self {
        Self { http, auth, sender, endpoint }
    }

    /// The endpoint's address.
    pub fn base(&self) -> &Url {
        &self.endpoint.url
    }

    /// How long a small request may take.
    pub fn call_limit(&self) -> Duration {
        self.http.timings.call
    }

    /// The endpoint's address, for messages.
    pub fn url(&self) -> SasUrl {
        SasUrl::new(self.endpoint.url.clone())
    }

    /// Gets a token for this endpoint; false when it needs none.
    pub async fn sign_in(&self) -> Result<bool, Error> {
        let call = self.http.call("sign in", self.url(), self.endpoint.setting);
        let token = call.within(self.http.timings.call, self.auth.token(&self.endpoint)).await?;
        Ok(token.is_some())
    }

    /// Runs the command `csl` in `database` and gives its first table.
    pub async fn command(&self, operation: &'static str, database: &str, csl: &str) -> Result<Table, Error> {
        self.run((operation, "v1/rest/mgmt"), database, csl, self.http.timings.call).await
    }

    /// Runs the query `csl` in `database` and gives its first table. It can change nothing.
    pub async fn query(&self, operation: &'static str, database: &str, csl: &str) -> Result<Table, Error> {
        self.run((operation, READ), database, csl, QUERY).await
    }

    async fn run(
        &self,
        (operation, path): (&'static str, &str),
        database: &str,
        csl: &str,
        limit: Duration,
    ) -> Result<Table, Error> {
        let options = if path == READ {
            json!({ "servertimeout": timespan(limit), "request_readonly": true })
        } else {
            json!({ "servertimeout": timespan(limit) })
        };
        let body = json!({
            "db": database,
            "csl": csl,
            "properties": json!({ "Options": options }).to_string(),
        });
        let post = Post {
            operation,
            url: below(&self.endpoint.url, path),
            id: format!("KCC.execute;{}", Uuid::new_v4()),
            content_type: "application/json; charset=utf-8",
            gzip: false,
            body: body.to_string().into(),
            limit,
        };
        self.post(&post).await
    }

    /// Sends `post` and gives the answer's first table.
    pub async fn post(&self, post: &Post) -> Result<Table, Error> {
        let value = self.json(Method::POST, post).await?;
        parse_table(&value).ok_or_else(|| self.call(post).malformed("no table in it"))
    }

    /// Sends `post`, by another method if wanted, and gives the answer as it is.
    pub async fn json(&self, method: Method, post: &Post) -> Result<Value, Error> {
        match self.once(method.clone(), post).await {
            Err(error) if error.class() == Some(Class::Token) => {
                // The token may have been revoked in mid-life: a new one shows whether it was that.
                self.auth.forget().await;
                self.once(method, post).await
            }
            result => result,
        }
    }

    fn call(&self, post: &Post) -> Call {
        self.http.call(post.operation, SasUrl::new(post.url.clone()), self.endpoint.setting)
    }

    async fn once(&self, method: Method, post: &Post) -> Result<Value, Error> {
        let call = self.call(post);
        let token = call.within(self.http.timings.call, self.auth.token(&self.endpoint)).await?;
        let mut request = self
            .http
            .client
            .request(method, post.url.clone())
            .header("Accept", "application/json")
            .header("Content-Type", post.content_type)
            .header("x-ms-version", "2024-12-12")
            .header("x-ms-client-request-id", &post.id)
            .header("x-ms-client-version", &self.sender.client_version)
            .header("x-ms-app", &self.sender.application)
            .header("x-ms-user", "[none]")
            .body(post.body.clone());
        if post.gzip {
            request = request.header("Content-Encoding", "gzip");
        }
        if let Some(token) = &token {
            request = request.bearer_auth(token.expose());
        }
        let answer = call.within(post.limit, send(&call, request)).await?;
        self.read(&call, &answer)
    }

    fn read(&self, call: &Call, answer: &Answer) -> Result<Value, Error> {
        let refused = |found: Found, class| {
            Err(Error::Refused(Box::new(Refusal {
                operation: call.operation,
                url: call.url.clone(),
                status: answer.status,
                code: found.code,
                text: found.text,
                advice: Some(advice::of_cluster(&self.endpoint, answer.status)),
                class,
                retry_after: answer.retry_after,
            })))
        };
        if answer.status != 200 {
            let found = Found::in_body(&answer.body);
            let class = classify(answer.status, found.permanent);
            return refused(found, class);
        }
        let value: Value =
            serde_json::from_slice(&answer.body).map_err(|e| call.malformed(crate::words::json(&e)))?;
        if let Some(found) = Found::in_answer(&value) {
            let class = if found.permanent == Some(true) { Class::Permanent } else { Class::Transient };
            return refused(found, class);
        }
        Ok(value)
    }
}

/// `path` below the path of `base`.
pub fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_query(None);
    url.set_fragment(None);
    let joined = format!("{}/{path}", base.path().trim_end_matches('/'));
    url.set_path(&joined);
    url
}

fn timespan(limit: Duration) -> String {
    let seconds = limit.as_secs().clamp(1, 3600);
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

async fn send(call: &Call, request: reqwest::RequestBuilder) -> Result<Answer, Error> {
    let response = request.send().await.map_err(|e| call.unreachable(chain(&e)))?;
    let status = response.status().as_u16();
    let retry_after = retry_after_of(response.headers());
    let body = call.body(response).await?;
    Ok(Answer { status, retry_after, body })
}

/// `kusto-protocol.md` §9.2.
fn classify(status: u16, permanent: Option<bool>) -> Class {
    match (status, permanent) {
        (401, _) => Class::Token,
        (408 | 409 | 429 | 500..=599, _) | (400, Some(false)) => Class::Transient,
        _ => Class::Permanent,
    }
}

#[cfg(test)]
mod tests {
    use super::{Class, below, classify, timespan};
    use std::time::Duration;
    use url::Url;

    #[test]
    fn commands_go_below_the_path() {
        let base = Url::parse("https://ade.loganalytics.io/subscriptions/1/?x=1").unwrap();
        assert_eq!(
            below(&base, "v1/rest/mgmt").as_str(),
            "https://ade.loganalytics.io/subscriptions/1/v1/rest/mgmt"
        );
        let base = Url::parse("http://localhost:8080").unwrap();
        assert_eq!(below(&base, "v1/rest/mgmt").as_str(), "http://localhost:8080/v1/rest/mgmt");
        assert_eq!(timespan(Duration::from_secs(3661)), "01:00:00");
        assert_eq!(timespan(Duration::from_secs(90)), "00:01:30");
    }

    #[test]
    fn classes_follow_the_table() {
        for (status, permanent, class) in [
            (401, None, Class::Token),
            (403, None, Class::Permanent),
            (404, Some(false), Class::Permanent),
            (400, Some(true), Class::Permanent),
            (400, None, Class::Permanent),
            (400, Some(false), Class::Transient),
            (429, Some(true), Class::Transient),
            (503, None, Class::Transient),
            (520, None, Class::Transient),
            (302, None, Class::Permanent),
        ] {
            assert_eq!(classify(status, permanent), class, "{status} {permanent:?}");
        }
    }
}
