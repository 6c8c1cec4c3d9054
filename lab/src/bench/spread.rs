//! `lab-bench spread`: how fast a backlog is worked off that lies in one partition, beside the same backlog spread evenly.
//!
//! For each number of partitions: all of it in one of them, and evenly; at last in a topic of one partition beside a topic
//! that is idle. Each has a topic and a worker of its own. The other way is measured in the same run, for only the ratio of
//! the two says something on a machine that does other things too.

use std::{
    fmt::{self, Write},
    path::Path,
};

use super::{
    args::{Args, SpreadArgs},
    case::{Case, Load, Spread},
    error::Error,
    measure::Setup,
    report::Worker,
};
use crate::kafka::{self, client, create_topic};

/// One way in which a backlog lies.
#[derive(Debug, Clone, Copy)]
struct Layout {
    name: &'static str,
    partitions: i32,
    spread: Spread,
    /// Partitions of a topic beside it, without a record.
    idle: i32,
}

/// What was measured of it.
#[derive(Debug, Clone, Copy)]
struct Row {
    layout: Layout,
    worker: Worker,
    /// Its speed in parts of that of the even backlog before.
    of_even: Option<f64>,
}

/// Measures all layouts on the Kafka at `servers`; gives the table.
pub async fn run(args: &Args, spread: &SpreadArgs, servers: &str, folder: &Path) -> Result<String, Error> {
    let case: Case = spread.case.parse().map_err(Error::Part)?;
    let mut rows = Vec::new();
    for time in 0..spread.times {
        let mut even = None;
        for layout in layouts(&spread.partitions_each) {
            let name = format!("bench-{}-{}-{time}-{}", layout.name, layout.partitions, std::process::id());
            eprintln!("bench: {} × {}: filling {name}", layout.partitions, layout.name);
            let worker = measure((args, spread), case, layout, (&name, servers, folder)).await?;
            let of_even = match layout.spread {
                Spread::Even => {
                    even = Some(worker.bytes_per_second);
                    None
                }
                Spread::FirstPartition => even.map(|even| worker.bytes_per_second / even),
            };
            eprintln!("bench: {:.0} MB/s", worker.bytes_per_second / 1e6);
            rows.push(Row { layout, worker, of_even });
        }
    }
    Ok(Table(&rows).to_string())
}

/// The even one of each number comes first. Beside an idle topic, it is that of one partition.
fn layouts(partitions: &[i32]) -> Vec<Layout> {
    let even = |partitions| Layout { name: "even", partitions, spread: Spread::Even, idle: 0 };
    let hot = |name, partitions, idle| Layout { name, partitions, spread: Spread::FirstPartition, idle };
    let of_each = partitions.iter().flat_map(|&partitions| {
        let one_of_them = (partitions > 1).then(|| hot("one", partitions, 0));
        [Some(even(partitions)), one_of_them].into_iter().flatten()
    });
    of_each.chain([even(1), hot("beside-idle", 1, 4)]).collect()
}

async fn measure(
    (args, spread): (&Args, &SpreadArgs),
    case: Case,
    layout: Layout,
    (topic, servers, folder): (&str, &str, &Path),
) -> Result<Worker, Error> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a size the user typed")]
    let bytes = (spread.backlog_gb * 1e9) as u64;
    let load: Load = case.produce(servers, topic, (layout.partitions, layout.spread), bytes).await?;
    let beside = format!("{topic}-idle");
    if layout.idle > 0 {
        create_topic(&client(servers, &[]), &beside, layout.idle).await?;
    }
    let flush_size_bytes = args.flush_size_bytes.first().copied().unwrap_or(1 << 20);
    let idle = (layout.idle > 0).then_some(beside.as_str());
    let setup = Setup { args, case, load: &load, idle, flush_size_bytes, servers, registry: "", folder };
    let worker = setup.measure().await;
    for left in kafka::delete_topics(servers, &[], &[topic, &beside]).await? {
        eprintln!("bench: could not delete {left}");
    }
    worker
}

struct Table<'a>(&'a [Row]);

const HEAD: &str = "| backlog | partitions | raw MB | MB/s | of even | CPU-s/GB | peak RSS MiB |";

impl fmt::Display for Table<'_> {
    #[expect(clippy::cast_precision_loss, reason = "for people: three digits")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEAD}\n|{}", "---|".repeat(HEAD.matches('|').count() - 1))?;
        for Row { layout, worker, of_even } in self.0 {
            let mut line = format!("| {} | {}", layout.name, layout.partitions);
            if layout.idle > 0 {
                write!(line, " + {}", layout.idle)?;
            }
            let of_even = of_even.map_or_else(|| "–".to_owned(), |share| format!("{share:.2}"));
            write!(line, " | {} | {:.0} ", worker.raw_bytes / 1_000_000, worker.bytes_per_second / 1e6)?;
            let cost = worker.cpu_seconds / (worker.raw_bytes as f64 / 1e9);
            writeln!(f, "{line}| {of_even} | {cost:.2} | {} |", worker.peak_bytes >> 20)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Row, Table, Worker, layouts};

    #[test]
    fn an_even_backlog_comes_before_each_that_is_compared_with_it() {
        let names: Vec<_> = layouts(&[1, 4]).iter().map(|layout| (layout.name, layout.partitions)).collect();
        assert_eq!(names, [("even", 1), ("even", 4), ("one", 4), ("even", 1), ("beside-idle", 1)]);
    }

    #[test]
    fn the_table_has_as_many_cells_as_heads() {
        let worker = Worker { raw_bytes: 300_000_000, bytes_per_second: 9e7, ..Worker::default() };
        let row = |layout, of_even| Row { layout, worker, of_even };
        let rows: Vec<Row> = layouts(&[4]).into_iter().map(|layout| row(layout, Some(0.9))).collect();
        let text = Table(&rows).to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[5].starts_with("| beside-idle | 1 + 4 | 300 | 90 | 0.90 |"), "{text}");
        assert!(lines.iter().all(|line| line.matches('|').count() == lines[0].matches('|').count()));
    }
}
