//! The floor: what Kafka in and gzip out cost when nothing else is done. Runs as a child process of its own, measured as the worker is.
//!
//! It reads every partition from its beginning without a group, collects records in 128 KiB pieces per partition and compresses them
//! at level 1, starting a new stream at the connector's flush size. The compressed bytes are counted and thrown away.

use std::{
    collections::HashMap,
    io::{self, Write},
    time::{Duration, Instant},
};

use clap::Args;
use flate2::{Compression, write::GzEncoder};
use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
};
use serde::{Deserialize, Serialize};

use super::{batch_queue::BatchQueue, procfs};
use crate::kafka::{self, client};

/// Bytes handed to the encoder at once.
const PIECE: usize = 128 * 1024;
/// A topic that gives nothing for so long gives no more.
const SILENCE: Duration = Duration::from_secs(20);

/// What to read.
#[derive(Debug, Clone, Args)]
pub struct FloorArgs {
    /// Kafka, host:port
    #[arg(long)]
    pub bootstrap_servers: String,
    /// The topic
    #[arg(long)]
    pub topic: String,
    /// Its partitions
    #[arg(long)]
    pub partitions: i32,
    /// Its records
    #[arg(long)]
    pub records: u64,
    /// Raw bytes per gzip stream
    #[arg(long)]
    pub flush_size_bytes: u64,
}

/// What it cost.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Floor {
    /// Values and a newline each.
    pub raw_bytes: u64,
    /// Compressed.
    pub gzip_bytes: u64,
    /// From the first fetch to the last record.
    pub seconds: f64,
    /// Of the whole process.
    pub cpu_seconds: f64,
}

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Kafka.
    #[error(transparent)]
    Kafka(#[from] kafka::Error),
    /// Compression or output.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Measuring ourselves.
    #[error(transparent)]
    Procfs(#[from] procfs::Error),
    /// Fewer records than there should be.
    #[error("the topic {topic} gave {have} of {want} records")]
    Short {
        /// The topic.
        topic: String,
        /// Records read.
        have: u64,
        /// Records produced.
        want: u64,
    },
}

struct Partition {
    piece: Vec<u8>,
    stream: GzEncoder<Vec<u8>>,
    raw: u64,
}

impl Partition {
    fn new() -> Self {
        Self { piece: Vec::with_capacity(PIECE), stream: stream(), raw: 0 }
    }

    /// Adds a record; gives the compressed size of a stream that has become full.
    fn push(&mut self, value: &[u8], limit: u64) -> io::Result<u64> {
        if self.piece.len() + value.len() + 1 > PIECE {
            self.stream.write_all(&self.piece)?;
            self.piece.clear();
        }
        self.piece.extend_from_slice(value);
        self.piece.push(b'\n');
        self.raw += value.len() as u64 + 1;
        if self.raw > limit { self.finish() } else { Ok(0) }
    }

    fn finish(&mut self) -> io::Result<u64> {
        self.stream.write_all(&self.piece)?;
        self.piece.clear();
        self.raw = 0;
        Ok(std::mem::replace(&mut self.stream, stream()).finish()?.len() as u64)
    }
}

fn stream() -> GzEncoder<Vec<u8>> {
    GzEncoder::new(Vec::new(), Compression::new(1))
}

/// Reads the whole topic.
pub fn run(args: &FloorArgs) -> Result<Floor, Error> {
    let mut config = client(&args.bootstrap_servers, &[]);
    config.set("group.id", "lab-bench-floor").set("enable.auto.commit", "false");
    let consumer: BaseConsumer = config.create().map_err(kafka::Error::from)?;
    let mut assignment = TopicPartitionList::new();
    for partition in 0..args.partitions {
        let added = assignment.add_partition_offset(&args.topic, partition, Offset::Beginning);
        added.map_err(kafka::Error::from)?;
    }
    let began = Instant::now();
    consumer.assign(&assignment).map_err(kafka::Error::from)?;
    let mut queue = BatchQueue::new(consumer);

    let mut partitions: HashMap<i32, Partition> = HashMap::new();
    let (mut records, mut raw_bytes, mut gzip_bytes, mut failed) = (0_u64, 0, 0, None);
    let mut last = Instant::now();
    while records < args.records && last.elapsed() < SILENCE {
        let taken = queue.poll(Duration::from_millis(100), |partition, value| {
            raw_bytes += value.len() as u64 + 1;
            match partitions
                .entry(partition)
                .or_insert_with(Partition::new)
                .push(value, args.flush_size_bytes)
            {
                Ok(bytes) => gzip_bytes += bytes,
                Err(error) => failed = Some(error),
            }
        });
        if let Some(error) = failed.take() {
            return Err(error.into());
        }
        if taken > 0 {
            records += taken as u64;
            last = Instant::now();
        }
    }
    if records < args.records {
        return Err(Error::Short { topic: args.topic.clone(), have: records, want: args.records });
    }
    for partition in partitions.values_mut() {
        gzip_bytes += partition.finish()?;
    }
    let seconds = began.elapsed().as_secs_f64();
    Ok(Floor { raw_bytes, gzip_bytes, seconds, cpu_seconds: procfs::cpu_seconds(std::process::id())? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::producer;
    use clap::Parser;
    use rdkafka::mocking::MockCluster;

    #[tokio::test]
    async fn reads_every_byte_of_every_partition() {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic("t", 3, 1).unwrap();
        let servers = cluster.bootstrap_servers();
        let line = [
            "p",
            "--bootstrap-server",
            &servers,
            "--topic",
            "t",
            "--count",
            "20000",
            "--rate",
            "max",
            "--no-newline",
        ];
        let sent = producer::run(&producer::Args::parse_from(line), io::sink(), std::future::pending())
            .await
            .unwrap();
        let args = FloorArgs {
            bootstrap_servers: servers,
            topic: "t".to_owned(),
            partitions: 3,
            records: sent.records,
            flush_size_bytes: 100_000,
        };
        let floor = tokio::task::spawn_blocking(move || run(&args)).await.unwrap().unwrap();
        assert_eq!(floor.raw_bytes, sent.bytes + sent.records);
        assert!(floor.gzip_bytes > sent.bytes / 20 && floor.gzip_bytes < sent.bytes, "{floor:?}");
        assert!(floor.cpu_seconds > 0.0 && floor.seconds > 0.0);
    }

    #[test]
    fn a_stream_is_one_gzip_file_of_its_records() {
        let mut partition = Partition::new();
        let mut full = 0;
        for _ in 0..1000 {
            full += partition.push(&[b'x'; 300], 250_000).unwrap();
        }
        assert!(full > 0);
        partition.push(b"end", u64::MAX).unwrap();
        partition.stream.write_all(&partition.piece).unwrap();
        let bytes = std::mem::replace(&mut partition.stream, stream()).finish().unwrap();
        let mut text = String::new();
        io::Read::read_to_string(&mut flate2::read::GzDecoder::new(bytes.as_slice()), &mut text).unwrap();
        assert!(text.ends_with("x\nend\n"));
    }
}
