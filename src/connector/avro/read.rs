//! The records of an Avro container file as JSON, as the Fabric connector writes them (`fabric-sink-connector.md` §5.3):
//! no logical types, bytes and decimals as the text of their bytes in Latin-1, fixed as numbers, unions as what is in them.

use super::MAGIC;
use crate::data::json::{self, DecimalFormat};
use crate::data::{Error, Value};
use apache_avro::types::Value as Avro;
use apache_avro::{Reader, Schema};

/// One object for each record; none when it is no such file, or one of other things than records.
pub(in crate::connector) fn file_objects(bytes: &[u8]) -> Result<Option<Vec<Vec<u8>>>, Error> {
    if !bytes.starts_with(MAGIC) {
        return Ok(None);
    }
    let bad = |error: apache_avro::Error| Error::new(format!("the Avro file cannot be read: {error}"));
    let reader = Reader::new(bytes).map_err(bad)?;
    if contains_itself(reader.writer_schema(), &mut Vec::new()) {
        // A few bytes for each level would be enough to overflow the stack of whoever reads them.
        return Err(Error::new("the Avro file cannot be read: its schema contains itself".to_owned()));
    }
    let mut objects = Vec::new();
    for datum in reader {
        let Avro::Record(fields) = datum.map_err(bad)? else { return Ok(None) };
        let mut json = Vec::new();
        json::write(None, &object(fields), DecimalFormat::Base64, &mut json)?;
        objects.push(json);
    }
    // A file without records is a row like a tombstone.
    if objects.is_empty() {
        objects.push(b"{}".to_vec());
    }
    Ok(Some(objects))
}

/// True when a record of `schema` can hold one of its own kind; `open` are the names around it. The depth is that of the
/// schema's text, which is bounded.
fn contains_itself<'s>(schema: &'s Schema, open: &mut Vec<&'s str>) -> bool {
    match schema {
        // Without the namespace: that of a reference may be left out.
        Schema::Ref { name } => open.contains(&name.name()),
        Schema::Record(record) => {
            open.push(record.name.name());
            let found = record.fields.iter().any(|field| contains_itself(&field.schema, open));
            open.pop();
            found
        }
        Schema::Array(array) => contains_itself(&array.items, open),
        Schema::Map(map) => contains_itself(&map.types, open),
        Schema::Union(union) => union.variants().iter().any(|variant| contains_itself(variant, open)),
        _ => false,
    }
}

fn object(fields: Vec<(String, Avro)>) -> Value {
    Value::Map(fields.into_iter().map(|(name, field)| (name.as_str().into(), value(field))).collect())
}

fn value(avro: Avro) -> Value {
    match avro {
        Avro::Null => Value::Null,
        Avro::Boolean(flag) => Value::Boolean(flag),
        Avro::Int(number) | Avro::Date(number) | Avro::TimeMillis(number) => Value::Int32(number),
        Avro::Long(number)
        | Avro::TimeMicros(number)
        | Avro::TimestampMillis(number)
        | Avro::TimestampMicros(number)
        | Avro::TimestampNanos(number)
        | Avro::LocalTimestampMillis(number)
        | Avro::LocalTimestampMicros(number)
        | Avro::LocalTimestampNanos(number) => Value::Int64(number),
        Avro::Float(number) => Value::Float32(number),
        Avro::Double(number) => Value::Float64(number),
        Avro::Bytes(bytes) => latin1(&bytes),
        Avro::Decimal(decimal) => latin1(&Vec::<u8>::try_from(&decimal).unwrap_or_default()),
        Avro::BigDecimal(decimal) => Value::Decimal(decimal),
        Avro::String(text) | Avro::Enum(_, text) => text.as_str().into(),
        Avro::Uuid(id) => id.to_string().as_str().into(),
        Avro::Fixed(_, bytes) => signed(&bytes),
        Avro::Duration(duration) => signed(&<[u8; 12]>::from(duration)),
        Avro::Union(_, inner) => value(*inner),
        Avro::Array(elements) => Value::Array(elements.into_iter().map(value).collect()),
        Avro::Map(entries) => object(entries.into_iter().collect()),
        Avro::Record(fields) => object(fields),
    }
}

fn latin1(bytes: &[u8]) -> Value {
    Value::String(bytes.iter().map(|byte| char::from(*byte)).collect::<String>().into())
}

fn signed(bytes: &[u8]) -> Value {
    Value::Array(bytes.iter().map(|byte| Value::Int32(i32::from(byte.cast_signed()))).collect())
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

    #[test]
    fn a_file_of_records_in_records_without_an_end_is_refused() {
        let list = r#"{"type":"record","name":"a.L","fields":[{"name":"next","type":["null","a.L"]}]}"#;
        let schema = Schema::parse_str(list).unwrap();
        let mut writer = Writer::new(&schema, Vec::new()).unwrap();
        let end = Avro::Record(vec![("next".to_owned(), Avro::Union(0, Box::new(Avro::Null)))]);
        writer.append_value(end).unwrap();
        let error = file_objects(&writer.into_inner().unwrap()).unwrap_err();
        assert!(error.to_string().contains("contains itself"), "{error}");
        // The same type twice is none in itself.
        let pair = r#"{"type":"record","name":"P","fields":[
            {"name":"a","type":{"type":"record","name":"I","fields":[{"name":"n","type":"int"}]}}, {"name":"b","type":"I"}]}"#;
        let schema = Schema::parse_str(pair).unwrap();
        let inner = || Avro::Record(vec![("n".to_owned(), Avro::Int(1))]);
        let mut writer = Writer::new(&schema, Vec::new()).unwrap();
        writer
            .append_value(Avro::Record(vec![("a".to_owned(), inner()), ("b".to_owned(), inner())]))
            .unwrap();
        let objects = file_objects(&writer.into_inner().unwrap()).unwrap().unwrap();
        assert_eq!(objects, [br#"{"a":{"n":1},"b":{"n":1}}"#]);
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
