//! Connect's REST API, as the tests call it.

use std::time::Duration;

use serde_json::{Value, json};

use super::sentences::assert_brief;
use super::wait_for;

/// A client of one worker.
#[derive(Clone)]
pub struct Rest {
    base: String,
    http: reqwest::Client,
}

/// One answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The body; null when it is empty, a string when it is no JSON.
    pub body: Value,
}

impl Answer {
    /// The `message` of an error answer.
    pub fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or_default()
    }
}

impl Rest {
    /// A client for the worker at `base` (`http://host:port`).
    pub fn new(base: impl Into<String>) -> Self {
        let http = reqwest::Client::builder().timeout(Duration::from_mins(2)).build().expect("a client");
        Self { base: base.into(), http }
    }

    /// The URL of `path`.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Sends one request with any body.
    pub async fn send(&self, method: &str, path: &str, body: Option<String>) -> Answer {
        self.try_send(method, path, body).await.unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// Sends one request; an error when the worker cannot be reached.
    pub async fn try_send(
        &self,
        method: &str,
        path: &str,
        body: Option<String>,
    ) -> Result<Answer, reqwest::Error> {
        let method = reqwest::Method::from_bytes(method.as_bytes()).expect("a method");
        let mut request = self.http.request(method, self.url(path));
        if let Some(body) = body {
            request = request.header("Content-Type", "application/json").body(body);
        }
        let answer = request.send().await?;
        let status = answer.status().as_u16();
        let text = answer.text().await?;
        let body =
            serde_json::from_str(&text).unwrap_or(if text.is_empty() { Value::Null } else { text.into() });
        Ok(Answer { status, body })
    }

    /// `GET path`.
    pub async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None).await
    }

    /// `PUT path` without a body.
    pub async fn put(&self, path: &str) -> Answer {
        self.send("PUT", path, None).await
    }

    /// `POST path` without a body.
    pub async fn post(&self, path: &str) -> Answer {
        self.send("POST", path, None).await
    }

    /// `DELETE path`.
    pub async fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, None).await
    }

    /// `POST /connectors`.
    pub async fn create(&self, name: &str, config: &Value) -> Answer {
        self.send("POST", "/connectors", Some(json!({ "name": name, "config": config }).to_string())).await
    }

    /// Creates a connector that must be accepted, and waits until it and its tasks run.
    pub async fn create_running(&self, name: &str, config: &Value) {
        let answer = self.create(name, config).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        self.wait_for_states(name, "RUNNING", &["RUNNING"]).await;
    }

    /// Waits until the connector is in `state` and each of its tasks (at least one, unless STOPPED) in one of `tasks`.
    pub async fn wait_for_states(&self, name: &str, state: &str, tasks: &[&str]) -> Value {
        let mut last = String::new();
        let found =
            wait_for(format!("{name}: {state}, tasks {tasks:?}"), Duration::from_mins(1), async || {
                // A worker that is being restarted answers nothing yet.
                let answer = self.try_send("GET", &format!("/connectors/{name}/status"), None).await.ok()?;
                let now = states(&answer.body);
                if now != last {
                    println!("{name}: {now}");
                    last = now;
                }
                let all = answer.body["tasks"].as_array()?;
                let right =
                    all.iter().all(|task| task["state"].as_str().is_some_and(|state| tasks.contains(&state)));
                let enough = !all.is_empty() || tasks.is_empty();
                (answer.body["connector"]["state"] == state && right && enough).then_some(answer.body)
            });
        found.await
    }

    /// Waits until task 0 is FAILED; its trace.
    pub async fn wait_for_trace(&self, name: &str) -> String {
        let status = wait_for(format!("task {name}-0 to fail"), Duration::from_mins(1), async || {
            let answer =
                self.try_send("GET", &format!("/connectors/{name}/tasks/0/status"), None).await.ok()?;
            (answer.body["state"] == "FAILED").then_some(answer.body)
        });
        let trace = status.await["trace"].as_str().expect("a failed task has a trace").to_owned();
        assert_brief(&trace);
        trace
    }
}

/// The states in a status, in one line.
fn states(status: &Value) -> String {
    let Some(tasks) = status["tasks"].as_array() else { return status.to_string() };
    let tasks: Vec<_> = tasks.iter().filter_map(|task| task["state"].as_str()).collect();
    format!("{} {tasks:?}", status["connector"]["state"])
}
