//! Where a record says which schema it was written with: before its value, or in a header (`connect-runtime.md` §6.4).
//!
//! Confluent: a magic byte 0 and 4 bytes, or a magic byte 1 and a GUID of 16; the same in a header, then with nothing
//! before the value. Apicurio: a magic byte 0 and 8 bytes, or 4; 8 bytes without a magic byte in a header. Its JSON converter
//! knows no header, and writes an object with the id and the value unless a program has told it otherwise. Pure.

use crate::configdef::Values;
use crate::data::Error;
use crate::data::registered::SchemaId;
use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

/// Forms of what stands before or around a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Frame {
    Confluent,
    /// Apicurio's, with so many bytes of an id behind the magic byte.
    Eight,
    Four,
    /// Apicurio's JSON: as eight, or an object.
    Object,
}

/// How one converter's records say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wire {
    frame: Frame,
    /// The header that may have it.
    pub(super) header: &'static str,
    /// The header that, beside it, says how a value is to be read.
    pub(super) detail: Option<&'static str>,
}

/// A record, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Framed<'a> {
    pub(super) id: SchemaId,
    /// What stands behind the id in its header: Protobuf's message indexes. None when the id is not in a header.
    pub(super) in_header: Option<&'a [u8]>,
    /// Beside an id in a header, what another header says of the value.
    pub(super) detail: Option<&'a [u8]>,
    pub(super) payload: &'a [u8],
}

/// The object of Apicurio's JSON converter.
#[derive(Deserialize)]
struct Object<'a> {
    #[serde(rename = "schemaId")]
    id: i64,
    #[serde(borrow)]
    payload: &'a RawValue,
}

impl Wire {
    /// Confluent's.
    pub(super) fn confluent(is_key: bool) -> Self {
        let header = if is_key { "__key_schema_id" } else { "__value_schema_id" };
        Self { frame: Frame::Confluent, header, detail: None }
    }

    /// That of Apicurio's JSON converter, which no setting changes.
    pub(super) fn object(is_key: bool) -> Self {
        let header = if is_key { "apicurio.key.globalId" } else { "apicurio.value.globalId" };
        Self { frame: Frame::Object, header, detail: None }
    }

    /// Apicurio's, as its settings say.
    pub(super) fn apicurio(values: &Values<'_>) -> Self {
        let by_content =
            values.text("apicurio.registry.use-id").is_some_and(|id| id.eq_ignore_ascii_case("contentId"));
        let header = match (is_key(values), by_content) {
            (true, false) => "apicurio.key.globalId",
            (true, true) => "apicurio.key.contentId",
            (false, false) => "apicurio.value.globalId",
            (false, true) => "apicurio.value.contentId",
        };
        let is_short = values.flag("apicurio.registry.as-confluent") == Some(true);
        Self { frame: if is_short { Frame::Four } else { Frame::Eight }, header, detail: None }
    }

    /// The same, with a header that says how a value is to be read.
    pub(super) fn with_detail(self, header: &'static str) -> Self {
        Self { detail: Some(header), ..self }
    }

    /// Takes a value apart; `header` is the value of [`Self::header`].
    pub(super) fn read<'a>(&self, bytes: &'a [u8], header: Option<&'a [u8]>) -> Result<Framed<'a>, Error> {
        let (id, in_header, payload) = match (header, self.frame) {
            (Some(header), Frame::Confluent) => {
                let (id, rest) = self.id(header)?;
                (id, Some(rest), bytes)
            }
            (Some(header), Frame::Eight | Frame::Four) => {
                let (id, rest) = number::<8>(header)?;
                (id, Some(rest), bytes)
            }
            (None, _) | (_, Frame::Object) => {
                let (id, payload) = self.id(bytes)?;
                (id, None, payload)
            }
        };
        Ok(Framed { id, in_header, detail: None, payload })
    }

    fn id<'a>(&self, bytes: &'a [u8]) -> Result<(SchemaId, &'a [u8]), Error> {
        match (bytes.split_first(), self.frame) {
            (Some((0, rest)), Frame::Eight | Frame::Object) => number::<8>(rest),
            (Some((0, rest)), Frame::Confluent | Frame::Four) => number::<4>(rest),
            (Some((1, rest)), Frame::Confluent) => {
                let (guid, rest) = rest.split_first_chunk().ok_or_else(short)?;
                Ok((SchemaId::Guid(Uuid::from_bytes(*guid)), rest))
            }
            (Some(_), Frame::Object) => {
                let Object { id, payload } = serde_json::from_slice(bytes).map_err(|error| {
                    serialization(format!("it is no object of schemaId and payload: {error}"))
                })?;
                Ok((SchemaId::Number(id), payload.get().as_bytes()))
            }
            _ => Err(serialization("Unknown magic byte!")),
        }
    }
}

/// True for the converter of keys.
pub(super) fn is_key(values: &Values<'_>) -> bool {
    values.text("converter.type") == Some("key")
}

/// A big-endian number of 4 or 8 bytes.
fn number<const N: usize>(bytes: &[u8]) -> Result<(SchemaId, &[u8]), Error> {
    let (digits, rest) = bytes.split_first_chunk::<N>().ok_or_else(short)?;
    let unsigned = digits.iter().fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    Ok((SchemaId::Number(unsigned.cast_signed()), rest))
}

fn short() -> Error {
    serialization("it ends inside the id of its schema")
}

/// Kafka's exception of bytes that cannot be read.
pub(super) fn serialization(reason: impl Into<String>) -> Error {
    Error::of_class("org.apache.kafka.common.errors.SerializationException", reason)
}

#[cfg(test)]
mod tests {
    use super::{Framed, Wire};
    use crate::convert::testing;
    use crate::data::registered::SchemaId;
    use uuid::Uuid;

    const GUID: [u8; 16] = [7; 16];

    #[test]
    fn confluents_ids_stand_before_the_value_or_in_a_header() {
        let wire = Wire::confluent(false);
        let framed = |id, in_header, payload| Ok(Framed { id, in_header, detail: None, payload });
        let number = SchemaId::Number(258);
        assert_eq!(wire.read(&[0, 0, 0, 1, 2, 9], None), framed(number, None, &[9][..]));
        let guid = SchemaId::Guid(Uuid::from_bytes(GUID));
        let with_guid = [&[1][..], &GUID, &[9]].concat();
        assert_eq!(wire.read(&with_guid, None), framed(guid, None, &[9][..]));
        assert_eq!(wire.read(&[5], Some(&with_guid)), framed(guid, Some(&[9][..]), &[5][..]));
        assert_eq!(wire.read(&[5], Some(&[0, 0, 0, 1, 2])), framed(number, Some(&[][..]), &[5][..]));
        assert_eq!(wire.header, "__value_schema_id");
    }

    #[test]
    fn apicurios_ids_are_of_eight_bytes_or_of_four() {
        let of = |settings: &[(&str, &str)]| {
            Wire::apicurio(&testing::settings(&super::super::avro::APICURIO, "key", settings).values())
        };
        let number = |wire: Wire, bytes: &[u8], header: Option<&[u8]>| {
            wire.read(bytes, header).map(|framed| (framed.id, framed.payload.to_vec()))
        };
        let id = SchemaId::Number(258);
        assert_eq!(number(of(&[]), &[0, 0, 0, 0, 0, 0, 0, 1, 2, 9], None), Ok((id, vec![9])));
        let four = of(&[("apicurio.registry.as-confluent", "true")]);
        assert_eq!(number(four, &[0, 0, 0, 1, 2, 9], None), Ok((id, vec![9])));
        assert_eq!(number(of(&[]), &[9], Some(&[0, 0, 0, 0, 0, 0, 1, 2])), Ok((id, vec![9])));
        assert_eq!(of(&[("apicurio.registry.use-id", "contentId")]).header, "apicurio.key.contentId");
        assert!(of(&[]).read(&[1; 20], None).is_err(), "Apicurio has no GUIDs");
    }

    #[test]
    fn apicurios_json_is_an_object_or_has_an_id_before_it_whatever_headers_say() {
        let wire = Wire::object(false);
        let read = |bytes: &'static [u8]| {
            let framed = wire.read(bytes, Some(&[0; 8])).ok()?;
            Some((framed.id, framed.in_header, framed.payload))
        };
        let wanted = Some((SchemaId::Number(258), None, &b"{\"a\": 1}"[..]));
        assert_eq!(read(b"\0\0\0\0\0\0\0\x01\x02{\"a\": 1}"), wanted);
        assert_eq!(read(b" { \"payload\":{\"a\": 1}, \"schemaId\" :258}"), wanted);
        for bad in [&b"{}"[..], b"{\"schemaId\":1}", b"{\"schemaId\":\"x\",\"payload\":1}", b"[1]", b"", b"1"]
        {
            assert_eq!(read(bad), None);
        }
    }

    #[test]
    fn what_is_no_frame_is_an_error() {
        for bytes in [&[][..], &[0], &[0, 0, 0, 1], &[1, 2], &[2, 0, 0, 0, 1, 1], b"{\"a\":1}"] {
            assert!(Wire::confluent(true).read(bytes, None).is_err(), "{bytes:?}");
            assert!(Wire::confluent(true).read(b"x", Some(bytes)).is_err(), "{bytes:?}");
        }
    }
}
