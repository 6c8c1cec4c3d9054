//! The tables against the rules of tables.

use super::{own_keys, read};
use crate::config::plugins::{ClassKind, recommended};
use std::collections::BTreeMap;

#[test]
fn every_key_is_documented_and_has_a_right_default() {
    for kind in [ClassKind::Transformation, ClassKind::Predicate] {
        for class in recommended(kind) {
            for key in own_keys(&class).unwrap() {
                assert!(key.documentation.ends_with('.'), "{class} {}", key.name);
                if let Some(text) = key.default_text() {
                    let text = text.to_owned();
                    let checked =
                        super::super::check::check_key(key, super::super::check::Written::Text(&text));
                    assert_eq!(checked.errors, Vec::<String>::new(), "{class}");
                }
            }
        }
    }
    assert!(own_keys("org.apache.kafka.connect.transforms.Nope").is_none());
}

#[test]
fn keys_of_other_aliases_are_not_mixed_up() {
    let of = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    };
    let package = "org.apache.kafka.connect.transforms";
    let plan = read(&of(&[
        ("transforms", "a,a.b"),
        ("transforms.a.type", &format!("{package}.HoistField$Key")),
        ("transforms.a.field", "x"),
        ("transforms.a.b.type", &format!("{package}.HoistField$Value")),
        ("transforms.a.b.field", "y"),
        ("transforms.other.type", "nobody reads this"),
    ]))
    .unwrap();
    let found: Vec<_> =
        plan.transformations.iter().map(|class| (&*class.alias, class.text("field"))).collect();
    assert_eq!(found, [("a", Some("x")), ("a.b", Some("y"))]);
    assert_eq!(plan.transformations[1].class, format!("{package}.HoistField$Value"));
    assert_eq!(plan.transformations[0].full_key("field"), "transforms.a.field");
}
