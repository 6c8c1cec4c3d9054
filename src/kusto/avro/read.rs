//! The records of an Avro container file as JSON, as the Fabric connector writes them (`fabric-sink-connector.md` §5.3). How
//! they are read is `convert`'s. Pure.

use super::MAGIC;
use crate::convert::avro_records;
use crate::data::Error;
use crate::data::json::{self, DecimalFormat};
use crate::data::room::check_written;

/// What an object takes beside its bytes.
const OBJECT: usize = 64;

/// One object for each record; none when it is no such file, or one of other things than records.
pub(in crate::kusto) fn file_objects(bytes: &[u8]) -> Result<Option<Vec<Vec<u8>>>, Error> {
    if !bytes.starts_with(MAGIC) {
        return Ok(None);
    }
    let (mut objects, mut written) = (Vec::new(), 0);
    let all_are_records = avro_records(bytes, |record| {
        let mut json = Vec::new();
        json::write(None, &record, DecimalFormat::Base64, &mut json)?;
        written += json.len() + OBJECT;
        objects.push(json);
        check_written(written)
    });
    let bad = |error: Error| Error::new("the Avro file cannot be read").because(error);
    if !all_are_records.map_err(bad)? {
        return Ok(None);
    }
    // A file without records is a row like a tombstone.
    if objects.is_empty() {
        objects.push(b"{}".to_vec());
    }
    Ok(Some(objects))
}

#[cfg(test)]
mod tests {
    use super::file_objects;
    use apache_avro::types::Value as Avro;
    use apache_avro::{Schema, Writer};
    use proptest::prelude::*;

    fn file(records: usize) -> Vec<u8> {
        let schema = r#"{"type":"record","name":"R","fields":[
            {"name":"n","type":"int"}, {"name":"price","type":{"type":"bytes","logicalType":"decimal","precision":4,"scale":2}},
            {"name":"four","type":{"type":"fixed","name":"F","size":2}}, {"name":"u","type":["null","string"]},
            {"name":"d","type":"double"}]}"#;
        let schema = Schema::parse_str(schema).unwrap();
        let mut writer = Writer::new(&schema, Vec::new()).unwrap();
        for number in 0..i32::try_from(records).unwrap() {
            let fields = [
                ("n", Avro::Int(number)),
                ("price", Avro::Decimal(vec![0xff].into())),
                ("four", Avro::Fixed(2, vec![1, 0xff])),
                ("u", Avro::Union(1, Box::new(Avro::String("x".to_owned())))),
                ("d", Avro::Double(f64::NAN)),
            ];
            let record = Avro::Record(fields.map(|(name, value)| (name.to_owned(), value)).into());
            writer.append_value(record).unwrap();
        }
        writer.into_inner().unwrap()
    }

    #[test]
    fn each_record_is_an_object_once() {
        let objects = file_objects(&file(3)).unwrap().unwrap();
        assert_eq!(objects.len(), 3);
        let text = std::str::from_utf8(&objects[2]).unwrap();
        assert_eq!(text, "{\"n\":2,\"price\":\"\u{ff}\",\"four\":[1,-1],\"u\":\"x\",\"d\":\"NaN\"}");
        assert_eq!(file_objects(&file(0)).unwrap().unwrap(), [b"{}"]);
        assert!(file_objects(b"hello").unwrap().is_none());
    }

    /// A file of `count` records that are these bytes, `packed` as they are.
    fn file_of(schema: &str, codec: &str, (count, packed): (i64, &[u8])) -> Vec<u8> {
        let long = |number: i64| {
            let mut rest = (number << 1 ^ number >> 63).cast_unsigned();
            let mut out = Vec::new();
            while rest > 0x7f {
                out.push(u8::try_from(rest & 0x7f).unwrap() | 0x80);
                rest >>= 7;
            }
            out.push(u8::try_from(rest).unwrap());
            out
        };
        let text = |text: &[u8]| [long(i64::try_from(text.len()).unwrap()), text.to_vec()].concat();
        let meta =
            [text(b"avro.schema"), text(schema.as_bytes()), text(b"avro.codec"), text(codec.as_bytes())];
        let head = [b"Obj\x01".to_vec(), long(2), meta.concat(), long(0), vec![7; 16]];
        [head.concat(), long(count), text(packed), vec![7; 16]].concat()
    }

    const LIST: &str = r#"{"type":"record","name":"a.L","fields":[{"name":"next","type":["null","a.L"]}]}"#;

    #[test]
    fn a_record_inside_itself_is_read_as_deep_as_all_others() {
        let of = |depth: usize| file_of(LIST, "null", (1, &[vec![2; depth], vec![0]].concat()));
        assert_eq!(file_objects(&of(2)).unwrap().unwrap(), [br#"{"next":{"next":{"next":null}}}"#]);
        assert!(file_objects(&of(400)).is_ok());
        for depth in [600, 3000, 500_000] {
            let error = file_objects(&of(depth)).unwrap_err();
            assert!(crate::causes::chain(&error).contains("nested deeper"), "{error}");
        }
    }

    #[test]
    fn few_bytes_never_become_a_memory_full() {
        let doubling = (0..40).fold(r#"{"type":"record","name":"r0","fields":[]}"#.to_owned(), |of, at| {
            format!(
                r#"{{"type":"record","name":"r{}","fields":[{{"name":"a","type":{of}}},{{"name":"b","type":"r{at}"}}]}}"#,
                at + 1
            )
        });
        let of = |schema: &str, count: i64, bytes: &[u8]| file_of(schema, "null", (count, bytes));
        let field =
            |of: &str| format!(r#"{{"type":"record","name":"R","fields":[{{"name":"f","type":{of}}}]}}"#);
        let nulls = field(r#"{"type":"array","items":{"type":"array","items":"null"}}"#);
        let many: &[u8] = &[0x80, 0x80, 0x80, 0x80, 0x10];
        let zeros = vec![0; 64 << 20];
        let mut deflated = flate2::read::DeflateEncoder::new(&*zeros, flate2::Compression::best());
        let mut bomb = Vec::new();
        std::io::Read::read_to_end(&mut deflated, &mut bomb).unwrap();
        let claimed = [many, &[1, 2, 3, 4, 5, 6]].concat();
        for (what, file, words) in [
            ("types that double", of(&doubling, 1, b""), "more values than bytes"),
            (
                "records of no bytes",
                of(r#"{"type":"record","name":"R","fields":[]}"#, i64::MAX, b""),
                "more values",
            ),
            ("nulls", of(&nulls, 1, &[many, many].concat()), "more values than bytes"),
            ("a long text", of(&field(r#""string""#), 1, many), "it ends early"),
            ("packed zeros", file_of(&field(r#""null""#), "deflate", (i64::MAX, &bomb)), "would be written"),
            ("a snappy length", file_of(&field(r#""null""#), "snappy", (1, &claimed)), "snappy"),
            ("an unknown codec", file_of(LIST, "zstandard", (1, b"\0")), "codec zstandard"),
        ] {
            let error = file_objects(&file).unwrap_err();
            assert!(crate::causes::chain(&error).contains(words), "{what}: {}", crate::causes::chain(&error));
        }
    }

    #[test]
    fn packed_blocks_are_read() {
        for codec in
            [apache_avro::Codec::Snappy, apache_avro::Codec::Deflate(apache_avro::DeflateSettings::default())]
        {
            let schema =
                Schema::parse_str(r#"{"type":"record","name":"R","fields":[{"name":"s","type":"string"}]}"#);
            let schema = schema.unwrap();
            let mut writer = Writer::with_codec(&schema, Vec::new(), codec).unwrap();
            let long = "x".repeat(10_000);
            writer.append_value(Avro::Record(vec![("s".to_owned(), Avro::String(long.clone()))])).unwrap();
            let objects = file_objects(&writer.into_inner().unwrap()).unwrap().unwrap();
            assert_eq!(objects, [format!(r#"{{"s":"{long}"}}"#).into_bytes()]);
        }
    }

    proptest! {
        #[test]
        fn broken_files_are_errors(at in 4..400_usize, byte in any::<u8>()) {
            let mut bytes = file(5);
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
            let _read_or_refused = file_objects(&bytes);
            let cut = bytes.len().min(at);
            let _read_or_refused = file_objects(&bytes[..cut]);
        }
    }
}
