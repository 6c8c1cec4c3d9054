//! Gzip: of answers, of bodies, of blobs.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

/// `bytes` as gzip.
pub(crate) fn zip(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok()
}

/// The whole of gzip data, all its members, when it is not longer than `limit`.
pub(crate) fn unzip(bytes: &[u8], limit: u64) -> Result<Vec<u8>, String> {
    let mut raw = Vec::new();
    let read = MultiGzDecoder::new(bytes)
        .take(limit + 1)
        .read_to_end(&mut raw)
        .map_err(|error| error.to_string())?;
    if read as u64 > limit { Err(format!("more than {limit} bytes uncompressed")) } else { Ok(raw) }
}

/// True when the path of a blob says that it is gzip: by its ending only, as the service tells it.
pub(crate) fn is_gzip(path: &str) -> bool {
    has_extension(path, "gz")
}

/// True when the path of a blob says that it is a zip archive.
pub(crate) fn is_zip(path: &str) -> bool {
    has_extension(path, "zip")
}

fn has_extension(path: &str, wanted: &str) -> bool {
    std::path::Path::new(path).extension().is_some_and(|extension| extension.eq_ignore_ascii_case(wanted))
}

#[cfg(test)]
mod tests {
    use super::{unzip, zip};

    #[test]
    fn all_members_of_a_gzip_are_read_up_to_the_limit() {
        let mut two = zip(b"one").unwrap();
        two.extend(zip(b"two").unwrap());
        assert_eq!(unzip(&two, 6).unwrap(), b"onetwo");
        assert!(unzip(&two, 5).is_err());
        assert!(unzip(&two[..two.len() - 4], 6).is_err());
    }
}
