//! Addresses that may carry a shared access signature.
//!
//! A SAS is a password in a query string. [`SasUrl`] prints itself without the query, so that it can stand in a log
//! line or an error; [`redacted`] cleans texts that come from outside. Neither ever prints a signature or a token.

use std::fmt;
use std::sync::Arc;
use url::Url;

/// A URL whose `Debug` and `Display` end before the query. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct SasUrl(Arc<Url>);

impl SasUrl {
    /// Wraps `url`.
    pub fn new(url: Url) -> Self {
        Self(Arc::new(url))
    }

    /// The whole URL, with its signature: for the wire only.
    pub fn expose(&self) -> &Url {
        &self.0
    }

    /// The address of `name` inside this container, with the same signature.
    #[must_use]
    pub fn child(&self, name: &str) -> Self {
        let mut url = Url::clone(&self.0);
        // Fails only for URLs without a path (`data:`); the resource parser lets none of those in.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push(name);
        }
        Self::new(url)
    }

    /// True when both name the same thing, whatever their signatures.
    pub fn same_place(&self, other: &Self) -> bool {
        self.0.origin() == other.0.origin() && self.0.path() == other.0.path()
    }
}

impl fmt::Display for SasUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = &self.0;
        write!(f, "{}://{}", url.scheme(), url.host_str().unwrap_or_default())?;
        if let Some(port) = url.port() {
            write!(f, ":{port}")?;
        }
        f.write_str(url.path())
    }
}

impl fmt::Debug for SasUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The longest text of a service that we repeat in an error.
const TEXT_LIMIT: usize = 1000;

/// `text` from outside made fit for a log line: one line, bounded, with signatures and tokens cut out.
pub fn redacted(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(TEXT_LIMIT));
    let mut rest = text.trim();
    while let Some((at, marker)) = next_marker(rest) {
        let value = at + marker;
        out.push_str(&rest[..value]);
        out.push_str("[hidden]");
        let tail = &rest[value..];
        let end =
            tail.find(|c: char| c.is_whitespace() || "&\"'<>()[]{},;".contains(c)).unwrap_or(tail.len());
        rest = &tail[end..];
    }
    out.push_str(rest);
    let mut line = out.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.len() > TEXT_LIMIT {
        let cut = (0..=TEXT_LIMIT).rev().find(|at| line.is_char_boundary(*at)).unwrap_or(0);
        line.truncate(cut);
        line.push('…');
    }
    line
}

/// Where the next secret starts and how long the word before it is.
fn next_marker(text: &str) -> Option<(usize, usize)> {
    const MARKERS: [&str; 6] =
        ["sig=", "bearer ", "client_secret=", "access_token=", "client_assertion=", "sharedkey="];
    let lower = text.to_ascii_lowercase();
    MARKERS.iter().filter_map(|marker| Some((lower.find(marker)?, marker.len()))).min()
}

#[cfg(test)]
mod tests {
    use super::{SasUrl, redacted};
    use crate::config::is_loopback;
    use proptest::prelude::*;
    use url::Url;

    fn url(text: &str) -> SasUrl {
        SasUrl::new(Url::parse(text).unwrap())
    }

    #[test]
    fn prints_no_query() {
        let blob = url("https://a.blob.core.windows.net:444/c?sv=1&sig=S3CRET").child("d b__t.csv.gz");
        assert_eq!(format!("{blob} {blob:?}").matches("S3CRET").count(), 0);
        assert_eq!(blob.to_string(), "https://a.blob.core.windows.net:444/c/d%20b__t.csv.gz");
        assert_eq!(
            blob.expose().as_str(),
            "https://a.blob.core.windows.net:444/c/d%20b__t.csv.gz?sv=1&sig=S3CRET"
        );
    }

    #[test]
    fn same_place_ignores_the_signature() {
        assert!(url("http://h:1/c?sig=1").same_place(&url("http://h:1/c?sig=2")));
        assert!(!url("http://h:1/c?sig=1").same_place(&url("http://h:1/d?sig=1")));
        assert!(!url("http://h:1/c").same_place(&url("http://h:2/c")));
    }

    #[test]
    fn loopback_is_a_closed_list() {
        for text in ["http://localhost:1", "https://127.0.0.1", "http://127.9.9.9", "http://[::1]:8"] {
            assert!(is_loopback(&Url::parse(text).unwrap()), "{text}");
        }
        for text in ["http://foo.localhost", "https://10.0.0.1", "https://localhost.evil.com"] {
            assert!(!is_loopback(&Url::parse(text).unwrap()), "{text}");
        }
    }

    #[test]
    fn cuts_secrets_out_of_foreign_texts() {
        let text = "GET https://h/c?sv=1&sig=AbC%3D&se=2 (Bearer eyJ.x.y) SIG=zz\nnext";
        assert_eq!(
            redacted(text),
            "GET https://h/c?sv=1&sig=[hidden]&se=2 (Bearer [hidden]) SIG=[hidden] next"
        );
    }

    proptest! {
        #[test]
        fn never_lets_a_signature_through(before in "\\PC{0,40}", secret in "[A-Za-z0-9%+/=]{8,40}", after in "[ &\"<].{0,40}") {
            prop_assume!(!before.contains(&secret) && !after.contains(&secret));
            let text = format!("{before}?sig={secret}{after}");
            prop_assert!(!redacted(&text).contains(&secret));
        }

        #[test]
        fn is_bounded(text in ".{0,3000}") {
            prop_assert!(redacted(&text).len() < 1100 * 2);
        }
    }
}
