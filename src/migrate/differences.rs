//! What this worker does otherwise than the JVM's with a configuration, as far as its settings show it. Pure.

use crate::config::WorkerConfig;
use crate::configdef::ConnectorProperties;

/// Says in sentences what is different for this connector.
pub(super) fn of(config: &ConnectorProperties, worker: &WorkerConfig) -> Vec<String> {
    let value = |key: &str| config.get(key).and_then(|value| value.as_deref()).map(str::trim);
    let is = |key: &str, wanted: &str| value(key).is_some_and(|value| value.eq_ignore_ascii_case(wanted));
    let mut found = Vec::new();
    let mut say = |holds: bool, text: &str| {
        if holds {
            found.push(text.to_owned());
        }
    };
    say(
        is("behavior.on.error", "log") || is("behavior.on.error", "ignore"),
        "behavior.on.error: what cannot be ingested is never dropped; it is tried again, and a permanent refusal fails \
         the task with its reason",
    );
    say(
        value("errors.retry.max.time.ms").is_none(),
        "an outage of the storage, the queue or the network does not fail the tasks: it is tried again without an end \
         (errors.retry.max.time.ms, when written, is the limit)",
    );
    say(
        !is("kusto.validation.table.enable", "false"),
        "table and mapping are looked up when the connector starts; a definite \"not there\" fails its tasks \
         (kusto.validation.table.enable=false turns this off)",
    );
    let schemaless = |key: &str| is(key, "false");
    let json = |key: &str| value(key).is_some_and(|class| class.contains("JsonConverter"));
    let own_converter = json("value.converter") && schemaless("value.converter.schemas.enable");
    let of_worker = value("value.converter").is_none()
        && worker.value_converter.class.contains("JsonConverter")
        && worker
            .value_converter
            .settings
            .get("schemas.enable")
            .is_some_and(|v| v.eq_ignore_ascii_case("false"));
    say(
        own_converter || of_worker,
        "JSON without schemas is passed on as the bytes it came in: order of fields, big integers and number texts stay",
    );
    say(
        value("key.converter")
            .is_some_and(|class| !class.contains("StringConverter") && !class.contains("ByteArray")),
        "keys are not converted: a key that its converter could not read does not stop its record",
    );
    say(
        value("config.action.reload").is_some_and(|action| !action.is_empty()),
        "config.action.reload has no effect: none of the built-in config providers reports a time to live",
    );
    found
}

#[cfg(test)]
mod tests {
    use super::of;
    use crate::configdef::ConnectorProperties;
    use crate::storage::contract_tests::worker_config;

    fn count(pairs: &[(&str, &str)]) -> usize {
        let config: ConnectorProperties =
            pairs.iter().map(|(key, value)| ((*key).to_owned(), Some((*value).to_owned()))).collect();
        of(&config, &worker_config("none:0")).len()
    }

    #[test]
    fn only_what_concerns_a_connector_is_said() {
        let quiet = [("errors.retry.max.time.ms", "1000"), ("kusto.validation.table.enable", "false")];
        assert_eq!(count(&quiet), 0);
        assert_eq!(count(&[]), 2);
        assert_eq!(count(&[quiet[0], quiet[1], ("behavior.on.error", "LOG")]), 1);
        let json = [
            ("value.converter", "org.apache.kafka.connect.json.JsonConverter"),
            ("value.converter.schemas.enable", "false"),
            ("key.converter", "org.apache.kafka.connect.json.JsonConverter"),
        ];
        assert_eq!(count(&[quiet[0], quiet[1], json[0], json[1], json[2]]), 2);
    }
}
