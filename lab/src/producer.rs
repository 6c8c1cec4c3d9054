//! The storm-events producer: reads or generates events, sends them to a topic and tells what it did in the lab's words.
//!
//! Owns its Kafka producer and the pace. It never drops an event silently: the first record Kafka refuses ends the run with an error.

use std::{
    collections::VecDeque,
    fmt,
    io::{self, Write},
    path::PathBuf,
    time::Duration,
};

use clap::Parser;
use rdkafka::producer::future_producer::Delivery;
use tokio::time::Instant;

use crate::{
    encode::{Encoder, Format, Shape},
    events::Options,
    kafka::{self, Sender, Setting},
    pace::Rate,
    source::{self, Source},
};

/// Above this many records per second a line per record would cost more than the record.
const LINES_UP_TO: f64 = 1000.0;

/// Sends storm events to Kafka, one every three seconds unless told otherwise.
#[derive(Debug, Clone, Parser)]
#[command(name = "storm-events-producer", version)]
#[expect(clippy::struct_excessive_bools, reason = "each is one switch of the command line")]
pub struct Args {
    /// Kafka: host:port, or several with commas
    #[arg(long, env = "KAFKA_BOOTSTRAP_SERVER", default_value = "localhost:9092")]
    pub bootstrap_server: String,
    /// Topic to send to
    #[arg(long, env = "KAFKA_TOPIC", default_value = "storm-events")]
    pub topic: String,
    /// A StormEvents.csv; events are generated when it is not given or does not exist
    #[arg(long, env = "SOURCE_FILE")]
    pub source_file: Option<PathBuf>,
    /// Records per second, or "max"
    #[arg(long, env = "RATE", default_value = "0.3333333333333333")]
    pub rate: Rate,
    /// Stop after this many records (default: the end of the file, or never)
    #[arg(long, env = "COUNT")]
    pub count: Option<u64>,
    /// Create the topic with this many partitions if it does not exist (default: the broker's way)
    #[arg(long, env = "PARTITIONS")]
    pub partitions: Option<i32>,
    /// Generate quotes, commas, newlines and non-ASCII text in a quarter of the events
    #[arg(long)]
    pub tricky: bool,
    /// Seed of the generator: the same seed gives the same events
    #[arg(long, default_value_t = 2007)]
    pub seed: u64,
    /// Number the generated events: `EventId` counts up from --sequence-from
    #[arg(long)]
    pub sequence: bool,
    /// First number with --sequence
    #[arg(long, default_value_t = 0)]
    pub sequence_from: i32,
    /// Value format: csv or json
    #[arg(long, default_value = "csv")]
    pub format: Format,
    /// Add a narrative column so that each value has about this many bytes
    #[arg(long)]
    pub pad_to: Option<usize>,
    /// Do not end each value with a newline
    #[arg(long)]
    pub no_newline: bool,
    /// Print one line per second instead of two per record (always so above 1000 records per second)
    #[arg(long)]
    pub summary: bool,
    /// Give up when Kafka has not answered for this many seconds (default: wait for ever)
    #[arg(long)]
    pub wait_seconds: Option<u64>,
    /// Any librdkafka setting, key=value; may be repeated
    #[arg(short = 'X', long = "setting", value_parser = kafka::parse_setting)]
    pub settings: Vec<Setting>,
}

impl Args {
    /// What the generator is to make.
    pub fn options(&self) -> Options {
        Options {
            seed: self.seed,
            tricky: self.tricky,
            sequence_from: self.sequence.then_some(self.sequence_from),
        }
    }

    fn shape(&self) -> Shape {
        Shape { format: self.format, pad_to: self.pad_to, newline: !self.no_newline }
    }

    fn line_per_record(&self) -> bool {
        !self.summary && matches!(self.rate, Rate::PerSecond(rate) if rate <= LINES_UP_TO)
    }
}

/// Why a producer ended early.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Kafka.
    #[error(transparent)]
    Kafka(#[from] kafka::Error),
    /// The source of events.
    #[error(transparent)]
    Source(#[from] source::Error),
    /// Our own output is closed.
    #[error("standard output: {0}")]
    Output(#[from] io::Error),
}

/// Where a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// Records Kafka has acknowledged.
    pub records: u64,
    /// Their values' bytes.
    pub bytes: u64,
    /// Stopped by a signal before the end.
    pub interrupted: bool,
}

impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = if self.interrupted { "stopped" } else { "finished" };
        write!(f, "{how}: {} events sent, {} bytes", self.records, self.bytes)
    }
}

/// Runs until the count, the end of the file or `stop`. Every record counted as sent has been acknowledged.
pub async fn run<W: Write>(args: &Args, out: W, stop: impl Future<Output = ()>) -> Result<Sent, Error> {
    let mut run = Run::start(args, out).await?;
    tokio::pin!(stop);
    let interrupted = tokio::select! {
        outcome = run.send_all(args) => { outcome?; false }
        () = &mut stop => true,
    };
    run.drain().await?;
    let sent = Sent { interrupted, ..run.log.sent };
    writeln!(run.log.out, "{sent}")?;
    Ok(sent)
}

struct Run<W> {
    sender: Sender,
    source: Source,
    encoder: Encoder,
    started: Instant,
    log: Log<W>,
}

impl<W: Write> Run<W> {
    async fn start(args: &Args, mut out: W) -> Result<Self, Error> {
        let source = Source::open(args.source_file.as_deref(), args.options())?;
        writeln!(out, "events from {}", source.description)?;
        let servers = &args.bootstrap_server;
        let producer = kafka::producer(servers, &args.settings)?;
        let limit = args.wait_seconds.map(Duration::from_secs);
        let mut last = None;
        kafka::wait_for_broker(&producer, servers, limit, |line| {
            if last.is_none_or(|at: Instant| at.elapsed() >= Duration::from_secs(5)) {
                last = Some(Instant::now());
                let _closed_output_shows_at_the_next_line = writeln!(out, "{line}");
            }
        })
        .await?;
        writeln!(out, "connected to Kafka at {servers}, sending to topic {}", args.topic)?;
        if let Some(wanted) = args.partitions {
            match kafka::partitions(&producer, &args.topic).await? {
                0 => {
                    kafka::create_topic(&kafka::client(servers, &args.settings), &args.topic, wanted).await?;
                }
                have if i32::try_from(have) != Ok(wanted) => {
                    writeln!(
                        out,
                        "topic {} has {have} partitions already; --partitions {wanted} changes nothing",
                        args.topic
                    )?;
                }
                _ => {}
            }
        }
        let started = Instant::now();
        let sent = Sent { records: 0, bytes: 0, interrupted: false };
        let lines = args.line_per_record();
        Ok(Self {
            sender: Sender::new(producer, &args.topic),
            source,
            encoder: Encoder::new(args.shape()),
            started,
            log: Log { out, lines, unprinted: VecDeque::new(), started, last_summary: started, sent },
        })
    }

    async fn send_all(&mut self, args: &Args) -> Result<(), Error> {
        for number in 0..args.count.unwrap_or(u64::MAX) {
            let Some(event) = self.source.next().transpose()? else { break };
            let due = self.started + args.rate.due(number);
            if due > Instant::now() {
                // Nothing to send for a while: the time to hear the answers to what was sent.
                self.drain().await?;
                tokio::time::sleep_until(due).await;
            }
            let value = self.encoder.encode(&event);
            while !self.sender.try_send(value)? {
                if let Some(delivery) = self.sender.next_answer().await? {
                    self.log.report(&delivery)?;
                }
            }
            self.log.sent(value);
        }
        self.drain().await
    }

    /// Waits for every answer still open.
    async fn drain(&mut self) -> Result<(), Error> {
        while let Some(delivery) = self.sender.next_answer().await? {
            self.log.report(&delivery)?;
        }
        self.log.out.flush()?;
        Ok(())
    }
}

/// What the run tells its user, and its counts.
struct Log<W> {
    out: W,
    lines: bool,
    /// Values in flight whose lines are still to be printed; empty without lines.
    unprinted: VecDeque<Vec<u8>>,
    started: Instant,
    last_summary: Instant,
    sent: Sent,
}

impl<W: Write> Log<W> {
    fn sent(&mut self, value: &[u8]) {
        self.sent.bytes += value.len() as u64;
        if self.lines {
            self.unprinted.push_back(value.to_vec());
        }
    }

    fn report(&mut self, delivery: &Delivery) -> Result<(), Error> {
        self.sent.records += 1;
        if let Some(value) = self.unprinted.pop_front() {
            let text = String::from_utf8_lossy(&value);
            writeln!(self.out, "event  {}", text.strip_suffix('\n').unwrap_or(&text))?;
            writeln!(
                self.out,
                "sent message to partition {} offset {}",
                delivery.partition, delivery.offset
            )?;
        } else if !self.lines && self.last_summary.elapsed() >= Duration::from_secs(1) {
            self.last_summary = Instant::now();
            let seconds = self.started.elapsed().as_secs();
            writeln!(
                self.out,
                "sent {} events, {} MB in {seconds} s",
                self.sent.records,
                self.sent.bytes / 1_000_000
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::Generator;
    use rdkafka::{
        Message, Offset, TopicPartitionList,
        consumer::{BaseConsumer, Consumer},
        mocking::MockCluster,
        producer::DefaultProducerContext,
    };

    fn args(cluster: &MockCluster<'_, DefaultProducerContext>, extra: &[&str]) -> Args {
        let servers = cluster.bootstrap_servers();
        let fixed = ["producer", "--bootstrap-server", &servers, "--topic", "t", "--wait-seconds", "20"];
        Args::parse_from(fixed.iter().chain(extra))
    }

    fn consume(
        cluster: &MockCluster<'_, DefaultProducerContext>,
        partitions: i32,
        count: usize,
    ) -> Vec<Vec<u8>> {
        let mut config = kafka::client(&cluster.bootstrap_servers(), &[]);
        let consumer: BaseConsumer = config.set("group.id", "g").create().unwrap();
        let mut assignment = TopicPartitionList::new();
        for partition in 0..partitions {
            assignment.add_partition_offset("t", partition, Offset::Beginning).unwrap();
        }
        consumer.assign(&assignment).unwrap();
        let deadline = std::time::Instant::now() + Duration::from_secs(20);
        let mut values = Vec::new();
        while values.len() < count && std::time::Instant::now() < deadline {
            if let Some(message) = consumer.poll(Duration::from_millis(100)) {
                values.push(message.unwrap().payload().unwrap().to_vec());
            }
        }
        values
    }

    #[tokio::test]
    async fn sends_what_the_seed_says_and_prints_the_lines_of_the_lab() {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic("t", 1, 1).unwrap();
        let args =
            args(&cluster, &["--count", "20", "--rate", "500", "--tricky", "--sequence", "--seed", "5"]);
        let mut out = Vec::new();
        let sent = run(&args, &mut out, std::future::pending()).await.unwrap();
        assert_eq!((sent.records, sent.interrupted), (20, false));

        let mut encoder = Encoder::new(Shape { format: Format::Csv, pad_to: None, newline: true });
        let expected: Vec<Vec<u8>> =
            Generator::new(args.options()).take(20).map(|event| encoder.encode(&event).to_vec()).collect();
        assert_eq!(consume(&cluster, 1, 20), expected);

        let out = String::from_utf8(out).unwrap();
        assert!(out.starts_with("events from generated events, seed 5 (no SOURCE_FILE)\n"), "{out}");
        for (offset, value) in expected.iter().enumerate() {
            let value = String::from_utf8_lossy(value);
            let lines = format!("event  {value}sent message to partition 0 offset {offset}\n");
            assert!(out.contains(&lines), "{lines} not in {out}");
        }
        assert!(out.ends_with(&format!("finished: 20 events sent, {} bytes\n", sent.bytes)));
    }

    #[tokio::test]
    async fn at_full_speed_all_partitions_get_all_records_once() {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic("t", 3, 1).unwrap();
        let args = args(&cluster, &["--count", "30000", "--rate", "max", "--sequence", "--no-newline"]);
        let sent = run(&args, io::sink(), std::future::pending()).await.unwrap();
        assert_eq!(sent.records, 30_000);
        let mut ids: Vec<i32> = consume(&cluster, 3, 30_000)
            .iter()
            .map(|value| source_id(std::str::from_utf8(value).unwrap()))
            .collect();
        ids.sort_unstable();
        assert_eq!(ids, (0..30_000).collect::<Vec<_>>());
    }

    fn source_id(line: &str) -> i32 {
        assert!(!line.ends_with('\n'));
        line.split(',').nth(2).unwrap().parse().unwrap()
    }

    /// An output that tells when it has been written to so many times.
    struct Tap {
        writes_left: usize,
        done: std::sync::Arc<tokio::sync::Notify>,
    }

    impl Write for Tap {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.writes_left = self.writes_left.saturating_sub(1);
            if self.writes_left == 0 {
                self.done.notify_one();
            }
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_stop_ends_the_run_in_good_order() {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic("t", 1, 1).unwrap();
        let args = args(&cluster, &["--rate", "50"]);
        let done = std::sync::Arc::new(tokio::sync::Notify::new());
        let tap = Tap { writes_left: 100, done: done.clone() };
        let sent = run(&args, tap, done.notified()).await.unwrap();
        assert!(sent.interrupted);
        assert!(sent.records > 1, "{sent}");
        assert_eq!(consume(&cluster, 1, usize::try_from(sent.records).unwrap()).len() as u64, sent.records);
    }

    #[test]
    fn the_default_is_one_event_every_three_seconds() {
        let args = Args::parse_from(["producer"]);
        assert_eq!(args.rate.due(100).as_secs(), 300);
        assert!(args.line_per_record());
    }
}
