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
