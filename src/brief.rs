//! What went wrong in one line, for a trace, a log line or a page: at most [`MOST_CHARACTERS`] characters, with the place, what
//! was said, what it was about, and what mends it. The whole story stands below it.
//!
//! Pure. It knows no error of any room: each says its own, or its text is read by the convention of all our messages, that
//! what mends it stands at the end, behind a semicolon or as `(check …)`.

use std::fmt;

/// A line is not longer.
pub const MOST_CHARACTERS: usize = 200;
/// What it begins with may take so much of it,
const MOST_OF_THE_LEAD: usize = 84;
/// the names of a place and of a thing so much where there is room,
const LONG_NAMES: usize = 60;
/// and so much where there is little;
const SHORT_NAMES: usize = 36;
/// what mends it takes so much (a command loses its end).
const MOST_OF_A_REMEDY: usize = 120;
/// There is room when so much is left for what happened and what mends it,
const ROOM: usize = 90;
/// of which what happened may take so many of so many parts, and more if the other needs less.
const TEXTS_SHARE: (usize, usize) = (3, 5);
/// Fewer of somebody's words say nothing.
const LEAST_OF_WORDS: usize = 12;

/// The parts of such a line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Brief {
    /// How much of it there is, and since when.
    lead: Option<String>,
    /// Topic, partition and offsets.
    place: Option<String>,
    /// What happened, with the code of whoever refused; its end is cut where the line is too long.
    text: String,
    /// In whose words; they have the room that all else leaves.
    words: Option<String>,
    /// What it was about: a table, a file.
    subject: Option<String>,
    /// The setting or the command that mends it.
    remedy: Option<String>,
}

impl Brief {
    /// What happened; what mends it is not said.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// Reads one of our messages.
    pub fn of(message: &str) -> Self {
        let message = message.trim();
        let checked = message.strip_suffix(')').and_then(|text| text.rsplit_once(" (check "));
        if let Some((text, settings)) = checked {
            return Self::new(text).mended_by(format!("check {settings}"));
        }
        match message.rsplit_once("; ") {
            Some((text, remedy)) if remedy.chars().count() <= MOST_OF_A_REMEDY => {
                Self::new(text).mended_by(remedy)
            }
            _ => Self::new(message),
        }
    }

    /// The same with the words of whoever refused.
    #[must_use]
    pub fn saying(self, words: impl Into<String>) -> Self {
        Self { words: Some(words.into()), ..self }
    }

    /// What mends it.
    #[must_use]
    pub fn mended_by(self, remedy: impl Into<String>) -> Self {
        Self { remedy: Some(remedy.into()), ..self }
    }

    /// The same where nothing is said of what mends it.
    #[must_use]
    pub fn or_mended_by(self, remedy: impl Into<String>) -> Self {
        if self.remedy.is_some() { self } else { self.mended_by(remedy) }
    }

    /// What it was about.
    #[must_use]
    pub fn about(self, subject: impl Into<String>) -> Self {
        Self { subject: Some(subject.into()), ..self }
    }

    /// Where it was.
    #[must_use]
    pub fn at(self, place: impl Into<String>) -> Self {
        Self { place: Some(place.into()), ..self }
    }

    /// What the line begins with, before the place: how much of it there is, and since when. It is not cut.
    #[must_use]
    pub fn led_by(self, words: impl Into<String>) -> Self {
        Self { lead: Some(words.into()), ..self }
    }

    /// The same after `words`.
    #[must_use]
    pub fn after(self, words: &str) -> Self {
        Self { text: format!("{words}: {}", self.text), ..self }
    }

    /// The same with other texts. Secrets go here: in a line that was cut they would not be found.
    #[must_use]
    pub fn map(self, change: impl Fn(&str) -> String) -> Self {
        let option = |text: Option<String>| text.map(|text| change(&text));
        Self {
            lead: option(self.lead),
            place: option(self.place),
            text: change(&self.text),
            words: option(self.words),
            subject: option(self.subject),
            remedy: option(self.remedy),
        }
    }
}

impl Brief {
    /// What stands before the text and behind it, with names of at most so many characters.
    fn around(&self, most: usize) -> (String, String) {
        let lead = self.lead.iter().map(|lead| cut(&one_line(lead), MOST_OF_THE_LEAD));
        // Partition and offsets are at the end of a place.
        let place = self.place.iter().map(|place| shortened(&one_line(place), most, most / 6));
        let before = lead.chain(place).fold(String::new(), |before, part| before + &part + ": ");
        let subject = self.subject.iter().map(|subject| shortened(&one_line(subject), most, most / 2));
        (before, subject.fold(String::new(), |behind, part| behind + " (" + &part + ")"))
    }
}

impl fmt::Display for Brief {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = one_line(&self.text);
        let remedy = self.remedy.iter().map(|remedy| cut(&one_line(remedy), MOST_OF_A_REMEDY));
        let remedy = remedy.fold(String::new(), |all, remedy| all + "; " + &remedy);
        let left = |(before, behind): &(String, String)| {
            MOST_CHARACTERS.saturating_sub(length(before) + length(behind))
        };
        let mut around = self.around(LONG_NAMES);
        if left(&around) < ROOM.min(length(&text) + length(&remedy)) {
            around = self.around(SHORT_NAMES);
        }
        let (left, (share, of)) = (left(&around), TEXTS_SHARE);
        let text = cut(&text, left.saturating_sub(length(&remedy)).max(left * share / of));
        let remedy = cut(&remedy, left.saturating_sub(length(&text)));
        let left = left.saturating_sub(length(&text) + length(&remedy));
        let words = self.words.iter().map(|words| one_line(words)).find(|words| !words.is_empty());
        let words = words.filter(|_| left >= LEAST_OF_WORDS).map(|words| cut(&format!(": {words}"), left));
        let (before, behind) = around;
        let line = format!("{before}{text}{}{behind}{remedy}", words.unwrap_or_default());
        f.write_str(&cut(&line, MOST_CHARACTERS))
    }
}

/// A trace: the line, and below it the details, unless the line has them.
pub fn trace(brief: &Brief, details: &str) -> String {
    let line = brief.to_string();
    if line.contains(details) { line } else { format!("{line}\n{details}") }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn length(text: &str) -> usize {
    text.chars().count()
}

/// Without its end where it is too long.
fn cut(text: &str, most: usize) -> String {
    if length(text) <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// Without its middle where it is too long: names differ at both ends. Of the beginning so much is kept.
fn shortened(name: &str, most: usize, first: usize) -> String {
    let count = length(name);
    if count <= most {
        return name.to_owned();
    }
    let begin: String = name.chars().take(first).collect();
    let end: String = name.chars().skip(count - (most - first - 1)).collect();
    format!("{begin}…{end}")
}

#[cfg(test)]
mod tests {
    use super::{Brief, MOST_CHARACTERS, trace};
    use proptest::prelude::{any, prop_assert, proptest};

    #[test]
    fn a_line_has_place_words_subject_and_remedy() {
        let brief = Brief::new("streaming ingestion: status 400 BadRequest: no\n such column")
            .about("table Samples.Storms")
            .at("storms-3, offsets 5-9")
            .mended_by("check kusto.tables.topics.mapping");
        let line = "storms-3, offsets 5-9: streaming ingestion: status 400 BadRequest: no such column \
                    (table Samples.Storms); check kusto.tables.topics.mapping";
        assert_eq!(brief.to_string(), line);
        assert_eq!(brief.after("again").to_string().split(": ").nth(1), Some("again"));
        assert_eq!(trace(&Brief::new("a").at("t-0"), "a"), "t-0: a");
        assert_eq!(trace(&Brief::new("a"), "a and why"), "a\na and why");
    }

    #[test]
    fn what_is_too_long_is_cut_and_what_mends_it_stays() {
        let brief = Brief::new("word ".repeat(100)).mended_by("check a.setting").at("t".repeat(249));
        let line = brief.to_string();
        // A blank at the cut is left out.
        assert_eq!(line.chars().count(), MOST_CHARACTERS - 1);
        assert!(line.ends_with("word…; check a.setting"), "{line}");
        let command = Brief::new("gone").mended_by(format!("create it: .create table {}", "x".repeat(200)));
        assert!(command.to_string().starts_with("gone; create it: .create table xxx"), "{command}");
        assert_eq!(Brief::new("a; b").or_mended_by("c").or_mended_by("d").to_string(), "a; b; c");
        assert!(line.starts_with(&format!("{}…{}: word", "t".repeat(10), "t".repeat(49))), "{line}");
    }

    #[test]
    fn however_long_names_are_code_and_setting_stay() {
        let long = "n".repeat(249);
        let line = Brief::new(format!("streaming ingestion: status 503 ServerBusy: {long}"))
            .led_by("17 batch(es) wait since 2026-11-30T15:00:00Z")
            .at(format!("{long}-17, offsets 1000000-1000500"))
            .about(format!("table {long}.{long}"))
            .mended_by("raise flush.size.bytes if it lasts")
            .to_string();
        for part in ["17 batch(es)", "00Z: nn", "-17, offsets 1000000", "status 503 Server", "; raise flush."]
        {
            assert!(line.contains(part), "{part}: {line}");
        }
        let refusal = Brief::new("put blob: status 404 Gone").saying("It is not there.").mended_by("wait");
        assert_eq!(refusal.to_string(), "put blob: status 404 Gone: It is not there.; wait");
        let line = refusal.saying(&long).mended_by("r".repeat(100)).to_string();
        assert!(line.ends_with(&format!("n…; {}", "r".repeat(100))) && line.contains("Gone: nnn"), "{line}");
        let command =
            Brief::new("word ".repeat(100)).mended_by(format!("run {}", "x".repeat(200))).to_string();
        let (text, remedy) = command.split_once("; ").unwrap();
        assert!(text.chars().count() >= 110 && remedy.chars().count() >= 70, "each has its share: {command}");
    }

    #[test]
    fn messages_are_read_by_their_convention() {
        for (message, line) in [
            (
                "no token for https://x: no (check aad.auth.appkey)",
                "no token for https://x: no; check aad.auth.appkey",
            ),
            ("a; b; raise that limit", "a; b; raise that limit"),
            ("nothing to do", "nothing to do"),
            (" two\nlines ", "two lines"),
        ] {
            assert_eq!(Brief::of(message).to_string(), line);
        }
        let long = format!("{}; {}", "a".repeat(300), "b".repeat(300));
        assert!(Brief::of(&long).to_string().ends_with("a…"));
    }

    #[test]
    fn secrets_are_hidden_before_a_line_is_cut() {
        let brief =
            Brief::new(format!("{}s3cret", "x".repeat(195))).map(|text| text.replace("s3cret", "***"));
        assert!(!brief.to_string().contains("s3"), "{brief}");
    }

    proptest! {
        #[test]
        fn no_line_is_longer(
            text in any::<String>(), place in any::<Option<String>>(), subject in "[a-z ]{0,300}",
            remedy in any::<Option<String>>(), lead in any::<Option<String>>(), repeat in 1_usize..50
        ) {
            let mut brief = Brief::new(text.repeat(repeat)).about(subject);
            brief.lead = lead.map(|text| text.repeat(repeat));
            brief.words = brief.lead.clone();
            brief.place = place.map(|text| text.repeat(repeat));
            brief.remedy = remedy.map(|text| text.repeat(repeat));
            for brief in [brief.clone(), Brief::of(&brief.text)] {
                let line = brief.to_string();
                prop_assert!(line.chars().count() <= MOST_CHARACTERS && line.lines().count() <= 1, "{line:?}");
            }
        }
    }
}
