//! Does a port speak TLS, is its certificate trusted here, and when does it end?
//!
//! The certificate is looked at also when it is not good, so that it can be said what is wrong with it. Nothing is sent on
//! such a connection.

use super::check::{Finding, Inspection};
use super::network::Place;
use openssl::asn1::Asn1Time;
use openssl::error::ErrorStack;
use openssl::nid::Nid;
use openssl::ssl::{Ssl, SslConnector, SslMethod, SslVerifyMode};
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::{GeneralNameRef, X509, X509NameRef, X509Ref};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::TcpStream;
use tokio_openssl::SslStream;

/// A certificate that ends sooner is said.
const SOON_DAYS: i32 = 14;

/// What OpenSSL calls errors of certificates (`X509_V_ERR_…`).
const NOT_YET_VALID: i32 = 9;
const EXPIRED: i32 = 10;
const MISMATCHES: [i32; 2] = [62, 64];

/// Whom a client trusts.
#[derive(Debug, Clone)]
pub struct Trust {
    /// Only these; none means the system's.
    pub authorities: Option<Vec<X509>>,
    /// The name in the certificate must be the host's.
    pub checks_host: bool,
    /// What to do when an authority is not trusted.
    pub advice: String,
}

/// What was seen of the other side.
#[derive(Debug, Default)]
struct Seen {
    certificate: Option<X509>,
    /// The first error, and whose certificate it is about.
    problem: Option<(i32, String, String)>,
}

/// Is the certificate of `place` good?
pub fn tls(place: &Place, trust: Trust) -> Inspection {
    let of_work = place.clone();
    let late = format!("the port takes connections and does not speak: check it in {}", place.setting);
    Inspection::new(place.tls_name(), async move { look(&of_work, &trust).await })
        .after([place.tcp_name()])
        .or_late(late)
}

async fn look(place: &Place, trust: &Trust) -> Finding {
    let seen = Arc::<Mutex<Seen>>::default();
    let ended = match client(place, trust, &seen) {
        Ok(client) => shake(place, client).await,
        Err(error) => return Finding::failed(error.to_string(), "correct the trust store of the settings"),
    };
    let seen = std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner));
    match (seen.certificate, ended) {
        (Some(certificate), _) => judge(place, trust, &certificate, seen.problem),
        (None, Err(reason)) => Finding::failed(
            format!("no TLS there: {reason}"),
            format!("check the port, and whether it speaks TLS, in {}", place.setting),
        ),
        (None, Ok(())) => Finding::failed("it shows no certificate", format!("check {}", place.setting)),
    }
}

fn client(place: &Place, trust: &Trust, seen: &Arc<Mutex<Seen>>) -> Result<Ssl, ErrorStack> {
    let mut builder = SslConnector::builder(SslMethod::tls_client())?;
    if let Some(authorities) = &trust.authorities {
        let mut store = X509StoreBuilder::new()?;
        for authority in authorities {
            store.add_cert(authority.clone())?;
        }
        builder.set_cert_store(store.build());
    }
    let seen = Arc::clone(seen);
    builder.set_verify_callback(SslVerifyMode::PEER, move |is_good, context| {
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        let certificate = context.current_cert();
        if context.error_depth() == 0 {
            seen.certificate = certificate.map(X509Ref::to_owned);
        }
        if !is_good && seen.problem.is_none() {
            let error = context.error();
            let issuer = certificate.map(|found| name(found.issuer_name())).unwrap_or_default();
            seen.problem = Some((error.as_raw(), error.error_string().to_owned(), issuer));
        }
        // It is judged below, and nothing is sent.
        true
    });
    let mut client = builder.build().configure()?;
    client.set_verify_hostname(trust.checks_host);
    client.into_ssl(&place.host)
}

async fn shake(place: &Place, client: Ssl) -> Result<(), String> {
    let socket = TcpStream::connect((place.host.as_str(), place.port)).await;
    let mut stream =
        SslStream::new(client, socket.map_err(|e| e.to_string())?).map_err(|error| error.to_string())?;
    Pin::new(&mut stream).connect().await.map_err(|error| error.to_string())
}

fn judge(
    place: &Place,
    trust: &Trust,
    certificate: &X509,
    problem: Option<(i32, String, String)>,
) -> Finding {
    let (subject, end) = (name(certificate.subject_name()), certificate.not_after().to_string());
    let host = &place.host;
    match problem {
        Some((EXPIRED, ..)) => Finding::failed(
            format!(
                "the certificate of {subject} (or of an authority of it) has ended; its own end is {end}"
            ),
            format!("renew the certificate of {}, or set this machine's clock", place.address()),
        ),
        Some((NOT_YET_VALID, ..)) => Finding::failed(
            format!("the certificate of {subject} is not valid yet"),
            "set this machine's clock",
        ),
        Some((code, ..)) if MISMATCHES.contains(&code) => Finding::failed(
            format!("the certificate is for {}, not for {host}", names(certificate, &subject)),
            format!(
                "write one of these names in {}, or give the server a certificate for {host}",
                place.setting
            ),
        ),
        Some((_, text, issuer)) => Finding::failed(
            format!("the certificate of {subject}, signed by {issuer}, is not trusted here: {text}"),
            trust.advice.clone(),
        ),
        None => {
            let now = Asn1Time::days_from_now(0).and_then(|now| now.diff(certificate.not_after()));
            match now {
                Ok(left) if left.days < SOON_DAYS => Finding::warning(
                    format!("the certificate of {subject} ends in {} days, on {end}", left.days),
                    format!("renew the certificate of {} before that", place.address()),
                ),
                _ => Finding::good(format!("the certificate of {subject} is good until {end}")),
            }
        }
    }
}

/// The common name, else all of it.
fn name(name: &X509NameRef) -> String {
    let common = name.entries_by_nid(Nid::COMMONNAME).next().and_then(|entry| entry.data().to_string().ok());
    common.unwrap_or_else(|| {
        let parts = name.entries().filter_map(|entry| entry.data().to_string().ok());
        parts.collect::<Vec<_>>().join(", ")
    })
}

fn names(certificate: &X509, subject: &str) -> String {
    let Some(all) = certificate.subject_alt_names() else { return subject.to_owned() };
    let one = |found: &GeneralNameRef| match (found.dnsname(), found.ipaddress()) {
        (Some(host), _) => Some(host.to_owned()),
        (None, Some(bytes)) => {
            let four = <[u8; 4]>::try_from(bytes).map(|bytes| std::net::IpAddr::from(bytes).to_string());
            four.ok().or_else(|| Some(std::net::IpAddr::from(<[u8; 16]>::try_from(bytes).ok()?).to_string()))
        }
        _ => None,
    };
    all.iter().filter_map(one).collect::<Vec<_>>().join(", ")
}
