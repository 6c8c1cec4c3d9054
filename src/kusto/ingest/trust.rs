//! Where a bearer token may be sent, for what it may be, and who may be asked for it.
//!
//! A cluster names the login server and the token's audience itself, so a false cluster could collect secrets or tokens for
//! something else. Therefore a token (and before it the application's key) goes out only when cluster and login server
//! belong to the same cloud by this table (`kusto-protocol.md` §1.5) and only over https; to loopback, or where
//! `worker.allow.insecure.http` is on, only what is the connector's own; and its audience is ADX. The identity of the worker
//! goes to ADX and where the worker's operator said. The settings are checked against the same hosts when they are read; here
//! the cloud is known too. Pure.

use crate::config::{Custody, is_audience, is_login, is_loopback, is_trusted};
use url::Url;

/// Whose token it is, and what the worker's operator said.
#[derive(Debug, Clone, Copy)]
pub struct TrustPolicy<'a> {
    /// It is of the worker's own identity.
    pub of_worker: bool,
    /// `worker.allow.insecure.http`, for emulators in a closed network: it lets plain http and any host pass for what is the
    /// connector's own, as it does when the settings are read.
    pub insecure: bool,
    /// Where the worker's identity may go besides ADX.
    pub custody: &'a Custody,
}

/// Why a token must not go to `url`. `login` is the login server the cluster named, and the resource it named; none for a
/// token that the user gave as it is.
pub fn objection(url: &Url, named: Option<(&Url, &str)>, policy: TrustPolicy<'_>) -> Option<Objection> {
    let host = url.host_str().unwrap_or_default().to_ascii_lowercase();
    let login = named.map(|(login, _)| login);
    let stranger = || Some(Objection::Stranger(login.and_then(Url::host_str).map(str::to_owned)));
    if let Some((_, resource)) = named
        && !is_for_adx(url, resource, policy.custody)
    {
        return Some(Objection::Audience(resource.to_owned()));
    }
    if url.scheme() == "https" && is_trusted(&host, None) {
        let is_paired = login.is_none_or(|login| {
            is_login(login) && login.host_str().is_some_and(|at| is_trusted(&host, Some(at)))
        });
        return if is_paired { None } else { stranger() };
    }
    let resource = named.map(|(_, resource)| resource);
    if let Some(reason) = policy.custody.objection_to_cluster(url, resource).filter(|_| policy.of_worker) {
        return Some(Objection::OfWorker(reason));
    }
    if !policy.of_worker && !policy.insecure && !is_loopback(url) {
        return if url.scheme() == "https" { stranger() } else { Some(Objection::PlainHttp) };
    }
    // Not a cloud's cluster: its login server is a cloud's, or no more of a stranger than itself.
    let is_known = login.is_none_or(|login| {
        let is_named = policy.custody.lets_cluster(login, None);
        is_login(login) || is_named || (!policy.of_worker && (policy.insecure || is_loopback(login)))
    });
    if is_known { None } else { stranger() }
}

/// True when a token for `resource` is of use for ADX alone, or the operator named it for this host.
fn is_for_adx(url: &Url, resource: &str, custody: &Custody) -> bool {
    let place = url.host_str().zip(url.port_or_known_default());
    is_audience(resource) || place.is_some_and(|(host, port)| custody.lets_token_to(host, port, resource))
}

/// A reason not to send a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Objection {
    /// Anybody on the way could read it.
    PlainHttp,
    /// The host is not known to belong to the cloud of this login server.
    Stranger(Option<String>),
    /// The worker's own identity does not go there; the whole clause.
    OfWorker(String),
    /// The token would be for something else than ADX.
    Audience(String),
}

#[cfg(test)]
mod tests {
    use super::{Objection, TrustPolicy, objection};
    use crate::config::Custody;
    use url::Url;

    const ADX: &str = "https://kusto.kusto.windows.net";

    fn judge_as(
        of_worker: bool,
        url: &str,
        login: &str,
        resource: &str,
        insecure: bool,
    ) -> Option<Objection> {
        let custody = Custody::default();
        let policy = TrustPolicy { of_worker, insecure, custody: &custody };
        objection(&Url::parse(url).unwrap(), Some((&Url::parse(login).unwrap(), resource)), policy)
    }

    fn judge(url: &str, login: &str, insecure: bool) -> Option<Objection> {
        judge_as(false, url, login, ADX, insecure)
    }

    const PUBLIC: &str = "https://login.microsoftonline.com";

    #[test]
    fn pairs_clusters_with_their_cloud() {
        for of_worker in [false, true] {
            let judge = |url: &str, login: &str| judge_as(of_worker, url, login, ADX, false);
            assert_eq!(judge("https://ingest-x.westeurope.KUSTO.windows.net:443/p", PUBLIC), None);
            assert_eq!(judge("https://ade.loganalytics.io/subscriptions/1", PUBLIC), None);
            let china = "https://login.partner.microsoftonline.cn";
            assert_eq!(judge("https://x.kusto.chinacloudapi.cn", china), None);
            for login in [
                "https://login.evil.com",
                "https://login.microsoftonline.us",
                "http://login.microsoftonline.com",
                "https://login.microsoftonline.com:444",
                "https://localhost:8443",
            ] {
                let found = judge("https://x.kusto.windows.net", login);
                assert!(matches!(found, Some(Objection::Stranger(_))), "{login}");
            }
        }
        for url in [
            "https://x.kusto.windows.net.evil.com",
            "https://kusto-fake.windows.net",
            "https://foo.localhost",
            "https://10.0.0.1",
        ] {
            assert!(matches!(judge(url, PUBLIC, false), Some(Objection::Stranger(_))), "{url}");
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
    fn loopback_names_no_stranger_as_its_login_server() {
        for login in ["https://login.evil.com", "https://10.0.0.1"] {
            let found = judge("http://localhost:8080", login, false);
            assert_eq!(found, Some(Objection::Stranger(Some(login["https://".len()..].to_owned()))));
        }
        assert_eq!(judge("http://localhost:8080", PUBLIC, false), None);
    }

    #[test]
    fn the_workers_identity_goes_to_adx_alone() {
        for insecure in [false, true] {
            for url in [
                "http://localhost:8080",
                "https://127.0.0.1:8443",
                "https://evil.example",
                "http://x.kusto.windows.net",
            ] {
                for login in [PUBLIC, "https://localhost:8443"] {
                    let found = judge_as(true, url, login, ADX, insecure);
                    assert!(matches!(found, Some(Objection::OfWorker(_))), "{url} {login}: {found:?}");
                }
            }
        }
    }

    #[test]
    fn a_token_is_for_adx_whoever_asks() {
        for resource in ["https://management.azure.com", "https://vault.azure.net", "https://kusto.evil.com"]
        {
            for (url, login) in [
                ("http://localhost:8080", PUBLIC),
                ("http://localhost:8080", "https://localhost:8443"),
                ("https://x.kusto.windows.net", PUBLIC),
                ("http://emulator:8080", PUBLIC),
            ] {
                for of_worker in [false, true] {
                    let found = judge_as(of_worker, url, login, resource, true);
                    assert_eq!(found, Some(Objection::Audience(resource.to_owned())), "{url}");
                }
            }
        }
    }

    #[test]
    fn a_given_token_goes_to_any_cloud_but_to_no_stranger() {
        let custody = Custody::default();
        let policy = TrustPolicy { of_worker: false, insecure: false, custody: &custody };
        let url = Url::parse("https://x.kusto.usgovcloudapi.net").unwrap();
        assert_eq!(objection(&url, None, policy), None);
        let stranger = Url::parse("https://example.com").unwrap();
        assert_eq!(objection(&stranger, None, policy), Some(Objection::Stranger(None)));
    }
}
