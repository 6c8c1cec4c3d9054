//! The cases of the benchmark: what one record looks like, and a topic full of them.

use std::{borrow::Cow, str::FromStr};

use serde_json::json;

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
    /// CSV or JSON, which is what the sink writes of it.
    pub format: Format,
    /// How that is packed in Kafka.
    pub packing: Packing,
    /// Bytes of what is written, about.
    pub size: usize,
}

/// How a value lies in Kafka.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// As it is written.
    Plain,
    /// The same, passed on as a text.
    Text,
    /// In Connect's envelope, its schema beside it.
    Envelope,
    /// As Avro, its schema in a registry.
    Avro,
}

/// Which partitions get the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spread {
    /// All, about equally.
    Even,
    /// The first one alone.
    FirstPartition,
}

/// All cases.
pub const CASES: [Case; 6] = [
    Case { name: "csv-200", format: Format::Csv, packing: Packing::Plain, size: 200 },
    Case { name: "csv-1k", format: Format::Csv, packing: Packing::Plain, size: 1024 },
    Case { name: "json-1k", format: Format::Json, packing: Packing::Plain, size: 1024 },
    Case { name: "text-1k", format: Format::Json, packing: Packing::Text, size: 1024 },
    Case { name: "envelope-1k", format: Format::Json, packing: Packing::Envelope, size: 1024 },
    Case { name: "avro-1k", format: Format::Json, packing: Packing::Avro, size: 1024 },
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

/// Bytes of a sample: more than caches hold, little beside a topic.
const SAMPLE: u64 = 32_000_000;
/// The columns of an event, all of them texts but the one that is an int.
const COLUMNS: [&str; 7] =
    ["StartTime", "EndTime", "EventId", "State", "EventType", "Source", "EventNarrative"];
const INT: &str = "EventId";

impl Packing {
    /// `json` as it lies in Kafka.
    fn pack(self, json: &[u8]) -> Cow<'_, [u8]> {
        match self {
            Self::Plain | Self::Text => Cow::Borrowed(json),
            Self::Envelope => {
                let fields: Vec<_> = COLUMNS
                    .iter()
                    .map(|name| {
                        let kind = if *name == INT { "int32" } else { "string" };
                        json!({ "field": name, "type": kind, "optional": false })
                    })
                    .collect();
                let schema =
                    json!({ "type": "struct", "fields": fields, "optional": false, "name": "storm" });
                [format!("{{\"schema\":{schema},\"payload\":").as_bytes(), json, b"}"].concat().into()
            }
            Self::Avro => avro(json).into(),
        }
    }

    /// The schema of Avro.
    pub fn avro_schema() -> String {
        let fields: Vec<_> = COLUMNS
            .iter()
            .map(|name| json!({ "name": name, "type": if *name == INT { "int" } else { "string" } }))
            .collect();
        json!({ "type": "record", "name": "Storm", "fields": fields }).to_string()
    }
}

/// Confluent's wire format with the id 1: texts with their lengths, the number by itself.
fn avro(json: &[u8]) -> Vec<u8> {
    let event: serde_json::Value = serde_json::from_slice(json).unwrap_or_default();
    let mut out = vec![0, 0, 0, 0, 1];
    for name in COLUMNS {
        match (event[name].as_str(), event[name].as_i64()) {
            (Some(text), _) => {
                long(i64::try_from(text.len()).unwrap_or_default(), &mut out);
                out.extend_from_slice(text.as_bytes());
            }
            (None, number) => long(number.unwrap_or_default(), &mut out),
        }
    }
    out
}

/// Zigzag, seven bits a byte.
fn long(number: i64, out: &mut Vec<u8>) {
    let mut rest = (number << 1 ^ number >> 63).cast_unsigned();
    while rest > 0x7f {
        out.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    out.push((rest & 0x7f) as u8);
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
    /// The first values, as they are in Kafka.
    pub sample: Vec<Vec<u8>>,
    /// What a sink writes of those.
    pub sample_raw_bytes: u64,
}

impl Case {
    /// Connector settings that differ between the cases; `registry` has the schema of Avro.
    pub fn connector_settings(self, registry: &str) -> Vec<(&'static str, String)> {
        let json = "org.apache.kafka.connect.json.JsonConverter";
        let converter = match (self.format, self.packing) {
            (_, Packing::Avro) => "io.confluent.connect.avro.AvroConverter",
            (Format::Csv, _) | (_, Packing::Text) => "org.apache.kafka.connect.storage.StringConverter",
            (Format::Json, _) => json,
        };
        let mut settings = vec![("value.converter", converter.to_owned())];
        if converter == json {
            let enveloped = self.packing == Packing::Envelope;
            settings.push(("value.converter.schemas.enable", enveloped.to_string()));
        }
        if self.packing == Packing::Avro {
            settings.push(("value.converter.schema.registry.url", registry.to_owned()));
        }
        settings
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
        (partitions, spread): (i32, Spread),
        bytes: u64,
    ) -> Result<Load, kafka::Error> {
        let producer = producer(servers, &[("linger.ms".to_owned(), "20".to_owned())])?;
        wait_for_broker(&producer, servers, Some(std::time::Duration::from_secs(30)), |_| {}).await?;
        create_topic(&client(servers, &[]), topic, partitions).await?;
        let mut encoder =
            Encoder::new(Shape { format: self.format, pad_to: Some(self.size), newline: false });
        let mut sender = Sender::new(producer, topic);
        if spread == Spread::FirstPartition {
            sender = sender.only_to(0);
        }
        let topic = topic.to_owned();
        let mut load = Load { topic, records: 0, raw_bytes: 0, sample: Vec::new(), sample_raw_bytes: 0 };
        for event in Generator::new(Options::seeded(42)) {
            if load.raw_bytes >= bytes {
                break;
            }
            let written = encoder.encode(&event);
            let value = self.packing.pack(written);
            while !sender.try_send(&value)? {
                sender.next_answer().await?;
            }
            let raw_bytes = written.len() as u64 + 1;
            load.records += 1;
            load.raw_bytes += raw_bytes;
            if load.sample_raw_bytes < SAMPLE {
                load.sample_raw_bytes += raw_bytes;
                load.sample.push(value.into_owned());
            }
        }
        while sender.next_answer().await?.is_some() {}
        Ok(load)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use apache_avro::reader::datum::GenericDatumReader;
    use apache_avro::types::Value;

    #[test]
    fn a_value_is_the_same_event_in_each_packing() {
        let shape = Shape { format: Format::Json, pad_to: Some(600), newline: false };
        let mut encoder = Encoder::new(shape);
        let schema = apache_avro::Schema::parse_str(&Packing::avro_schema()).unwrap();
        let reader = GenericDatumReader::builder(&schema).build().unwrap();
        for event in Generator::new(Options { tricky: true, ..Options::seeded(7) }).take(200) {
            let plain = encoder.encode(&event).to_vec();
            let document: serde_json::Value = serde_json::from_slice(&plain).unwrap();
            let envelope: serde_json::Value =
                serde_json::from_slice(&Packing::Envelope.pack(&plain)).unwrap();
            assert_eq!(envelope["payload"], document);
            let packed = Packing::Avro.pack(&plain);
            assert_eq!(packed[..5], [0, 0, 0, 0, 1]);
            let Value::Record(fields) = reader.read_value(&mut &packed[5..]).unwrap() else { panic!() };
            for (name, value) in fields {
                match value {
                    Value::Int(number) => assert_eq!(document[&name], number),
                    Value::String(text) => assert_eq!(document[&name], text.as_str()),
                    other => panic!("{name}: {other:?}"),
                }
            }
        }
    }
}
