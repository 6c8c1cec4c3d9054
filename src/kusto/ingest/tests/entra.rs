//! A login server: TLS on loopback with a certificate of its own, answers to order.

use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{SslAcceptor, SslMethod, SslStream};
use openssl::x509::extension::SubjectAlternativeName;
use openssl::x509::{X509, X509Builder, X509NameBuilder};
use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

#[derive(Default)]
struct Inner {
    requests: Vec<(String, String)>,
    answers: VecDeque<(u16, String)>,
    closed: bool,
}

/// The handle of a running login server; dropping it ends the server.
pub struct Entra {
    address: SocketAddr,
    certificate: X509,
    inner: Arc<Mutex<Inner>>,
    thread: Option<JoinHandle<()>>,
}

impl Entra {
    /// Starts one. Without orders it gives out the tokens `ACCESS-1`, `ACCESS-2`, …
    pub fn start() -> Self {
        let (certificate, key) = certificate();
        let mut acceptor = SslAcceptor::mozilla_intermediate(SslMethod::tls()).unwrap();
        acceptor.set_certificate(&certificate).unwrap();
        acceptor.set_private_key(&key).unwrap();
        let acceptor = acceptor.build();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let inner = Arc::new(Mutex::new(Inner::default()));
        let shared = Arc::clone(&inner);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.lock().unwrap().closed {
                    return;
                }
                if let Ok(stream) = acceptor.accept(stream.unwrap()) {
                    serve(stream, &shared);
                }
            }
        });
        Self { address, certificate, inner, thread: Some(thread) }
    }

    /// The address that a cluster would name.
    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    /// The certificate to trust.
    pub fn root(&self) -> reqwest::Certificate {
        reqwest::Certificate::from_der(&self.certificate.to_der().unwrap()).unwrap()
    }

    /// The answer to the next request.
    pub fn answer(&self, status: u16, body: &str) {
        self.inner.lock().unwrap().answers.push_back((status, body.to_owned()));
    }

    /// First line and body of all requests so far.
    pub fn requests(&self) -> Vec<(String, String)> {
        self.inner.lock().unwrap().requests.clone()
    }
}

impl Drop for Entra {
    fn drop(&mut self) {
        self.inner.lock().unwrap().closed = true;
        // Wakes the thread from its wait.
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

fn serve(stream: SslStream<TcpStream>, inner: &Mutex<Inner>) {
    let mut reader = BufReader::new(stream);
    let (mut first, mut length) = (String::new(), 0);
    if reader.read_line(&mut first).is_err() {
        return;
    }
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).is_err() || line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let (status, answer) = {
        let mut inner = inner.lock().unwrap();
        inner.requests.push((first.trim().to_owned(), String::from_utf8(body).unwrap()));
        let number = inner.requests.len();
        inner.answers.pop_front().unwrap_or_else(|| {
            let token = format!(
                r#"{{"token_type":"Bearer","expires_in":3600,"ext_expires_in":3600,"access_token":"ACCESS-{number}"}}"#
            );
            (200, token)
        })
    };
    let length = answer.len();
    let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    let mut stream = reader.into_inner();
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(answer.as_bytes())).unwrap();
    stream.shutdown().ok();
}

fn certificate() -> (X509, PKey<Private>) {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
    let mut name = X509NameBuilder::new().unwrap();
    name.append_entry_by_text("CN", "localhost").unwrap();
    let name = name.build();
    let mut builder = X509Builder::new().unwrap();
    builder.set_version(2).unwrap();
    builder.set_serial_number(&BigNum::from_u32(1).unwrap().to_asn1_integer().unwrap()).unwrap();
    builder.set_subject_name(&name).unwrap();
    builder.set_issuer_name(&name).unwrap();
    builder.set_pubkey(&key).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(1).unwrap()).unwrap();
    let san =
        SubjectAlternativeName::new().dns("localhost").build(&builder.x509v3_context(None, None)).unwrap();
    builder.append_extension(san).unwrap();
    builder.sign(&key, MessageDigest::sha256()).unwrap();
    (builder.build(), key)
}
