//! Where a bearer token may be sent.
//!
//! A cluster names the login server itself, so a false cluster could collect secrets. Therefore a token (and before it
//! the application's key) goes out only when cluster and login server belong to the same cloud by this table
//! (`kusto-protocol.md` §1.5), only over https, or to loopback. The settings are checked against the same hosts when
//! they are read; here the cloud is known too. Pure.

use crate::config::{is_loopback, is_trusted};
use url::Url;

/// Why a token must not go to `url`. `login` is the login server the cluster named; none for a token that the user
/// gave as it is. `insecure` is `worker.allow.insecure.http`, for emulators in a closed network: it lets plain http and
/// any host pass, as it does when the settings are read.
pub fn objection(url: &Url, login: Option<&Url>, insecure: bool) -> Option<Objection> {
    if insecure || is_loopback(url) {
        return None;
    }
    if url.scheme() != "https" {
        return Some(Objection::PlainHttp);
    }
    let host = url.host_str().unwrap_or_default().to_ascii_lowercase();
    let trusted = match login {
        None => is_trusted(&host, None),
        Some(login) => {
            login.scheme() == "https" && login.host_str().is_some_and(|at| is_trusted(&host, Some(at)))
        }
    };
    (!trusted).then(|| Objection::Stranger(login.and_then(Url::host_str).map(str::to_owned)))
}

/// A reason not to send a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Objection {
    /// Anybody on the way could read it.
    PlainHttp,
    /// The host is not known to belong to the cloud of this login server.
    Stranger(Option<String>),
}

#[cfg(test)]
mod tests {
    use super::{Objection, objection};
    use url::Url;

    fn judge(url: &str, login: &str, insecure: bool) -> Option<Objection> {
        objection(&Url::parse(url).unwrap(), Some(&Url::parse(login).unwrap()), insecure)
    }

    const PUBLIC: &str = "https://login.microsoftonline.com";

    #[test]
    fn pairs_clusters_with_their_cloud() {
        assert_eq!(judge("https://ingest-x.westeurope.KUSTO.windows.net:443/p", PUBLIC, false), None);
        assert_eq!(judge("https://ade.loganalytics.io/subscriptions/1", PUBLIC, false), None);
        assert_eq!(
            judge("https://x.kusto.chinacloudapi.cn", "https://login.partner.microsoftonline.cn", false),
            None
        );
        for (url, login) in [
            ("https://x.kusto.windows.net", "https://login.evil.com"),
            ("https://x.kusto.windows.net", "https://login.microsoftonline.us"),
            ("https://x.kusto.windows.net", "http://login.microsoftonline.com"),
            ("https://x.kusto.windows.net.evil.com", PUBLIC),
            ("https://kusto-fake.windows.net", PUBLIC),
            ("https://foo.localhost", PUBLIC),
            ("https://10.0.0.1", PUBLIC),
        ] {
            assert!(matches!(judge(url, login, false), Some(Objection::Stranger(_))), "{url} {login}");
        }
    }

    #[test]
    fn plain_http_only_on_loopback_or_when_opened() {
        assert_eq!(judge("http://localhost:8080", "https://localhost:8443", false), None);
        assert_eq!(judge("http://x.kusto.windows.net", PUBLIC, false), Some(Objection::PlainHttp));
        assert_eq!(judge("http://emulator:8080", "https://emulator:8443", true), None);
        assert_eq!(judge("https://emulator:8443", "https://emulator:8443", true), None);
    }

    #[test]
    fn a_given_token_goes_to_any_cloud_but_to_no_stranger() {
        let url = Url::parse("https://x.kusto.usgovcloudapi.net").unwrap();
        assert_eq!(objection(&url, None, false), None);
        let stranger = Url::parse("https://example.com").unwrap();
        assert_eq!(objection(&stranger, None, false), Some(Objection::Stranger(None)));
    }
}
