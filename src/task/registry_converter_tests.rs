//! A record whose schema is not known yet, in a pipeline over a list: it waits, and all else goes on.

use super::SchemaSource;
use crate::config::fixtures;
use crate::data::registered::{Registered, SchemaId};
use crate::kafka::ListedRecord;
use crate::registry;
use crate::task::list_sink::{AT_ONCE, FLUSH_INTERVAL};
use crate::task::pipeline_mode::PipelineMode;
use crate::task::record_converter::RecordConverter;
use crate::task::test_rig::{PipelineRig, Setup};
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::watch;

const SECOND: Duration = Duration::from_secs(1);

/// A registry that says what it is told to say, when it is told.
struct Schemas(watch::Receiver<Option<Result<&'static str, ()>>>);

#[async_trait]
impl SchemaSource for Schemas {
    async fn schema(&self, _: SchemaId, subject: Option<&str>) -> Result<Registered, registry::Error> {
        assert_eq!(subject, Some("t-value"));
        let answer = *self.0.clone().wait_for(Option::is_some).await.unwrap();
        let text = answer.unwrap().map_err(|()| registry::Error::Setup {
            key: "value.converter.schema.registry.url".to_owned(),
            reason: "refused on purpose".to_owned(),
        })?;
        Ok(Registered { kind: Some("AVRO".to_owned()), text: text.to_owned(), references: Vec::new() })
    }
}

/// An Avro text as Confluent's serializer writes it.
fn avro(offset: i64, text: &str) -> ListedRecord {
    let mut value = vec![0, 0, 0, 0, 7, u8::try_from(2 * text.len()).unwrap()];
    value.extend(text.as_bytes());
    ListedRecord { offset, value: Some(value) }
}

fn avro_rig(answers: watch::Receiver<Option<Result<&'static str, ()>>>) -> PipelineRig {
    let config = fixtures::sink_of_texts(&[
        ("value.converter", "io.confluent.connect.avro.AvroConverter"),
        ("value.converter.schema.registry.url", "http://127.0.0.1:1"),
        ("errors.tolerance", "all"),
        ("errors.deadletterqueue.topic.name", "letters"),
    ]);
    let converter = RecordConverter::new(&config, false).unwrap().with_schemas(Schemas(answers));
    Setup { config, ..Setup::new(AT_ONCE) }.build_with(converter)
}

/// A schema that is fetched holds back its record and what comes behind it, and nothing else.
#[tokio::test(start_paused = true)]
async fn a_record_waits_for_its_schema_while_all_else_goes_on() {
    let (registry, answers) = watch::channel(None);
    let mut rig = avro_rig(answers);
    let (queue, other) = (rig.start(), rig.start());
    let tombstone = |offset| ListedRecord { offset, value: None };
    queue.push([tombstone(0), avro(1, "one"), avro(2, "two")]);
    other.push([tombstone(0)]);
    rig.pass(FLUSH_INTERVAL).await;
    assert_eq!(rig.progress, BTreeMap::from([(0, 1), (1, 1)]), "only what came before it");
    assert!(rig.blocked.contains(&0), "Kafka is asked to send no more of it");
    rig.set_mode(PipelineMode::Hold);
    registry.send_replace(Some(Ok("\"string\"")));
    rig.pass(SECOND).await;
    rig.set_mode(PipelineMode::Run);
    rig.until(|rig| rig.progress[&0] == 3).await;
    assert_eq!((rig.written(), rig.list.letters()), (vec![(0, 1), (0, 2)], Vec::new()));
    assert!(rig.blocked.is_empty() && rig.ended.is_empty());
}

/// A schema that is not there makes its record a bad one, and the next of that schema costs no question.
#[tokio::test(start_paused = true)]
async fn a_record_without_a_schema_is_a_bad_one() {
    let (registry, answers) = watch::channel(None);
    let mut rig = avro_rig(answers);
    let queue = rig.start();
    queue.push([avro(0, "one"), avro(1, "two")]);
    rig.pass(SECOND).await;
    registry.send_replace(Some(Err(())));
    rig.until(|rig| rig.progress.get(&0) == Some(&2)).await;
    assert_eq!((rig.written(), rig.list.letters()), (Vec::new(), vec![(0, 0), (0, 1)]));
    registry.send_replace(None);
    queue.push([avro(2, "three")]);
    assert!(rig.drain(SECOND).await);
    assert_eq!(rig.held(), (0, 0, 0));
}
