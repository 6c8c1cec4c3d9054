//! The keys of the converters that need a schema registry, as their own classes define them
//! (`connect-runtime.md` §6.4).
//!
//! Keys that only matter for writing are listed, so that what runs today is taken, and say so.

use crate::config::def::Check::{Any, AtLeast, OneOfAnyCase};
use crate::config::def::Importance::{High, Low, Medium as Mid};
use crate::config::def::Kind::{Boolean, Int, List, Password, String};
use crate::config::def::RowDefault::{Is, Null, Required};
use crate::config::def::{Row, Width};
use crate::config::plugins;

const NONE: (&str, i32) = ("", -1);
const AUTO: Width = Width::None;

#[rustfmt::skip] // a table: one row is one key
const CONFLUENT: &[Row] = &[
    Row("schema.registry.url", List, Required, Any, High, NONE, AUTO, "schema.registry.url",
        "The registry's addresses; the next is asked when one does not answer."),
    Row("basic.auth.credentials.source", String, Null, OneOfAnyCase(&["URL", "USER_INFO", "SASL_INHERIT"]), Mid, NONE, AUTO, "basic.auth.credentials.source",
        "Where user and password come from: the address, `basic.auth.user.info`, or `sasl.jaas.config` below the same prefix. `USER_INFO` when that is set, else `URL`."),
    Row("basic.auth.user.info", Password, Null, Any, Mid, NONE, AUTO, "basic.auth.user.info",
        "User and password, with a colon between."),
    Row("sasl.jaas.config", Password, Null, Any, Mid, NONE, AUTO, "sasl.jaas.config",
        "The login entry that `SASL_INHERIT` takes user and password from."),
    Row("bearer.auth.credentials.source", String, Null, OneOfAnyCase(&["STATIC_TOKEN", "OAUTHBEARER"]), Mid, NONE, AUTO, "bearer.auth.credentials.source",
        "Where the token comes from: `bearer.auth.token`, or an OAuth server by client credentials."),
    Row("bearer.auth.token", Password, Null, Any, Mid, NONE, AUTO, "bearer.auth.token",
        "The token."),
    Row("bearer.auth.issuer.endpoint.url", String, Null, Any, Mid, NONE, AUTO, "bearer.auth.issuer.endpoint.url",
        "The address that gives out tokens."),
    Row("bearer.auth.client.id", String, Null, Any, Mid, NONE, AUTO, "bearer.auth.client.id",
        "The OAuth client."),
    Row("bearer.auth.client.secret", Password, Null, Any, Mid, NONE, AUTO, "bearer.auth.client.secret",
        "Its secret."),
    Row("bearer.auth.scope", String, Null, Any, Mid, NONE, AUTO, "bearer.auth.scope",
        "What the token should be good for."),
    Row("bearer.auth.logical.cluster", String, Null, Any, Mid, NONE, AUTO, "bearer.auth.logical.cluster",
        "Confluent Cloud's logical cluster of the registry."),
    Row("bearer.auth.identity.pool.id", String, Null, Any, Mid, NONE, AUTO, "bearer.auth.identity.pool.id",
        "Confluent Cloud's identity pool."),
    Row("schema.registry.ssl.truststore.location", String, Null, Any, Mid, NONE, AUTO, "schema.registry.ssl.truststore.location",
        "Certificates to trust: a PEM, PKCS12 or JKS file; the system's when not set."),
    Row("schema.registry.ssl.truststore.password", Password, Null, Any, Mid, NONE, AUTO, "schema.registry.ssl.truststore.password",
        "Its password."),
    Row("schema.registry.ssl.keystore.location", String, Null, Any, Mid, NONE, AUTO, "schema.registry.ssl.keystore.location",
        "The worker's own key and certificate: a PEM, PKCS12 or JKS file."),
    Row("schema.registry.ssl.keystore.password", Password, Null, Any, Mid, NONE, AUTO, "schema.registry.ssl.keystore.password",
        "Its password."),
    Row("schema.registry.ssl.key.password", Password, Null, Any, Mid, NONE, AUTO, "schema.registry.ssl.key.password",
        "The password of the key in it."),
    Row("schema.registry.ssl.endpoint.identification.algorithm", String, Is("https"), Any, Low, NONE, AUTO, "schema.registry.ssl.endpoint.identification.algorithm",
        "Empty turns off the comparison of the registry's name with its certificate."),
    Row("proxy.host", String, Null, Any, Low, NONE, AUTO, "proxy.host",
        "The HTTP proxy on the way to the registry; the environment's when not set."),
    Row("proxy.port", Int, Null, Any, Low, NONE, AUTO, "proxy.port",
        "The proxy's port."),
];

#[rustfmt::skip] // a table: one row is one key
const REQUESTS: &[Row] = &[
    Row("http.connect.timeout.ms", Int, Is("60000"), AtLeast(1), Low, NONE, AUTO, "http.connect.timeout.ms",
        "How long connecting may take."),
    Row("http.read.timeout.ms", Int, Is("60000"), AtLeast(1), Low, NONE, AUTO, "http.read.timeout.ms",
        "How long an answer may take."),
    Row("max.retries", Int, Is("3"), AtLeast(0), Low, NONE, AUTO, "max.retries",
        "How often the registry is asked once more when it does not answer. What then happens to the record is for `errors.retry.timeout` and `errors.tolerance` to say."),
    Row("retries.wait.ms", Int, Is("1000"), AtLeast(0), Low, NONE, AUTO, "retries.wait.ms",
        "The first pause before that; it doubles."),
    Row("retries.max.wait.ms", Int, Is("20000"), AtLeast(0), Low, NONE, AUTO, "retries.max.wait.ms",
        "The longest pause before that."),
    Row("schemas.cache.config", Int, Is("1000"), AtLeast(1), Low, NONE, AUTO, "schemas.cache.config",
        "How many schemas are kept."),
];

#[rustfmt::skip] // a table: one row is one key
const WRITING: &[Row] = &[
    Row("max.schemas.per.subject", Int, Is("1000"), Any, Low, NONE, AUTO, "max.schemas.per.subject",
        "Accepted for compatibility; `schemas.cache.config` says how many schemas are kept."),
    Row("auto.register.schemas", Boolean, Is("true"), Any, Mid, NONE, AUTO, "auto.register.schemas",
        "Accepted for compatibility: a sink registers nothing."),
    Row("use.latest.version", Boolean, Is("false"), Any, Low, NONE, AUTO, "use.latest.version",
        "Accepted for compatibility: a record is read by the schema it was written with."),
    Row("latest.compatibility.strict", Boolean, Is("true"), Any, Low, NONE, AUTO, "latest.compatibility.strict",
        "Accepted for compatibility: a record is read by the schema it was written with."),
    Row("normalize.schemas", Boolean, Is("false"), Any, Low, NONE, AUTO, "normalize.schemas",
        "Accepted for compatibility: a sink registers nothing."),
    Row("key.subject.name.strategy", String, Is("io.confluent.kafka.serializers.subject.TopicNameStrategy"), Any, Mid, NONE, AUTO, "key.subject.name.strategy",
        "How subjects of keys are named; the registry is told a subject only if it is the topic's."),
    Row("value.subject.name.strategy", String, Is("io.confluent.kafka.serializers.subject.TopicNameStrategy"), Any, Mid, NONE, AUTO, "value.subject.name.strategy",
        "The same of values."),
];

#[rustfmt::skip] // a table: one row is one key
const AVRO: &[Row] = &[
    Row("enhanced.avro.schema.support", Boolean, Is("false"), Any, Mid, NONE, AUTO, "enhanced.avro.schema.support",
        "Branches of a union are named by their full names, and the symbols of enums are kept as parameters."),
    Row("connect.meta.data", Boolean, Is("true"), Any, Low, NONE, AUTO, "connect.meta.data",
        "Accepted for compatibility: it is about writing."),
    Row("scrub.invalid.names", Boolean, Is("false"), Any, Mid, NONE, AUTO, "scrub.invalid.names",
        "Accepted for compatibility: it is about writing."),
    Row("discard.type.doc.default", Boolean, Is("false"), Any, Low, NONE, AUTO, "discard.type.doc.default",
        "Docs and defaults of a type do not become those of the fields of it."),
    Row("allow.optional.map.keys", Boolean, Is("false"), Any, Low, NONE, AUTO, "allow.optional.map.keys",
        "Accepted for compatibility: it is about writing."),
    Row("flatten.singleton.unions", Boolean, Is("true"), Any, Low, NONE, AUTO, "flatten.singleton.unions",
        "A union of one type is that type."),
    Row("generalized.sum.type.support", Boolean, Is("false"), Any, Mid, NONE, AUTO, "generalized.sum.type.support",
        "Branches of a union are numbered instead of named."),
    Row("ignore.default.for.nullables", Boolean, Is("false"), Any, Mid, NONE, AUTO, "ignore.default.for.nullables",
        "A null of a field that may be null stays null when the field has a default."),
];

#[rustfmt::skip] // a table: one row is one key
const JSON_SCHEMA: &[Row] = &[
    Row("object.additional.properties", Boolean, Is("true"), Any, Mid, NONE, AUTO, "object.additional.properties",
        "Accepted for compatibility: it is about writing."),
    Row("use.optional.for.nonrequired", Boolean, Is("false"), Any, Mid, NONE, AUTO, "use.optional.for.nonrequired",
        "Accepted for compatibility: a property that is not required may always be missing or null."),
    Row("decimal.format", String, Is("BASE64"), OneOfAnyCase(&["BASE64", "NUMERIC"]), Mid, NONE, AUTO, "decimal.format",
        "Accepted for compatibility: it is about writing."),
    Row("ignore.modern.dialects", Boolean, Is("false"), Any, Mid, NONE, AUTO, "ignore.modern.dialects",
        "Accepted for compatibility: schemas of all drafts are read alike."),
    Row("generalized.sum.type.support", Boolean, Is("false"), Any, Mid, NONE, AUTO, "generalized.sum.type.support",
        "Branches of a union are named alike for all formats."),
];

#[rustfmt::skip] // a table: one row is one key
const PROTOBUF: &[Row] = &[
    Row("enhanced.protobuf.schema.support", Boolean, Is("false"), Any, Mid, NONE, AUTO, "enhanced.protobuf.schema.support",
        "Structs are named by the full names of their messages, package included."),
    Row("int.for.enums", Boolean, Is("false"), Any, Mid, NONE, AUTO, "int.for.enums",
        "Enums are numbers instead of names."),
    Row("optional.for.nullables", Boolean, Is("false"), Any, Mid, NONE, AUTO, "optional.for.nullables",
        "Fields that are marked `optional` may be null."),
    Row("optional.for.proto2", Boolean, Is("true"), Any, Mid, NONE, AUTO, "optional.for.proto2",
        "Fields of proto2 that are not required may be null."),
    Row("wrapper.for.nullables", Boolean, Is("false"), Any, Mid, NONE, AUTO, "wrapper.for.nullables",
        "Wrapped values become values that may be null."),
    Row("wrapper.for.raw.primitives", Boolean, Is("true"), Any, Mid, NONE, AUTO, "wrapper.for.raw.primitives",
        "A whole message that is a wrapper becomes its value."),
    Row("generate.struct.for.nulls", Boolean, Is("false"), Any, Mid, NONE, AUTO, "generate.struct.for.nulls",
        "A message that is missing becomes one with all its defaults."),
    Row("generate.index.for.unions", Boolean, Is("true"), Any, Mid, NONE, AUTO, "generate.index.for.unions",
        "A oneof's number stands behind its name."),
    Row("flatten.unions", Boolean, Is("false"), Any, Mid, NONE, AUTO, "flatten.unions",
        "The fields of a oneof are fields of the message."),
    Row("scrub.invalid.names", Boolean, Is("false"), Any, Mid, NONE, AUTO, "scrub.invalid.names",
        "Accepted for compatibility: it is about writing."),
];

#[rustfmt::skip] // a table: one row is one key
const APICURIO: &[Row] = &[
    Row("apicurio.registry.url", List, Required, Any, High, NONE, AUTO, "apicurio.registry.url",
        "The registry's address; `/apis/registry/v2` is put behind one without a path."),
    Row("apicurio.registry.as-confluent", Boolean, Is("false"), Any, Mid, NONE, AUTO, "apicurio.registry.as-confluent",
        "The id in a record is of 4 bytes instead of 8."),
    Row("apicurio.registry.use-id", String, Is("globalId"), OneOfAnyCase(&["globalId", "contentId"]), Mid, NONE, AUTO, "apicurio.registry.use-id",
        "Which id a record holds. ExtJsonConverter's hold the global one."),
    Row("apicurio.registry.avro.encoding", String, Is("BINARY"), OneOfAnyCase(&["BINARY"]), Mid, NONE, AUTO, "apicurio.registry.avro.encoding",
        "Avro's JSON encoding is not read; a record whose header says that it has it is a bad record."),
    Row("apicurio.registry.headers.enabled", Boolean, Is("true"), Any, Mid, NONE, AUTO, "apicurio.registry.headers.enabled",
        "The id is in a header instead of before the value. A record with such a header is read by it either way."),
    Row("apicurio.auth.username", String, Null, Any, Mid, NONE, AUTO, "apicurio.auth.username",
        "The user."),
    Row("apicurio.auth.password", Password, Null, Any, Mid, NONE, AUTO, "apicurio.auth.password",
        "The user's password."),
    Row("apicurio.auth.service.token.endpoint", String, Null, Any, Mid, NONE, AUTO, "apicurio.auth.service.token.endpoint",
        "The address that gives out OAuth tokens."),
    Row("apicurio.auth.client.id", String, Null, Any, Mid, NONE, AUTO, "apicurio.auth.client.id",
        "The OAuth client."),
    Row("apicurio.auth.client.secret", Password, Null, Any, Mid, NONE, AUTO, "apicurio.auth.client.secret",
        "Its secret."),
    Row("apicurio.auth.client.scope", String, Null, Any, Mid, NONE, AUTO, "apicurio.auth.client.scope",
        "What the token should be good for."),
];

/// The rows of a class that needs a registry; nothing for other classes.
pub(in crate::config) fn rows(class: &str) -> impl Iterator<Item = &'static Row> {
    let places: &'static [&'static [Row]] = if plugins::is_apicurio(class) {
        &[APICURIO, REQUESTS]
    } else if plugins::needs_registry(class) {
        &[CONFLUENT, REQUESTS, WRITING]
    } else {
        &[]
    };
    let own: &'static [Row] = match class {
        plugins::AVRO_CONVERTER | plugins::APICURIO_AVRO_CONVERTER => AVRO,
        plugins::JSON_SCHEMA_CONVERTER => JSON_SCHEMA,
        plugins::PROTOBUF_CONVERTER | plugins::APICURIO_PROTOBUF_CONVERTER => PROTOBUF,
        _ => &[],
    };
    places.iter().copied().flatten().chain(own)
}
