//! The table of results, in Markdown.

use std::fmt::{self, Write};

use super::floor::Floor;

/// One line of the table.
#[derive(Debug, Clone)]
pub struct Row {
    /// The case's name.
    pub case: &'static str,
    /// The connector's flush size.
    pub flush_size_bytes: u64,
    /// What the worker did.
    pub worker: Worker,
    /// What the floor did with the same topic.
    pub floor: Floor,
    /// CPU seconds of the parser alone for each byte that was written, if there is a parser.
    pub parser: Option<f64>,
}

/// A worker's measures.
#[derive(Debug, Clone, Copy, Default)]
pub struct Worker {
    /// Raw bytes that arrived.
    pub raw_bytes: u64,
    /// CPU seconds between the connector's creation and the last byte's arrival.
    pub cpu_seconds: f64,
    /// Those of them that metrics took; none for a worker that does not tell how often it counts.
    pub counting_seconds: Option<f64>,
    /// Raw bytes per second over the first nine tenths (the last batch waits for the flush interval).
    pub bytes_per_second: f64,
    /// The most memory it ever had.
    pub peak_bytes: u64,
    /// From the start of the process to the first REST answer; `None` for a worker we did not start.
    pub start_to_ready_ms: Option<u128>,
    /// From the connector's creation to its first queue message.
    pub create_to_message_ms: u128,
    /// Blobs uploaded.
    pub blobs: u64,
    /// Their bytes.
    pub blob_bytes: u64,
}

#[expect(clippy::cast_precision_loss, reason = "for people: three digits")]
fn per_gb(value: f64, raw_bytes: u64) -> f64 {
    value / (raw_bytes as f64 / 1e9)
}

/// The table.
pub struct Report<'a>(pub &'a [Row]);

const HEAD: &str = "| case | flush bytes | raw MB | worker CPU-s/GB | floor CPU-s/GB | ratio | parser CPU-s/GB | above the floor and csv, in parsers | worker MB/s | floor MB/s | peak RSS MiB \
    | start → REST ms | create → message ms | blobs | blob MB/GB | metrics % of CPU |";

impl fmt::Display for Report<'_> {
    #[expect(clippy::cast_precision_loss, reason = "for people: three digits")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEAD}\n|{}", "---|".repeat(HEAD.matches('|').count() - 1))?;
        // What a worker does that the floor does not and that no parser has a part in: told by the case before that had none.
        let mut plain: Option<(u64, f64)> = None;
        for Row { case, flush_size_bytes, worker, floor, parser } in self.0 {
            let cost = per_gb(worker.cpu_seconds, worker.raw_bytes);
            // Of what is written, as the worker's: in Kafka it may be longer or shorter.
            let least = per_gb(floor.cpu_seconds, worker.raw_bytes);
            let mut line = format!("| {case} | {flush_size_bytes} | {} ", worker.raw_bytes / 1_000_000);
            write!(line, "| {cost:.2} | {least:.2} | {:.2} ", cost / least)?;
            if let Some(parser) = parser.map(|parser| parser * 1e9) {
                let plain = plain.filter(|(flush, _)| flush == flush_size_bytes);
                let in_parsers = plain.map(|(_, plain)| (cost - least - plain).max(0.0) / parser);
                let in_parsers = in_parsers.map_or_else(|| "–".to_owned(), |times| format!("{times:.1}"));
                write!(line, "| {parser:.2} | {in_parsers} ")?;
            } else {
                plain = Some((*flush_size_bytes, cost - least));
                line.push_str("| – | – ");
            }
            write!(
                line,
                "| {:.0} | {:.0} ",
                worker.bytes_per_second / 1e6,
                floor.raw_bytes as f64 / floor.seconds / 1e6
            )?;
            write!(line, "| {} ", worker.peak_bytes / 1024 / 1024)?;
            let start = worker.start_to_ready_ms.map_or_else(|| "–".to_owned(), |ms| ms.to_string());
            write!(line, "| {start} | {} ", worker.create_to_message_ms)?;
            let blobs = per_gb(worker.blob_bytes as f64 / 1e6, worker.raw_bytes);
            let counting = worker.counting_seconds.map(|seconds| seconds / worker.cpu_seconds * 100.0);
            let counting = counting.map_or_else(|| "–".to_owned(), |percent| format!("{percent:.3}"));
            writeln!(f, "{line}| {} | {blobs:.0} | {counting} |", worker.blobs)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_as_many_cells_as_heads() {
        let worker = Worker {
            raw_bytes: 2_000_000_000,
            cpu_seconds: 20.0,
            counting_seconds: Some(0.002),
            bytes_per_second: 1e8,
            peak_bytes: 50 << 20,
            start_to_ready_ms: Some(80),
            create_to_message_ms: 3200,
            blobs: 1900,
            blob_bytes: 500_000_000,
        };
        let floor = Floor { raw_bytes: 2_000_000_000, gzip_bytes: 1, seconds: 10.0, cpu_seconds: 10.0 };
        let row = |case, worker, parser| Row { case, flush_size_bytes: 1 << 20, worker, floor, parser };
        let dearer = Worker { cpu_seconds: 30.0, counting_seconds: Some(0.003), ..worker };
        let text = Report(&[
            row("json-1k", dearer, Some(2.5e-9)),
            row("csv-200", worker, None),
            row("json-1k", dearer, Some(2.5e-9)),
        ])
        .to_string();
        let lines: Vec<&str> = text.lines().collect();
        let rest = "| 100 | 200 | 50 | 80 | 3200 | 1900 | 250 | 0.010 |";
        assert_eq!(
            &lines[2..],
            [
                format!("| json-1k | 1048576 | 2000 | 15.00 | 5.00 | 3.00 | 2.50 | – {rest}"),
                format!("| csv-200 | 1048576 | 2000 | 10.00 | 5.00 | 2.00 | – | – {rest}"),
                format!("| json-1k | 1048576 | 2000 | 15.00 | 5.00 | 3.00 | 2.50 | 2.0 {rest}"),
            ]
        );
        assert!(lines.iter().all(|line| line.matches('|').count() == lines[0].matches('|').count()));
    }
}
