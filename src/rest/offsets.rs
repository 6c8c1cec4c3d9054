//! `/connectors/X/offsets`: what a sink connector has committed, read, altered and reset.

use super::Rest;
use super::body::Object;
use super::error::Error;
use super::path::Name;
use crate::herder::{OffsetsRequest, PartitionOffset};
use axum::Json;
use axum::extract::State;
use serde_json::{Map, Value, json};

pub(super) async fn read(State(rest): State<Rest>, Name(name): Name) -> Result<Json<Value>, Error> {
    let offsets = rest.herder.offsets(&name).await?;
    let offsets = offsets.into_iter().map(|(id, offset)| {
        json!({
            "partition": { "kafka_topic": &*id.topic, "kafka_partition": id.partition },
            "offset": { "kafka_offset": offset },
        })
    });
    Ok(Json(json!({ "offsets": offsets.collect::<Vec<_>>() })))
}

pub(super) async fn alter(
    State(rest): State<Rest>,
    Name(name): Name,
    body: Object,
) -> Result<Json<Value>, Error> {
    rest.herder.alter_offsets(&name, &request(body)?).await?;
    Ok(done("altered"))
}

pub(super) async fn reset(State(rest): State<Rest>, Name(name): Name) -> Result<Json<Value>, Error> {
    rest.herder.reset_offsets(&name).await?;
    Ok(done("reset"))
}

/// Connect's words for a connector that does not say that it took care of its offsets itself, as the Kusto sink does
/// not.
fn done(what: &str) -> Json<Value> {
    Json(json!({ "message": format!(
        "The Connect framework-managed offsets for this connector have been {what} successfully. However, if this \
         connector manages offsets externally, they will need to be manually {what} in the system that the connector \
         uses."
    )}))
}

fn request(body: Object) -> Result<OffsetsRequest, Error> {
    let offsets = match body.only_field("offsets")? {
        Some(Value::Array(offsets)) => offsets,
        None | Some(Value::Null) => Vec::new(),
        Some(_) => return Err(Error::bad_request("The field \"offsets\" must be an array")),
    };
    if offsets.is_empty() {
        return Err(Error::bad_request(
            "Partitions / offsets need to be provided for an alter offsets request",
        ));
    }
    offsets.into_iter().map(wish).collect::<Result<_, _>>().map(OffsetsRequest)
}

fn wish(value: Value) -> Result<PartitionOffset, Error> {
    let Value::Object(mut fields) = value else {
        return Err(Error::bad_request(
            "Each of \"offsets\" must be an object with \"partition\" and \"offset\"",
        ));
    };
    let (partition, offset) = (fields.remove("partition"), fields.remove("offset"));
    if let Some(unknown) = fields.keys().next() {
        return Err(Error::bad_request(format!(
            "Unrecognized field \"{unknown}\"; the known ones are \"partition\" and \"offset\""
        )));
    }
    Ok(PartitionOffset { partition: map("partition", partition)?, offset: map("offset", offset)? })
}

fn map(field: &str, value: Option<Value>) -> Result<Option<Map<String, Value>>, Error> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(map)) => Ok(Some(map)),
        Some(_) => Err(Error::bad_request(format!("The field \"{field}\" must be an object or null"))),
    }
}
