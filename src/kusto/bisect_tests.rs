//! What is taken of a batch with bad records, against a service that is a list.

use super::{Ends, MOST_PARTS, bisect_batch};
use crate::batch::{Batch, Sealed};
use crate::kusto::config::DataFormat;
use crate::kusto::follow::TakenParts;
use crate::kusto::ingest::{
    self, Class, IngestClient, IngestRequest, Refusal, SasUrl, TakenBy, Target, WaitingTeller,
};
use crate::sink::{Error, RefusedRecords};
use async_trait::async_trait;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::io::Read;
use std::sync::Mutex;
use uuid::Uuid;

/// Refuses a request with a line in `bad`; what it takes is in `rows`.
#[derive(Default)]
struct Service {
    bad: BTreeSet<String>,
    /// Refuses all after so many requests, for another reason.
    down_after: Option<usize>,
    seen: Mutex<Vec<Uuid>>,
    rows: Mutex<Vec<String>>,
    queued: Mutex<Vec<Uuid>>,
}

fn refusal(status: u16, code: &str) -> ingest::Error {
    ingest::Error::Refused(Box::new(Refusal {
        operation: "streaming ingestion",
        url: SasUrl::new("http://engine/".parse().unwrap()),
        status,
        code: Some(code.to_owned()),
        text: String::new(),
        class: Class::Permanent,
        advice: None,
        retry_after: None,
    }))
}

#[async_trait]
impl IngestClient for Service {
    async fn ingest_telling(
        &self,
        request: &IngestRequest,
        _: &WaitingTeller,
    ) -> Result<TakenBy, ingest::Error> {
        let mut seen = self.seen.lock().unwrap();
        seen.push(request.id);
        if self.down_after.is_some_and(|requests| seen.len() > requests) {
            return Err(refusal(403, "Forbidden"));
        }
        let mut text = String::new();
        flate2::read::GzDecoder::new(request.body.as_ref()).read_to_string(&mut text).unwrap();
        assert_eq!(text.len() as u64, request.raw_size);
        let lines: Vec<String> = text.lines().map(ToOwned::to_owned).collect();
        if lines.iter().any(|line| self.bad.contains(line)) {
            return Err(refusal(400, "Stream_ClosingQuoteMissing"));
        }
        self.rows.lock().unwrap().extend(lines);
        // Every other one is not taken by the engine.
        if seen.len().is_multiple_of(2) {
            self.queued.lock().unwrap().push(request.id);
            return Ok(TakenBy::Queue);
        }
        Ok(TakenBy::Engine)
    }

    async fn check_targets(&self, _: &[Target], _: bool) -> Result<(), ingest::Error> {
        Ok(())
    }
}

fn request(sealed: &Sealed) -> IngestRequest {
    let identity = format!("{}/{:08x}", sealed.offsets, sealed.crc32);
    IngestRequest {
        database: "d".into(),
        table: "t".into(),
        format: DataFormat::Csv,
        mapping: None,
        streaming: true,
        blob_name: "b.csv.gz".to_owned(),
        id: Uuid::new_v5(&Uuid::NAMESPACE_OID, identity.as_bytes()),
        raw_size: sealed.raw_bytes,
        body: sealed.body.clone(),
    }
}

/// A batch of these offsets: each value is its offset.
fn batch(offsets: &[i64]) -> (Sealed, Ends) {
    let (mut batch, mut ends) = (Batch::new(), Ends::new(true));
    for offset in offsets {
        batch.push(*offset, offset.to_string().as_bytes(), b"\n").unwrap();
        ends.push(*offset, batch.raw_bytes());
    }
    (batch.seal().unwrap().unwrap(), ends)
}

async fn taken(service: &Service, offsets: &[i64]) -> Result<RefusedRecords, Error> {
    let (sealed, ends) = batch(offsets);
    let reason = refusal(400, "Stream_ClosingQuoteMissing");
    let nobody = WaitingTeller::new(None);
    let mut parts = TakenParts::default();
    let done = bisect_batch((service, &nobody), (&sealed, &ends), request, reason, &mut parts).await;
    // What is in the queue is known by the name of its blob.
    let queued: Vec<_> = parts.into_queued().into_iter().map(|part| part.id.0).collect();
    assert_eq!(queued, *service.queued.lock().unwrap());
    match done {
        Ok(()) => Ok(RefusedRecords::default()),
        Err(Error::Records { refused, .. }) => Ok(refused),
        Err(error) => Err(error),
    }
}

proptest! {
    #[test]
    fn each_record_is_a_row_or_bad_and_few_bad_ones_cost_no_other(
        offsets in proptest::collection::btree_set(0i64..100_000, 2..400),
        picks in proptest::collection::vec(any::<prop::sample::Index>(), 0..5),
    ) {
        let offsets: Vec<i64> = offsets.into_iter().collect();
        let bad: BTreeSet<i64> = picks.iter().map(|pick| *pick.get(&offsets)).collect();
        let service = Service { bad: bad.iter().map(ToString::to_string).collect(), ..Service::default() };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let refused = runtime.block_on(taken(&service, &offsets)).unwrap();
        let rows = service.rows.lock().unwrap();
        let good: BTreeSet<String> =
            offsets.iter().filter(|offset| !bad.contains(offset)).map(ToString::to_string).collect();
        prop_assert_eq!(rows.len(), good.len(), "a row is taken once");
        prop_assert_eq!(&rows.iter().cloned().collect::<BTreeSet<_>>(), &good);
        prop_assert_eq!(refused.count(), bad.len() as u64);
        prop_assert!(offsets.iter().all(|offset| refused.contain(*offset) == bad.contains(offset)));
        let seen = service.seen.lock().unwrap();
        prop_assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), seen.len(), "each part has an id of its own");
    }
}

#[tokio::test]
async fn where_all_is_bad_the_requests_have_an_end_and_all_is_refused() {
    let offsets: Vec<i64> = (0..10_000).collect();
    let service = Service { bad: offsets.iter().map(ToString::to_string).collect(), ..Service::default() };
    let bad = taken(&service, &offsets).await.unwrap();
    assert_eq!(bad.count(), 10_000);
    assert!(offsets.iter().all(|offset| bad.contain(*offset)));
    assert_eq!(service.seen.lock().unwrap().len(), MOST_PARTS);
    assert!(service.rows.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_service_that_takes_nothing_more_is_no_matter_of_records() {
    let service = Service { bad: ["7".to_owned()].into(), down_after: Some(3), ..Service::default() };
    let error = taken(&service, &(0..100).collect::<Vec<_>>()).await.unwrap_err();
    assert!(
        !error.is_of_batch() && error.records().is_none() && error.to_string().contains("403"),
        "{error}"
    );
}
