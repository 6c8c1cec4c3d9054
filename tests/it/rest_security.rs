//! REST behind https, certificates, passwords, separate ports, headers and rules for other origins
//! (`connect-runtime.md` §1.18), and how workers call each other through it.

use kusto_connect::plugins::BUILT_IN;
use std::path::Path;
use std::time::Duration;

use kusto_connect::config::{AdminListeners, WorkerConfig};
use kusto_connect::rest::client;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Certificate, Client, Identity, Method, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{Authority, Kafka, TestWorker, unique, wait_for, worker_config};

const PASSWORD: &str = "s3cret-of-stores";

/// A worker on `kafka` with further settings.
async fn worker(kafka: &Kafka, settings: &[(&str, &str)]) -> TestWorker {
    TestWorker::start(kafka.bootstrap(), &unique("cluster"), settings).await
}

/// A client that trusts `authority` only, and shows `identity`.
fn trusting(authority: &Authority, identity: Option<Identity>) -> Client {
    let certificate = Certificate::from_pem(authority.pem().as_bytes()).unwrap();
    let mut builder = Client::builder().tls_certs_only([certificate]).timeout(Duration::from_secs(30));
    if let Some(identity) = identity {
        builder = builder.identity(identity);
    }
    builder.build().unwrap()
}

fn port(address: &str) -> &str {
    address.rsplit(':').next().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn https_beside_http_with_keys_of_every_format() {
    let kafka = Kafka::shared().await;
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(folder.path());
    let keys = authority.keys("worker");
    let pem = authority.put("k.pem", &keys.pem_bytes());
    let pkcs12 = authority.put("k.p12", &keys.pkcs12_bytes(PASSWORD));
    let own = [
        ("CONNECT_LISTENERS_HTTPS_SSL_KEYSTORE_LOCATION", pkcs12.as_str()),
        ("CONNECT_LISTENERS_HTTPS_SSL_KEYSTORE_PASSWORD", PASSWORD),
        // With one key of its own the listener looks at no other.
        ("CONNECT_SSL_KEYSTORE_LOCATION", "/no/such/file"),
    ];
    let plain = [("CONNECT_SSL_KEYSTORE_LOCATION", pem.as_str())];
    for keys in [&own[..], &plain[..]] {
        let listeners = ("CONNECT_LISTENERS", "https://127.0.0.1:0,http://127.0.0.1:0");
        let worker = worker(kafka, &[keys, &[listeners]].concat()).await;
        let [https, http] = worker.addresses()[..] else { panic!("two listeners") };
        let secure = trusting(&authority, None);
        for url in [format!("https://localhost:{}/", https.port()), format!("http://{http}/")] {
            let answer = secure.get(&url).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::OK, "{url}");
        }
        let answer = Client::new().get(format!("https://localhost:{}/", https.port())).send().await;
        assert!(answer.is_err(), "an authority that nobody knows");
        // Somebody who does not speak TLS keeps nobody waiting.
        let idle = tokio::net::TcpStream::connect(https).await.unwrap();
        assert!(secure.get(format!("https://{https}/")).send().await.is_ok());
        drop(idle);
        assert!(worker.stop().await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn client_certificates_and_the_client_that_workers_use() {
    let kafka = Kafka::shared().await;
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(folder.path());
    let (key_store, trust) =
        (authority.put("k.pem", &authority.keys("worker").pem_bytes()), authority.pem_file());
    let settings = [
        ("CONNECT_LISTENERS", "https://localhost:0"),
        ("CONNECT_SSL_KEYSTORE_LOCATION", key_store.as_str()),
        ("CONNECT_SSL_TRUSTSTORE_LOCATION", &trust),
    ];
    for (auth, anonymous_may) in [("required", false), ("requested", true)] {
        let settings = [&settings[..], &[("CONNECT_SSL_CLIENT_AUTH", auth)]].concat();
        let worker = worker(kafka, &settings).await;
        let url = format!("https://localhost:{}/", port(&worker.address()));
        let anonymous = trusting(&authority, None).get(&url).send().await;
        assert_eq!(anonymous.is_ok(), anonymous_may, "{auth}");
        let (key, chain) = authority.keys("client").pem();
        let identity = Identity::from_pkcs8_pem(chain.as_bytes(), key.as_bytes()).unwrap();
        assert!(trusting(&authority, Some(identity)).get(&url).send().await.is_ok(), "{auth}");
        let stranger_folder = tempfile::tempdir().unwrap();
        let (key, chain) = Authority::new(stranger_folder.path()).keys("client").pem();
        let identity = Identity::from_pkcs8_pem(chain.as_bytes(), key.as_bytes()).unwrap();
        assert!(trusting(&authority, Some(identity)).get(&url).send().await.is_err(), "{auth}");
        // Another worker with the same settings.
        let config = worker_config(kafka.bootstrap(), "any", &settings);
        let other = client(config.rest.tls.as_deref()).unwrap().build().unwrap();
        assert_eq!(other.get(&url).send().await.unwrap().status(), StatusCode::OK);
        assert!(config.advertised_url(&worker.addresses()).starts_with("https://localhost:"));
        assert!(worker.stop().await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn administration_on_its_own_port_or_nowhere() {
    let kafka = Kafka::shared().await;
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(folder.path());
    let key_store = authority.put("k.pem", &authority.keys("worker").pem_bytes());
    let separate = worker(
        kafka,
        &[
            ("CONNECT_ADMIN_LISTENERS", "https://localhost:0,http://127.0.0.1:0"),
            ("CONNECT_ADMIN_LISTENERS_HTTPS_SSL_KEYSTORE_LOCATION", &key_store),
        ],
    )
    .await;
    let status =
        async |worker: &TestWorker, path: &str| worker.request("GET", path).send().await.unwrap().status();
    assert_eq!(status(&separate, "/admin/loggers").await, StatusCode::NOT_FOUND);
    assert_eq!(status(&separate, "/").await, StatusCode::OK);
    let [https, http] = separate.admin_addresses()[..] else { panic!("two listeners") };
    let secure = trusting(&authority, None);
    for base in [format!("https://localhost:{}", https.port()), format!("http://{http}")] {
        let status = async |path: &str| secure.get(format!("{base}{path}")).send().await.unwrap().status();
        assert_eq!(status("/admin/loggers").await, StatusCode::OK, "{base}");
        assert_eq!(status("/connectors").await, StatusCode::NOT_FOUND, "{base}");
    }
    let off = worker(kafka, &[("CONNECT_ADMIN_LISTENERS", "")]).await;
    assert_eq!(status(&off, "/admin/loggers").await, StatusCode::NOT_FOUND);
    let config = worker_config(kafka.bootstrap(), "any", &[]);
    assert_eq!(config.rest.admin, AdminListeners::WithOthers);
    assert!(separate.stop().await && off.stop().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn basic_auth_lets_users_in_and_answers_others_as_connect_does() {
    let kafka = Kafka::shared().await;
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| put(folder.path(), name, text);
    let users = put("users.properties", &format!("alice={PASSWORD}\n"));
    let package = "org.apache.kafka.connect.rest.basic.auth.extension";
    let jaas = format!("KafkaConnect {{ {package}.PropertyFileLoginModule required file=\"{users}\"; }};");
    let jaas = put("jaas.conf", &jaas);
    let extension = format!("{package}.BasicAuthSecurityRestExtension");
    let options = format!("-Djava.security.auth.login.config={jaas}");
    let worker =
        worker(kafka, &[("CONNECT_REST_EXTENSION_CLASSES", &extension), ("KAFKA_OPTS", &options)]).await;
    let wrong = [("alice", "wrong"), ("bob", PASSWORD), ("", "")];
    for (path, wrong) in [
        ("/", &wrong[..]),
        ("/health", &wrong[1..]),
        ("/connectors", &wrong[..]),
        ("/connectors/none/status", &wrong[2..]),
        ("/no/such/path", &wrong[1..]),
    ] {
        for (name, password) in wrong {
            let mut request = worker.request("GET", path);
            if !name.is_empty() {
                request = request.basic_auth(name, Some(password));
            }
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{path}");
            assert!(!answer.headers().contains_key("www-authenticate"), "{path}");
            assert_eq!(answer.text().await.unwrap(), "User cannot access the resource.");
        }
        let answer = worker.request("GET", path).basic_auth("alice", Some(PASSWORD)).send().await.unwrap();
        assert_ne!(answer.status(), StatusCode::UNAUTHORIZED, "{path}");
    }
    // What workers ask each other is proved by a signature instead: refused for its own reason, not for a password.
    let answer =
        worker.request("POST", "/connectors/none/tasks").json(&serde_json::json!([])).send().await.unwrap();
    assert_ne!(answer.text().await.unwrap(), "User cannot access the resource.");
    assert!(worker.stop().await);

    let refused = settings(&[("CONNECT_REST_EXTENSION_CLASSES", "com.example.Other")]).unwrap_err();
    assert!(refused.contains("com.example.Other") && refused.contains("only org.apache.kafka"), "{refused}");
    let no_users = settings(&[("CONNECT_REST_EXTENSION_CLASSES", &extension)]).unwrap_err();
    assert!(no_users.contains("rest.basic.auth.users.file"), "{no_users}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_worker_passes_on_is_signed_by_it_and_takes_no_password_along() {
    let kafka = Kafka::shared().await;
    let folder = tempfile::tempdir().unwrap();
    let extension = "org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension";
    let cluster = unique("cluster");
    let mut workers = Vec::new();
    // Users of their own: a password that was passed on would be refused.
    for password in ["one", "two"] {
        let users = put(folder.path(), password, &format!("alice={password}\n"));
        let settings =
            [("CONNECT_REST_EXTENSION_CLASSES", extension), ("CONNECT_REST_BASIC_AUTH_USERS_FILE", &users)];
        workers.push((TestWorker::start(kafka.bootstrap(), &cluster, &settings).await, password));
    }
    for (worker, password) in &workers {
        let ask = |method, path| worker.request(method, path).basic_auth("alice", Some(*password)).send();
        // One of the two leads, the other passes it on.
        wait_for("the leader's answer", Duration::from_mins(1), async || {
            let answer = ask("DELETE", "/connectors/none").await.unwrap();
            let (status, text) = (answer.status(), answer.text().await.unwrap());
            assert!(status == StatusCode::CONFLICT || status == StatusCode::NOT_FOUND, "{status} {text}");
            text.contains("Connector none not found").then_some(())
        })
        .await;
        let signed = worker
            .request("DELETE", "/connectors/none")
            .header("X-Connect-Authorization", "A".repeat(43))
            .header("X-Connect-Request-Signature-Algorithm", "HmacSHA256")
            .header("X-Kusto-Connect-Request", "time=0; nonce=0; body=0");
        let answer = signed.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
        let text = answer.text().await.unwrap();
        assert!(text.contains("Internal request contained invalid signature."), "{text}");
        // Of the internal ones not even the body is waited for.
        let mut stream = tokio::net::TcpStream::connect(worker.address()).await.unwrap();
        let head = "POST /connectors/x/tasks HTTP/1.1\r\nHost: w\r\nContent-Length: 2000000\r\n\
                    X-Connect-Authorization: AAAA\r\nX-Connect-Request-Signature-Algorithm: HmacSHA256\r\n\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut start = [0; 12];
        stream.read_exact(&mut start).await.unwrap();
        assert_eq!(&start, b"HTTP/1.1 403");
    }
    for (worker, _) in workers {
        assert!(worker.stop().await);
    }
}

fn put(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Reads settings that may be wrong.
fn settings(more: &[(&str, &str)]) -> Result<WorkerConfig, String> {
    let good = [("CONFIG_STORAGE_TOPIC", "c"), ("OFFSET_STORAGE_TOPIC", "o"), ("GROUP_ID", "g")];
    let all = good.iter().chain(more).map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    WorkerConfig::load(&BUILT_IN, None, all).map_err(|errors| errors.to_string())
}

/// The headers of an answer that concern other origins.
async fn asked(worker: &TestWorker, method: &str, headers: &[(&str, &str)]) -> (StatusCode, HeaderMap) {
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let mut request = Client::new().request(method, format!("http://{}/connectors", worker.address()));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.send().await.unwrap();
    let about = |(name, value): (Option<HeaderName>, HeaderValue)| {
        let name = name.filter(|name| name.as_str().starts_with("access-control") || name == "vary")?;
        Some((name, value))
    };
    (answer.status(), answer.headers().clone().into_iter().filter_map(about).collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_of_other_origins_get_what_the_settings_allow() {
    let kafka = Kafka::shared().await;
    let off = worker(kafka, &[]).await;
    let some = worker(
        kafka,
        &[
            (
                "CONNECT_ACCESS_CONTROL_ALLOW_ORIGIN",
                "http://ui.example, https://*.trusted.example, http://*.test",
            ),
            ("CONNECT_ACCESS_CONTROL_ALLOW_METHODS", "GET,PUT"),
        ],
    )
    .await;
    let any = worker(kafka, &[("CONNECT_ACCESS_CONTROL_ALLOW_ORIGIN", "*")]).await;
    let origin = ("Origin", "http://ui.example");
    assert!(asked(&off, "GET", &[origin]).await.1.is_empty());
    for (worker, origin, expected, trusted) in [
        (&some, "http://ui.example", Some("http://ui.example"), true),
        (&some, "https://a.trusted.example", Some("https://a.trusted.example"), true),
        (&some, "http://a.other.test", Some("http://a.other.test"), false),
        (&some, "http://ui.example.evil", None, false),
        (&some, "https://trusted.example", None, false),
        (&any, "https://whatever", Some("*"), false),
    ] {
        let (status, headers) = asked(worker, "GET", &[("Origin", origin)]).await;
        assert_eq!(status, StatusCode::OK);
        let allowed = headers.get("access-control-allow-origin").map(|value| value.to_str().unwrap());
        assert_eq!(allowed, expected, "{origin}");
        assert_eq!(headers.get("access-control-allow-credentials").is_some(), trusted, "{origin}");
    }
    let preflight = |method: &'static str| {
        [
            origin,
            ("Access-Control-Request-Method", method),
            ("Access-Control-Request-Headers", "content-type"),
        ]
    };
    let (status, headers) = asked(&some, "OPTIONS", &preflight("PUT")).await;
    assert_eq!(status, StatusCode::OK);
    for (name, expected) in [
        ("access-control-allow-origin", "http://ui.example"),
        ("access-control-allow-methods", "GET,PUT"),
        ("access-control-allow-headers", "X-Requested-With,Content-Type,Accept,Origin"),
        ("access-control-max-age", "1800"),
        ("access-control-allow-credentials", "true"),
        ("vary", "Origin"),
    ] {
        assert_eq!(headers[name], expected, "{name}");
    }
    assert!(asked(&some, "OPTIONS", &preflight("DELETE")).await.1.is_empty());
    assert_eq!(
        asked(&any, "OPTIONS", &preflight("POST")).await.1["access-control-allow-methods"],
        "GET,POST,HEAD"
    );
    let odd = [origin, ("Access-Control-Request-Method", "PUT"), ("Access-Control-Request-Headers", "x-odd")];
    assert!(asked(&some, "OPTIONS", &odd).await.1.is_empty());
    for worker in [off, some, any] {
        assert!(worker.stop().await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn own_headers_are_in_every_answer() {
    let kafka = Kafka::shared().await;
    let rules = r#"set X-Frame-Options:DENY, "add Cache-Control: no-cache, no-store", setDate Expires:0"#;
    let worker = worker(kafka, &[("CONNECT_RESPONSE_HTTP_HEADERS_CONFIG", rules)]).await;
    for path in ["/", "/no/such/path"] {
        let answer = worker.request("GET", path).send().await.unwrap();
        assert_eq!(answer.headers()["x-frame-options"], "DENY");
        assert_eq!(answer.headers()["cache-control"], "no-cache, no-store");
        assert!(answer.headers()["expires"].to_str().unwrap().ends_with(" GMT"));
    }
    let wrong = settings(&[("CONNECT_RESPONSE_HTTP_HEADERS_CONFIG", "put X:1")]).unwrap_err();
    assert!(wrong.contains("Invalid header config action: 'put'"), "{wrong}");
    assert!(worker.stop().await);
}
