//! What the parser of a case costs when it does nothing else: the JSON library on documents and envelopes, the Avro library on
//! datums. Single-threaded, in this process, over a sample that it has just produced.

use std::{hint::black_box, io};

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;

use super::{
    case::{Case, Load, Packing},
    error::Error,
    procfs,
};
use crate::encode::Format;

/// Measured for at least so long: the clock ticks in hundredths of a second.
const ENOUGH: f64 = 2.0;

/// CPU seconds for each byte that a sink would write; none for cases that have no parser.
pub fn measure(case: Case, load: &Load) -> Result<Option<f64>, Error> {
    let bad = |error: String| Error::Part(format!("the sample of {}: {error}", case.name));
    let schema = Schema::parse_str(&Packing::avro_schema()).map_err(|error| bad(error.to_string()))?;
    let avro = GenericDatumReader::builder(&schema).build().map_err(|error| bad(error.to_string()))?;
    let parse = |value: &[u8]| -> Result<(), String> {
        match (case.format, case.packing) {
            (_, Packing::Avro) => {
                let mut datum = value.get(5..).unwrap_or_default();
                black_box(avro.read_value(&mut datum).map_err(|error| error.to_string())?);
            }
            (_, Packing::Envelope) => {
                black_box(
                    serde_json::from_slice::<serde_json::Value>(value).map_err(|error| error.to_string())?,
                );
            }
            (_, Packing::Plain | Packing::Text) => {
                black_box(
                    serde_json::from_slice::<serde::de::IgnoredAny>(value)
                        .map_err(|error| error.to_string())?,
                );
            }
        }
        Ok(())
    };
    if case.format == Format::Csv || load.sample.is_empty() {
        return Ok(None);
    }
    let began = cpu()?;
    let mut rounds = 0_u32;
    loop {
        load.sample.iter().try_for_each(|value| parse(value)).map_err(bad)?;
        rounds += 1;
        let spent = cpu()? - began;
        if spent >= ENOUGH {
            #[expect(clippy::cast_precision_loss, reason = "for people: three digits")]
            let bytes = load.sample_raw_bytes as f64 * f64::from(rounds);
            return Ok(Some(spent / bytes));
        }
    }
}

fn cpu() -> io::Result<f64> {
    procfs::cpu_seconds(std::process::id()).map_err(io::Error::other)
}
