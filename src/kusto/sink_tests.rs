//! What a writer says of its memory holds: whoever reserves what it asks for before a record has it covered afterwards.

use super::KustoSink;
use crate::config::fixtures;
use crate::data::{Converted, Kind, Schema, SchemaAndValue, SinkRecord, Struct, Value};
use crate::id::TopicPartition;
use crate::kusto::ingest::{self, IngestClient, IngestRequest, TakenBy, Target, WaitingTeller};
use crate::sink::{Fill, SinkTask};
use async_trait::async_trait;
use proptest::prelude::*;
use std::sync::Arc;

struct Nobody;

#[async_trait]
impl IngestClient for Nobody {
    async fn ingest_telling(&self, _: &IngestRequest, _: &WaitingTeller) -> Result<TakenBy, ingest::Error> {
        Ok(TakenBy::Queue)
    }

    async fn check_targets(&self, _: &[Target], _: bool) -> Result<(), ingest::Error> {
        Ok(())
    }
}

fn sink(mapping: &str, behavior: &str) -> KustoSink {
    let mapping = format!("[{{'topic': 't', 'db': 'd', 'table': 'T', {mapping}}}]");
    let config = fixtures::sink(&[
        ("flush.size.bytes", "300000"),
        ("behavior.on.error", behavior),
        ("kusto.tables.topics.mapping", &mapping),
    ]);
    KustoSink::new("sink".into(), fixtures::kusto_of(&config).clone(), Arc::new(Nobody))
}

fn value(text: String, is_struct: bool) -> Converted<'static> {
    if !is_struct {
        return Converted::Text(text.into());
    }
    let schema = Arc::new(Schema::of_fields([("text", Arc::new(Schema::new(Kind::String)))]));
    let fields = Struct { schema: Arc::clone(&schema), values: vec![text.as_str().into()] };
    Converted::Data(SchemaAndValue { schema: Some(schema), value: Value::Struct(fields) })
}

proptest! {
    #[test]
    fn a_writer_holds_no_more_than_it_asked_for(
        way in 0_usize..4,
        records in proptest::collection::vec((1_usize..120_000, any::<bool>(), any::<u32>()), 1..30)
    ) {
        // Queued, streamed, streamed and taken apart when it is refused, Avro files.
        let (mapping, behavior) = [
            ("'format': 'txt'", "FAIL"),
            ("'format': 'txt', 'streaming': 'true'", "FAIL"),
            ("'format': 'txt', 'streaming': 'true'", "LOG"),
            ("'format': 'avro'", "FAIL"),
        ][way];
        let partition = TopicPartition::new("t", 0);
        let mut writer = sink(mapping, behavior).open(&partition, &partition.topic).unwrap();
        let mut asked = 0;
        for (offset, (len, is_noise, seed)) in (0..).zip(records) {
            let mut state = u64::from(seed) | 1;
            let mut letter = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                if is_noise { char::from(b' ' + state.to_be_bytes()[0] % 95) } else { 'a' }
            };
            let text: String = (0..len).map(|_| letter()).collect();
            let record = SinkRecord {
                topic: "t".into(),
                partition: 0,
                offset,
                timestamp: None,
                value: value(text, way == 3),
                key: Converted::Null,
                headers: Vec::new(),
            };
            let encoded = writer.encode(&record).unwrap().unwrap();
            asked = asked.max(writer.memory_with(encoded.bytes.len()));
            let fill = writer.put(offset, &encoded).unwrap();
            prop_assert!(writer.memory() <= asked, "{mapping}: {} of {asked}", writer.memory());
            if fill == Fill::Full {
                let sealed = writer.seal().unwrap().unwrap();
                prop_assert!(sealed.memory <= asked, "{mapping}: {} of {asked}", sealed.memory);
                asked = 0;
            }
        }
    }
}
