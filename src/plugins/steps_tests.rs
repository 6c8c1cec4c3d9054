//! The tables against the rules of tables.

use super::own_keys;
use crate::configdef::{Classes, PluginKind, Written, check_key};
use crate::plugins::BUILT_IN;
use std::collections::BTreeMap;

#[test]
fn every_key_is_documented_and_has_a_right_default() {
    for kind in [PluginKind::Transformation, PluginKind::Predicate] {
        for class in BUILT_IN.names(kind) {
            for key in own_keys(&BUILT_IN, class).unwrap() {
                assert!(key.documentation.ends_with('.'), "{class} {}", key.name);
                if let Some(text) = key.default_text() {
                    let text = text.to_owned();
                    let checked = check_key(key, Written::Text(&text), &BUILT_IN);
                    assert_eq!(checked.errors, Vec::<String>::new(), "{class}");
                }
            }
        }
    }
    assert!(own_keys(&BUILT_IN, "org.apache.kafka.connect.transforms.Nope").is_none());
}

#[test]
fn keys_of_other_aliases_are_not_mixed_up() {
    let of = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    };
    let package = "org.apache.kafka.connect.transforms";
    let plan = BUILT_IN
        .transformations(&of(&[
            ("transforms", "a,a.b"),
            ("transforms.a.type", &format!("{package}.HoistField$Key")),
            ("transforms.a.field", "x"),
            ("transforms.a.b.type", &format!("{package}.HoistField$Value")),
            ("transforms.a.b.field", "y"),
            ("transforms.other.type", "nobody reads this"),
        ]))
        .unwrap();
    let found: Vec<_> = plan.transformations.iter().map(|one| one.settings.values().text("field")).collect();
    assert_eq!(found, [Some("x"), Some("y")]);
    assert_eq!(plan.transformations[1].class, format!("{package}.HoistField$Value"));
    assert_eq!(plan.transformations[0].settings.values().full_key("field"), "transforms.a.field");
}
