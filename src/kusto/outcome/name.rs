//! How the blob of a batch is called: from and to where, which offsets, and the batch's id at the end.
//!
//! Readers of the service's reports know a batch by its blob's name alone. The id in it is all that is needed to find it again, so
//! nobody has to keep names.

use crate::id::{BatchId, OffsetRange, TopicPartition};
use uuid::Uuid;

/// What stands before topic, partition and offsets in each name of ours.
pub const MARK: &str = "__kafka_";

/// Characters of an id in a name.
const ID: usize = 36;

/// The blob's name. `extension` is the format's name on the wire; the end says the compression.
pub fn blob_name(
    (database, table): (&str, &str),
    TopicPartition { topic, partition }: &TopicPartition,
    offsets: OffsetRange,
    id: BatchId,
    extension: &str,
) -> String {
    format!("{database}__{table}{MARK}{topic}_{partition}_{offsets}__{id}.{extension}.gz")
}

/// The id of the batch whose blob is at `path` (an address or a name, without a query); none if that is no name of ours. Others may
/// have names like ours: whether a batch is ours, only its ledger knows.
pub fn id_in(path: &str) -> Option<BatchId> {
    let name = path.rsplit('/').next()?;
    let (before, end) = name.rsplit_once("__")?;
    let id = Uuid::try_parse(end.get(..ID)?).ok()?;
    let is_ours = before.contains(MARK) && id.get_version_num() == 5 && end.get(ID..)?.starts_with('.');
    is_ours.then_some(BatchId(id))
}

#[cfg(test)]
mod tests {
    use super::{blob_name, id_in};
    use crate::id::{BatchId, OffsetRange, TopicPartition};
    use proptest::prelude::*;
    use uuid::Uuid;

    #[test]
    fn names_of_others_are_not_ours() {
        let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, b"batch");
        let ours = format!("https://a.blob.core.windows.net/c/db__T__kafka_topic_0_0-9__{id}.csv.gz");
        assert_eq!(id_in(&ours), Some(BatchId(id)));
        for other in [
            String::new(),
            "__".to_owned(),
            format!("{id}"),
            format!("db__T__{id}.csv.gz"),
            format!("db__T__kafka_t_0_0-9__{id}"),
            format!("db__T__kafka_t_0_0-9__{id}x.csv.gz"),
            format!("db__T__kafka_t_0_0-9__{}.csv.gz", Uuid::from_u128(7)),
            format!("{ours}/more"),
            "db__T__kafka_t_0_0-9__ü0000000-0000-0000-0000-000000000007.csv".to_owned(),
        ] {
            assert_eq!(id_in(&other), None, "{other}");
        }
    }

    proptest! {
        /// Whatever stands in names, and with the name's characters encoded as addresses have them.
        #[test]
        fn the_id_is_found_again(
            database in "[a-zA-Z0-9 ._-]{1,20}", table in "[a-zA-Z0-9_]{1,20}", topic in "[a-zA-Z0-9._-]{1,40}",
            partition in 0..i32::MAX, first in 0..i64::MAX, seed in any::<[u8; 8]>(),
        ) {
            let id = BatchId(Uuid::new_v5(&Uuid::NAMESPACE_OID, &seed));
            let offsets = OffsetRange { first, last: first };
            let partition = TopicPartition::new(topic, partition);
            let name = blob_name((&database, &table), &partition, offsets, id, "csv");
            prop_assert_eq!(id_in(&name), Some(id));
            let mut url = url::Url::parse("https://a.blob.core.windows.net/c/").unwrap();
            url.path_segments_mut().unwrap().pop_if_empty().push(&name);
            prop_assert_eq!(id_in(url.as_str()), Some(id));
        }

        #[test]
        fn no_text_panics(text in ".{0,80}", tail in "[_a-z0-9./ü-]{0,60}") {
            let _id = id_in(&text);
            let _id = id_in(&format!("db__T__kafka_t_0_0-9__{tail}"));
        }
    }
}
