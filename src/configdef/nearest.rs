//! Which known key somebody may have meant who wrote one that nobody knows. Pure.

/// Longer texts are no misspelled keys, and would cost time.
const LONGEST: usize = 128;

/// The one of `known` that is nearest to `written`, if it is near enough to be a misspelling of it: a third of its
/// letters may differ, at most four.
pub fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let letters: Vec<char> = written.chars().take(LONGEST + 1).map(|c| c.to_ascii_lowercase()).collect();
    if letters.len() > LONGEST {
        return None;
    }
    let most = (letters.len() / 3).min(4);
    let near = known.into_iter().filter(|name| name.len().abs_diff(letters.len()) <= most);
    let measured = near.map(|name| (distance(&letters, name), name));
    measured.filter(|(far, _)| *far <= most).min_by_key(|(far, _)| *far).map(|(_, name)| name)
}

/// `; did you mean …?` for messages, or nothing.
pub fn did_you_mean<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(written, known).map_or_else(String::new, |name| format!("; did you mean {name}?"))
}

/// How many letters have to be put in, taken out, changed or swapped with their neighbour.
fn distance(left: &[char], right: &str) -> usize {
    let right: Vec<char> = right.chars().map(|c| c.to_ascii_lowercase()).collect();
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (i, one) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, other) in right.iter().enumerate() {
            let change = last[j] + usize::from(one != other);
            let mut best = change.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *one == right[j - 1] && left[i - 1] == *other {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{did_you_mean, nearest};

    #[test]
    fn misspellings_find_their_key_and_other_words_none() {
        let known = ["flush.size.bytes", "flush.interval.ms", "tasks.max", "topics"];
        for (written, expected) in [
            ("flush.size.byte", Some("flush.size.bytes")),
            ("flsuh.size.bytes", Some("flush.size.bytes")),
            ("flush_size_bytes", Some("flush.size.bytes")),
            ("Tasks.Max", Some("tasks.max")),
            ("task.max", Some("tasks.max")),
            ("topic", Some("topics")),
            ("owner", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(written, known), expected, "{written}");
        }
        assert_eq!(nearest(&"x".repeat(10_000), known), None);
        assert_eq!(did_you_mean("topic", known), "; did you mean topics?");
        assert_eq!(did_you_mean("owner", known), "");
    }
}
