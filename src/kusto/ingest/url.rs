//! Addresses that may carry a shared access signature.
//!
//! A SAS is a password in a query string. [`SasUrl`] prints itself without the query, so that it can stand in a log
//! line or an error; [`redacted`] cleans texts that come from outside. Neither ever prints a signature or a token.

use std::fmt;
use std::sync::Arc;
use url::Url;

pub use crate::secret::foreign as redacted;

/// A URL whose `Debug` and `Display` end before the query. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct SasUrl(Arc<Url>);

impl SasUrl {
    /// Its host, for lines that name no whole address.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or("the address")
    }

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

#[cfg(test)]
mod tests {
    use super::SasUrl;
    use crate::config::is_loopback;
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
}
