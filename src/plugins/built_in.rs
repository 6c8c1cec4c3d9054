//! The classes that every worker has: one row each.

use super::Plugins;
use crate::convert::{avro, connect_json, json, primitive, protobuf, schema_json, simple_header};
use crate::kusto;
use crate::transform::{
    cast, drop_headers, extract_field, filter, flatten, header_from, hoist_field, insert_field,
    insert_header, mask_field, predicates, regex_router, replace_field, set_schema_metadata,
    timestamp_converter, timestamp_router, value_to_key,
};

/// The catalogue of every worker.
pub const BUILT_IN: Plugins = Plugins {
    sinks: &[
        &kusto::KUSTO,
        &kusto::FABRIC,
        #[cfg(feature = "filestream")]
        &crate::filestream::ROW,
    ],
    transformations: &[
        &cast::ROW,
        &drop_headers::ROW,
        &extract_field::ROW,
        &filter::ROW,
        &flatten::ROW,
        &header_from::ROW,
        &hoist_field::ROW,
        &insert_field::ROW,
        &insert_header::ROW,
        &mask_field::ROW,
        &regex_router::ROW,
        &replace_field::ROW,
        &set_schema_metadata::ROW,
        &timestamp_converter::ROW,
        &timestamp_router::ROW,
        &value_to_key::ROW,
    ],
    predicates: &[
        &predicates::HAS_HEADER_KEY,
        &predicates::RECORD_IS_TOMBSTONE,
        &predicates::TOPIC_NAME_MATCHES,
    ],
    converters: &[
        &avro::APICURIO,
        &connect_json::ROW,
        &protobuf::APICURIO,
        &avro::CONFLUENT,
        &schema_json::ROW,
        &protobuf::CONFLUENT,
        &primitive::BOOLEAN,
        &primitive::BYTE_ARRAY,
        &primitive::DOUBLE,
        &primitive::FLOAT,
        &primitive::INTEGER,
        &primitive::LONG,
        &primitive::SHORT,
        &json::ROW,
        &simple_header::ROW,
        &primitive::STRING,
    ],
};
