//! Which part of a partition is compared: what Kafka still has, from one moment to another, as far as the connector has handed
//! it over.

use super::subject::{Error, Span};
use crate::id::{OffsetRange, TopicPartition};
use crate::kafka::visitor::Visitor;
use crate::kafka::walk::Extent;

/// A part of a partition, and what has to be known about it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Part {
    /// None when there is nothing.
    pub range: Option<OffsetRange>,
    /// A sentence each.
    pub notes: Vec<String>,
}

/// The part of `partition` that is in `span`.
pub async fn of(visitor: &Visitor, partition: &TopicPartition, span: Span) -> Result<Part, Error> {
    let extent = visitor.extent(partition).await?;
    let at = async |moment: Option<i64>| match moment {
        // Behind the last record there is none.
        Some(ms) => Ok::<_, Error>(Some(visitor.offset_at(partition, ms).await?.unwrap_or(extent.high))),
        None => Ok(None),
    };
    Ok(cut(extent, at(span.from).await?, at(span.to).await?))
}

/// `from` and `to` are offsets.
fn cut(extent: Extent, from: Option<i64>, to: Option<i64>) -> Part {
    let Extent { low, high, committed } = extent;
    let mut notes = Vec::new();
    let first = from.map_or(low, |from| from.max(low));
    if low > 0 && from.is_none_or(|from| from <= low) {
        notes.push(format!(
            "Kafka has nothing before offset {low} (any more): what was there cannot be compared"
        ));
    }
    let handed = match committed {
        Some(committed) if committed > high => {
            notes.push(format!(
                "the group has committed {committed}, and Kafka ends at {high}: the topic was made anew, or lost records"
            ));
            high
        }
        Some(committed) => committed,
        None => {
            notes.push("the group has committed nothing: all up to the end is compared".to_owned());
            high
        }
    };
    let end = to.map_or(handed, |to| to.min(handed));
    if handed < high && to.is_none_or(|to| to > handed) {
        notes.push(format!(
            "{} offsets behind {handed} are not handed over yet, or no records: they are not compared",
            high - handed
        ));
    }
    let range = (first < end).then(|| OffsetRange { first, last: end - 1 });
    Part { range, notes }
}

#[cfg(test)]
mod tests {
    use super::cut;
    use crate::id::OffsetRange;
    use crate::kafka::walk::Extent;

    #[test]
    fn only_what_kafka_has_and_the_connector_handed_over_is_compared() {
        let extent = |low, high, committed| Extent { low, high, committed };
        let of = |extent, from, to| {
            let part = cut(extent, from, to);
            (part.range.map(|range| (range.first, range.last)), part.notes.join("; "))
        };
        assert_eq!(of(extent(0, 10, Some(10)), None, None), (Some((0, 9)), String::new()));
        let (range, notes) = of(extent(3, 10, Some(8)), None, None);
        assert_eq!(range, Some((3, 7)));
        assert!(notes.contains("before offset 3") && notes.contains("2 offsets behind 8"), "{notes}");
        assert_eq!(of(extent(3, 10, Some(10)), Some(5), Some(7)), (Some((5, 6)), String::new()));
        let (range, notes) = of(extent(0, 10, None), Some(10), None);
        assert!(range.is_none() && notes.contains("committed nothing"), "{notes}");
        let (range, notes) = of(extent(0, 10, Some(20)), None, None);
        assert!(range == Some((0, 9)) && notes.contains("made anew"), "{notes}");
        let part = cut(extent(0, 0, None), None, None);
        assert_eq!(part.range, None::<OffsetRange>);
    }
}
