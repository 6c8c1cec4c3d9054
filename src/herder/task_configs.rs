//! The configs of a connector's tasks: as many equal copies as `tasks.max` says.

use super::Error;
use crate::configdef::ConnectorProperties;
use crate::plugins::Plugins;
use std::sync::Arc;

/// More tasks than this are not made, whatever `tasks.max` says: each is a record in the config topic, and a typing
/// error must not fill it.
const MOST_TASKS: u32 = 10_000;

/// Bytes of all task configs of a connector together. Each task has a copy of the whole config, which is written to the
/// config topic and kept in the memory of every worker.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// Refuses a config of which the tasks would have too many large copies.
pub(super) fn fit(raw: &ConnectorProperties) -> Result<(), Error> {
    let one: usize = raw.iter().map(|(key, value)| key.len() + value.as_ref().map_or(0, String::len)).sum();
    let tasks = count(raw);
    let all = one.saturating_mul(usize::try_from(tasks).unwrap_or(usize::MAX));
    if all <= MOST_BYTES {
        return Ok(());
    }
    Err(Error::BadRequest(format!(
        "Connector configuration of {one} bytes is too large for {tasks} tasks, each of which has a copy of it: all together \
         they may have {MOST_BYTES} bytes; lower tasks.max"
    )))
}

/// The configs of all tasks of the connector `raw`, called `name`.
pub(super) fn make(plugins: Plugins, name: &str, raw: &ConnectorProperties) -> Vec<ConnectorProperties> {
    let asked = asked(raw);
    if asked > MOST_TASKS {
        tracing::warn!(
            connector = name,
            asked,
            made = MOST_TASKS,
            "tasks.max asks for more tasks than are made"
        );
    }
    vec![one(plugins, raw); usize::try_from(count(raw)).unwrap_or(usize::MAX)]
}

/// A copy of the connector's config with the class of its tasks (`connect-runtime.md` §2.4).
fn one(plugins: Plugins, raw: &ConnectorProperties) -> ConnectorProperties {
    let mut config = raw.clone();
    if let Some(class) = plugins.sink_of(raw) {
        config.insert("task.class".to_owned(), Some(class.task_class.to_owned()));
    }
    config
}

/// Are `stored` what [`make`] would make?
pub(super) fn are_current(
    plugins: Plugins,
    raw: &ConnectorProperties,
    stored: &[&Arc<ConnectorProperties>],
) -> bool {
    let one = one(plugins, raw);
    u32::try_from(stored.len()) == Ok(count(raw)) && stored.iter().all(|stored| one == ***stored)
}

fn asked(raw: &ConnectorProperties) -> u32 {
    let tasks_max = raw.get("tasks.max").and_then(Option::as_deref).and_then(|text| text.trim().parse().ok());
    tasks_max.unwrap_or(1)
}

fn count(raw: &ConnectorProperties) -> u32 {
    asked(raw).clamp(1, MOST_TASKS)
}

#[cfg(test)]
mod tests {
    use super::{MOST_BYTES, MOST_TASKS, are_current, count, fit, make};
    use crate::configdef::ConnectorProperties;
    use crate::plugins::BUILT_IN;
    use std::sync::Arc;

    #[test]
    fn tasks_are_current_until_the_config_changes() {
        let raw = |tasks: &str, topics: &str| {
            ConnectorProperties::from([
                ("tasks.max".to_owned(), Some(tasks.to_owned())),
                ("topics".to_owned(), Some(topics.to_owned())),
                ("connector.class".to_owned(), Some("KustoSink".to_owned())),
            ])
        };
        let made: Vec<_> = make(BUILT_IN, "c", &raw(" 2 ", "a")).into_iter().map(Arc::new).collect();
        assert!(made.iter().all(|task| task["task.class"] == Some(BUILT_IN.sinks[0].task_class.to_owned())));
        let stored: Vec<_> = made.iter().collect();
        assert!(are_current(BUILT_IN, &raw(" 2 ", "a"), &stored));
        assert!(!are_current(BUILT_IN, &raw(" 2 ", "b"), &stored));
        assert!(!are_current(BUILT_IN, &raw("3", "a"), &stored));
        assert!(!are_current(BUILT_IN, &raw(" 2 ", "a"), &[]));
        assert_eq!(count(&raw("4000000000", "a")), MOST_TASKS);
        assert_eq!(count(&ConnectorProperties::new()), 1);
    }

    #[test]
    fn a_large_config_has_few_tasks() {
        let raw = |tasks: u32| {
            ConnectorProperties::from([
                ("tasks.max".to_owned(), Some(tasks.to_string())),
                ("x".to_owned(), Some("x".repeat(1 << 20))),
            ])
        };
        let most = u32::try_from(MOST_BYTES >> 20).unwrap();
        assert_eq!(fit(&raw(most - 1)), Ok(()));
        assert!(fit(&raw(most)).unwrap_err().to_string().contains("lower tasks.max"));
    }
}
