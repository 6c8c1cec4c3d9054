//! The settings of one converter, while those of its registry are read.

use crate::configdef::{Problems, Properties, Values};
use url::Url;

/// Reads settings, and collects what is wrong with them.
pub(super) struct Reader<'a> {
    values: Values<'a>,
    /// What stands below the converter's prefix, without it.
    pub(super) written: Properties,
    problems: &'a mut Problems,
}

impl<'a> Reader<'a> {
    pub(super) fn new(values: &Values<'a>, problems: &'a mut Problems) -> Self {
        Self { values: *values, written: values.below(""), problems }
    }

    /// A setting that is not blank, as it is written; the registry's own clients take most keys with `schema.registry.`
    /// before them too.
    pub(super) fn text(&self, key: &str) -> Option<String> {
        let long = format!("schema.registry.{key}");
        let found = self.written.get(key).or_else(|| self.written.get(&long));
        found.map(|text| text.trim()).filter(|text| !text.is_empty()).map(str::to_owned)
    }

    /// A number, or its default.
    pub(super) fn number(&self, key: &str) -> u64 {
        let long =
            self.written.get(&format!("schema.registry.{key}")).filter(|_| !self.values.is_written(key));
        let long = long.and_then(|text| text.trim().parse().ok());
        long.or_else(|| self.values.unsigned(key)).unwrap_or(0)
    }

    /// A key as it stands in the settings.
    pub(super) fn full_key(&self, key: &str) -> String {
        self.values.full_key(key)
    }

    /// The value is not repeated: it may hold a password.
    pub(super) fn wrong(&mut self, key: &str, reason: &str) {
        let key = self.full_key(key);
        self.problems.add(key.clone(), format!("Invalid value for configuration {key}: {reason}"));
    }

    /// The addresses, and the user and password of the first that has them.
    pub(super) fn urls(&mut self, key: &str) -> (Vec<Url>, Option<(String, String)>) {
        let (mut urls, mut user) = (Vec::new(), None);
        let texts = self.written.get(key).cloned().unwrap_or_default();
        for text in texts.split(',').map(str::trim).filter(|text| !text.is_empty()) {
            let parsed = Url::parse(text).ok();
            match parsed.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host()) {
                Some(mut url) => {
                    if let (name, Some(password)) = (decoded(url.username()), url.password()) {
                        user.get_or_insert((name, decoded(password)));
                    }
                    // Neither can fail on a URL with a host.
                    let cleaned = url.set_username("").and_then(|()| url.set_password(None));
                    url.set_query(None);
                    url.set_fragment(None);
                    if cleaned.is_ok() {
                        urls.push(url);
                    }
                }
                None => self.wrong(key, "must be a list of http:// or https:// addresses"),
            }
        }
        // That the key is missing is said by the table of keys.
        let is_blank = self.written.contains_key(key) && texts.chars().all(|c| c == ',' || c.is_whitespace());
        if is_blank {
            self.wrong(key, "must name the registry's address");
        }
        (urls, user)
    }
}

fn decoded(text: &str) -> String {
    // A URL's user part is escaped like a form's value, but for the plus sign.
    let query = format!("a={}", text.replace('+', "%2B"));
    url::form_urlencoded::parse(query.as_bytes()).map(|(_, value)| value.into_owned()).collect()
}
