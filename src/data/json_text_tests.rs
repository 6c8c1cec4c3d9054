//! JSON as trees: the same texts are JSON as for `serde_json`, with the same values, and nothing is too deep for a stack.

use super::{Json, MOST_DEPTH, MOST_DIGITS, check_depth, parse, parse_value};
use proptest::prelude::*;

fn nested(depth: usize) -> String {
    ["[", "{\"a\":"].iter().cycle().take(depth).copied().collect::<String>()
        + "7"
        + &["]", "}"]
            .iter()
            .cycle()
            .take(depth)
            .copied()
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .collect::<String>()
}

#[test]
fn numbers_and_names_stay_as_they_were_written() {
    let text = r#" {"b": 1.10, "a":[-0, 1e400,12345678901234567890123, "\u00e9\ud83d\ude00\n"], "b":null } "#;
    let string = |text: &str| Json::String(text.to_owned().into());
    let list = vec![
        Json::Number("-0"),
        Json::Number("1e400"),
        Json::Number("12345678901234567890123"),
        string("\u{e9}\u{1f600}\n"),
    ];
    let members =
        vec![("b".into(), Json::Number("1.10")), ("a".into(), Json::Array(list)), ("b".into(), Json::Null)];
    assert_eq!(parse(text.as_bytes(), 0), Ok(Json::Object(members)));
}

#[test]
fn a_thousand_levels_are_read_and_no_more() {
    for (depth, outer, is_read) in [
        (MOST_DEPTH, 0, true),
        (MOST_DEPTH + 1, 0, false),
        (MOST_DEPTH - 1, 1, true),
        (MOST_DEPTH, 1, false),
        (3000, 0, false),
        (60_000, 0, false),
    ] {
        let text = nested(depth);
        let read = parse(text.as_bytes(), outer);
        assert_eq!(read.is_ok(), is_read, "{depth} levels in {outer}");
        assert!(read.is_ok_and(|json| json.clone() == json) || !is_read);
        assert_eq!(check_depth(text.as_bytes(), outer).is_ok(), is_read, "{depth} levels in {outer}");
        // Without an end it is no JSON, but that is not what is said.
        let open = parse("[".repeat(depth).as_bytes(), outer).unwrap_err();
        assert_eq!(open.is_too_deep(), !is_read);
    }
    assert!(parse_value(nested(MOST_DEPTH).as_bytes()).is_ok());
    assert_eq!(
        parse(nested(MOST_DEPTH + 1).as_bytes(), 0).unwrap_err().to_string(),
        "arrays and objects in each other, more than 1000 levels deep, at line 1 column 3001"
    );
}

#[test]
fn brackets_in_texts_and_side_by_side_are_not_deep() {
    for text in [
        format!("[{}]", "[],".repeat(3000) + "{}"),
        format!("[\"{}\", 1]", "[{".repeat(3000)),
        format!("[\"\\\"{}\\\\\", 1]", "[".repeat(3000)),
    ] {
        assert!(parse(text.as_bytes(), 0).is_ok());
        assert_eq!(check_depth(text.as_bytes(), 0), Ok(()));
    }
}

#[test]
fn numbers_have_an_end() {
    let digits = |count| parse_value("7".repeat(count).as_bytes());
    assert!(digits(MOST_DIGITS).is_ok());
    assert!(digits(MOST_DIGITS + 1).unwrap_err().to_string().starts_with("a number of more than 1000"));
}

#[test]
fn what_is_no_json_is_said_with_its_place() {
    for (text, error) in [
        ("", "expected a value at line 1 column 1"),
        ("[1,\n2 3]", "expected a comma or the end of an array at line 2 column 3"),
        ("{\"a\":1}x", "expected the end of the document at line 1 column 8"),
        ("{'a':1}", "expected a member's name at line 1 column 2"),
        ("\"\\ud800\"", "expected the other half of a surrogate pair at line 1 column 8"),
    ] {
        assert_eq!(parse(text.as_bytes(), 0).unwrap_err().to_string(), error, "{text}");
    }
    assert_eq!(parse(b"[\"\xff\"]", 0).unwrap_err().to_string(), "no UTF-8 at line 1 column 3");
}

/// Texts that are JSON or nearly.
fn texts() -> impl Strategy<Value = String> {
    let signs = prop_oneof![
        4 => Just("[".to_owned()), 4 => Just("]".to_owned()), 2 => Just("{".to_owned()), 2 => Just("}".to_owned()),
        4 => Just(",".to_owned()), 2 => Just("\"a\":".to_owned()), 1 => Just("\"\\u00e9\\\\\"".to_owned()),
        1 => Just("true".to_owned()), 1 => Just("null".to_owned()), 1 => Just(" ".to_owned()),
        2 => "-?[0-9]{1,3}(\\.[0-9]{0,2})?([eE][+-]?[0-9]{0,2})?", 1 => "\"[ -~]{0,3}\"", 1 => "[ -~]",
    ];
    proptest::collection::vec(signs, 0..12).prop_map(|signs| signs.concat())
}

fn values() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
            proptest::collection::btree_map(any::<String>(), inner, 0..5)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn the_same_texts_are_json(text in texts()) {
        let ours = parse_value(text.as_bytes()).ok();
        prop_assert_eq!(ours.is_some(), serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok());
    }

    #[test]
    fn what_was_written_is_read(value in values(), is_pretty in any::<bool>()) {
        let text = if is_pretty { format!("{value:#}") } else { value.to_string() };
        prop_assert_eq!(parse_value(text.as_bytes()), Ok(value));
    }

    #[test]
    fn the_cheap_check_of_depth_says_the_same(text in "[\\[\\]{}\"\\\\]{0,3}", depth in 990..1010_usize) {
        let text = format!("{}\"{}\"{}", "[".repeat(depth), text.replace(['"', '\\'], ""), "]".repeat(depth));
        prop_assert_eq!(parse(text.as_bytes(), 0).is_ok(), check_depth(text.as_bytes(), 0).is_ok());
    }
}
