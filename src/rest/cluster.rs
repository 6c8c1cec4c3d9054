//! `/cluster` (ours): the workers, who leads, and what each takes of its machine.

use super::Rest;
use super::dto_health::UnheardDto;
use super::error::Error;
use super::openapi::AnyTime;
use super::others;
use super::query::Query;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A worker, as the cluster knows it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = ClusterWorker)]
pub(super) struct ClusterWorkerDto {
    /// Its advertised URL.
    url: String,
    /// It writes the config topic.
    leads: bool,
    /// It is the one that answers.
    is_this: bool,
    /// Connectors that it has itself.
    connectors: usize,
    /// Tasks that it has.
    tasks: usize,
    /// What it says of itself; absent when it did not answer.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    process: Option<WorkerProcessDto>,
}

/// What a worker says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = WorkerProcess)]
pub(super) struct WorkerProcessDto {
    /// The version of this program.
    version: String,
    /// Milliseconds since 1970.
    started_ms: u64,
    /// Memory of the process, in bytes.
    resident_bytes: Option<f64>,
    /// Its processor time, in seconds.
    cpu_seconds: Option<f64>,
    /// Bytes that batches hold,
    memory_reserved: Option<u64>,
    /// and may hold (`worker.buffer.bytes`).
    memory_limit: Option<u64>,
}

/// The workers of the cluster.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = Cluster)]
pub(super) struct ClusterDto {
    workers: Vec<ClusterWorkerDto>,
    /// Workers that did not answer.
    #[serde(default)]
    unheard: Vec<UnheardDto>,
}

#[utoipa::path(get, path = "/cluster",
    params(("forward" = Option<String>, Query, description = "`false`: only this worker is asked what it takes.")),
    responses((status = 200, description = "The workers of the cluster.", body = ClusterDto), AnyTime))]
pub(super) async fn read(State(rest): State<Rest>, query: Query) -> Result<Json<ClusterDto>, Error> {
    // As every read, once the worker is ready.
    drop(rest.herder.connectors().await?);
    let own = own(&rest);
    let workers = rest.herder.workers().into_iter().map(|known| ClusterWorkerDto {
        url: known.url.to_string(),
        leads: known.leads,
        is_this: known.is_this,
        connectors: known.connectors,
        tasks: known.tasks,
        process: known.is_this.then(|| own.clone()),
    });
    let mut cluster = ClusterDto { workers: workers.collect(), unheard: Vec::new() };
    if !others::is_for_this_worker(&query) {
        let (parts, unheard) = others::ask::<ClusterDto>(&rest, "/cluster").await;
        for told in parts.into_iter().flat_map(|part| part.workers).filter(|told| told.is_this) {
            let known = cluster.workers.iter_mut().find(|known| known.url == told.url && !known.is_this);
            if let Some(known) = known {
                known.process = told.process;
            }
        }
        cluster.unheard = unheard;
    }
    Ok(Json(cluster))
}

fn own(rest: &Rest) -> WorkerProcessDto {
    let (worker, process) = rest.metrics.metrics.read_worker();
    WorkerProcessDto {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started_ms: worker.started_ms,
        resident_bytes: process.resident_bytes,
        cpu_seconds: process.cpu_seconds,
        memory_reserved: worker.memory.map(|memory| memory.reserved),
        memory_limit: worker.memory.map(|memory| memory.limit),
    }
}
