//! The names of what a client can ask the emulator for, as faults and counters use them.

use serde::{Deserialize, Serialize};

/// One kind of request, or, from [`Operation::Accept`] on, one step of the data-management loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Operation {
    /// `GET /v1/rest/auth/metadata`.
    Metadata,
    /// The liveness answer.
    Health,
    /// A management command that is none of the next two.
    Mgmt,
    /// `.get|.show ingestion resources`.
    IngestionResources,
    /// `.get kusto identity token`.
    IdentityToken,
    /// A query, version 1 or 2.
    Query,
    /// Streaming ingestion.
    StreamingIngest,
    /// `GET /v1/rest/ingestion/configuration`.
    IngestionConfiguration,
    /// Queued ingestion by REST: a posting.
    QueuedIngest,
    /// Queued ingestion by REST: the status of a posting.
    IngestionStatus,
    /// The sign-in service's token endpoint.
    Token,
    /// The managed identity endpoints (IMDS and App Service).
    ManagedIdentity,
    /// The sign-in service's discovery documents.
    Discovery,
    /// Put Blob.
    PutBlob,
    /// Put Block.
    PutBlock,
    /// Put Block List.
    PutBlockList,
    /// Get Blob.
    GetBlob,
    /// Get Blob Properties.
    HeadBlob,
    /// Delete Blob.
    DeleteBlob,
    /// Put Message.
    PutMessage,
    /// Get Messages.
    GetMessages,
    /// Peek Messages.
    PeekMessages,
    /// Delete Message.
    DeleteMessage,
    /// Update Message.
    UpdateMessage,
    /// Get Queue Metadata.
    QueueMetadata,
    /// Any operation of the table service.
    Table,
    /// A request that is none of these.
    Other,
    /// The data-management loop takes a message that it has read.
    Accept,
    /// The data-management loop hands a sealed batch to the engine.
    Batch,
    /// The data-management loop fetches a blob.
    Download,
    /// The data-management loop hands a blob to the engine.
    Ingest,
    /// The engine uncompresses a blob; only one whose name says that it is compressed.
    Decompress,
    /// The engine reads records.
    Parse,
    /// The engine fills columns.
    Mapping,
    /// The engine runs the update policies of the table.
    UpdatePolicy,
    /// The data-management loop tells how a source ended.
    Report,
}

impl Operation {
    /// The name in rules and counters.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Metadata => "Metadata",
            Self::Health => "Health",
            Self::Mgmt => "Mgmt",
            Self::IngestionResources => "IngestionResources",
            Self::IdentityToken => "IdentityToken",
            Self::Query => "Query",
            Self::StreamingIngest => "StreamingIngest",
            Self::IngestionConfiguration => "IngestionConfiguration",
            Self::QueuedIngest => "QueuedIngest",
            Self::IngestionStatus => "IngestionStatus",
            Self::Token => "Token",
            Self::ManagedIdentity => "ManagedIdentity",
            Self::Discovery => "Discovery",
            Self::PutBlob => "PutBlob",
            Self::PutBlock => "PutBlock",
            Self::PutBlockList => "PutBlockList",
            Self::GetBlob => "GetBlob",
            Self::HeadBlob => "HeadBlob",
            Self::DeleteBlob => "DeleteBlob",
            Self::PutMessage => "PutMessage",
            Self::GetMessages => "GetMessages",
            Self::PeekMessages => "PeekMessages",
            Self::DeleteMessage => "DeleteMessage",
            Self::UpdateMessage => "UpdateMessage",
            Self::QueueMetadata => "QueueMetadata",
            Self::Table => "Table",
            Self::Other => "Other",
            Self::Accept => "Accept",
            Self::Batch => "Batch",
            Self::Download => "Download",
            Self::Ingest => "Ingest",
            Self::Decompress => "Decompress",
            Self::Parse => "Parse",
            Self::Mapping => "Mapping",
            Self::UpdatePolicy => "UpdatePolicy",
            Self::Report => "Report",
        }
    }

    /// True for the operations of the storage service, whose errors are XML.
    pub(crate) fn is_storage(self) -> bool {
        matches!(
            self,
            Self::PutBlob
                | Self::PutBlock
                | Self::PutBlockList
                | Self::GetBlob
                | Self::HeadBlob
                | Self::DeleteBlob
                | Self::PutMessage
                | Self::GetMessages
                | Self::PeekMessages
                | Self::DeleteMessage
                | Self::UpdateMessage
                | Self::QueueMetadata
                | Self::Table
        )
    }

    /// True for the operations of the sign-in service.
    pub(crate) fn is_sign_in(self) -> bool {
        matches!(self, Self::Token | Self::ManagedIdentity | Self::Discovery)
    }
}
