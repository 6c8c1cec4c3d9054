//! How much a connector's config may hold: far more than one needs, and little enough that to check it costs nobody else
//! anything. Each transformation adds a dozen keys with their descriptions to a validation's answer.

use crate::configdef::{ConfigError, ConnectorProperties};

/// Keys.
const MOST_KEYS: usize = 5_000;
/// Transformations, and predicates.
const MOST_CLASSES: usize = 200;

/// What there is too much of; then nothing else is looked at.
pub(super) fn check(raw: &ConnectorProperties) -> Option<ConfigError> {
    let too_many = |key: &str, count: usize, what: &str, most: usize| {
        let message = format!("{key}: {count} {what} are too many; a connector may have {most}");
        (count > most).then(|| ConfigError { key: key.to_owned(), message })
    };
    let classes = |key: &str, what: &str| {
        let list = raw.get(key).and_then(Option::as_deref).unwrap_or_default();
        too_many(key, list.split(',').count(), what, MOST_CLASSES)
    };
    too_many("name", raw.len(), "keys", MOST_KEYS)
        .or_else(|| classes("transforms", "transformations"))
        .or_else(|| classes("predicates", "predicates"))
}

#[cfg(test)]
mod tests {
    use crate::configdef::ConnectorProperties;
    use crate::plugins::sizes::{MOST_CLASSES, MOST_KEYS, check};

    #[test]
    fn what_is_too_much_is_named() {
        let list = |count: usize| Some(vec!["a"; count].join(","));
        let keys =
            |count: usize| -> ConnectorProperties { (0..count).map(|n| (n.to_string(), None)).collect() };
        let of = |key: &str, value| ConnectorProperties::from([(key.to_owned(), value)]);
        for right in [keys(MOST_KEYS), of("transforms", list(MOST_CLASSES)), of("transforms", None), keys(0)]
        {
            assert_eq!(check(&right), None);
        }
        for (wrong, words) in [
            (keys(MOST_KEYS + 1), "name: 5001 keys are too many; a connector may have 5000"),
            (of("transforms", list(MOST_CLASSES + 1)), "transforms: 201 transformations"),
            (of("predicates", list(10_000)), "predicates: 10000 predicates"),
        ] {
            let error = check(&wrong).unwrap();
            assert!(error.message.starts_with(words), "{}", error.message);
        }
    }
}
