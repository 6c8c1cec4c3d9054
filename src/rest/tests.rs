//! REST over a real socket, with memory stores and a worker that runs nothing: what HTTP itself asks for. The recorded
//! answers of a real worker are replayed in `tests/it/golden_rest.rs`.

use super::common::Limits;
use super::{MetricsPage, Rest, Server as Sockets, Workers};
use crate::config::{Listener, Scheme, WorkerConfig};
use crate::herder::HerderOptions;
use crate::herder::fake_runner::FakeRunner;
use crate::membership::Cluster;
use crate::metrics::{Metrics, OWN, Page, STRIMZI};
use crate::plugins::BUILT_IN;
use crate::storage::contract_tests::worker_config;
use crate::storage::{MemoryStores, OpenStores};
use crate::telemetry::{Filter, Level, Loggers};
use reqwest::{Client, Method, Response, header};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub(super) struct Server {
    pub(super) address: String,
    client: Client,
    stop: CancellationToken,
    _tasks: JoinSet<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn server() -> Server {
    server_of(worker_config("none:0")).await
}

pub(super) async fn server_of(config: WorkerConfig) -> Server {
    server_within(config, Arc::new(MemoryStores::default()), Limits::of_process()).await
}

/// A server with these limits for connections, on a port of its own.
pub(super) async fn server_within(
    mut config: WorkerConfig,
    stores: Arc<dyn OpenStores>,
    limits: Limits,
) -> Server {
    config.rest.listeners = vec![Listener { scheme: Scheme::Http, host: "127.0.0.1".to_owned(), port: 0 }];
    let sockets = Sockets::bind(&config.rest, &config.metrics).await.unwrap().within(limits);
    let address = sockets.addresses()[0].to_string();
    let (runner, events) = FakeRunner::new();
    let (loggers, govern) = Loggers::new(Filter::detached(Level::Info));
    let (settings, of_metrics) = (config.rest.clone(), config.metrics.clone());
    let options = HerderOptions {
        plugins: BUILT_IN,
        loggers: loggers.clone(),
        metrics: Metrics::default(),
        config: Arc::new(config),
        worker_id: address.as_str().into(),
        stores,
        runner,
        events,
        cluster: Cluster::Alone { url: format!("http://{address}/").as_str().into() },
    };
    let stop = CancellationToken::new();
    let (herder, run) = options.build(stop.clone());
    let mut tasks = JoinSet::new();
    tasks.spawn(async { drop(run.await) });
    tasks.spawn(govern);
    let workers = Arc::new(Workers::new(address.as_str().into(), herder.keys()));
    let rest = Rest {
        herder,
        advertised: address.as_str().into(),
        loggers,
        metrics: MetricsPage {
            metrics: Metrics::default(),
            page: Arc::new(Page::new(&[&STRIMZI, &OWN], true)),
        },
        forwarder: Client::new(),
        workers,
    };
    sockets.serve(&rest, (&settings, &of_metrics), &mut tasks, &stop).unwrap();
    Server { address, client: Client::new(), stop, _tasks: tasks }
}

impl Server {
    pub(super) fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        self.client.request(method, format!("http://{}{path}", self.address))
    }

    pub(super) async fn get(&self, path: &str) -> Response {
        self.request("GET", path).send().await.unwrap()
    }

    pub(super) async fn json(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
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
    let options = server.request("OPTIONS", "/connectors").header(header::ACCEPT, "text/plain");
    let options = options.send().await.unwrap();
    assert_eq!(
        [text(&options, header::ALLOW), text(&options, header::CONTENT_TYPE)],
        [Some("GET,HEAD,POST,OPTIONS".to_owned()), Some("text/plain".to_owned())]
    );
    assert_eq!(
        (options.status().as_u16(), options.text().await.unwrap()),
        (200, "GET,HEAD,POST,OPTIONS".to_owned())
    );
    assert_eq!(server.request("OPTIONS", "/nope").send().await.unwrap().status().as_u16(), 404);
    let wrong = server.request("PUT", "/connectors").send().await.unwrap();
    assert_eq!(
        (wrong.status().as_u16(), text(&wrong, header::ALLOW).as_deref()),
        (405, Some("GET,HEAD,POST,OPTIONS"))
    );
    assert_eq!(wrong.json::<Value>().await.unwrap()["message"], "HTTP 405 Method Not Allowed");
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
async fn bodies_are_read_in_the_encodings_of_json() {
    let server = server().await;
    let put = async |name: &str, body: Vec<u8>| {
        let request = server.request("PUT", &format!("/connectors/{name}/config"));
        let request = request.header(header::CONTENT_TYPE, "application/json");
        request.body(body).send().await.unwrap().status().as_u16()
    };
    let mut config = crate::herder::test_rig::sink("1");
    config.insert("client.note".to_owned(), Some("ünï 😀".to_owned()));
    let text = format!("\u{feff}{}", json!(config));
    assert_eq!(put("utf8", text.clone().into_bytes()).await, 201);
    assert_eq!(put("le", text.encode_utf16().flat_map(u16::to_le_bytes).collect()).await, 201);
    assert_eq!(put("be", text.encode_utf16().skip(1).flat_map(u16::to_be_bytes).collect()).await, 201);
    for name in ["utf8", "le", "be"] {
        let (_, read) = server.json("GET", &format!("/connectors/{name}/config"), "").await;
        assert_eq!(read["client.note"], "ünï 😀", "{name}");
    }
    assert_eq!(put("cut", b"\xFE\xFF\xD8\0".to_vec()).await, 400);
    assert_eq!(put("latin1", b"{\"a\": \"\xFC\"}".to_vec()).await, 400);
}

#[tokio::test]
async fn a_validation_answers_no_more_than_is_useful() {
    let server = server().await;
    let validate = async |config: &crate::configdef::ConnectorProperties| {
        let path = "/connector-plugins/KustoSinkConnector/config/validate";
        let (status, answer) = server.json("PUT", path, &json!(config).to_string()).await;
        assert_eq!(status, 200, "{answer}");
        (answer["error_count"].clone(), answer.to_string())
    };
    let with_transforms = |count: usize| {
        let mut config = crate::herder::test_rig::sink("1");
        let names: Vec<_> = (0..count).map(|n| format!("t{n}")).collect();
        for name in &names {
            let class = "org.apache.kafka.connect.transforms.TimestampConverter$Value";
            config.insert(format!("transforms.{name}.type"), Some(class.to_owned()));
            config.insert(format!("transforms.{name}.target.type"), Some("string".to_owned()));
        }
        config.insert("transforms".to_owned(), Some(names.join(",")));
        config.insert("name".to_owned(), Some("x".to_owned()));
        config
    };
    let (errors, answer) = validate(&with_transforms(10_000)).await;
    assert!(errors == 1 && answer.contains("keys are too many") && answer.len() < 1000, "{answer}");
    let (errors, answer) = validate(&with_transforms(201)).await;
    assert!(errors == 1 && answer.contains("201 transformations are too many"), "{answer}");
    assert!(answer.len() < 10_000, "{}", answer.len());
    let (errors, answer) = validate(&with_transforms(200)).await;
    assert!(answer.len() < 4_000_000, "{} {errors}", answer.len());
    assert_eq!(errors, 0);
    let (status, error) =
        server.json("PUT", "/connectors/x/config", &json!(with_transforms(201)).to_string()).await;
    assert_eq!(status, 400, "{error}");
}

#[tokio::test]
async fn odd_names_are_reachable() {
    let server = server().await;
    let config = crate::herder::test_rig::sink("1");
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
        assert_eq!(kinds(query).await, ["sink", "sink"], "{query}");
    }
    let all = kinds("?connectorsOnly=false").await;
    assert_eq!(all.first().map(String::as_str), Some("sink"));
    assert_eq!(all.last().map(String::as_str), Some("header_converter"));
    assert_eq!(server.get("/connector-plugins/Json/config").await.status().as_u16(), 200);
}

#[tokio::test]
async fn a_config_is_patched_as_a_whole() {
    let server = server().await;
    let body = json!({"name": "x", "config": crate::herder::test_rig::sink("1")}).to_string();
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

#[tokio::test]
async fn the_document_lists_what_is_served_and_how_it_fails() {
    let server = server().await;
    let document = server.get("/openapi.json").await.json::<Value>().await.unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.contains_key("/connectors/{name}/offsets") && paths.contains_key("/admin/loggers/{name}"));
    let methods = ["get", "put", "post", "patch", "delete"];
    for (path, operations) in paths {
        let operations = operations.as_object().unwrap();
        let given = path.replace("{name}", "none").replace("{task}", "0");
        for method in methods {
            let request = server.request(&method.to_uppercase(), &given);
            let answer = request.header(header::ACCEPT, "application/json").send().await.unwrap();
            let status = answer.status().as_u16();
            let Some(operation) = operations.get(method) else {
                assert_eq!(status, 405, "{method} {path} is not in the document");
                continue;
            };
            let responses = operation["responses"].as_object().unwrap();
            assert!(responses.contains_key(&status.to_string()), "{method} {path} may answer {status}");
            assert!(
                status != 404
                    || answer.text().await.unwrap() != r#"{"error_code":404,"message":"HTTP 404 Not Found"}"#
            );
            for (code, response) in responses
                .iter()
                .filter(|(code, _)| code.as_str() >= "400" && path != "/health" && code.as_str() != "401")
            {
                let schema = &response["content"]["application/json"]["schema"]["$ref"];
                assert_eq!(schema, "#/components/schemas/Error", "{method} {path} {code}");
            }
        }
    }
}

#[tokio::test]
async fn levels_of_loggers_are_set_and_found_again() {
    let server = server().await;
    let (_, listed) = server.json("GET", "/admin/loggers", "").await;
    let quiet = json!({"level": "INFO", "last_modified": null});
    for name in [
        "root",
        "com.microsoft.azure.kusto.kafka.connect.sink.KustoSinkTask",
        "com.microsoft.azure.kusto.kafka.connect.sink",
        "org.apache.kafka.clients.consumer",
        "org.apache.kafka.connect",
        "org.apache.kafka.connect.runtime.WorkerSinkTask",
        "org.apache.kafka.connect.runtime.distributed.DistributedHerder",
    ] {
        assert_eq!(listed[name], quiet, "{name}");
        assert_eq!(server.json("GET", &format!("/admin/loggers/{name}"), "").await.1, quiet, "{name}");
    }
    let path = "/admin/loggers/org.apache.kafka.connect";
    let (status, names) = server.json("PUT", path, r#"{"level": "debug"}"#).await;
    let all = names.as_array().unwrap();
    assert!(status == 200 && all.contains(&json!("org.apache.kafka.connect.runtime.rest")), "{names}");
    assert!(all.iter().all(|name| name.as_str().unwrap().starts_with("org.apache.kafka.connect")), "{names}");
    let (_, set) = server.json("GET", path, "").await;
    assert!(set["level"] == "DEBUG" && set["last_modified"].as_u64() > Some(1_600_000_000_000), "{set}");
    // What is so already does not change.
    assert_eq!(server.json("PUT", path, r#"{"level": "DEBUG"}"#).await, (200, json!([])));
    // An unknown scope is this worker's; the cluster's is written first and read back.
    let (status, changed) = server.json("PUT", &format!("{path}?scope=moon"), r#"{"level": "WARN"}"#).await;
    assert_eq!((status, changed), (200, names));
    let (status, none) =
        server.json("PUT", "/admin/loggers/a.b?scope=CLUSTER", r#"{"level": "TRACE"}"#).await;
    assert_eq!((status, none), (204, Value::Null));
    assert_eq!(server.json("GET", "/admin/loggers/a.b", "").await.1["level"], "TRACE");
    assert_eq!(server.json("GET", "/admin/loggers/", "").await.1["a.b"]["level"], "TRACE");
    for (body, status, message) in [
        (r#"{"level": null}"#, 400, "Desired 'level' parameter was not specified in request."),
        ("{}", 400, "Desired 'level' parameter was not specified in request."),
        (r#"{"level": "LOUD"}"#, 404, "invalid log level 'LOUD'."),
    ] {
        let (code, error) = server.json("PUT", "/admin/loggers/root", body).await;
        assert_eq!((code, &error["message"]), (status, &json!(message)));
    }
    let (_, error) = server.json("GET", "/admin/loggers/no.such.logger", "").await;
    assert_eq!(error["message"], "Logger no.such.logger not found.");
}

#[tokio::test]
async fn requests_between_workers_of_a_jvm_cluster_are_refused_in_its_words() {
    let server = server().await;
    let post = |headers: &[(&'static str, &'static str)]| {
        let mut request = server.request("POST", "/connectors/x/tasks").body("[]");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request
    };
    let signed = |algorithm| {
        [("X-Connect-Authorization", "AA=="), ("X-Connect-Request-Signature-Algorithm", algorithm)]
    };
    for (request, status, message) in [
        (post(&[]), 400, "Internal request missing required signature"),
        (post(&signed("MD5")), 400, "This worker does not support the 'MD5' key signing algorithm"),
        (
            post(&signed("HmacSHA256")),
            503,
            "This worker is still starting up and has not been able to read a session key",
        ),
        (server.request("PUT", "/connectors/x/fence"), 400, "Connector x is not a source connector"),
    ] {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status);
        let error = answer.json::<Value>().await.unwrap();
        assert!(error["message"].as_str().unwrap().starts_with(message), "{error}");
    }
}
