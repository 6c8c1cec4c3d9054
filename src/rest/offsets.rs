//! `/connectors/X/offsets`: what a sink connector has committed, read, altered and reset.

use super::Rest;
use super::body::Object;
use super::error::Error;
use super::openapi::{AnyTime, Named, WithBody, Writing};
use super::path::Name;
use crate::herder::{OffsetsRequest, PartitionOffset};
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// What a connector has committed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConnectorOffsets)]
pub(super) struct OffsetsDto {
    offsets: Vec<OffsetDto>,
}

/// What it has committed of one partition.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConnectorOffset)]
pub(super) struct OffsetDto {
    partition: PartitionDto,
    offset: CommittedDto,
}

/// Which partition.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SinkPartition)]
pub(super) struct PartitionDto {
    kafka_topic: String,
    kafka_partition: i32,
}

/// The next offset to be read.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SinkOffset)]
pub(super) struct CommittedDto {
    kafka_offset: i64,
}

/// The answer to a change.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Message)]
pub(super) struct MessageDto {
    message: String,
}

/// The body of a change: numbers may be texts, and an offset of null forgets what was committed.
#[derive(ToSchema)]
#[schema(as = AlterOffsetsRequest)]
pub(super) struct AlterRequest {
    offsets: Vec<AlterOffset>,
}

/// One change.
#[derive(ToSchema)]
pub(super) struct AlterOffset {
    #[schema(value_type = PartitionDto)]
    partition: Option<Map<String, Value>>,
    #[schema(value_type = Option<CommittedDto>)]
    offset: Option<Map<String, Value>>,
}

impl From<AlterRequest> for OffsetsRequest {
    fn from(request: AlterRequest) -> Self {
        let wish = |AlterOffset { partition, offset }| PartitionOffset { partition, offset };
        Self(request.offsets.into_iter().map(wish).collect())
    }
}

#[utoipa::path(get, path = "/connectors/{name}/offsets", params(Name), responses(
    (status = 200, description = "What its consumer group has committed.", body = OffsetsDto), AnyTime, Named
))]
pub(super) async fn read(State(rest): State<Rest>, Name(name): Name) -> Result<Json<OffsetsDto>, Error> {
    let offsets = rest.herder.offsets(&name).await?.into_iter().map(|(id, kafka_offset)| OffsetDto {
        partition: PartitionDto { kafka_topic: id.topic.to_string(), kafka_partition: id.partition },
        offset: CommittedDto { kafka_offset },
    });
    Ok(Json(OffsetsDto { offsets: offsets.collect() }))
}

#[utoipa::path(patch, path = "/connectors/{name}/offsets", params(Name), request_body = AlterRequest, responses(
    (status = 200, description = "Changed.", body = MessageDto), AnyTime, Named, WithBody, Writing
))]
pub(super) async fn alter(
    State(rest): State<Rest>,
    Name(name): Name,
    body: Object,
) -> Result<Json<MessageDto>, Error> {
    rest.herder.alter_offsets(&name, &request(body)?.into()).await?;
    Ok(done("altered"))
}

#[utoipa::path(delete, path = "/connectors/{name}/offsets", params(Name), responses(
    (status = 200, description = "Forgotten.", body = MessageDto), AnyTime, Named, Writing
))]
pub(super) async fn reset(State(rest): State<Rest>, Name(name): Name) -> Result<Json<MessageDto>, Error> {
    rest.herder.reset_offsets(&name).await?;
    Ok(done("reset"))
}

/// Connect's words for a connector that does not say that it took care of its offsets itself; ours do not.
fn done(what: &str) -> Json<MessageDto> {
    Json(MessageDto {
        message: format!(
            "The Connect framework-managed offsets for this connector have been {what} successfully. However, if this \
         connector manages offsets externally, they will need to be manually {what} in the system that the connector \
         uses."
        ),
    })
}

fn request(body: Object) -> Result<AlterRequest, Error> {
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
    Ok(AlterRequest { offsets: offsets.into_iter().map(wish).collect::<Result<_, _>>()? })
}

fn wish(value: Value) -> Result<AlterOffset, Error> {
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
    Ok(AlterOffset { partition: map("partition", partition)?, offset: map("offset", offset)? })
}

fn map(field: &str, value: Option<Value>) -> Result<Option<Map<String, Value>>, Error> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(map)) => Ok(Some(map)),
        Some(_) => Err(Error::bad_request(format!("The field \"{field}\" must be an object or null"))),
    }
}
