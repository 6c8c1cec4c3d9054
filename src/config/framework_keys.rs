//! The table of the keys that every sink connector has.
//!
//! Types, defaults, groups, orders and display names are those a real worker shows (4.3.0); the documentation is ours and
//! says what *this* worker does.

use crate::configdef::PluginKind::{Converter, HeaderConverter};
use crate::configdef::def::Check::{Aliases, Any, AtLeast, Distinct, JavaRegex, Name, OneOf};
use crate::configdef::def::Importance::{High, Low, Medium as Mid};
use crate::configdef::def::KeyType::{Boolean, Class, Int, List, Long, Short, String as Text};
use crate::configdef::def::Row;
use crate::configdef::def::RowDefault::{Is, Null, Required};
use crate::configdef::def::Width::{Long as Wide, Medium, Short as Narrow};

const COMMON: &str = "Common";
const ERRORS: &str = "Error Handling";

/// The keys that every sink connector has, in Connect's order.
#[rustfmt::skip] // a table: one row is one key
pub const FRAMEWORK: &[Row] = &[
    Row("name", Text, Required, Name, High, (COMMON, 1), Medium, "Connector name",
        "The connector's name, unique in the Connect cluster. Its consumer group is connect-<name>."),
    Row("connector.class", Text, Required, Any, High, (COMMON, 2), Wide, "Connector class",
        "The class that does the work: the full name, KustoSinkConnector or KustoSink."),
    Row("connector.plugin.version", Text, Null, Any, Mid, (COMMON, 3), Medium, "Connector version",
        "The version of the connector. Only the one that is built in exists."),
    Row("tasks.max", Int, Is("1"), AtLeast(1), High, (COMMON, 4), Narrow, "Tasks max",
        "How many tasks share the connector's partitions at most. More than there are partitions brings nothing."),
    Row("tasks.max.enforce", Boolean, Is("true"), Any, Low, (COMMON, 5), Narrow, "Enforce tasks max",
        "Accepted for compatibility: tasks.max is always kept."),
    Row("key.converter", Class(Converter), Null, Any, Low, (COMMON, 6), Narrow, "Key converter class",
        "How record keys are read; the worker's converter when not set."),
    Row("key.converter.plugin.version", Text, Null, Any, Low, (COMMON, 7), Narrow, "Key converter version",
        "The version of the key converter. Only the one that is built in exists."),
    Row("value.converter", Class(Converter), Null, Any, Low, (COMMON, 8), Narrow, "Value converter class",
        "How record values are read; the worker's converter when not set."),
    Row("value.converter.plugin.version", Text, Null, Any, Low, (COMMON, 9), Narrow, "Value converter version",
        "The version of the value converter. Only the one that is built in exists."),
    Row("header.converter", Class(HeaderConverter), Null, Any, Low, (COMMON, 10), Narrow, "Header converter class",
        "The converter of record headers, which transformations and dead letters see."),
    Row("header.converter.plugin.version", Text, Null, Any, Low, (COMMON, 11), Narrow, "Header converter version",
        "Accepted for compatibility: the sink does not read headers."),
    Row("transforms", List, Is(""), Aliases, Low, ("Transforms", 12), Wide, "Transforms",
        "Aliases of the changes made to each record, in this order."),
    Row("predicates", List, Is(""), Aliases, Low, ("Predicates", 13), Wide, "Predicates",
        "Aliases of the conditions that transforms use."),
    Row("config.action.reload", Text, Is("restart"), OneOf(&["none", "restart"]), Low, (COMMON, 14), Medium, "Reload Action",
        "What happens when an external value that the settings refer to changes."),
    Row("errors.retry.timeout", Long, Is("0"), Any, Mid, (ERRORS, 1), Medium, "Retry Timeout for Errors",
        "How many milliseconds a record waits for a schema registry that does not answer, after which it is a bad record; -1 is without end. Nothing else that converts or transforms fails but for good."),
    Row("errors.retry.delay.max.ms", Long, Is("60000"), Any, Mid, (ERRORS, 2), Medium, "Maximum Delay Between Retries for Errors",
        "The longest pause between two such tries, in milliseconds."),
    Row("errors.tolerance", Text, Is("none"), OneOf(&["none", "all"]), Mid, (ERRORS, 3), Narrow, "Error Tolerance",
        "What a record does that cannot be converted, transformed or written: with none it fails the task, with all it is skipped \
         (and in the dead-letter topic, if there is one)."),
    Row("errors.log.enable", Boolean, Is("false"), Any, Mid, (ERRORS, 4), Narrow, "Log Errors",
        "Whether tolerated errors are logged. A failed task always logs its error."),
    Row("errors.log.include.messages", Boolean, Is("false"), Any, Mid, (ERRORS, 5), Narrow, "Log Error Details",
        "Whether the log of a tolerated error names the record's topic, partition and offset."),
    Row("topics", List, Is(""), Distinct, High, (COMMON, 4), Wide, "Topics",
        "The topics to read, with commas between. Either this or topics.regex."),
    Row("topics.regex", Text, Is(""), JavaRegex, High, (COMMON, 4), Wide, "Topics regex",
        "A regular expression; every topic whose whole name matches is read. Either this or topics."),
    Row("errors.deadletterqueue.topic.name", Text, Is(""), Any, Mid, (ERRORS, 6), Medium, "Dead Letter Queue Topic Name",
        "The topic that gets the records that get no further, byte for byte with their headers. Made when it is missing. No \
         offset moves over a record before it is in this topic."),
    Row("errors.deadletterqueue.topic.replication.factor", Short, Is("3"), Any, Mid, (ERRORS, 7), Medium,
        "Dead Letter Queue Topic Replication Factor",
        "The replication factor of that topic when it has to be created."),
    Row("errors.deadletterqueue.context.headers.enable", Boolean, Is("false"), Any, Mid, (ERRORS, 8), Medium,
        "Enable Error Context Headers",
        "Whether such records get headers that tell what happened, where and why (__connect.errors.*)."),
];
