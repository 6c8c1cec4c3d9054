//! Takes secrets out of texts that leave: those that are known, and what stands behind a word that announces one.
//!
//! [`Hidden`] owns the texts that must not be shown, each with what is shown for it. [`foreign`] makes a text of somebody
//! else fit for a line. Both take time in proportion to the text, whatever it is. Nothing here knows where secrets come
//! from.

use std::borrow::Cow;
use std::fmt;
use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::text::Secret;

/// Shorter values are replaced only where they stand as a word: a `1` is in too many others.
const SHORT: usize = 4;
/// Words of Connect's own messages; nobody's secret.
const PLAIN: [&str; 4] = ["true", "false", "null", SHOWN];
/// What stands for a secret that has no variable.
pub const SHOWN: &str = "[hidden]";
/// The longest text of somebody else that is repeated in an error.
const TEXT_LIMIT: usize = 1000;

/// Values that must not be shown, each with what stands for it.
#[derive(Clone, Default)]
pub struct Hidden {
    values: Vec<(Secret, String)>,
    finders: OnceLock<Finders>,
}

/// Where the values are in a text: long ones anywhere, short ones as words.
#[derive(Clone)]
struct Finders {
    long: Option<AhoCorasick>,
    short: Option<AhoCorasick>,
    /// How many of the values are long.
    shorts_at: usize,
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.values.iter().map(|(_, shown)| shown)).finish()
    }
}

impl PartialEq for Hidden {
    fn eq(&self, other: &Self) -> bool {
        self.values == other.values
    }
}

impl Hidden {
    /// All that `sets` hide, in one.
    pub fn of_all<'a>(sets: impl IntoIterator<Item = &'a Self>) -> Self {
        let values = sets.into_iter().flat_map(|set| set.values.iter().cloned()).collect();
        let mut all = Self { values, finders: OnceLock::new() };
        all.sort();
        all
    }

    /// Adds values with what stands for them, a variable for instance.
    pub fn extend(&mut self, values: impl IntoIterator<Item = (String, String)>) {
        for (value, shown) in values {
            // A message may hold a value trimmed, or the items of a list one by one.
            let items = value.split([',', '\n']).map(str::trim);
            let forms = [value.as_str(), value.trim()].into_iter().chain(items);
            let telling = forms.filter(|form| !form.is_empty() && !PLAIN.contains(form));
            self.values.extend(telling.map(|form| (Secret::new(form), shown.clone())));
        }
        self.sort();
    }

    /// Adds what `other` hides.
    pub fn merge(&mut self, other: &Self) {
        self.values.extend(other.values.iter().cloned());
        self.sort();
    }

    /// Where one begins with another, the longer one counts; short ones stand at the end. What was added first says what is
    /// shown.
    fn sort(&mut self) {
        self.values.sort_by(|one, two| {
            let (one, two) = (one.0.expose(), two.0.expose());
            two.len().cmp(&one.len()).then_with(|| one.cmp(two))
        });
        self.values.dedup_by(|later, first| later.0 == first.0);
        self.finders = OnceLock::new();
    }

    /// True when nothing is hidden.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// How many values are hidden.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// `text` with each hidden value replaced; the same text where none is in it.
    pub fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if self.is_empty() {
            return text.into();
        }
        let finders = self.finders.get_or_init(|| self.finders());
        let (long, short) = self.values.split_at(finders.shorts_at);
        match replace(finders.long.as_ref(), text, long, |_, _| true) {
            Cow::Borrowed(text) => replace(finders.short.as_ref(), text, short, is_word),
            Cow::Owned(text) => replace(finders.short.as_ref(), &text, short, is_word).into_owned().into(),
        }
    }

    fn finders(&self) -> Finders {
        let shorts_at = self.values.iter().take_while(|(value, _)| value.expose().len() >= SHORT).count();
        let (long, short) = self.values.split_at(shorts_at);
        let finder = |values: &[(Secret, String)]| {
            let values = values.iter().map(|(value, _)| value.expose());
            // Only the number of patterns is bounded, at billions.
            AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(values).ok()
        };
        Finders { long: finder(long), short: finder(short), shorts_at }
    }
}

/// `text` with what is found replaced by what stands for it in `values`, where the characters around it allow that.
fn replace<'t>(
    finder: Option<&AhoCorasick>,
    text: &'t str,
    values: &[(Secret, String)],
    allowed: impl Fn(Option<char>, Option<char>) -> bool,
) -> Cow<'t, str> {
    let mut out = String::new();
    let mut kept = 0;
    for found in finder.into_iter().flat_map(|finder| finder.find_iter(text)) {
        let (before, after) = (text[..found.start()].chars().next_back(), text[found.end()..].chars().next());
        if allowed(before, after) {
            out.push_str(&text[kept..found.start()]);
            out.push_str(&values[found.pattern().as_usize()].1);
            kept = found.end();
        }
    }
    if kept == 0 {
        return text.into();
    }
    out.push_str(&text[kept..]);
    out.into()
}

fn is_word(before: Option<char>, after: Option<char>) -> bool {
    [before, after].into_iter().flatten().all(|c| !c.is_alphanumeric())
}

/// `text` from outside made fit for a log line: one line, bounded, with signatures, tokens and passwords cut out.
pub fn foreign(text: &str) -> String {
    // What is far behind the bound cannot be shown, so it need not be read.
    let text = text.trim();
    let text = &text[..text.floor_char_boundary(16 * TEXT_LIMIT)];
    let mut out = String::with_capacity(text.len().min(TEXT_LIMIT));
    let mut kept = 0;
    for (marker, value) in markers(text) {
        if marker < kept {
            continue;
        }
        out.push_str(&text[kept..value]);
        let ends = |c: char| c.is_whitespace() || "&\"'<>()[]{},;".contains(c);
        kept = text[value..].find(ends).map_or(text.len(), |end| value + end);
        out.push_str(SHOWN);
    }
    out.push_str(&text[kept..]);
    let mut line = out.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.len() > TEXT_LIMIT {
        line.truncate(line.floor_char_boundary(TEXT_LIMIT));
        line.push('…');
    }
    line
}

/// Where the words are that announce a secret, and where it begins; in the order of the text.
fn markers(text: &str) -> Vec<(usize, usize)> {
    const MARKERS: [&str; 8] = [
        "sig=",
        "bearer ",
        "client_secret=",
        "access_token=",
        "client_assertion=",
        "sharedkey=",
        "password=",
        "basic ",
    ];
    let lower = text.to_ascii_lowercase();
    let found =
        |marker: &'static str| lower.match_indices(marker).map(move |(at, marker)| (at, at + marker.len()));
    let mut all: Vec<(usize, usize)> = MARKERS.into_iter().flat_map(found).collect();
    // "Basic authentication" is no secret.
    all.retain(|(at, value)| !lower[*at..].starts_with("basic ") || is_basic(&text[*value..]));
    all.sort_unstable();
    all
}

/// True for what stands behind `Basic` in a header: user and password in base64.
fn is_basic(text: &str) -> bool {
    let is_of_base64 = |c: char| c.is_ascii_alphanumeric() || "+/=".contains(c);
    let end = text.find(|c: char| !is_of_base64(c)).unwrap_or(text.len());
    STANDARD.decode(&text[..end]).is_ok_and(|pair| pair.contains(&b':'))
}

#[cfg(test)]
mod tests {
    use super::{Hidden, foreign};
    use proptest::prelude::*;
    use std::borrow::Cow;

    #[test]
    fn values_give_way_to_their_variables() {
        let mut hidden = Hidden::default();
        hidden
            .extend([("s3cret".to_owned(), "${f:/x:k}".to_owned()), ("1".to_owned(), "${env:N}".to_owned())]);
        hidden.extend([("a1, s3cret-long\n".to_owned(), "${d:/x:l}".to_owned())]);
        assert_eq!(
            hidden.redact("value s3cret, or s3cret-long of 1 in 10: [a1]"),
            "value ${f:/x:k}, or ${d:/x:l} of ${env:N} in 10: [${d:/x:l}]"
        );
        assert!(!format!("{hidden:?}").contains("s3cret"));
        assert_eq!(Hidden::default().redact("as it is"), "as it is");
    }

    #[test]
    fn cuts_secrets_out_of_foreign_texts() {
        let text = "GET https://h/c?sv=1&sig=AbC%3D&se=2 (Bearer eyJ.x.y) SIG=zz\nnext";
        assert_eq!(
            foreign(text),
            "GET https://h/c?sv=1&sig=[hidden]&se=2 (Bearer [hidden]) SIG=[hidden] next"
        );
        assert_eq!(
            foreign("Basic dXNlcjpwYXNz; Basic authentication, password=x&y"),
            "Basic [hidden]; Basic authentication, password=[hidden]&y"
        );
    }

    #[test]
    fn a_text_of_nothing_but_markers_is_cut_like_any_other() {
        // A pass over the rest for each marker would never end with this one.
        let shown = foreign(&"sig=a ".repeat(5_000_000));
        assert!(shown.starts_with("sig=[hidden] sig=[hidden]") && shown.len() < 1100);
    }

    #[test]
    fn a_text_without_a_secret_is_not_copied() {
        let hidden = hiding(&["s3cret", "1"]);
        for text in ["nothing in it", "101 is no 1st", ""] {
            assert!(matches!(hidden.redact(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }

    #[test]
    fn very_many_values_take_no_time_of_their_square() {
        // Each would be compared with all before it, ten thousand million times.
        let list: Vec<String> = (0..100_000).map(|number| format!("value{number}")).collect();
        let hidden = hiding(&[&list.join(",")]);
        assert_eq!(hidden.len(), 100_001);
        assert_eq!(hidden.redact("of value77777!"), "of $!");
    }

    fn hiding(values: &[&str]) -> Hidden {
        let mut hidden = Hidden::default();
        hidden.extend(values.iter().map(|value| ((*value).to_owned(), "$".to_owned())));
        hidden
    }

    proptest! {
        #[test]
        fn one_of_all_hides_what_each_does(
            sets in prop::collection::vec(prop::collection::vec("[a-c1]{1,6}", 0..4), 0..6),
            text in "[a-d1 ]{0,40}",
        ) {
            let sets: Vec<Hidden> = sets
                .iter()
                .map(|set| hiding(&set.iter().map(String::as_str).collect::<Vec<_>>()))
                .collect();
            let all = Hidden::of_all(&sets);
            let shown = all.redact(&text);
            let apart = sets.iter().fold(text.clone(), |text, set| set.redact(&text).into_owned());
            prop_assert_eq!(matches!(shown, Cow::Borrowed(_)), apart == text);
            for set in &sets {
                prop_assert_eq!(set.redact(&shown), shown.as_ref());
            }
        }

        #[test]
        fn a_long_value_is_never_left(value in "[a-c]{4,6}", before in "[a-d ]{0,8}", after in "[a-d ]{0,8}") {
            let mut hidden = Hidden::default();
            hidden.extend([(value.clone(), "${}".to_owned()), ("ab".to_owned(), "$".to_owned())]);
            let text = before + &value + &after;
            let shown = hidden.redact(&text);
            prop_assert!(!shown.contains(&value));
        }

        #[test]
        fn never_lets_a_signature_through(before in "\\PC{0,40}", secret in "[A-Za-z0-9%+/=]{8,40}", after in "[ &\"<].{0,40}") {
            prop_assume!(!before.contains(&secret) && !after.contains(&secret));
            let text = format!("{before}?sig={secret}{after}");
            prop_assert!(!foreign(&text).contains(&secret));
        }

        #[test]
        fn is_bounded(text in ".{0,3000}") {
            prop_assert!(foreign(&text).len() < 1100 * 2);
        }
    }
}
