//! `/connectors/X/ingestion` (ours): what became of the batches that a connector handed over, put together from all workers.
//!
//! Each worker tells of the partitions that it reads, and of those that it read as long as something of them is missing; `forward=false` asks
//! this one alone.

use super::Rest;
use super::dto_fates::ConnectorFatesDto;
use super::error::Error;
use super::openapi::{AnyTime, Named};
use super::others;
use super::path::{self, Name};
use super::query::Query;
use axum::Json;
use axum::extract::State;

#[utoipa::path(get, path = "/connectors/{name}/ingestion",
    params(Name, ("forward" = Option<String>, Query, description = "`false`: only what this worker knows.")),
    responses((status = 200, description = "How far each partition is, and what failed.", body = ConnectorFatesDto), AnyTime, Named))]
pub(super) async fn read(
    State(rest): State<Rest>,
    Name(name): Name,
    query: Query,
) -> Result<Json<ConnectorFatesDto>, Error> {
    let name = rest.herder.connector(&name).await?.name;
    let (snapshot, _) = rest.metrics.metrics.read_connector(&name);
    let reading =
        snapshot.connectors.first().and_then(|connector| connector.reading.as_ref()?.fates.as_deref());
    let mut fates = ConnectorFatesDto::new(&name, reading);
    if !others::is_for_this_worker(&query) {
        let path = format!("/connectors/{}/ingestion", path::encode(&name));
        let (parts, unheard) = others::ask::<ConnectorFatesDto>(&rest, &path).await;
        for part in parts {
            fates.add(part);
        }
        fates.unheard = unheard;
    }
    fates.settle();
    Ok(Json(fates))
}
