//! REST over a real socket, with memory stores and a worker that runs nothing: what HTTP itself asks for. The recorded
//! answers of a real worker are replayed in `tests/it/golden_rest.rs`.

use super::{Rest, router, serve};
use crate::herder::Options;
use crate::herder::fake_runner::FakeRunner;
use crate::storage::MemoryStores;
use crate::storage::contract_tests::worker_config;
use reqwest::{Client, Method, Response, header};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

struct Server {
    address: String,
    client: Client,
    stop: CancellationToken,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn server() -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (runner, events) = FakeRunner::new();
    let options = Options {
        config: Arc::new(worker_config("none:0")),
        worker_id: address.as_str().into(),
        stores: Arc::new(MemoryStores::default()),
        runner,
        events,
    };
    let stop = CancellationToken::new();
    let (herder, run) = options.build(stop.clone());
    let tasks = TaskTracker::new();
    tasks.spawn(run);
    tasks.spawn(serve(listener, router(Rest { herder, advertised: address.as_str().into() }), stop.clone()));
    Server { address, client: Client::new(), stop }
}

impl Server {
    fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        self.client.request(method, format!("http://{}{path}", self.address))
    }

    async fn get(&self, path: &str) -> Response {
        self.request("GET", path).send().await.unwrap()
    }

    async fn json(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let request = self.request(method, path).header(header::CONTENT_TYPE, "application/json");
        let answer = request.body(body.to_owned()).send().await.unwrap();
        (answer.status().as_u16(), serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default())
    }
}

fn text(response: &Response, name: header::HeaderName) -> Option<String> {
    response.headers().get(name).map(|value| value.to_str().unwrap().to_owned())
}

#[tokio::test]
async fn methods_slashes_and_media_types() {
    let server = server().await;
    for path in ["/connectors", "/connectors/", "/connectors?search=x"] {
        assert_eq!(server.get(path).await.json::<Value>().await.unwrap(), json!([]), "{path}");
    }
    let head = server.request("HEAD", "/connectors").send().await.unwrap();
    assert_eq!((head.status().as_u16(), text(&head, header::CONTENT_LENGTH).as_deref()), (200, Some("2")));
    let options = server.request("OPTIONS", "/connectors").send().await.unwrap();
    assert_eq!(
        (options.status().as_u16(), text(&options, header::ALLOW).as_deref()),
        (200, Some("GET,HEAD,POST"))
    );
    let wrong = server.request("PUT", "/connectors").send().await.unwrap();
    assert_eq!(
        (wrong.status().as_u16(), text(&wrong, header::ALLOW).as_deref()),
        (405, Some("GET,HEAD,POST"))
    );
    let html = server.request("GET", "/connectors").header(header::ACCEPT, "text/html").send().await.unwrap();
    assert_eq!(html.status().as_u16(), 406);
    let error = html.json::<Value>().await.unwrap();
    assert_eq!(error, json!({"error_code": 406, "message": "HTTP 406 Not Acceptable"}));
    let untyped = server.request("POST", "/connectors").body("{}").send().await.unwrap();
    assert_eq!(untyped.status().as_u16(), 415);
    let charset =
        server.request("POST", "/connectors").header(header::CONTENT_TYPE, "application/json; charset=utf-8");
    assert_eq!(charset.body("{").send().await.unwrap().status().as_u16(), 400);
    for path in ["/connectors/x/tasks/one/status", "/connectors//status", "/connectors/x/y/z", "/nope/"] {
        assert_eq!(server.get(path).await.status().as_u16(), 404, "{path}");
    }
    let large = format!(r#"{{"a": "{}"}}"#, "x".repeat(super::MAX_BODY));
    let (status, error) = server.json("PUT", "/connectors/x/config", &large).await;
    assert_eq!((status, &error["error_code"]), (413, &json!(413)));
    assert_eq!(server.get("/connectors/%FF").await.status().as_u16(), 400);
    let health = server.get("/health").await;
    assert_eq!(health.status().as_u16(), 200);
    assert_eq!(health.json::<Value>().await.unwrap()["status"], "healthy");
}

#[tokio::test]
async fn bad_bodies_are_answered_with_a_reason_and_change_nothing() {
    let server = server().await;
    for body in
        ["", "{", "null", "[]", "7", "{\"name\": \"x\"}", "{\"name\":\"x\",\"config\":{\"a\":[]}}", "\u{0}"]
    {
        for (method, path) in [("POST", "/connectors"), ("PUT", "/connectors/x/config")] {
            let (status, error) = server.json(method, path, body).await;
            assert_eq!((status, &error["error_code"]), (400, &json!(400)), "{method} {body}: {error}");
            assert!(error["message"].as_str().unwrap().len() > 10, "{error}");
        }
    }
    assert_eq!(server.get("/connectors").await.json::<Value>().await.unwrap(), json!([]));
}

#[tokio::test]
async fn odd_names_are_reachable() {
    let server = server().await;
    let config = crate::herder::tests::sink("1");
    for (name, path) in
        [("a%b", "a%25b"), ("ünï", "%C3%BCn%C3%AF"), ("a+b", "a+b"), ("s;t", "s;t"), ("a/b", "a%2Fb")]
    {
        let body = json!({"name": name, "config": config}).to_string();
        let request = server.request("POST", "/connectors").header(header::CONTENT_TYPE, "application/json");
        let answer = request.body(body).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 201, "{name}");
        let location = format!("http://{}/connectors/{path}", server.address);
        assert_eq!(text(&answer, header::LOCATION), Some(location.clone()));
        let read = server.client.get(location).send().await.unwrap().json::<Value>().await.unwrap();
        assert_eq!(read["name"], name);
    }
}
