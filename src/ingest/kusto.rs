//! Kusto over REST: management commands (`POST {url}/v1/rest/mgmt`, `kusto-protocol.md` §2) and whatever else is posted.
//!
//! One try, except that a refused token is replaced once. Errors inside a 200 answer are errors.

use super::auth::Auth;
use super::error::{Class, Refusal, chain};
use super::http::{Call, Http};
use super::message::Sender;
use super::storage::retry_after_of;
use super::url::redacted;
use super::{Error, SasUrl};
use bytes::Bytes;
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use url::Url;
use uuid::Uuid;

/// One of the two endpoints of a cluster.
#[derive(Debug)]
pub struct KustoClient {
    http: Http,
    auth: Arc<Auth>,
    sender: Arc<Sender>,
    endpoint: Endpoint,
}

/// Where a [`KustoClient`] sends to.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// The cluster's address; commands go below its path.
    pub url: Url,
    /// The setting it came from.
    pub setting: &'static str,
    /// What a 403 of it means.
    pub role: &'static str,
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

/// The first table of an answer.
#[derive(Debug, Default, PartialEq)]
pub struct Table {
    columns: Vec<String>,
    rows: Vec<Vec<Value>>,
}

impl Table {
    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// The texts of two columns in all rows, by name or, when the names are strange, by place. Rows without them are
    /// left out.
    pub fn texts<'a>(
        &'a self,
        first: (&str, usize),
        second: (&str, usize),
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        let place = |(name, place)| self.columns.iter().position(|column| *column == name).unwrap_or(place);
        let (first, second) = (place(first), place(second));
        self.rows.iter().filter_map(move |row| Some((row.get(first)?.as_str()?, row.get(second)?.as_str()?)))
    }

    /// The cell of the first row at `place`.
    pub fn at(&self, place: usize) -> Option<&Value> {
        self.rows.first()?.get(place)
    }

    /// The text in the first row's `column`.
    pub fn text(&self, column: &str) -> Option<&str> {
        let place = self.columns.iter().position(|name| name == column)?;
        self.rows.first()?.get(place)?.as_str()
    }

    /// The text in the first cell.
    pub fn cell(&self) -> Option<&str> {
        self.rows.first()?.first()?.as_str()
    }
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

    /// Runs the command `csl` in `database` and gives its first table.
    pub async fn command(&self, operation: &'static str, database: &str, csl: &str) -> Result<Table, Error> {
        let limit = self.http.timings.call;
        let body = json!({
            "db": database,
            "csl": csl,
            "properties": json!({"Options": {"servertimeout": timespan(limit)}}).to_string(),
        });
        let post = Post {
            operation,
            url: below(&self.endpoint.url, "v1/rest/mgmt"),
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
                advice: self.advice(answer.status),
                class,
                retry_after: answer.retry_after,
            })))
        };
        if answer.status != 200 {
            let found = Found::in_body(&answer.body);
            let class = classify(answer.status, found.permanent);
            return refused(found, class);
        }
        let value: Value = serde_json::from_slice(&answer.body).map_err(|e| call.malformed(e.to_string()))?;
        if let Some(found) = Found::in_answer(&value) {
            let class = if found.permanent == Some(true) { Class::Permanent } else { Class::Transient };
            return refused(found, class);
        }
        Ok(value)
    }

    fn advice(&self, status: u16) -> Option<&'static str> {
        match status {
            401 => {
                Some("the token was not accepted: check aad.auth.strategy and the aad.auth settings with it")
            }
            403 => Some(self.endpoint.role),
            400 | 404 | 405 | 300..=399 => match self.endpoint.setting {
                "kusto.ingestion.url" => {
                    Some("check kusto.ingestion.url: it must be the cluster's ingest- endpoint")
                }
                _ => Some("check kusto.query.url"),
            },
            _ => None,
        }
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
    let body = response.bytes().await.map_err(|e| call.unreachable(chain(&e)))?;
    Ok(Answer { status, retry_after, body: body.to_vec() })
}

/// `kusto-protocol.md` §9.2.
fn classify(status: u16, permanent: Option<bool>) -> Class {
    match (status, permanent) {
        (401, _) => Class::Token,
        (408 | 409 | 429 | 500..=599, _) | (400, Some(false)) => Class::Transient,
        _ => Class::Permanent,
    }
}

/// An error found in an answer.
#[derive(Debug, Default, PartialEq)]
struct Found {
    code: Option<String>,
    text: String,
    permanent: Option<bool>,
}

impl Found {
    /// The error of a body that came with an error status: Kusto's shape, a plain `message`, or any text.
    fn in_body(body: &[u8]) -> Self {
        let Ok(value) = serde_json::from_slice::<Value>(body) else {
            return Self { text: redacted(&String::from_utf8_lossy(body)), ..Self::default() };
        };
        match value.get("error") {
            Some(error) => Self::one(error),
            None => Self::one(&value),
        }
    }

    /// The error hidden in a 200 answer: at the top, or in place of a row (`kusto-protocol.md` §2.2).
    fn in_answer(value: &Value) -> Option<Self> {
        if let Some(error) = value.get("error") {
            return Some(Self::one(error));
        }
        let tables = value.get("Tables").and_then(Value::as_array).into_iter().flatten();
        let rows = tables.filter_map(|table| table.get("Rows")?.as_array()).flatten();
        std::iter::once(value).chain(rows.filter(|row| row.is_object())).find_map(|holder| {
            if let Some(first) = holder.get("OneApiErrors").and_then(|errors| errors.get(0)) {
                return Some(Self::one(first.get("error").unwrap_or(first)));
            }
            let first = holder.get("Exceptions")?.get(0)?;
            let text = first.as_str().map_or_else(|| first.to_string(), str::to_owned);
            Some(Self { text: redacted(&text), ..Self::default() })
        })
    }

    fn one(error: &Value) -> Self {
        let text = |name: &str| error.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        Self {
            code: text("code").map(redacted),
            text: redacted(text("@message").or_else(|| text("message")).unwrap_or_default()),
            permanent: error.get("@permanent").and_then(Value::as_bool),
        }
    }
}

/// The result of a V1 answer: its first table (further ones are the table of contents' business).
fn parse_table(value: &Value) -> Option<Table> {
    let table = value.get("Tables")?.get(0)?;
    let columns = table.get("Columns")?.as_array()?.iter();
    let columns = columns.map(|c| c.get("ColumnName").and_then(Value::as_str).unwrap_or_default().to_owned());
    let rows = table.get("Rows").and_then(Value::as_array).into_iter().flatten();
    let rows = rows.filter_map(|row| row.as_array().cloned()).collect();
    Some(Table { columns: columns.collect(), rows })
}

#[cfg(test)]
mod tests {
    use super::{Class, Found, below, classify, parse_table, timespan};
    use proptest::prelude::*;
    use serde_json::json;
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
    fn reads_a_table_by_name_and_by_place() {
        let table = parse_table(&json!({"Tables": [{"TableName": "Table_0",
            "Columns": [{"ColumnName": "StorageRoot"}, {"ColumnName": "ResourceTypeName"}],
            "Rows": [["u", "TempStorage"], ["short"], [1, "x"]]}]}))
        .unwrap();
        let texts: Vec<_> = table.texts(("ResourceTypeName", 0), ("StorageRoot", 1)).collect();
        assert_eq!(texts, [("TempStorage", "u")]);
        assert_eq!((table.len(), table.cell()), (3, Some("u")));
    }

    #[test]
    fn finds_errors_wherever_they_are() {
        let body = json!({"error": {"code": "General_BadRequest", "message": "m", "@message": "long",
            "@permanent": true}});
        let found = Found::in_body(body.to_string().as_bytes());
        assert_eq!((found.code.as_deref(), found.text.as_str()), (Some("General_BadRequest"), "long"));
        assert_eq!(found.permanent, Some(true));
        assert_eq!(Found::in_body(b"<html>proxy").text, "<html>proxy");
        assert_eq!(Found::in_body(b""), Found::default());

        let hidden = json!({"Tables": [{"Columns": [], "Rows": [[1], {"OneApiErrors": [{"error":
            {"code": "LimitsExceeded", "@message": "too much", "@permanent": false}}]}]}]});
        let found = Found::in_answer(&hidden).unwrap();
        assert_eq!((found.code.as_deref(), found.permanent), (Some("LimitsExceeded"), Some(false)));
        let hidden = json!({"Tables": [{"Rows": [{"Exceptions": ["Query execution lacks memory"]}]}]});
        assert_eq!(Found::in_answer(&hidden).unwrap().text, "Query execution lacks memory");
        let top = json!({"Tables": [], "Exceptions": ["x"]});
        assert_eq!(Found::in_answer(&top).unwrap().text, "x");
        assert_eq!(Found::in_answer(&json!({"Tables": [{"Rows": [["Exceptions"]]}]})), None);
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

    proptest! {
        #[test]
        fn no_body_panics(body in prop::collection::vec(any::<u8>(), 0..200), text in "[\\[\\]{}\":,a-zE@]{0,80}") {
            let _found = Found::in_body(&body);
            if let Ok(value) = serde_json::from_str(&text) {
                let _found = Found::in_answer(&value);
                let _table = parse_table(&value);
            }
        }
    }
}
