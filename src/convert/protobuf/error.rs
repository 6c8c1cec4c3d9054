//! The failures of Protobuf, by the names that Java has for them.

use crate::data::Error;

pub(super) fn bad_schema(reason: impl Into<String>) -> Error {
    Error::of_class("io.confluent.kafka.schemaregistry.protobuf.ProtobufSchemaException", reason)
}

pub(super) fn bad_message(reason: impl Into<String>) -> Error {
    Error::of_class("com.google.protobuf.InvalidProtocolBufferException", reason)
}
