//! A worker of ours in this process, on a free port.

use kusto_connect::plugins::{BUILT_IN, Plugins};
use std::net::SocketAddr;

use kusto_connect::app::{App, RunningApp};
use kusto_connect::config::WorkerConfig;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;

/// A running worker and a client for it.
pub struct TestWorker {
    app: RunningApp,
    client: Client,
}

impl TestWorker {
    /// Starts a worker whose group and storage topics begin with `cluster`; `settings` are environment variables.
    pub async fn start(bootstrap: &str, cluster: &str, settings: &[(&str, &str)]) -> Self {
        let app = App::build(worker_config(bootstrap, cluster, settings)).start().await.expect("a worker");
        Self { app, client: Client::new() }
    }

    /// The same of a worker with these classes.
    pub async fn with_plugins(
        plugins: Plugins,
        bootstrap: &str,
        cluster: &str,
        settings: &[(&str, &str)],
    ) -> Self {
        let app = App::build(worker_config(bootstrap, cluster, settings)).with_plugins(plugins);
        Self { app: app.start().await.expect("a worker"), client: Client::new() }
    }

    /// `host:port` of its REST.
    pub fn address(&self) -> String {
        self.app.rest_addr().to_string()
    }

    /// Where all its listeners are.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.app.addresses().to_vec()
    }

    /// Where its separate listeners for administration are.
    pub fn admin_addresses(&self) -> Vec<SocketAddr> {
        self.app.admin_addresses().to_vec()
    }

    /// Where its listeners for metrics alone are.
    pub fn metrics_addresses(&self) -> Vec<SocketAddr> {
        self.app.metrics_addresses().to_vec()
    }

    /// A request to its REST.
    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        self.client.request(method, format!("http://{}{path}", self.address()))
    }

    /// Sends JSON (none: no body) and gives status and answer.
    pub async fn send(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let mut request = self.request(method, path);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        (status, serde_json::from_str(&answer.text().await.expect("its body")).unwrap_or_default())
    }

    /// Why it could not go on.
    pub async fn failed(&mut self) -> String {
        self.app.failed().await.to_string()
    }

    /// Stops it as SIGTERM would; true when all was drained.
    pub async fn stop(self) -> bool {
        self.app.shutdown().await
    }
}

/// Settings of a worker on loopback.
pub fn worker_config(bootstrap: &str, cluster: &str, settings: &[(&str, &str)]) -> WorkerConfig {
    let own = [
        ("BOOTSTRAP_SERVERS", bootstrap.to_owned()),
        ("GROUP_ID", cluster.to_owned()),
        ("CONFIG_STORAGE_TOPIC", format!("{cluster}-configs")),
        ("OFFSET_STORAGE_TOPIC", format!("{cluster}-offsets")),
        ("STATUS_STORAGE_TOPIC", format!("{cluster}-statuses")),
        ("CONNECT_LISTENERS", "http://127.0.0.1:0".to_owned()),
    ];
    let own = own.into_iter().map(|(key, value)| (key.to_owned(), value));
    let more = settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    WorkerConfig::load(&BUILT_IN, None, own.chain(more)).expect("good settings")
}
