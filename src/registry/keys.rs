//! The keys that converters with a schema registry have for it, as their own classes define them
//! (`connect-runtime.md` §6.4).
//!
//! Keys that only matter for writing are listed, so that what runs today is taken, and say so.

use crate::configdef::def::Check::{Any, AtLeast, OneOfAnyCase};
use crate::configdef::def::Importance::{High, Low, Medium as Mid};
use crate::configdef::def::KeyType::{Boolean, Int, List, Password, String};
use crate::configdef::def::RowDefault::{Is, Null, Required};
use crate::configdef::def::{Row, Width};

const NONE: (&str, i32) = ("", -1);
const AUTO: Width = Width::None;

/// Where Confluent's registry is, and who asks.
#[rustfmt::skip] // a table: one row is one key
pub const CONFLUENT: &[Row] = &[
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

/// How each registry is asked.
#[rustfmt::skip] // a table: one row is one key
pub const REQUESTS: &[Row] = &[
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

/// What only matters for writing, of Confluent's converters.
#[rustfmt::skip] // a table: one row is one key
pub const WRITING: &[Row] = &[
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

/// Where Apicurio's registry is, who asks, and how records hold the id of their schema.
#[rustfmt::skip] // a table: one row is one key
pub const APICURIO: &[Row] = &[
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
