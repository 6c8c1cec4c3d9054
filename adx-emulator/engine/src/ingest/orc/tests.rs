//! ORC against files of Apache's own writer (`tests/fixtures/orc.py` made them), and damaged files.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const ZLIB: &[u8] = include_bytes!("../../../tests/fixtures/zlib.orc");
/// Numbers in the older code.
const SNAPPY: &[u8] = include_bytes!("../../../tests/fixtures/snappy.orc");

fn collect(data: &[u8]) -> Result<Vec<Value>, &'static str> {
    let mut records = Vec::new();
    let result = read(data, &mut |record| {
        records.push(record.clone());
        Ok(())
    });
    result.map(|()| records).map_err(|failure| failure.code)
}

/// What the script wrote into row `number`.
fn row(number: i64) -> Value {
    const NAMES: [&str; 17] = [
        "flag", "tiny", "small", "int", "big", "float", "double", "text", "word", "raw", "at", "early",
        "day", "price", "list", "map", "inner",
    ];
    let mut row = json!({"id": number});
    if number % 7 == 0 {
        for name in NAMES {
            row[name] = Value::Null;
        }
        return row;
    }
    let sign = if number % 2 == 0 { 1 } else { -1 };
    let letter = char::from(u8::try_from(97 + number % 26).unwrap());
    let quarters = f64::from(i32::try_from(number).unwrap());
    let values = [
        json!(number % 3 == 0),
        json!(number % 256 - 128),
        json!(number * 40 - 14_000),
        json!(number * number * sign),
        json!(if number % 100 == 1 { 9_000_000_000_000 } else { number % 10 }),
        json!(quarters / 4.0),
        json!(-quarters / 8.0),
        json!(format!("text {number} é")),
        json!(["red", "green", "blue"][usize::try_from(number % 3).unwrap()]),
        json!(letter.to_string().repeat(usize::try_from(number % 5).unwrap())),
        tree::moment(i128::from(1_167_609_600_000_000 + number * 1_000_001) * 10),
        tree::moment(i128::from(number * 1000 - 1_000_000) * 10),
        tree::day(i32::try_from(number - 31).unwrap()),
        json!(format!("{}{}.{:02}", if sign < 0 { "-" } else { "" }, number / 100, number % 100)),
        json!((0..number % 4).collect::<Vec<_>>()),
        json!({"a": number, "b": null}),
        json!({"x": number, "y": [number.to_string()]}),
    ];
    for (name, value) in NAMES.into_iter().zip(values) {
        row[name] = value;
    }
    row
}

#[test]
fn every_type_of_apaches_writer_is_read_in_both_codes() {
    for file in [ZLIB, SNAPPY] {
        let rows = collect(file).unwrap();
        assert_eq!(rows.len(), 700);
        for (number, found) in (0..).zip(&rows) {
            assert_eq!(found, &row(number));
        }
    }
}

#[test]
fn what_is_no_orc_is_refused() {
    for data in [&b""[..], b"ORC", b"no orc at all", &ZLIB[..ZLIB.len() - 3], &ZLIB[100..]] {
        assert_eq!(collect(data), Err("BadRequest_InvalidBlob"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_are_read_or_refused(data in proptest::collection::vec(any::<u8>(), 0..300)) {
        drop(collect(&data));
    }

    #[test]
    fn a_damaged_file_is_read_or_refused(at in any::<proptest::sample::Index>(), byte in any::<u8>()) {
        for file in [ZLIB, SNAPPY] {
            let mut file = file.to_vec();
            let at = at.index(file.len());
            file[at] = byte;
            drop(collect(&file));
        }
    }
}
