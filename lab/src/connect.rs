//! The worker's REST interface as `curl` meets it: texts in, texts out.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::Value;

/// What went wrong between the lab and the worker's REST.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No answer.
    #[error("worker REST at {url}: {source}")]
    Http {
        /// The address asked.
        url: String,
        /// What the HTTP client said.
        source: reqwest::Error,
    },
    /// An answer other than the one that means success.
    #[error("{method} {url} answered {status}: {body}")]
    Refused {
        /// The request's method.
        method: &'static str,
        /// The address asked.
        url: String,
        /// The HTTP status.
        status: StatusCode,
        /// The answer's text.
        body: String,
    },
}

/// A worker.
#[derive(Debug, Clone)]
pub struct Connect {
    http: reqwest::Client,
    url: String,
}

/// How long between two looks at a worker that is not up yet.
const LOOK: Duration = Duration::from_millis(20);

impl Connect {
    /// A client of the worker at `url` (no trailing slash).
    pub fn new(http: reqwest::Client, url: &str) -> Self {
        Self { http, url: url.to_owned() }
    }

    /// The worker's address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Waits until `GET /connectors` answers: from then on the worker takes requests. Never gives up; the caller limits it.
    pub async fn wait_until_ready(&self) {
        while self.get("/connectors").await.is_err() {
            tokio::time::sleep(LOOK).await;
        }
    }

    /// The body of a GET.
    pub async fn get(&self, path: &str) -> Result<String, Error> {
        self.send("GET", path, None).await
    }

    /// Creates a connector from the text `curl --data @file` would send.
    pub async fn create(&self, body: &str) -> Result<String, Error> {
        self.send("POST", "/connectors", Some(body)).await
    }

    /// Pauses a connector.
    pub async fn pause(&self, name: &str) -> Result<String, Error> {
        self.send("PUT", &format!("/connectors/{name}/pause"), None).await
    }

    /// Deletes a connector.
    pub async fn delete(&self, name: &str) -> Result<String, Error> {
        self.send("DELETE", &format!("/connectors/{name}"), None).await
    }

    /// The states of connector and tasks: `RUNNING`, or `RUNNING, task 0 FAILED`, with the trace of the first failure.
    pub async fn state(&self, name: &str) -> Result<State, Error> {
        let text = self.get(&format!("/connectors/{name}/status")).await?;
        Ok(State::read(&serde_json::from_str(&text).unwrap_or_default()))
    }

    async fn send(&self, method: &'static str, path: &str, body: Option<&str>) -> Result<String, Error> {
        let url = format!("{}{path}", self.url);
        let http_error = |source| Error::Http { url: url.clone(), source };
        let request = match method {
            "POST" => self.http.post(&url).header("Content-Type", "application/json"),
            "PUT" => self.http.put(&url),
            "DELETE" => self.http.delete(&url),
            _ => self.http.get(&url),
        };
        let request = body.into_iter().fold(request, |request, body| request.body(body.to_owned()));
        let response = request.send().await.map_err(http_error)?;
        let status = response.status();
        let body = response.text().await.map_err(http_error)?;
        if status.is_success() { Ok(body) } else { Err(Error::Refused { method, url, status, body }) }
    }
}

/// A connector's and its tasks' states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// For people.
    pub text: String,
    /// Everything there is runs, and there is at least one task.
    pub running: bool,
    /// Why something failed.
    pub trace: Option<String>,
}

impl State {
    fn read(status: &Value) -> Self {
        let state = |part: &Value| part["state"].as_str().unwrap_or("UNKNOWN").to_owned();
        let connector = &status["connector"];
        let tasks = status["tasks"].as_array().map_or(&[][..], Vec::as_slice);
        let others = tasks.iter().filter(|task| state(task) != "RUNNING");
        let others = others.map(|task| format!("task {} {}", task["id"], state(task)));
        let text = std::iter::once(state(connector)).chain(others).collect::<Vec<_>>().join(", ");
        let parts = || std::iter::once(connector).chain(tasks);
        Self {
            running: !tasks.is_empty() && parts().all(|part| state(part) == "RUNNING"),
            trace: parts()
                .filter(|part| state(part) == "FAILED")
                .find_map(|part| Some(part["trace"].as_str()?.to_owned())),
            text,
        }
    }
}

/// What `curl --data @file` sends of a file: it leaves out carriage returns and newlines.
pub fn curl_data(file: &str) -> String {
    file.chars().filter(|c| !matches!(c, '\r' | '\n')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn states_are_told_in_one_line() {
        let all = json!({"connector": {"state": "RUNNING"}, "tasks": [{"id": 0, "state": "RUNNING"}]});
        assert_eq!(State::read(&all), State { text: "RUNNING".to_owned(), running: true, trace: None });
        let failed = json!({"connector": {"state": "RUNNING"}, "tasks": [{"id": 0, "state": "FAILED", "trace": "why"}]});
        let failed = State::read(&failed);
        assert_eq!((failed.text.as_str(), failed.trace.as_deref()), ("RUNNING, task 0 FAILED", Some("why")));
        assert!(!State::read(&json!({"connector": {"state": "RUNNING"}, "tasks": []})).running);
    }

    #[test]
    fn the_sample_configs_are_json_and_name_the_lab() {
        for file in [
            include_str!("../../config/adx-sink-config.json"),
            include_str!("../../config/adx-sink-config.compose.json"),
            include_str!("../../config/adx-sink-config.azure.json"),
        ] {
            let config: Value = serde_json::from_str(&curl_data(file)).unwrap();
            assert_eq!(config["name"], "storm");
            assert_eq!(config["config"]["topics"], "storm-events");
            assert_eq!(config["config"]["flush.size.bytes"], 10_000);
        }
    }
}
