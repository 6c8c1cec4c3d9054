//! Nothing secret reaches a log line or an error, whatever goes wrong.

use super::super::IngestClient as _;
use super::fake::{Fake, Fault, IDENTITY, Op};
use super::{Settings, client, request, settings, target};
use crate::kusto::ingest::Error;
use crate::kusto::signin::dev_token::DevToken;
use crate::secret::Secret;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tracing_subscriber::EnvFilter;
use url::Url;

const DEV_TOKEN: &str = "DEVELOPER-TOKEN-TEXT";

/// A log that stays in memory.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Takes the log of this thread until the guard is dropped.
    pub fn capture(filter: &str) -> (Self, tracing::subscriber::DefaultGuard) {
        let log = Self::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new(filter))
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        let guard = tracing::subscriber::set_default(subscriber);
        (log, guard)
    }

    /// What was logged so far.
    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn assert_clean(text: &str) {
    for secret in ["SIGNATURE-", IDENTITY, DEV_TOKEN] {
        assert!(!text.contains(secret), "{secret} in: {text}");
    }
}

/// All kinds of trouble at once, at the most talkative level of all crates.
#[tokio::test]
async fn no_log_line_and_no_error_shows_a_secret() {
    let (log, _guard) = Log::capture("trace");
    let fake = Fake::start().await;
    fake.require(DEV_TOKEN);
    let sign_in = Arc::new(DevToken(Secret::new(DEV_TOKEN)));
    let client = client(Settings { sign_in, ..settings(&fake.url) });
    let echo = "<Error><Code>AuthenticationFailed</Code><Message>Signature did not match: \
                https://h/c?sig=SIGNATURE-first&amp;x Bearer DEVELOPER-TOKEN-TEXT</Message></Error>";
    fake.fail(Op::Blob, &[Fault::Answer(503, echo), Fault::BreakAfter, Fault::Answer(403, echo)]);
    fake.fail(Op::Message, &[Fault::BreakAfter, Fault::Answer(500, echo)]);
    client.ingest(&request(1)).await.unwrap();
    fake.answer(
        ".show table",
        403,
        serde_json::json!({"error": {"@message": format!("no Bearer {DEV_TOKEN}?sig=SIGNATURE-x")}}),
    );
    client.check_targets(&[target("Samples", "Storms", None)], false).await.unwrap();
    fake.fail(Op::Blob, &[Fault::Answer(400, echo)]);
    let error = client.ingest(&request(2)).await.unwrap_err();
    assert!(error.to_string().contains("status 400"));
    let log = log.text();
    assert!(log.contains("put blob") && log.contains("put message") && log.contains("check target"), "{log}");
    for text in [error.to_string(), format!("{error:?}"), format!("{client:?}"), log] {
        assert_clean(&text);
    }
}

#[tokio::test]
async fn no_connection_error_shows_a_secret() {
    let (log, _guard) = Log::capture("trace");
    let fake = Fake::start().await;
    // Nobody listens on port 9: the HTTP client's own error would name the whole URL.
    fake.answer(
        ".get ingestion resources",
        200,
        serde_json::json!({"Tables": [{"Columns": [], "Rows": [
            ["TempStorage", "http://127.0.0.1:9/acct1/c1?sig=SIGNATURE-first"],
            ["SecuredReadyForAggregationQueue", "http://127.0.0.1:9/acct1/q1?sig=SIGNATURE-first"]]}]}),
    );
    let limit = Some(Duration::from_millis(50));
    let client = client(Settings { retry_max_time: limit, ..settings(&fake.url) });
    let error = client.ingest(&request(1)).await.unwrap_err();
    assert!(error.to_string().contains("http://127.0.0.1:9/acct1/c1/Samples__Storms"), "{error}");
    assert!(error.to_string().contains("cannot connect"), "{error}");
    for text in [error.to_string(), format!("{error:?}"), log.text()] {
        assert_clean(&text);
    }
}

#[tokio::test]
async fn failures_are_told_to_whoever_waits_and_not_to_the_log() {
    let (log, _guard) = Log::capture("kusto_connect=info");
    let fake = Fake::start().await;
    fake.fail(Op::Blob, &vec![Fault::Answer(503, ""); 20]);
    let (teller, waiting) = tokio::sync::watch::channel(None);
    client(settings(&fake.url)).ingest_telling(&request(1), &teller).await.unwrap();
    let waiting = waiting.borrow().clone().unwrap();
    assert_eq!(waiting.failures, 20);
    assert!(waiting.cause.contains("put blob") && waiting.cause.contains("503"), "{waiting:?}");
    assert_clean(&waiting.cause);
    assert!(!log.text().contains("put blob"), "{}", log.text());
}

#[tokio::test]
async fn tokens_stay_at_home_unless_the_place_is_trusted() {
    let token = Arc::new(DevToken(Secret::new(DEV_TOKEN)));
    for (url, part) in [
        ("http://x.kusto.windows.net", "worker.allow.insecure.http"),
        ("https://x.kusto.windows.net.evil.example", "kusto.ingestion.url"),
    ] {
        let url = Url::parse(url).unwrap();
        let client = client(Settings { sign_in: token.clone(), ..settings(&url) });
        let error = client.ingest(&request(1)).await.unwrap_err();
        assert!(matches!(error, Error::Untrusted { .. }), "{error}");
        assert!(error.to_string().contains(part) && !error.is_retriable(), "{error}");
        assert_clean(&error.to_string());
    }
}
