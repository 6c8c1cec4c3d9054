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

/// True for `localhost`, `127.0.0.0/8` and `::1`; other names under `.localhost` are not trusted.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
