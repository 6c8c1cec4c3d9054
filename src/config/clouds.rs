//! The clouds in which Kusto lives: their login servers and the hosts that may get our tokens (`kusto-protocol.md` §1.5).
//!
//! One table for both questions: may this URL stand in a configuration, and may a token of this login server go there.

use url::{Host, Url};

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

/// True when `host` (lower case) belongs to a cloud, and, where `login` is given, to the cloud of that login server.
pub fn is_trusted(host: &str, login: Option<&str>) -> bool {
    CLOUDS.iter().filter(|cloud| login.is_none_or(|login| login == cloud.login)).any(|cloud| {
        cloud.suffixes.iter().any(|suffix| host.ends_with(suffix)) || cloud.hosts.contains(&host)
    })
}

/// The domains of Azure Event Hubs, whose namespaces are Kafka brokers.
pub fn event_hubs() -> impl Iterator<Item = &'static str> {
    [".servicebus.windows.net", ".servicebus.usgovcloudapi.net", ".servicebus.chinacloudapi.cn"].into_iter()
}

/// True when a token for `resource` (a URI) is good for ADX and for nothing else: each cloud's own name for it, or the
/// address of a cluster.
pub fn is_audience(resource: &str) -> bool {
    // Names of clusters and of the service in a cloud; other products of the table have audiences of their own.
    let is_kusto = |host: &str| {
        let suffixes =
            CLOUDS.iter().flat_map(|cloud| cloud.suffixes).filter(|suffix| suffix.starts_with(".kusto"));
        suffixes.into_iter().any(|suffix| host.len() > suffix.len() && host.ends_with(suffix))
    };
    let Ok(url) = Url::parse(resource) else { return false };
    // As it was written: a token server may read a port, a user or a path in its own way.
    let bare = resource.strip_prefix("https://").unwrap_or_default().trim_end_matches('/');
    url.host_str().is_some_and(|host| is_kusto(host) && bare.eq_ignore_ascii_case(host))
}

/// True for the login server of a cloud.
pub fn is_login(url: &Url) -> bool {
    url.scheme() == "https"
        && url.port().is_none()
        && url.host_str().is_some_and(|host| CLOUDS.iter().any(|cloud| cloud.login == host))
}

/// True for `localhost`, `127.0.0.0/8` and `::1`; other names under `.localhost` are not trusted.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{is_audience, is_login};
    use url::Url;

    #[test]
    fn an_audience_is_adx_or_none() {
        for resource in [
            "https://kusto.kusto.windows.net",
            "https://kusto.kustomfa.windows.net/",
            "https://kusto.kusto.usgovcloudapi.net",
            "https://kusto.kusto.chinacloudapi.cn",
            "https://help.kusto.windows.net",
            "https://ingest-c.westeurope.kusto.windows.net",
            "https://trd-x.z0.kusto.fabric.microsoft.com",
        ] {
            assert!(is_audience(resource), "{resource}");
        }
        for resource in [
            "",
            "https://management.azure.com",
            "https://vault.azure.net",
            "https://storage.azure.com",
            "https://graph.microsoft.com",
            "https://api.securitycenter.windows.com",
            "https://kusto.windows.net",
            "http://kusto.kusto.windows.net",
            "https://kusto.kusto.windows.net/path",
            "https://kusto.kusto.windows.net:444",
            "https://management.azure.com@kusto.kusto.windows.net",
            "https://kusto.kusto.windows.net@management.azure.com",
            "https://management.azure.com#.kusto.windows.net",
            "https://management.azure.com\\.kusto.windows.net",
            "https://kusto.kusto.windows.net.example.com",
            "2746ea77-4702-4b45-80ca-3c97e680e8b7",
            "https://kusto.kusto.windows.net https://vault.azure.net",
        ] {
            assert!(!is_audience(resource), "{resource}");
        }
    }

    #[test]
    fn a_login_server_is_one_of_the_clouds() {
        let is = |url: &str| is_login(&Url::parse(url).unwrap());
        assert!(is("https://login.microsoftonline.com") && is("https://login.partner.microsoftonline.cn/"));
        for url in [
            "http://login.microsoftonline.com",
            "https://login.microsoftonline.com:8443",
            "https://login.evil.com",
        ] {
            assert!(!is(url), "{url}");
        }
    }
}
