//! Reads that every worker answers for its own part: the same read is sent to all others at once, signed as a worker's
//! (`signed`), with `forward=false`: whoever gets it answers for itself alone.
//!
//! It owns nothing. Who does not answer in time is named in the answer; nothing waits for it again.

use super::Rest;
use super::dto_health::UnheardDto;
use super::query::Query;
use crate::bounded;
use axum::http::{Method, header};
use futures::future::join_all;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// A worker that is well answers such a read from its memory.
const TIMEOUT: Duration = Duration::from_secs(3);
/// A thousand connectors take some hundred bytes each.
const MOST_BYTES: usize = 16 << 20;

/// True when only this worker is asked.
pub(super) fn is_for_this_worker(query: &Query) -> bool {
    query.first("forward").is_some_and(|value| value == "false")
}

/// What all other workers answer to `path` (with its query, and encoded), and who did not.
pub(super) async fn ask<T: DeserializeOwned>(rest: &Rest, path: &str) -> (Vec<T>, Vec<UnheardDto>) {
    let workers = rest.herder.other_workers();
    let answers = join_all(workers.iter().map(|worker| ask_one(rest, worker, path))).await;
    let (mut parts, mut unheard) = (Vec::new(), Vec::new());
    for (worker, answer) in workers.iter().zip(answers) {
        match answer {
            Ok(part) => parts.push(part),
            Err(reason) => unheard.push(UnheardDto { worker: worker.to_string(), reason }),
        }
    }
    (parts, unheard)
}

async fn ask_one<T: DeserializeOwned>(rest: &Rest, worker: &Arc<str>, path: &str) -> Result<T, String> {
    let sign = if path.contains('?') { '&' } else { '?' };
    let target = format!("{}{path}{sign}forward=false", worker.trim_end_matches('/'));
    let target = Url::parse(&target).map_err(|error| error.to_string())?;
    let signature = rest.workers.sign(&Method::GET, &target, worker, b"");
    let signature = signature.ok_or("this worker has no key yet to sign a request with")?;
    let mut request = rest.forwarder.get(target).timeout(TIMEOUT).header(header::ACCEPT, "application/json");
    for (name, value) in signature {
        request = request.header(name, value);
    }
    let answer = request.send().await.map_err(|error| said(&error))?;
    let status = answer.status();
    let body = bounded::body(answer, MOST_BYTES).await.map_err(|error| error.to_string())?;
    if !status.is_success() {
        return Err(format!("it answered {status}"));
    }
    serde_json::from_slice(&body).map_err(|error| format!("its answer is not understood: {error}"))
}

fn said(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("no answer within {} s", TIMEOUT.as_secs());
    }
    // Without the URL, which stands beside it.
    std::error::Error::source(error).map_or_else(|| "no answer".to_owned(), crate::causes::chain)
}
