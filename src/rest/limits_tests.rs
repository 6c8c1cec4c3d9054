//! What a client can do that means no good, or means nothing: it is stopped, and others are answered meanwhile.

use super::common::{BODY_BLOCK, Limits};
use super::tests::{Server, server_within};
use crate::storage::contract_tests::worker_config;
use crate::storage::{Error, MemoryStores, OpenStores, Stores};
use async_trait::async_trait;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longer than any test takes.
const LONG: Duration = Duration::from_mins(10);
/// What must come comes before this.
const SOON: Duration = Duration::from_secs(30);
const HEALTH: &str = "GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

fn limits() -> Limits {
    Limits { places: 4, kept: 2, head: LONG, body: LONG, answer: LONG, body_blocks: 4 }
}

async fn server(limits: Limits) -> Server {
    server_within(worker_config("none:0"), Arc::new(MemoryStores::default()), limits).await
}

/// Stores that are never there: whoever asks for more than health waits.
struct NeverOpen;

#[async_trait]
impl OpenStores for NeverOpen {
    async fn open(&self) -> Result<Stores, Error> {
        std::future::pending().await
    }
}

/// A connection on which these bytes were sent.
async fn sent(server: &Server, bytes: impl AsRef<[u8]>) -> TcpStream {
    let mut stream = TcpStream::connect(&server.address).await.unwrap();
    // The server may have heard enough before the end.
    drop(stream.write_all(bytes.as_ref()).await);
    stream
}

/// All that comes until the server closes the connection; what was cut counts too.
async fn rest_of(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    let mut part = [0; 4096];
    while let Ok(length @ 1..) = timeout(SOON, stream.read(&mut part)).await.expect("an end") {
        answer.extend_from_slice(&part[..length]);
    }
    String::from_utf8(answer).unwrap()
}

async fn asked(server: &Server, bytes: impl AsRef<[u8]>) -> String {
    rest_of(sent(server, bytes).await).await
}

/// Status and body of an answer.
fn read(answer: &str) -> (u16, Value) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.unwrap_or_default(), serde_json::from_str(body).unwrap_or_default())
}

fn put(length: usize, body: &str) -> String {
    format!(
        "PUT /connectors/x/config HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    )
}

#[tokio::test]
async fn clients_that_wait_give_way_to_the_next_one() {
    let server = server(limits()).await;
    let ready = server.get("/connectors").await;
    assert_eq!(ready.status().as_u16(), 200);
    let mut waiting = Vec::new();
    // Nothing, half a head, a head without its body, an idle connection after an answer.
    for bytes in ["", "GET /conn", &put(100, "{"), "GET / HTTP/1.1\r\nHost: x\r\n\r\n"] {
        for _ in 0..10 {
            waiting.push(sent(&server, bytes).await);
            assert_eq!(read(&asked(&server, HEALTH).await).0, 200, "{bytes}");
        }
    }
    let closed = waiting.drain(..30);
    for stream in closed {
        rest_of(stream).await;
    }
}

#[tokio::test]
async fn health_is_answered_while_the_worker_works_for_all_its_clients() {
    let limits = limits();
    let server = server_within(worker_config("none:0"), Arc::new(NeverOpen), limits.clone()).await;
    // Each of these waits for the stores.
    let get = "GET /connectors HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut busy = Vec::new();
    let refused = timeout(SOON, async {
        loop {
            let mut stream = sent(&server, get).await;
            let mut answer = String::new();
            let read = timeout(Duration::from_millis(200), stream.read_to_string(&mut answer)).await;
            if read.is_ok() && !answer.is_empty() {
                return answer;
            }
            busy.push(stream);
        }
    });
    let refused = refused.await.expect("all places taken");
    assert_eq!(read(&refused).0, 503, "{refused}");
    assert!(refused.contains("Only /health is answered"), "{refused}");
    assert!(refused.to_lowercase().contains("connection: close"), "{refused}");
    // Who waits in a kept place gives way, too.
    for _ in 0..3 {
        let silent = [sent(&server, "GET /he").await, sent(&server, "").await, sent(&server, "").await];
        for path in ["/health", "/health/"] {
            let (status, health) = read(&asked(&server, HEALTH.replace("/health", path)).await);
            assert_eq!((status, &health["status"]), (503, &json!("starting")));
        }
        drop(silent);
    }
    // Whoever is worked for keeps its place.
    let mut open = 0;
    for stream in &mut busy {
        let silent = timeout(Duration::from_millis(1), stream.read(&mut [0; 1])).await.is_err();
        open += usize::from(silent);
    }
    assert_eq!(open, limits.places);
}

#[tokio::test]
async fn no_client_is_waited_for_without_an_end() {
    const SHORT: Duration = Duration::from_millis(50);
    let server = server(Limits { places: 100, head: SHORT, body: SHORT, ..limits() }).await;
    for bytes in ["", "GET /conn", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"] {
        rest_of(sent(&server, bytes).await).await;
    }
    let (status, error) = read(&asked(&server, put(100, "{")).await);
    assert_eq!((status, &error["error_code"]), (408, &json!(408)), "{error}");
    let chunked = put(0, "5\r\n{\"a\":").replace("Content-Length: 0", "Transfer-Encoding: chunked");
    assert_eq!(read(&asked(&server, chunked).await).0, 408);
}

#[tokio::test]
async fn an_answer_that_is_not_taken_is_given_up() {
    let server = server(Limits { places: 1, kept: 0, answer: Duration::from_millis(50), ..limits() }).await;
    let mut stream = TcpStream::connect(&server.address).await.unwrap();
    // Asks for ever more and takes nothing, until the server does not listen any more.
    let request = "GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n".repeat(100);
    let asking = async { while stream.write_all(request.as_bytes()).await.is_ok() {} };
    timeout(SOON, asking).await.expect("the connection is cut");
}

#[tokio::test]
async fn large_bodies_share_what_there_is_and_usual_ones_are_free() {
    let limits = Limits { places: 100, ..limits() };
    let server = server(limits.clone()).await;
    let large = (limits.body_blocks + 1) * BODY_BLOCK;
    let first = sent(&server, put(large, "{")).await;
    let refused = async || read(&asked(&server, put(2 * BODY_BLOCK, &" ".repeat(2 * BODY_BLOCK))).await).0;
    timeout(SOON, async { while refused().await != 503 {} }).await.expect("no room for a second one");
    // Both of them are no objects, which is said once they are read.
    assert_eq!(read(&asked(&server, put(BODY_BLOCK, &" ".repeat(BODY_BLOCK))).await).0, 400);
    drop(first);
    timeout(SOON, async { while refused().await != 400 {} }).await.expect("room again");
    assert_eq!(read(&asked(&server, put(super::MAX_BODY + 1, "{")).await).0, 413);
}

#[tokio::test]
async fn nothing_is_read_from_workers_that_have_not_proved_themselves() {
    let server = server(limits()).await;
    for (method, path) in [("POST", "/connectors/x/tasks"), ("PUT", "/connectors/x/fence")] {
        // The rest of the body never comes.
        let request = put(1_000_000, "[").replace("PUT /connectors/x/config", &format!("{method} {path}"));
        assert_eq!(read(&asked(&server, request).await).0, 400, "{path}");
    }
}

#[tokio::test]
async fn what_could_be_read_in_two_ways_is_refused() {
    let server = server(limits()).await;
    for (head, status) in [
        ("GET / HTTP/1.1\r\nHost: a\r\nhost: a", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Basic eA==\r\nauthorization: Basic eQ==", 400),
        ("GET /connectors/a%00b HTTP/1.1\r\nHost: a", 400),
        ("GET /connectors?expand=%00 HTTP/1.1\r\nHost: a", 400),
        ("GET /connectors/a%2500b HTTP/1.1\r\nHost: a", 404),
        ("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Basic eA==", 200),
    ] {
        let answer = asked(&server, format!("{head}\r\nConnection: close\r\n\r\n")).await;
        assert_eq!(read(&answer).0, status, "{head}");
    }
    let long = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(100_000));
    assert_ne!(read(&asked(&server, long).await).0, 200);
}
