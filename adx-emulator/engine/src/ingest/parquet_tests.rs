//! Parquet: every type, compressions, damaged files.

use std::sync::Arc;

use ::parquet::basic::{Compression, GzipLevel, ZstdLevel};
use ::parquet::data_type::{
    BoolType, ByteArrayType, DataType, DoubleType, FixedLenByteArray, FixedLenByteArrayType, Int32Type,
    Int64Type,
};
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use ::parquet::schema::parser::parse_message_type;
use proptest::prelude::*;
use serde_json::json;

use super::*;

const ALL_TYPES: &str = "message all {
    required boolean flag;
    required int64 number;
    required int32 small (INTEGER(8,true));
    required double real;
    optional binary text (STRING);
    optional binary nothing (STRING);
    required binary raw;
    required fixed_len_byte_array(16) id (UUID);
    required int64 price (DECIMAL(10,2));
    required int32 day (DATE);
    required int64 time (TIME(MICROS,true));
    required int64 millis (TIMESTAMP(MILLIS,true));
    required int64 micros (TIMESTAMP(MICROS,true));
    required int64 nanos (TIMESTAMP(NANOS,true));
    required group list (LIST) { repeated group list { required int32 element; } }
    required group map (MAP) { repeated group key_value { required binary key (STRING); required int64 value; } }
    required group inner { required int64 a; }
}";

type Levels<'a> = Option<&'a [i16]>;

/// One column of the next row group.
fn column<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, Vec<u8>>,
    values: &[T::T],
    definition: Levels<'_>,
    repetition: Levels<'_>,
) {
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<T>().write_batch(values, definition, repetition).unwrap();
    column.close().unwrap();
}

/// One row with each type.
fn all_types(compression: Compression) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(ALL_TYPES).unwrap());
    let properties = Arc::new(WriterProperties::builder().set_compression(compression).build());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, properties).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let group_writer = &mut group;
    let (id, binary) = ((1..=16).collect::<Vec<u8>>(), |text: &str| text.as_bytes().to_vec().into());
    column::<BoolType>(group_writer, &[true], None, None);
    column::<Int64Type>(group_writer, &[i64::MIN], None, None);
    column::<Int32Type>(group_writer, &[-5], None, None);
    column::<DoubleType>(group_writer, &[f64::NAN], None, None);
    column::<ByteArrayType>(group_writer, &[binary("é")], Some(&[1]), None);
    column::<ByteArrayType>(group_writer, &[], Some(&[0]), None);
    column::<ByteArrayType>(group_writer, &[binary("raw")], None, None);
    column::<FixedLenByteArrayType>(group_writer, &[FixedLenByteArray::from(id)], None, None);
    column::<Int64Type>(group_writer, &[-1234], None, None);
    column::<Int32Type>(group_writer, &[1], None, None);
    column::<Int64Type>(group_writer, &[3_661_000_001], None, None);
    column::<Int64Type>(group_writer, &[1_167_609_600_123], None, None);
    column::<Int64Type>(group_writer, &[1_167_609_600_123_456], None, None);
    column::<Int64Type>(group_writer, &[1_167_609_600_123_456_789], None, None);
    column::<Int32Type>(group_writer, &[1, 2], Some(&[1, 1]), Some(&[0, 1]));
    column::<ByteArrayType>(group_writer, &[binary("k")], Some(&[1]), Some(&[0]));
    column::<Int64Type>(group_writer, &[9], Some(&[1]), Some(&[0]));
    column::<Int64Type>(group_writer, &[7], None, None);
    group.close().unwrap();
    writer.into_inner().unwrap()
}

fn collect(data: &[u8]) -> Result<Vec<Value>, &'static str> {
    let mut records = Vec::new();
    let result = read(data, &mut |record| {
        records.push(record.clone());
        Ok(())
    });
    result.map(|()| records).map_err(|failure| failure.code)
}

#[test]
fn every_type_becomes_what_kusto_keeps() {
    let expected = json!({
        "flag": true, "number": i64::MIN, "small": -5, "real": "NaN", "text": "é", "nothing": null, "raw": "raw",
        "id": "01020304-0506-0708-090a-0b0c0d0e0f10", "price": "-12.34",
        "day": "1970-01-02T00:00:00.0000000Z", "time": "01:01:01.0000010",
        "millis": "2007-01-01T00:00:00.1230000Z", "micros": "2007-01-01T00:00:00.1234560Z",
        "nanos": "2007-01-01T00:00:00.1234567Z", "list": [1, 2], "map": {"k": 9}, "inner": {"a": 7},
    });
    assert_eq!(collect(&all_types(Compression::UNCOMPRESSED)).unwrap(), [expected]);
}

#[test]
fn the_compressions_give_the_same_rows() {
    let plain = collect(&all_types(Compression::UNCOMPRESSED)).unwrap();
    for compression in [
        Compression::SNAPPY,
        Compression::GZIP(GzipLevel::default()),
        Compression::LZ4_RAW,
        Compression::ZSTD(ZstdLevel::default()),
    ] {
        assert_eq!(collect(&all_types(compression)).unwrap(), plain, "{compression:?}");
    }
}

#[test]
fn what_is_no_parquet_is_refused() {
    let file = all_types(Compression::UNCOMPRESSED);
    for data in [&b"PAR1"[..], b"no parquet at all", &file[..file.len() - 5]] {
        assert_eq!(collect(data), Err("BadRequest_InvalidBlob"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_are_read_or_refused(data in proptest::collection::vec(any::<u8>(), 0..300)) {
        drop(collect(&data));
        let length = u32::try_from(data.len()).unwrap().to_le_bytes();
        let file = [b"PAR1", &data[..], &length, b"PAR1"].concat();
        drop(collect(&file));
    }

    #[test]
    fn a_damaged_file_is_read_or_refused(at in any::<proptest::sample::Index>(), byte in any::<u8>()) {
        let mut file = all_types(Compression::UNCOMPRESSED);
        let at = at.index(file.len());
        file[at] = byte;
        drop(collect(&file));
    }
}
