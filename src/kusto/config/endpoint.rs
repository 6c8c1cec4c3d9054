//! The two URLs of a cluster: which hosts may get our tokens, and the correction of the `ingest-` prefix.
//!
//! Sources: `kusto-protocol.md` §1.1 and §1.5, `kusto-sink-connector.md` §1.3. No I/O: whether a host exists is not
//! asked here.

use url::Url;

use crate::config::{is_loopback, is_trusted};
use crate::words;

/// What to say when each of the two texts is the other's: the correction makes them right, but nobody meant it so.
pub fn swapped(ingestion: &str, query: &str) -> Option<&'static str> {
    let is_ingestion = |text: &str| text.to_ascii_lowercase().contains("ingest-");
    (is_ingestion(query) && !is_ingestion(ingestion)).then_some(
        "kusto.ingestion.url and kusto.query.url look swapped: the address with ingest- is that of the ingestion service",
    )
}

/// Which of the two services a URL is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Data management: resources and identity tokens.
    Ingestion,
    /// The engine: queries and commands.
    Query,
}

/// Reads and corrects the URL of `service`. `insecure` (`worker.allow.insecure.http`) lets plain http and hosts outside
/// the list pass. Errors are whole clauses without the key's name.
pub fn parse(text: &str, service: Service, insecure: bool) -> Result<Url, String> {
    let text = text.trim();
    // Kusto connection strings carry this flag behind the address; it says what is always so here.
    let text = text.strip_suffix(";fed=true").unwrap_or(text);
    if text.is_empty() {
        return Err("it must be a URL such as https://<cluster>.<region>.kusto.windows.net".to_owned());
    }
    let absolute = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let url = Url::parse(&absolute).map_err(|error| words::url(error).to_owned())?;
    check(&url, insecure)?;
    let corrected = correct(url, service)?;
    // A base with a slash behind would make "//v1" of every path.
    let trimmed = corrected.as_str().trim_end_matches('/').to_owned();
    Url::parse(&trimmed).map_err(|error| words::url(error).to_owned())
}

fn check(url: &Url, insecure: bool) -> Result<(), String> {
    let host = url.host_str().unwrap_or_default();
    if host.is_empty() {
        return Err("it has no host".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it must not hold credentials; use the keys aad.auth.*".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("it must not have a query or a fragment".to_owned());
    }
    match url.scheme() {
        "https" | "http" if insecure || is_loopback(url) => Ok(()),
        "https" if is_trusted(host, None) => Ok(()),
        "https" => Err(format!(
            "{host} is no known Kusto host, so it does not get our token; for an emulator outside this machine set \
             worker.allow.insecure.http=true on the worker"
        )),
        "http" => {
            Err("plain http would show the token to the network: use https, or for an emulator outside this \
                       machine set worker.allow.insecure.http=true on the worker"
                .to_owned())
        }
        scheme => Err(format!("the scheme is {scheme}, but must be https")),
    }
}

/// Puts `ingest-` in for the ingestion service and takes it out for queries. Only known cloud hosts follow this naming;
/// loopback, addresses and hosts let in by the insecure setting (an emulator's container) stay as they are written.
fn correct(url: Url, service: Service) -> Result<Url, String> {
    if !url.host_str().is_some_and(|host| is_trusted(host, None))
        || url.host_str() == Some("onebox.dev.kusto.windows.net")
    {
        return Ok(url);
    }
    let text = url.as_str();
    let corrected = match service {
        Service::Ingestion if text.contains("ingest-") => return Ok(url),
        Service::Ingestion => text.replacen("://", "://ingest-", 1),
        Service::Query => text.replacen("ingest-", "", 1),
    };
    Url::parse(&corrected).map_err(|error| format!("with the correction of ingest- {}", words::url(error)))
}

#[cfg(test)]
mod tests {
    use crate::kusto::config::endpoint::{Service, is_loopback, parse};

    fn read(text: &str, service: Service) -> String {
        parse(text, service, false).unwrap().to_string()
    }

    #[test]
    fn urls_are_completed_and_corrected() {
        for (text, service, expected) in [
            (
                "c.westeurope.kusto.windows.net",
                Service::Ingestion,
                "https://ingest-c.westeurope.kusto.windows.net/",
            ),
            (
                "HTTPS://ingest-C.kusto.windows.net/ ",
                Service::Ingestion,
                "https://ingest-c.kusto.windows.net/",
            ),
            (
                "https://ingest-private-c.kusto.windows.net",
                Service::Query,
                "https://private-c.kusto.windows.net/",
            ),
            ("https://c.kusto.windows.net;fed=true", Service::Query, "https://c.kusto.windows.net/"),
            (
                "https://ade.loganalytics.io/subscriptions/s/",
                Service::Query,
                "https://ade.loganalytics.io/subscriptions/s",
            ),
            ("http://localhost:8080", Service::Ingestion, "http://localhost:8080/"),
            ("http://127.0.0.1:8080/", Service::Ingestion, "http://127.0.0.1:8080/"),
            ("https://[::1]:8443", Service::Ingestion, "https://[::1]:8443/"),
            ("localhost:8443", Service::Ingestion, "https://localhost:8443/"),
            ("https://adx.monitor.azure.cn", Service::Query, "https://adx.monitor.azure.cn/"),
        ] {
            assert_eq!(read(text, service), expected, "{text}");
        }
    }

    #[test]
    fn tokens_go_to_known_hosts_only() {
        for text in [
            "",
            "  ",
            "http://c.kusto.windows.net",
            "https://example.com",
            "https://kusto.windows.net.example.com",
            "https://kusto.windows.net",
            "https://foo.localhost",
            "http://10.0.0.1:8080",
            "ftp://c.kusto.windows.net",
            "https://user:pw@c.kusto.windows.net",
            "https://c.kusto.windows.net/?a=b",
            "https://",
            "https://a b",
        ] {
            assert!(parse(text, Service::Query, false).is_err(), "{text}");
        }
    }

    #[test]
    fn the_insecure_setting_lets_an_emulator_in_as_written() {
        let url = parse("http://adx-emulator:8080", Service::Ingestion, true).unwrap();
        assert_eq!(url.as_str(), "http://adx-emulator:8080/");
        assert!(!is_loopback(&url));
        assert!(parse("ftp://adx-emulator:8080", Service::Ingestion, true).is_err());
    }
}
