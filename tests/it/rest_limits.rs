//! A worker with few file descriptors and many clients that mean no good: health is answered, and connectors go on.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Authority, Kafka, Worker, wait_for};

const SOON: Duration = Duration::from_secs(30);

/// Connections on which these bytes were sent.
async fn opened(address: &str, count: usize, bytes: &str) -> Vec<TcpStream> {
    let mut open = Vec::new();
    for _ in 0..count {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        // It may be closed already.
        drop(stream.write_all(bytes.as_bytes()).await);
        open.push(stream);
    }
    open
}

/// How many of them the worker has closed.
async fn closed(open: &mut [TcpStream]) -> usize {
    let mut count = 0;
    for stream in open {
        let read = tokio::time::timeout(Duration::from_millis(1), stream.read(&mut [0; 1])).await;
        count += usize::from(read.is_ok());
    }
    count
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_open_connections_silence_no_worker_with_few_descriptors() {
    let kafka = Kafka::shared().await;
    let mut worker = Worker::stopped(kafka.bootstrap(), &[]);
    worker.under(&["prlimit", "--nofile=256"]);
    worker.start_again().await;
    let address = worker.rest().url("").replace("http://", "");
    let body = "PUT /connectors/x/config HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{";
    for bytes in ["", "GET /health HTTP/1.1\r\nHost: x", body, "GET /connectors HTTP/1.1\r\nHost: x\r\n\r\n"]
    {
        let mut open = opened(&address, 400, bytes).await;
        // A fresh client for each: the connection of the last one may have given way.
        for path in ["/health", "/connectors"] {
            let answer = reqwest::Client::new().get(worker.rest().url(path)).timeout(SOON).send().await;
            assert_eq!(answer.expect("an answer").status(), 200, "{path} {bytes}");
        }
        wait_for("connections to give way", SOON, async || (closed(&mut open).await >= 300).then_some(()))
            .await;
    }
    assert!(worker.log().contains("all places for clients are taken"), "{}", worker.log());
    assert!(worker.terminate().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn handshakes_that_never_end_give_way_on_every_listener() {
    let kafka = Kafka::shared().await;
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(folder.path());
    let keys = authority.put("k.pem", &authority.keys("worker").pem_bytes());
    let ports = [crate::support::free_port(), crate::support::free_port()];
    let mut worker = Worker::stopped(kafka.bootstrap(), &[]);
    worker.under(&["prlimit", "--nofile=256"]);
    let listeners = format!("{},https://127.0.0.1:{}", worker.rest().url(""), ports[0]);
    worker.environment("CONNECT_LISTENERS", &listeners);
    worker.environment("CONNECT_ADMIN_LISTENERS", &format!("https://127.0.0.1:{}", ports[1]));
    worker.environment("CONNECT_SSL_KEYSTORE_LOCATION", &keys);
    worker.environment("CONNECT_ADMIN_LISTENERS_HTTPS_SSL_KEYSTORE_LOCATION", &keys);
    worker.start_again().await;
    let client = || {
        let certificate = reqwest::Certificate::from_pem(authority.pem().as_bytes()).unwrap();
        reqwest::Client::builder().tls_certs_only([certificate]).timeout(SOON).build().unwrap()
    };
    for port in ports {
        let _open = opened(&format!("127.0.0.1:{port}"), 400, "").await;
        for (port, path) in [(ports[0], "/health"), (ports[1], "/admin/loggers")] {
            let answer = client().get(format!("https://localhost:{port}{path}")).send().await;
            assert_eq!(answer.expect("an answer").status(), 200, "{path}");
        }
        assert_eq!(client().get(worker.rest().url("/health")).send().await.expect("an answer").status(), 200);
    }
    assert!(worker.terminate().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_credentials_are_told_and_keep_nobody_else_waiting() {
    let kafka = Kafka::shared().await;
    let folder = tempfile::tempdir().unwrap();
    let users = folder.path().join("users.properties");
    std::fs::write(&users, "alice=right-one\n").unwrap();
    let mut worker = Worker::stopped(kafka.bootstrap(), &[]);
    let extension = "org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension";
    worker.environment("CONNECT_REST_EXTENSION_CLASSES", extension);
    worker.environment("CONNECT_REST_BASIC_AUTH_USERS_FILE", users.to_str().expect("a path"));
    worker.spawn();
    let (client, url) = (reqwest::Client::new(), worker.rest().url("/connectors"));
    let ask = async |password: &str| {
        let request = client.get(&url).basic_auth("alice", Some(password)).timeout(SOON);
        Some(request.send().await.ok()?.status().as_u16())
    };
    wait_for("REST", SOON, async || (ask("right-one").await == Some(200)).then_some(())).await;
    let wrong = futures::future::join_all((0..20).map(|_| ask("canary-of-a-guess")));
    let right = async {
        for _ in 0..20 {
            assert_eq!(ask("right-one").await, Some(200));
        }
    };
    let (wrong, ()) = tokio::join!(wrong, right);
    assert!(wrong.iter().all(|status| *status == Some(401)), "{wrong:?}");
    let log = worker.log();
    let told = log.lines().filter(|line| line.contains("wrong credentials for REST")).collect::<Vec<_>>();
    assert_eq!(told.len(), 5, "the 1st, 2nd, 4th, 8th and 16th: {told:?}");
    assert!(told.iter().all(|line| line.contains("peer=127.0.0.1:")), "{told:?}");
    assert!(!log.contains("canary-of-a-guess") && !log.contains("right-one"));
    assert!(worker.terminate().await.success());
}
