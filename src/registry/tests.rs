//! The client against a small registry on loopback: what it asks, what it tells, whom it tells its secrets.

use super::{Client, Error};
use crate::convert::{ConverterRow, avro};
use crate::data::registered::{Registered, SchemaId};
use crate::plugins::BUILT_IN;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Response;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// Answers by path; remembers what it was asked, with the authorization.
struct Fake {
    url: String,
    asked: Asked,
    _server: JoinSet<()>,
}

/// Paths and authorizations.
type Asked = Arc<Mutex<Vec<(String, String)>>>;
type Answers = Arc<dyn Fn(&str, usize) -> (u16, String) + Send + Sync>;

impl Fake {
    async fn start(answers: impl Fn(&str, usize) -> (u16, String) + Send + Sync + 'static) -> Self {
        Self::slow(Duration::ZERO, answers).await
    }

    /// One that takes so long for each answer.
    async fn slow(
        pause: Duration,
        answers: impl Fn(&str, usize) -> (u16, String) + Send + Sync + 'static,
    ) -> Self {
        let asked = Asked::default();
        let answers: Answers = Arc::new(answers);
        let app = Router::new().fallback(answer).with_state((answers, Arc::clone(&asked), pause));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, asked, _server: server }
    }

    fn paths(&self) -> Vec<String> {
        self.asked.lock().unwrap().iter().map(|(path, _)| path.clone()).collect()
    }

    fn authorizations(&self) -> Vec<String> {
        self.asked.lock().unwrap().iter().map(|(_, authorization)| authorization.clone()).collect()
    }
}

async fn answer(
    State((answers, asked, pause)): State<(Answers, Asked, Duration)>,
    request: Request,
) -> Response<Body> {
    tokio::time::sleep(pause).await;
    let path = request.uri().path_and_query().unwrap().to_string();
    let authorization = request.headers().get("authorization");
    let authorization = authorization.map(|text| text.to_str().unwrap().to_owned()).unwrap_or_default();
    let before = asked.lock().unwrap().len();
    let (status, body) = answers(&path, before);
    asked.lock().unwrap().push((path, authorization));
    Response::builder().status(status).body(Body::from(body)).unwrap()
}

fn client(row: &ConverterRow, settings: &[(&str, &str)]) -> Client {
    let mut all: BTreeMap<String, String> =
        [("retries.wait.ms", "1"), ("retries.max.wait.ms", "2")].map(|(k, v)| (k.into(), v.into())).into();
    all.extend(settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
    Client::new(BUILT_IN.converter("value", row.class, &all).unwrap().registry().unwrap()).unwrap()
}

const ID: SchemaId = SchemaId::Number(7);

fn plain() -> (u16, String) {
    (200, r#"{"schema":"\"int\""}"#.to_owned())
}

#[tokio::test]
async fn references_come_deepest_first_and_once() {
    let fake = Fake::start(|path, _| {
        let reference = |name: &str| format!(r#"{{"name":"{name}","subject":"s {name}","version":1}}"#);
        let with = |text: &str, references: &[&str]| {
            let list: Vec<_> = references.iter().map(|name| reference(name)).collect();
            (200, format!(r#"{{"schema":"{text}","schemaType":"JSON","references":[{}]}}"#, list.join(",")))
        };
        match path {
            "/schemas/ids/7?subject=storm-value" => with("root", &["a", "b"]),
            "/subjects/s%20a/versions/1" => with("A", &["c"]),
            "/subjects/s%20b/versions/1" => with("B", &["c", "a"]),
            "/subjects/s%20c/versions/1" => with("C", &["a"]),
            other => (404, other.to_owned()),
        }
    })
    .await;
    let client = client(&avro::CONFLUENT, &[("schema.registry.url", &fake.url)]);
    let found = client.schema(ID, Some("storm-value")).await.unwrap();
    let names: Vec<_> = found.references.iter().map(|reference| reference.name.as_str()).collect();
    assert_eq!((names, found.text.as_str()), (vec!["c", "a", "b"], "root"));
    assert_eq!(found.kind.as_deref(), Some("JSON"));
    assert_eq!(fake.paths().len(), 4);
}

#[tokio::test]
async fn the_next_address_is_asked_when_one_fails_and_all_again_after_a_pause() {
    let broken = Fake::start(|_, _| (503, String::new())).await;
    let good = Fake::start(|_, before| if before == 0 { (500, String::new()) } else { plain() }).await;
    let urls = format!("{},{}", broken.url, good.url);
    let client = client(&avro::CONFLUENT, &[("schema.registry.url", &urls)]);
    let found = client.schema(ID, None).await.unwrap();
    assert_eq!(found.kind.as_deref(), Some("AVRO"));
    assert_eq!((broken.paths().len(), good.paths().len()), (2, 2));
    client.schema(ID, None).await.unwrap();
    assert_eq!(broken.paths().len(), 2, "the one that answered is asked first");
}

#[tokio::test]
async fn an_outage_passes_and_a_missing_schema_does_not() {
    let gone =
        Fake::start(|_, _| (404, r#"{"error_code":40403,"message":"Schema 7 not found"}"#.to_owned())).await;
    let one = client(&avro::CONFLUENT, &[("schema.registry.url", &gone.url)]);
    let error = one.schema(ID, None).await.unwrap_err();
    assert!(!error.is_retriable() && !error.is_denied());
    assert_eq!(gone.paths().len(), 1, "asked once");
    for part in
        [&format!("{}/schemas/ids/7", gone.url), "404", "40403", "Schema 7 not found", "schema.registry.url"]
    {
        assert!(error.to_string().contains(part), "{part} in {error}");
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://u:s3cret@{}", listener.local_addr().unwrap());
    drop(listener);
    let two = client(&avro::CONFLUENT, &[("schema.registry.url", &url)]);
    let error = two.schema(ID, None).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }) && error.is_retriable());
    assert!(!error.to_string().contains("s3cret"), "{error}");
    let three = Fake::start(|_, _| (200, "<html>".to_owned())).await;
    let error =
        client(&avro::CONFLUENT, &[("schema.registry.url", &three.url)]).schema(ID, None).await.unwrap_err();
    assert!(matches!(error, Error::Malformed { .. }), "{error}");
}

#[tokio::test]
async fn a_refused_password_names_its_setting_and_is_not_repeated() {
    let fake = Fake::start(|_, _| (401, r#"{"error_code":401,"message":"Unauthorized"}"#.to_owned())).await;
    let settings = [("schema.registry.url", fake.url.as_str()), ("basic.auth.user.info", "ann:s3cret")];
    let error = client(&avro::CONFLUENT, &settings).schema(ID, None).await.unwrap_err();
    assert!(error.is_denied() && !error.is_retriable());
    let text = format!("{error} {error:?}");
    assert!(text.contains("value.converter.basic.auth.user.info") && !text.contains("s3cret"), "{text}");
    assert_eq!(fake.authorizations(), ["Basic YW5uOnMzY3JldA=="]);
}

#[tokio::test]
async fn a_token_is_fetched_once_and_again_when_it_is_refused() {
    let fake = Fake::start(|path, before| match (path, before) {
        ("/token", _) => (200, format!(r#"{{"access_token":"t{before}","expires_in":3600}}"#)),
        (_, 3) => (401, String::new()),
        _ => plain(),
    })
    .await;
    let endpoint = format!("{}/token", fake.url);
    let client = client(
        &avro::CONFLUENT,
        &[
            ("schema.registry.url", &fake.url),
            ("bearer.auth.credentials.source", "OAUTHBEARER"),
            ("bearer.auth.issuer.endpoint.url", &endpoint),
            ("bearer.auth.client.id", "me"),
            ("bearer.auth.client.secret", "s3cret"),
        ],
    );
    for _ in 0..2 {
        client.schema(ID, None).await.unwrap();
    }
    assert!(client.schema(ID, None).await.unwrap_err().is_denied());
    client.schema(ID, None).await.unwrap();
    let bearers = fake.authorizations();
    assert_eq!(bearers[1..4], ["Bearer t0", "Bearer t0", "Bearer t0"]);
    assert_eq!(bearers[5..], ["Bearer t4"]);
}

#[tokio::test]
async fn apicurio_is_asked_in_its_own_protocol() {
    let fake = Fake::start(|path, _| match path {
        "/apis/registry/v2/ids/contentIds/7" => (200, "\"int\"".to_owned()),
        "/apis/registry/v2/ids/contentIds/7/references" => {
            (200, r#"[{"groupId":null,"artifactId":"A x","version":"2","name":"a.A"}]"#.to_owned())
        }
        "/apis/registry/v2/groups/default/artifacts/A%20x/versions/2" => (200, "\"A\"".to_owned()),
        other => (404, other.to_owned()),
    })
    .await;
    let settings = [("apicurio.registry.url", fake.url.as_str()), ("apicurio.registry.use-id", "contentId")];
    let Registered { kind, text, references } =
        client(&avro::APICURIO, &settings).schema(ID, None).await.unwrap();
    assert_eq!((kind, text.as_str()), (None, "\"int\""));
    assert_eq!((references[0].name.as_str(), references[0].text.as_str()), ("a.A", "\"A\""));
}

/// A schema that refers to these, each in a subject of its own; `behind` stands behind each name.
fn referring(text: &str, subjects: &[String], behind: &str) -> (u16, String) {
    let reference = |subject: &String| serde_json::json!({ "name": format!("{subject}{behind}"), "subject": subject, "version": 1 });
    let references: Vec<_> = subjects.iter().map(reference).collect();
    (200, serde_json::json!({ "schema": text, "references": references }).to_string())
}

fn fan(of: usize, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("n{of}.{number}")).collect()
}

#[tokio::test]
async fn references_without_an_end_are_bounded_in_number_and_bytes() {
    /// What a registry that means no good answers to the question of this number.
    type Answer = fn(usize) -> (u16, String);
    let cases: [(&str, Answer, &str, usize); 4] = [
        ("a chain", |at| referring("x", &fan(at, 1), ""), "more than 1000 references", 1001),
        ("fans", |at| referring("x", &fan(at, 20), ""), "more than 1000 references", 1001),
        ("long texts", |at| referring(&"x".repeat(4 << 20), &fan(at, 1), ""), "more than 33554432 bytes", 9),
        // They take memory too, though most are never asked for.
        (
            "long lists",
            |at| referring("", &fan(at, 100), &"x".repeat(100_000)),
            "more than 33554432 bytes",
            4,
        ),
    ];
    for (name, answer, words, most) in cases {
        let fake = Fake::start(move |_, before| answer(before)).await;
        let error = client(&avro::CONFLUENT, &[("schema.registry.url", &fake.url)]).schema(ID, None).await;
        let error = error.unwrap_err();
        assert!(error.to_string().contains(words) && !error.is_retriable(), "{name}: {error}");
        assert!(fake.paths().len() <= most, "{name}: {} questions", fake.paths().len());
    }
}

#[tokio::test]
async fn references_that_come_slowly_are_bounded_in_time_all_together() {
    let fake = Fake::slow(Duration::from_millis(10), |_, before| referring("x", &fan(before, 1), "")).await;
    let settings = [
        ("schema.registry.url", fake.url.as_str()),
        ("http.connect.timeout.ms", "1"),
        ("http.read.timeout.ms", "1000"),
        ("max.retries", "0"),
    ];
    let error = client(&avro::CONFLUENT, &settings).schema(ID, None).await.unwrap_err();
    assert!(error.to_string().contains("what it refers to took longer than 2 s"), "{error}");
    assert!(!error.is_retriable());
}

/// Schemas 7 and 8 refer to `a` and `b`, which refer to `c`: with Apicurio they name all three.
#[tokio::test]
async fn what_many_schemas_refer_to_is_asked_for_once() {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let confluent = Fake::start(move |path, _| match path {
        "/schemas/ids/7" | "/schemas/ids/8" => referring("root", &names(&["a", "b"]), ""),
        "/subjects/a/versions/1" | "/subjects/b/versions/1" => referring("ab", &names(&["c"]), ""),
        "/subjects/c/versions/1" => referring("c", &[], ""),
        other => (404, other.to_owned()),
    })
    .await;
    let apicurio = Fake::start(|path, _| match path.strip_prefix("/apis/registry/v2").unwrap_or(path) {
        "/ids/globalIds/7" | "/ids/globalIds/8" => (200, "root".to_owned()),
        "/ids/globalIds/7/references" | "/ids/globalIds/8/references" => {
            let artifact =
                |name: &str| serde_json::json!({ "artifactId": name, "name": name, "version": "1" });
            // Some registries name what two others share twice.
            let all: Vec<_> = ["c", "a", "c", "b"].into_iter().map(artifact).collect();
            (200, serde_json::json!(all).to_string())
        }
        path if path.starts_with("/groups/default/artifacts/") => (200, "abc".to_owned()),
        other => (404, other.to_owned()),
    })
    .await;
    for (fake, row, key, questions) in [
        (confluent, &avro::CONFLUENT, "schema.registry.url", 2 + 3),
        (apicurio, &avro::APICURIO, "apicurio.registry.url", 2 * 2 + 3),
    ] {
        let client = client(row, &[(key, &fake.url)]);
        for id in [7, 8, 7] {
            let found = client.schema(SchemaId::Number(id), None).await.unwrap();
            let names: Vec<_> = found.references.iter().map(|reference| reference.name.as_str()).collect();
            assert_eq!(names, ["c", "a", "b"], "{}", row.class);
        }
        // The last one asks for itself once more, which is for the converters to avoid.
        let itself = questions + if row.has_alias { 1 } else { 2 };
        assert_eq!(fake.paths().len(), itself, "{}: {:?}", row.class, fake.paths());
    }
}
