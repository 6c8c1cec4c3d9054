//! REST over a real socket, with memory stores and a worker that runs nothing: what HTTP itself asks for. The recorded
//! answers of a real worker are replayed in `tests/it/golden_rest.rs`.

use super::{Rest, router, serve};
use crate::config::{ConverterConfig, WorkerConfig, plugins};
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
    server_of(worker_config("none:0")).await
}

async fn server_of(config: WorkerConfig) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (runner, events) = FakeRunner::new();
    let options = Options {
        config: Arc::new(config),
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

/// A worker with the settings of the recorded one.
async fn recorded_server() -> Server {
    let config = worker_config("none:0");
    let string =
        ConverterConfig { class: plugins::STRING_CONVERTER.to_owned(), ..config.key_converter.clone() };
    server_of(WorkerConfig { key_converter: string.clone(), value_converter: string, ..config }).await
}

/// A recorded answer with what must differ put right: our folder, the plugins and converters that we have.
fn ours(answer: &Value) -> Value {
    let mut answer: Value = serde_json::from_str(&answer.to_string().replace("TMPDIR", "/tmp")).unwrap();
    for info in answer.get_mut("configs").and_then(Value::as_array_mut).into_iter().flatten() {
        if ["key.converter", "value.converter"].map(Value::from).contains(&info["value"]["name"]) {
            info["value"]["recommended_values"] = json!(plugins::CONVERTERS);
        }
    }
    if let Some(listed) = answer.as_array_mut() {
        listed.retain(|plugin| !plugin["class"].as_str().unwrap_or_default().contains(".file."));
    }
    answer
}

#[tokio::test]
async fn recorded_answers_about_plugins_are_ours() {
    let server = recorded_server().await;
    let mut compared = 0;
    for line in include_str!("../../tests/fixtures/golden/connect-rest.jsonl").lines() {
        let case: Value = serde_json::from_str(&line.replace("KURL", "https://127.0.0.1:12345")).unwrap();
        let path = case["request"]["path"].as_str().unwrap();
        if !path.starts_with("/connector-plugins") || case["status"] == 500 {
            continue;
        }
        let method = case["request"]["method"].as_str().unwrap();
        let (status, mut found) = server.json(method, path, &case["request"]["body"].to_string()).await;
        let keys = found.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut);
        keys.for_each(|key| drop(key.shift_remove("documentation")));
        for info in found.get_mut("configs").and_then(Value::as_array_mut).into_iter().flatten() {
            info["definition"].as_object_mut().unwrap().shift_remove("documentation");
        }
        assert_eq!(json!(status), case["status"], "{}", case["case"]);
        assert_eq!(found, ours(&case["answer"]), "{}", case["case"]);
        compared += 1;
    }
    assert_eq!(compared, 22);
}

#[tokio::test]
async fn plugins_of_all_kinds_are_listed_when_asked_for() {
    let server = server().await;
    let kinds = async |query: &str| {
        let (_, listed) = server.json("GET", &format!("/connector-plugins{query}"), "").await;
        let kinds =
            listed.as_array().unwrap().iter().map(|plugin| plugin["type"].as_str().unwrap().to_owned());
        kinds.collect::<Vec<_>>()
    };
    for query in ["", "?connectorsOnly=true", "?connectorsOnly=TRUE", "?connectorsonly=false"] {
        assert_eq!(kinds(query).await, ["sink"], "{query}");
    }
    let all = kinds("?connectorsOnly=false").await;
    assert_eq!(all.first().map(String::as_str), Some("sink"));
    assert_eq!(all.last().map(String::as_str), Some("header_converter"));
    assert_eq!(server.get("/connector-plugins/Json/config").await.status().as_u16(), 200);
}

#[tokio::test]
async fn a_config_is_patched_as_a_whole() {
    let server = server().await;
    let body = json!({"name": "x", "config": crate::herder::tests::sink("1")}).to_string();
    assert_eq!(server.json("POST", "/connectors", &body).await.0, 201);
    let path = "/connectors/x/config";
    let (status, info) = server.json("PATCH", path, r#"{"tasks.max": 2, "flush.interval.ms": "5000"}"#).await;
    assert_eq!((status, &info["config"]["tasks.max"]), (200, &json!("2")));
    let (status, info) = server.json("PATCH", path, r#"{"flush.interval.ms": null, "nobody": null}"#).await;
    assert_eq!((status, info["config"].get("flush.interval.ms")), (200, None));
    assert_eq!(info["config"]["tasks.max"], "2");
    let (status, error) = server.json("PATCH", path, r#"{"topics": null, "tasks.max": "9"}"#).await;
    assert_eq!((status, &error["error_code"]), (400, &json!(400)));
    assert!(error["message"].as_str().unwrap().contains("Must configure one of topics or topics.regex"));
    let (status, error) = server.json("PATCH", path, r#"{"name": "y"}"#).await;
    let mismatch = "Connector name configuration (y) doesn't match connector name in the URL (x)";
    assert_eq!((status, &error["message"]), (400, &json!(mismatch)));
    let (status, info) = server.json("PATCH", path, "{}").await;
    assert_eq!((status, &info["config"]["tasks.max"]), (200, &json!("2")));
    let (status, error) = server.json("PATCH", "/connectors/none/config", "{}").await;
    assert_eq!((status, &error["message"]), (404, &json!("Connector none not found")));
}
