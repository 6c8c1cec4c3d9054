//! A worker that reads a feed hears of each line once, in order, or that some are gone.

use super::{AFTER_A_LOOK, FeedReader, MOST_BYTES, MOST_LINES, MOST_OF_A_PAGE, NewsFeed};
use proptest::prelude::*;
use std::time::Duration;
use tokio::time::Instant;

fn lines(numbers: std::ops::Range<usize>) -> impl Iterator<Item = String> {
    numbers.map(|number| number.to_string())
}

#[test]
fn what_is_covered_is_told_with_the_last_page() {
    let start = Instant::now();
    let second = |seconds| start + Duration::from_secs(seconds);
    let mut feed = NewsFeed::new("one".to_owned(), second(5));
    let mut reader = FeedReader::default();
    assert_eq!(reader.asks(), (None, 0));
    let news = reader.took(feed.page(None, 0, start), start);
    assert_eq!((news.lines.len(), news.covered, news.is_gap), (0, None, false));
    assert_eq!(news.again, Duration::from_secs(5) + AFTER_A_LOOK);

    let more = MOST_OF_A_PAGE + 1;
    feed.looked(lines(0..more), Some(second(5)), second(65));
    let (epoch, after) = reader.asks();
    let page = feed.page(epoch, after, second(7));
    let news = reader.took(page, second(7));
    assert_eq!((news.lines.len(), news.covered, news.again), (MOST_OF_A_PAGE, None, Duration::ZERO));
    let (epoch, after) = reader.asks();
    let page = feed.page(epoch, after, second(8));
    let news = reader.took(page, second(7));
    assert_eq!(news.lines, [MOST_OF_A_PAGE.to_string()]);
    // An answer that was a second on its way, and the parts of a millisecond: never later than it was.
    assert_eq!(news.covered, Some(second(4) - Duration::from_millis(1)));
    assert_eq!(news.again, Duration::from_secs(57) + AFTER_A_LOOK);
}

#[test]
fn another_leaders_feed_is_read_from_its_beginning() {
    let start = Instant::now();
    let (mut one, mut two) = (NewsFeed::new("one".to_owned(), start), NewsFeed::new("two".to_owned(), start));
    one.looked(lines(0..3), Some(start), start);
    two.looked(lines(10..12), None, start);
    let mut reader = FeedReader::default();
    assert_eq!(reader.took(one.page(None, 0, start), start).lines.len(), 3);
    let (epoch, after) = reader.asks();
    let page = two.page(epoch, after, start);
    let news = reader.took(page, start);
    assert_eq!(
        (news.lines, news.covered, news.is_gap),
        (vec!["10".to_owned(), "11".to_owned()], None, false)
    );
    assert_eq!(reader.asks(), (Some("two"), 2));
    // A number that nobody gave.
    assert_eq!(two.page(Some("two"), 9, start).lines.len(), 2);
}

#[test]
fn the_last_lines_are_kept_by_number_and_by_bytes() {
    let start = Instant::now();
    let mut feed = NewsFeed::new("one".to_owned(), start);
    let more = MOST_LINES + 5;
    feed.looked(lines(0..more), None, start);
    assert_eq!((feed.lines.len(), feed.gone), (MOST_LINES, 5));
    assert!(!feed.page(Some("one"), 5, start).is_gap);
    let page = feed.page(Some("one"), 4, start);
    assert!(page.is_gap && page.lines[0] == "5");
    feed.looked((0..9).map(|_| "x".repeat(MOST_BYTES / 8)), None, start);
    assert_eq!((feed.lines.len(), feed.bytes), (8, MOST_BYTES));
    feed.looked(["y".repeat(2 * MOST_BYTES)], None, start);
    assert_eq!((feed.lines.len(), feed.bytes), (0, 0));
    assert_eq!(feed.page(None, 0, start).last, feed.gone);
}

proptest! {
    /// Whenever a worker asks, and whichever worker leads.
    #[test]
    fn each_line_is_heard_once_in_order(
        turns in prop::collection::vec((0_usize..2500, any::<bool>(), 0_u8..20), 1..40)
    ) {
        let start = Instant::now();
        let (mut now, mut leaders) = (start, 0);
        let mut feed = NewsFeed::new(leaders.to_string(), start);
        let (mut told, mut heard) = (0, 0);
        let mut reader = FeedReader::default();
        for (count, asks, change) in turns {
            now += Duration::from_mins(1);
            if change == 0 {
                leaders += 1;
                feed = NewsFeed::new(leaders.to_string(), now);
                (told, heard) = (0, 0);
            }
            feed.looked(lines(told..told + count), Some(now), now + Duration::from_mins(1));
            told += count;
            if !asks {
                continue;
            }
            loop {
                let (epoch, after) = reader.asks();
                let page = feed.page(epoch, after, now);
                let news = reader.took(page, now);
                prop_assert_eq!(news.is_gap, heard + MOST_LINES < told);
                for line in &news.lines {
                    let number: usize = line.parse().unwrap();
                    prop_assert!(number == heard || (news.is_gap && number > heard));
                    heard = number + 1;
                }
                if !news.again.is_zero() {
                    prop_assert_eq!(heard, told);
                    prop_assert_eq!(news.covered, now.checked_sub(Duration::from_millis(1)));
                    break;
                }
                prop_assert!(news.covered.is_none());
            }
        }
    }
}
