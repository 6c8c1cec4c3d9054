//! The cases of the benchmark: what one record looks like, and a topic full of them.

use std::str::FromStr;

use crate::{
    encode::{Encoder, Format, Shape},
    events::{Generator, Options},
    kafka::{self, Sender, client, create_topic, producer, wait_for_broker},
};

/// One kind of record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Case {
    /// Its name on the command line and in the table.
    pub name: &'static str,
    /// CSV or JSON.
    pub format: Format,
    /// Bytes of a value, about.
    pub size: usize,
}

/// All cases.
pub const CASES: [Case; 3] = [
    Case { name: "csv-200", format: Format::Csv, size: 200 },
    Case { name: "csv-1k", format: Format::Csv, size: 1024 },
    Case { name: "json-1k", format: Format::Json, size: 1024 },
];

impl FromStr for Case {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = || CASES.map(|case| case.name).join(", ");
        CASES
            .into_iter()
            .find(|case| case.name == text)
            .ok_or_else(|| format!("{text} is none of {}", names()))
    }
}

/// What was produced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Load {
    /// The topic.
    pub topic: String,
    /// Records.
    pub records: u64,
    /// What a sink writes of them: each value and a newline.
    pub raw_bytes: u64,
}

impl Case {
    /// Connector settings that differ between the cases.
    pub fn connector_settings(self) -> [(&'static str, &'static str); 2] {
        match self.format {
            Format::Csv => [
                ("value.converter", "org.apache.kafka.connect.storage.StringConverter"),
                ("key.converter.schemas.enable", "false"),
            ],
            Format::Json => [
                ("value.converter", "org.apache.kafka.connect.json.JsonConverter"),
                ("value.converter.schemas.enable", "false"),
            ],
        }
    }

    /// The format's name in the connector's mapping.
    pub fn mapping_format(self) -> &'static str {
        match self.format {
            Format::Csv => "csv",
            Format::Json => "json",
        }
    }

    /// Creates `topic` and fills it with about `bytes` raw bytes.
    pub async fn produce(
        self,
        servers: &str,
        topic: &str,
        partitions: i32,
        bytes: u64,
    ) -> Result<Load, kafka::Error> {
        let producer = producer(servers, &[("linger.ms".to_owned(), "20".to_owned())])?;
        wait_for_broker(&producer, servers, Some(std::time::Duration::from_secs(30)), |_| {}).await?;
        create_topic(&client(servers, &[]), topic, partitions).await?;
        let mut encoder =
            Encoder::new(Shape { format: self.format, pad_to: Some(self.size), newline: false });
        let mut sender = Sender::new(producer, topic);
        let mut load = Load { topic: topic.to_owned(), records: 0, raw_bytes: 0 };
        for event in Generator::new(Options::seeded(42)) {
            if load.raw_bytes >= bytes {
                break;
            }
            let value = encoder.encode(&event);
            while !sender.try_send(value)? {
                sender.next_answer().await?;
            }
            load.records += 1;
            load.raw_bytes += value.len() as u64 + 1;
        }
        while sender.next_answer().await?.is_some() {}
        Ok(load)
    }
}
