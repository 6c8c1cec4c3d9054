//! The configs of a connector's tasks: as many equal copies as `tasks.max` says.

use crate::config::ConnectorProperties;

/// Written into the topic for JVM tools and for a JVM worker that takes over.
const TASK_CLASS: &str = "com.microsoft.azure.kusto.kafka.connect.sink.KustoSinkTask";

/// The configs of all tasks of the connector `raw`.
pub(super) fn task_configs(raw: &ConnectorProperties) -> Vec<ConnectorProperties> {
    let tasks_max = raw.get("tasks.max").and_then(Option::as_deref).and_then(|text| text.trim().parse().ok());
    let mut task = raw.clone();
    task.insert("task.class".to_owned(), Some(TASK_CLASS.to_owned()));
    vec![task; tasks_max.unwrap_or(1).max(1)]
}
