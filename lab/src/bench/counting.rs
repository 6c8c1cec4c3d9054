//! What the worker's metrics cost: how often it counts, which its scrape tells, times what counting costs on this machine.
//!
//! The difference of two runs would be noise: counting is a thousandth of what a run costs. It happens once for each poll and each
//! batch, so both are counted here too, in the worker's own code, in this process.

use std::{hint::black_box, time::Duration};

use kusto_connect::{
    id::{ConnectorTaskId, TopicPartition},
    metrics::{DeliveredBatch, Metrics, SealReason},
};
use tokio::time::Instant;

/// Calls that are timed together.
const CALLS: u32 = 200_000;
/// How often that is done; the median counts.
const TIMES: usize = 5;

/// Seconds of one processor.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    /// Of all that is counted of one poll.
    poll: f64,
    /// Of all that is counted of one batch.
    batch: f64,
}

impl Cost {
    /// Measures it; takes a second.
    pub fn measure() -> Self {
        let metrics = Metrics::default();
        let task = metrics.task(&ConnectorTaskId { connector: "bench".into(), task: 0 });
        let counts = task.counts();
        let open = counts.partition(&TopicPartition::new("bench", 0));
        let took = Duration::from_millis(3);
        let batch = DeliveredBatch {
            records: 500,
            raw_bytes: 1 << 20,
            body_bytes: 1 << 18,
            took,
            lateness: Some(Duration::from_secs(2)),
        };
        let poll = median(|| {
            counts.polled(black_box(500), black_box(500_000));
            counts.put(black_box(500), black_box(took));
            open.set(black_box(500), 1, Some(Instant::now()));
        });
        let batch = median(|| {
            counts.sealed(black_box(SealReason::Size), black_box(500), black_box(took));
            counts.delivered(black_box(&batch));
            open.set(black_box(500), 1, Some(Instant::now()));
        });
        Self { poll, batch }
    }

    /// What `counted` cost.
    pub fn of(self, counted: Counted) -> f64 {
        self.poll * counted.polls + self.batch * counted.batches
    }
}

fn median(mut call: impl FnMut()) -> f64 {
    let mut times = Vec::with_capacity(TIMES);
    for _ in 0..TIMES {
        let began = Instant::now();
        for _ in 0..CALLS {
            call();
        }
        times.push(began.elapsed().as_secs_f64() / f64::from(CALLS));
    }
    times.sort_by(f64::total_cmp);
    times[TIMES / 2]
}

/// How often a connector counted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Counted {
    polls: f64,
    batches: f64,
}

impl Counted {
    /// As a page of our worker tells it of `connector`; none on another worker's page.
    pub fn read(page: &str, connector: &str) -> Option<Self> {
        let value = |name: &str| {
            let start = format!("{name}{{connector=\"{connector}\"}} ");
            page.lines().find_map(|line| line.strip_prefix(&start)?.parse().ok())
        };
        Some(Self {
            polls: value("kusto_convert_seconds_count")?,
            batches: value("kusto_delivery_seconds_count")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_tells_how_often_was_counted() {
        let page = "kusto_convert_seconds_count{connector=\"b\"} 7\nkusto_convert_seconds_count{connector=\"a\"} 300\n\
            kusto_delivery_seconds_count{connector=\"a\"} 20\n";
        assert_eq!(Counted::read(page, "a"), Some(Counted { polls: 300.0, batches: 20.0 }));
        assert_eq!(Counted::read(page, "b"), None);
        let cost = Cost { poll: 2e-7, batch: 3e-7 };
        let spent = cost.of(Counted { polls: 300.0, batches: 20.0 });
        assert!((spent - 66e-6).abs() < 1e-12, "{spent}");
    }
}
