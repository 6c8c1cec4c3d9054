//! What Prometheus reads of a worker (text format 0.0.4), as values that tests can ask.

use std::collections::{BTreeMap, BTreeSet};

/// One series.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its value.
    pub value: f64,
    /// Its labels as they are written.
    text: String,
}

/// A scrape.
#[derive(Debug, Clone, Default)]
pub struct Scrape {
    /// All series.
    pub series: Vec<Series>,
    /// What Prometheus is told about each name.
    pub kinds: BTreeMap<String, String>,
}

impl Scrape {
    /// Asks for the page at `url`.
    pub async fn of(url: &str) -> Self {
        let answer = reqwest::get(url).await.expect("an answer");
        assert_eq!(answer.status(), 200, "{url}");
        assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
        Self::read(&answer.text().await.expect("a text"))
    }

    fn read(page: &str) -> Self {
        let (mut scrape, mut seen) = (Self::default(), BTreeSet::new());
        for line in page.lines() {
            if let Some(head) = line.strip_prefix("# TYPE ") {
                let (name, kind) = head.split_once(' ').expect("a type");
                scrape.kinds.insert(name.to_owned(), kind.to_owned());
            } else if !line.starts_with('#') {
                let (series, value) = line.rsplit_once(' ').expect("a value");
                assert!(seen.insert(series), "{series} is there twice");
                let (name, text) = series.split_once('{').unwrap_or((series, ""));
                scrape.series.push(Series {
                    name: name.to_owned(),
                    labels: labels(text.strip_suffix('}').unwrap_or(text)),
                    value: value.parse().expect("a number"),
                    text: text.to_owned(),
                });
            }
        }
        scrape
    }

    /// The series of a name.
    pub fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Series> {
        self.series.iter().filter(move |series| series.name == name)
    }

    /// The values of the series of a name whose labels have these words.
    pub fn all(&self, name: &str, words: &str) -> Vec<f64> {
        self.named(name).filter(|series| series.text.contains(words)).map(|series| series.value).collect()
    }

    /// Their sum.
    pub fn sum(&self, name: &str, words: &str) -> f64 {
        self.all(name, words).iter().sum()
    }

    /// How many series have these words in their labels.
    pub fn count(&self, words: &str) -> usize {
        self.series.iter().filter(|series| series.text.contains(words)).count()
    }
}

/// Reads `a="b",c="d"`, where values may have escapes.
fn labels(text: &str) -> BTreeMap<String, String> {
    let (mut all, mut rest) = (BTreeMap::new(), text.trim_end_matches(','));
    while let Some((name, tail)) = rest.split_once("=\"") {
        let (mut value, mut chars) = (String::new(), tail.char_indices());
        let end = loop {
            match chars.next().expect("a closed value") {
                (at, '"') => break at,
                (_, '\\') => match chars.next().expect("an escape").1 {
                    'n' => value.push('\n'),
                    c => value.push(c),
                },
                (_, c) => value.push(c),
            }
        };
        all.insert(name.to_owned(), value);
        rest = tail[end + 1..].trim_start_matches(',');
    }
    all
}
