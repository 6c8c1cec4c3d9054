//! What a JVM sink worker tells and this one does not, in the spelling of Strimzi's boards, with the reason of each. A test compares the
//! list with a scrape of a real one (`tests/it/jvm_metrics.rs`); `docs/metrics.md` is made of it.

/// Series that are not here, for one reason.
#[derive(Debug)]
pub struct Absence {
    /// Their names; a `*` stands for any text.
    pub names: &'static [&'static str],
    /// Why they are not here.
    pub reason: &'static str,
}

const fn absence(names: &'static [&'static str], reason: &'static str) -> Absence {
    Absence { names, reason }
}

/// All of them.
pub static ABSENT: &[Absence] = &[
    absence(
        &["kafka_admin_client_*"],
        "no admin client lives here: one is made for a question and ends with it; what a JVM worker's asks all the time, the clients of \
         the storage topics ask",
    ),
    absence(
        &["kafka_connect_io_*", "kafka_consumer_io_*", "kafka_producer_io_*", "*_select_total"],
        "times of Java's selector, which a thread waits in; librdkafka has a thread for each broker, and measures none of this",
    ),
    absence(
        &["kafka_*_authentication_total", "*_authentication_no_reauth_total", "*_reauthentication_*"],
        "librdkafka counts no sign-ins; a refusal is in the log and in the states of tasks",
    ),
    absence(
        &[
            "*_coordinator_join_time_avg",
            "*_coordinator_sync_time_avg",
            "*_coordinator_last_heartbeat_seconds_ago",
        ],
        "librdkafka counts these requests, and does not time them one by one",
    ),
    absence(
        &[
            "*_coordinator_rebalance_latency_avg",
            "*_coordinator_rebalance_latency_total",
            "*_coordinator_failed_rebalance_total",
            "kafka_consumer_coordinator_partition_*_latency_avg",
        ],
        "librdkafka tells that a group was settled anew, not how long that took or what of it failed; of the cluster's own group, \
         `kafka_connect_worker_rebalance_rebalance_avg_time_ms` tells it",
    ),
    absence(
        &[
            "kafka_consumer_fetch_manager_fetch_latency_avg",
            "kafka_consumer_fetch_manager_fetch_size_avg",
            "kafka_consumer_fetch_manager_fetch_throttle_time_avg",
            "kafka_consumer_fetch_manager_records_per_request_avg",
            "kafka_consumer_fetch_manager_preferred_read_replica",
            "kafka_producer_produce_throttle_time_avg",
        ],
        "librdkafka times requests of all kinds together (`kafka_consumer_node_request_latency_avg`), and names no replica",
    ),
    absence(
        &["kafka_consumer_fetch_manager_records_lag_avg", "kafka_consumer_fetch_manager_records_lead_avg"],
        "Prometheus averages over time",
    ),
    absence(
        &[
            "kafka_consumer_commit_sync_time_ns_total",
            "kafka_consumer_committed_time_ns_total",
            "kafka_consumer_last_poll_seconds_ago",
            "kafka_consumer_poll_idle_ratio_avg",
            "kafka_consumer_time_between_poll_avg",
        ],
        "about Java's loop of polls, which is not how records come here; how long commits take is in \
         `kafka_connect_connector_task_offset_commit_avg_time_ms`",
    ),
    absence(
        &[
            "kafka_producer_batch_size_avg",
            "kafka_producer_batch_split_total",
            "kafka_producer_buffer*",
            "kafka_producer_compression_rate_avg",
            "kafka_producer_flush_time_ns_total",
            "kafka_producer_metadata_wait_time_ns_total",
            "kafka_producer_record_error_total",
            "kafka_producer_record_queue_time_avg",
            "kafka_producer_record_retry_total",
            "kafka_producer_record_size_avg",
            "kafka_producer_records_per_request_avg",
            "kafka_producer_txn_*",
        ],
        "about the inside of Java's producer; what is written here are states, configurations and dead letters, and of the last \
         `kafka_connect_task_error_deadletterqueue_produce_failures` tells",
    ),
    absence(
        &["kafka_consumer_version", "kafka_consumer_start_time_seconds", "kafka_consumer_commit_id"],
        "the library is part of the program: `kafka_connect_version` tells of both",
    ),
    absence(
        &["kafka_producer_version", "kafka_producer_start_time_seconds", "kafka_producer_commit_id"],
        "the same",
    ),
    absence(&["kafka_connect_commit_id"], "the version tells the build"),
    absence(
        &["kafka_connect_worker_rebalance_connect_protocol"],
        "workers have no group protocol of their own",
    ),
];

/// Is a series of this name among those that `pattern` means?
pub fn covers(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = rest.get(at + part.len()..).unwrap_or_default();
    }
    rest.ends_with(last)
}

/// Is it said of a series of this name that it is not here?
pub fn is_absent(name: &str) -> bool {
    ABSENT.iter().flat_map(|absence| absence.names).any(|pattern| covers(pattern, name))
}

#[cfg(test)]
mod tests {
    use super::covers;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, name, wanted) in [
            ("a_b", "a_b", true),
            ("a_b", "a_bc", false),
            ("a_*", "a_", true),
            ("a_*_b", "a_x_y_b", true),
            ("a_*_b", "a_b", false),
            ("*_a_*", "x_a_y", true),
            ("*_a_*", "a_y", false),
            ("a*b*c", "abbc", true),
        ] {
            assert_eq!(covers(pattern, name), wanted, "{pattern} {name}");
        }
    }
}
