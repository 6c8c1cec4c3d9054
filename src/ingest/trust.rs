//! Where a bearer token may be sent.
//!
//! A cluster names the login server itself, so a false cluster could collect secrets. Therefore a token (and before it
//! the application's key) goes out only when cluster and login server belong to the same cloud by this table
//! (`kusto-protocol.md` §1.5), only over https, or to loopback. The settings are checked against the same hosts when
//! they are read; here the cloud is known too. Pure.

use super::url::is_loopback;
use url::Url;

/// One cloud: its login server and the hosts that belong to it.
struct Cloud {
    login: &'static str,
    suffixes: &'static [&'static str],
    hosts: &'static [&'static str],
}

const CLOUDS: [Cloud; 8] = [
    Cloud {
        login: "login.microsoftonline.com",
        suffixes: &[
            ".dxp.aad.azure.com",
            ".dxp-dev.aad.azure.com",
            ".kusto.azuresynapse.net",
            ".kusto.windows.net",
            ".kustodev.azuresynapse-dogfood.net",
            ".kustodev.windows.net",
            ".kustomfa.windows.net",
            ".playfabapi.com",
            ".playfab.com",
            ".azureplayfab.com",
            ".kusto.data.microsoft.com",
            ".kusto.fabric.microsoft.com",
            ".api.securityplatform.microsoft.com",
            ".securitycenter.windows.com",
            ".arg-int.core.windows.net",
            ".arg-df.core.windows.net",
            ".arg.core.windows.net",
        ],
        hosts: &[
            "ade.applicationinsights.io",
            "ade.loganalytics.io",
            "adx.aimon.applicationinsights.azure.com",
            "adx.applicationinsights.azure.com",
            "adx.int.applicationinsights.azure.com",
            "adx.int.loganalytics.azure.com",
            "adx.int.monitor.azure.com",
            "adx.loganalytics.azure.com",
            "adx.monitor.azure.com",
            "kusto.aria.microsoft.com",
            "eu.kusto.aria.microsoft.com",
        ],
    },
    Cloud {
        login: "login.microsoftonline.us",
        suffixes: &[".kusto.usgovcloudapi.net", ".kustomfa.usgovcloudapi.net", ".arg.core.usgovcloudapi.net"],
        hosts: &["adx.applicationinsights.azure.us", "adx.loganalytics.azure.us", "adx.monitor.azure.us"],
    },
    Cloud {
        login: "login.partner.microsoftonline.cn",
        suffixes: &[
            ".kusto.azuresynapse.azure.cn",
            ".kusto.chinacloudapi.cn",
            ".kustomfa.chinacloudapi.cn",
            ".playfab.cn",
            ".arg.core.chinacloudapi.cn",
        ],
        hosts: &["adx.applicationinsights.azure.cn", "adx.loganalytics.azure.cn", "adx.monitor.azure.cn"],
    },
    Cloud {
        login: "login.microsoftonline.eaglex.ic.gov",
        suffixes: &[".kusto.core.eaglex.ic.gov", ".kustomfa.core.eaglex.ic.gov", ".arg.core.eaglex.ic.gov"],
        hosts: &[
            "adx.applicationinsights.azure.eaglex.ic.gov",
            "adx.loganalytics.azure.eaglex.ic.gov",
            "adx.monitor.azure.eaglex.ic.gov",
        ],
    },
    Cloud {
        login: "login.microsoftonline.microsoft.scloud",
        suffixes: &[
            ".kusto.core.microsoft.scloud",
            ".kustomfa.core.microsoft.scloud",
            ".arg.core.microsoft.scloud",
        ],
        hosts: &[
            "adx.applicationinsights.azure.microsoft.scloud",
            "adx.loganalytics.azure.microsoft.scloud",
            "adx.monitor.azure.microsoft.scloud",
        ],
    },
    Cloud {
        login: "login.sovcloud-identity.fr",
        suffixes: &[".kusto.sovcloud-api.fr", ".kustomfa.sovcloud-api.fr"],
        hosts: &["adx.applicationinsights.azure.fr", "adx.loganalytics.azure.fr", "adx.monitor.azure.fr"],
    },
    Cloud {
        login: "login.sovcloud-identity.de",
        suffixes: &[".kusto.sovcloud-api.de", ".kustomfa.sovcloud-api.de"],
        hosts: &["adx.applicationinsights.azure.de", "adx.loganalytics.azure.de", "adx.monitor.azure.de"],
    },
    Cloud {
        login: "login.sovcloud-identity.sg",
        suffixes: &[".kusto.sovcloud-api.sg", ".kustomfa.sovcloud-api.sg"],
        hosts: &["adx.applicationinsights.azure.sg", "adx.loganalytics.azure.sg", "adx.monitor.azure.sg"],
    },
];

impl Cloud {
    fn has(&self, host: &str) -> bool {
        self.suffixes.iter().any(|suffix| host.ends_with(suffix)) || self.hosts.contains(&host)
    }
}

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
    let trusted = CLOUDS.iter().any(|cloud| {
        cloud.has(&host)
            && login.is_none_or(|login| login.scheme() == "https" && login.host_str() == Some(cloud.login))
    });
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
