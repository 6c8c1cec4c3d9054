//! The names that the board of the JVM's connector asks for (`kusto-board` of `metrics.names`).
//!
//! Its six counters are of the whole worker, without labels; all else are Connect's beans as Strimzi spells them, without `_total`.

use crate::metrics::{
    Bean, Family, Measure, MeasuredValue, STRIMZI, SeriesType, Snapshot, Spelling, measure,
};

/// The family.
pub static BOARD: Family = Family {
    name: "kusto-board",
    about: "The board that comes with the JVM's connector",
    spell,
    client: "clientId",
    node: "nodeId",
    client_type: None,
    worker: &[],
    more: &COUNTERS,
    sinks: false,
};

const fn counter(name: &'static str, value: fn(&Snapshot) -> Option<f64>, help: &'static str) -> Measure {
    measure((Bean::Verbatim, name), SeriesType::Counter, MeasuredValue::Worker(value), help)
}

#[rustfmt::skip] // a table: one row is one measure
static COUNTERS: [Measure; 6] = [
    counter("kusto_sink_recordswritten_total", |all| Some(all.worker.written()), "Records that were handed over"),
    counter("kusto_sink_recordsfailed_total", |all| Some(all.worker.failed()), "Records that failed in the end"),
    counter("kusto_sink_ingestionattempts_total", |all| Some(all.worker.attempts()), "Batches that were sealed to be handed over"),
    counter("kusto_sink_ingestionsuccesses_total", |all| Some(all.worker.successes()), "Batches that were handed over"),
    counter("kusto_sink_ingestionfailures_total", |all| Some(all.worker.failures()), "Batches that were refused for good"),
    counter("kusto_sink_dlqrecordssent_total", |all| Some(all.worker.dead_letters()), "Letters sent to dead-letter topics"),
];

fn spell(measure: &Measure) -> Vec<Spelling> {
    match measure.bean {
        Bean::Verbatim => vec![Spelling { name: measure.attribute.to_owned(), kind: measure.kind }],
        Bean::Worker | Bean::SinkTask => {
            (STRIMZI.spell)(measure).into_iter().map(|known| untyped(&known.name)).collect()
        }
        // Without the word that all others have before it.
        Bean::ConnectorTask if measure.kind != SeriesType::Text => {
            vec![untyped(&format!("kafka_connect_task_{}", measure.attribute.replace('-', "_")))]
        }
        _ => Vec::new(),
    }
}

fn untyped(name: &str) -> Spelling {
    Spelling { name: name.strip_suffix("_total").unwrap_or(name).to_owned(), kind: SeriesType::Untyped }
}

#[cfg(test)]
mod tests {
    use super::BOARD;
    use crate::id::ConnectorTaskId;
    use crate::metrics::{DeliveredBatch, Metrics, Page, SealReason};
    use std::time::Duration;

    #[test]
    fn its_six_counters_are_of_the_whole_worker_and_stay() {
        let metrics = Metrics::default();
        let task = metrics.task(&ConnectorTaskId { connector: "c".into(), task: 0 });
        let counts = task.counts();
        counts.sealed(SealReason::Size, 5, Duration::from_millis(1));
        counts.sealed(SealReason::Time, 2, Duration::from_millis(1));
        let took = Duration::from_millis(9);
        counts.delivered(&DeliveredBatch { records: 5, raw_bytes: 50, body_bytes: 5, took, lateness: None });
        counts.batch_failed();
        counts.failed(2);
        counts.letter();
        let page = || Page::new(&[&BOARD], true).render(&metrics.read());
        let running = page();
        for line in [
            "kafka_connect_sink_task_sink_record_read{connector=\"c\",task=\"0\"} 0",
            "kafka_connect_sink_task_offset_commit_completion_rate{connector=\"c\",task=\"0\"} 0",
            "kafka_connect_worker_connector_startup_attempts 0",
        ] {
            assert!(running.lines().any(|found| found == line), "{line}:\n{running}");
        }
        assert!(
            running.contains("\nkafka_connect_task_running_ratio{connector=\"c\",task=\"0\"} "),
            "{running}"
        );
        drop(task);
        let ended = page();
        for (name, value) in [
            ("recordswritten", 5),
            ("recordsfailed", 2),
            ("ingestionattempts", 2),
            ("ingestionsuccesses", 1),
            ("ingestionfailures", 1),
            ("dlqrecordssent", 1),
        ] {
            let line = format!("kusto_sink_{name}_total {value}");
            assert!(ended.lines().any(|found| found == line), "{line}:\n{ended}");
        }
        assert!(!ended.contains("task=\"0\""), "{ended}");
    }
}
