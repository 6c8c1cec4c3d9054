//! The cluster itself: its hosts, its clock, the sign-in, and which of its two endpoints is which.

use super::verdicts::{failed, is_forbidden, without_advice};
use super::way::{Way, target};
use crate::checkup::{Finding, Inspection, Place, Trust, dns, tcp, tls};
use crate::kusto::ingest::Error;
use crate::kusto::ingest::error::chain;
use crate::kusto::ingest::kusto::{KustoClient, below};
use crate::kusto::ingest::managed::ManagedIngestClient;
use std::sync::Arc;
use std::time::SystemTime;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use url::Url;

/// The names of checks that others need.
pub(super) const ENDPOINTS: &str = "ingestion and query URL are not swapped";
const SIGN_IN: &str = "sign-in to the cluster";
const INGESTION: &str = "ingestion endpoint answers";
const QUERY: &str = "query endpoint answers";
const CLOCK: &str = "clock of this machine";

/// The database that commands about a cluster run in.
const ANY_DATABASE: &str = "NetDefaultDB";
/// Tokens and signatures are refused when clocks differ by about five minutes.
const MOST_SKEW: i64 = 300;
const LARGE_SKEW: i64 = 120;

/// A cluster, and the way to it.
pub(super) struct Cluster {
    pub(super) client: Arc<ManagedIngestClient>,
    pub(super) way: Arc<Way>,
}

impl Cluster {
    /// Its checks, in order.
    pub(super) fn checks(&self) -> Vec<Inspection> {
        let (dm, engine) = (Arc::clone(&self.client.queued.dm), Arc::clone(&self.client.engine));
        let mut all = Vec::new();
        let to_dm = self.network(dm.base(), "kusto.ingestion.url", &mut all);
        let to_engine = self.network(engine.base(), "kusto.query.url", &mut all);
        all.push(self.clock().after(to_dm.clone()));
        all.push(sign_in(Arc::clone(&dm)).after(to_dm));
        all.push(answers(INGESTION, Arc::clone(&dm)).after([SIGN_IN]));
        all.push(answers(QUERY, Arc::clone(&engine)).after([SIGN_IN]).after(to_engine));
        all.push(endpoints(dm, engine).after([INGESTION, QUERY]));
        all
    }

    /// Adds the checks of the way to `url`; the names of those without which it does not answer.
    fn network(&self, url: &Url, setting: &str, all: &mut Vec<Inspection>) -> Vec<String> {
        let Some((host, port)) = url.host_str().zip(url.port_or_known_default()) else { return Vec::new() };
        let is_tls = url.scheme() == "https";
        if let Some((proxy, target)) = self.way.proxy_to(url).zip(target(url)) {
            all.extend(dns(&proxy.place));
            all.push(tcp(&proxy.place));
            if !is_tls {
                return vec![proxy.place.tcp_name()];
            }
            let leads = proxy.leads_to(target);
            let name = leads.name.clone();
            all.push(leads);
            return vec![name];
        }
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let place = Place { host, port, setting: setting.to_owned() };
        all.extend(dns(&place));
        all.push(tcp(&place));
        if !is_tls {
            return vec![place.tcp_name()];
        }
        let advice = "put the authority that signed it into the system's trust store, or its PEM into the file that the \
                      variable SSL_CERT_FILE names; if a firewall of yours opens TLS, it is that one's"
            .to_owned();
        all.push(tls(&place, Trust { authorities: None, checks_host: true, advice }));
        vec![place.tls_name()]
    }

    fn clock(&self) -> Inspection {
        let (http, base) = (self.client.queued.http.client.clone(), self.client.queued.dm.base().clone());
        Inspection::new(CLOCK, async move {
            let before = SystemTime::now();
            let answer = http.get(below(&base, "v1/rest/auth/metadata")).send().await;
            let middle = before + before.elapsed().unwrap_or_default() / 2;
            match answer {
                Ok(answer) => {
                    let date = answer.headers().get("date").and_then(|date| date.to_str().ok());
                    judge_clock(date, middle)
                }
                Err(error) => Finding::failed(
                    format!("{base} does not answer: {}", chain(&error)),
                    "check kusto.ingestion.url, and firewall and proxy on the way",
                ),
            }
        })
    }
}

/// From the `Date` of an answer and our own time when it was made.
fn judge_clock(date: Option<&str>, ours: SystemTime) -> Finding {
    let theirs = date.and_then(|date| OffsetDateTime::parse(date, &Rfc2822).ok());
    let Some(theirs) = theirs else { return Finding::good("not known: the service does not say its time") };
    let ahead = (OffsetDateTime::from(ours) - theirs).whole_seconds();
    let said = match ahead {
        -2..=2 => return Finding::good("the same as the cluster's"),
        ahead if ahead > 0 => format!("{ahead} s ahead of the cluster's"),
        ahead => format!("{} s behind the cluster's", -ahead),
    };
    let advice = "set it, and let it be kept: timedatectl set-ntp true (or chronyc makestep)";
    match ahead.abs() {
        seconds if seconds > MOST_SKEW => {
            Finding::failed(format!("{said}: tokens and signatures are refused"), advice)
        }
        seconds if seconds > LARGE_SKEW => Finding::warning(said, advice),
        _ => Finding::good(said),
    }
}

fn sign_in(dm: Arc<KustoClient>) -> Inspection {
    Inspection::new(SIGN_IN, async move {
        match dm.sign_in().await {
            Ok(true) => Finding::good("there is a token"),
            Ok(false) => Finding::good("the cluster wants no token"),
            Err(error) => failed(&error),
        }
    })
    .or_late("let this machine reach the login server (login.microsoftonline.com:443 in the public cloud), or set a proxy")
}

/// What an endpoint says it is.
async fn service_type(client: &KustoClient) -> Result<Option<String>, Error> {
    let answer = client.command("show version", ANY_DATABASE, ".show version").await?;
    Ok(answer.text("ServiceType").map(str::to_owned))
}

fn answers(name: &'static str, client: Arc<KustoClient>) -> Inspection {
    Inspection::new(name, async move {
        match service_type(&client).await {
            Ok(kind) => Finding::good(format!(
                "{}: {}",
                client.url(),
                kind.unwrap_or_else(|| "it answers".to_owned())
            )),
            Err(Error::Refused(refusal)) if refusal.status == 403 => {
                let role = refusal.advice.unwrap_or("give the principal a role");
                Finding::warning(without_advice(&refusal), role)
            }
            Err(error) => failed(&error),
        }
    })
}

fn endpoints(dm: Arc<KustoClient>, engine: Arc<KustoClient>) -> Inspection {
    Inspection::new(ENDPOINTS, async move {
        let (ingestion, query) = tokio::join!(service_type(&dm), service_type(&engine));
        let known = |found: Result<Option<String>, Error>| match found {
            Ok(kind) => Ok(kind),
            // It was said by the check of that endpoint.
            Err(error) if is_forbidden(&error) => Ok(None),
            Err(error) => Err(error),
        };
        match (known(ingestion), known(query)) {
            (Ok(ingestion), Ok(query)) => {
                judge_endpoints(ingestion.as_deref(), query.as_deref(), dm.base() == engine.base())
            }
            (Err(error), _) | (_, Err(error)) => failed(&error),
        }
    })
}

fn judge_endpoints(ingestion: Option<&str>, query: Option<&str>, same: bool) -> Finding {
    const MANAGEMENT: &str = "DataManagement";
    match (ingestion, query) {
        (Some("Engine"), Some(MANAGEMENT)) => Finding::failed(
            "they are swapped: kusto.ingestion.url is the engine, kusto.query.url the ingestion service",
            "exchange the values of kusto.ingestion.url and kusto.query.url; the address with ingest- is that for ingestion",
        ),
        (_, Some(MANAGEMENT)) => Finding::failed(
            "kusto.query.url is the ingestion service, not the engine",
            "write the address without ingest- into kusto.query.url",
        ),
        (Some("Engine"), _) if !same => Finding::failed(
            "kusto.ingestion.url is an engine, not the ingestion service",
            "write the address that begins with ingest- into kusto.ingestion.url",
        ),
        (None, None) => Finding::good("not known: neither says what it is"),
        _ => Finding::good("each is what it has to be"),
    }
}

#[cfg(test)]
mod tests {
    use super::{judge_clock, judge_endpoints};
    use crate::checkup::InspectionResult;
    use std::time::{Duration, SystemTime};

    #[test]
    fn a_clock_may_differ_a_little() {
        let date = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        let theirs = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        for (seconds, verdict, words) in [
            (1, InspectionResult::Ok, "the same"),
            (60, InspectionResult::Ok, "60 s"),
            (150, InspectionResult::Warning, "150 s"),
            (301, InspectionResult::Failed, "301 s"),
        ] {
            for (ours, side) in [
                (theirs + Duration::from_secs(seconds), "ahead"),
                (theirs - Duration::from_secs(seconds), "behind"),
            ] {
                let found = judge_clock(date, ours);
                assert_eq!(found.verdict, verdict, "{seconds}");
                assert!(
                    found.said.contains(words) && (seconds == 1 || found.said.contains(side)),
                    "{}",
                    found.said
                );
                assert_eq!(found.advice.is_some(), verdict != InspectionResult::Ok);
            }
        }
        assert_eq!(judge_clock(None, theirs).verdict, InspectionResult::Ok);
        assert!(judge_clock(Some("yesterday"), theirs).said.contains("not known"));
    }

    #[test]
    fn swapped_endpoints_are_seen() {
        let (engine, dm) = (Some("Engine"), Some("DataManagement"));
        for (ingestion, query, same, verdict, words) in [
            (dm, engine, false, InspectionResult::Ok, "each"),
            (engine, engine, true, InspectionResult::Ok, "each"),
            (engine, dm, false, InspectionResult::Failed, "swapped"),
            (dm, dm, true, InspectionResult::Failed, "kusto.query.url"),
            (engine, engine, false, InspectionResult::Failed, "kusto.ingestion.url"),
            (None, None, false, InspectionResult::Ok, "not known"),
        ] {
            let found = judge_endpoints(ingestion, query, same);
            assert_eq!(found.verdict, verdict, "{ingestion:?} {query:?}");
            assert!(found.said.contains(words), "{}", found.said);
        }
    }
}
