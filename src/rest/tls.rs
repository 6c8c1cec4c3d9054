//! TLS of REST: as a server for `https` listeners, as a client for calls to other workers.
//!
//! A [`TlsListener`] owns its handshakes: they run beside each other, so that a slow client keeps nobody waiting, and
//! end with it.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use axum::serve::Listener;
use openssl::error::ErrorStack;
use openssl::ssl::{AlpnError, Ssl, SslAcceptor, SslMethod, SslVerifyMode};
use openssl::x509::store::X509StoreBuilder;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_openssl::SslStream;

use crate::config::{ClientAuth, ServerTls};

/// Longer than this no handshake takes that is meant seriously.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Handshakes at the same time; further connections wait in the system's queue.
const MOST_HANDSHAKES: usize = 128;

/// TLS that cannot be set up with what the settings name.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// OpenSSL refuses a key or certificate.
    #[error("TLS of REST cannot be set up: {0}; check listeners.https.ssl.* and ssl.*")]
    OpenSsl(#[from] ErrorStack),
    /// The client for calls to other workers refuses them.
    #[error("the client for other workers cannot be set up: {0}; check listeners.https.ssl.* and ssl.*")]
    Client(#[from] reqwest::Error),
}

/// A listener for `https`.
pub struct TlsListener {
    tcp: TcpListener,
    acceptor: SslAcceptor,
    handshakes: JoinSet<Option<(SslStream<TcpStream>, SocketAddr)>>,
}

impl TlsListener {
    /// Takes over `tcp`.
    pub fn new(tcp: TcpListener, tls: &ServerTls) -> Result<Self, Error> {
        Ok(Self { tcp, acceptor: acceptor(tls)?, handshakes: JoinSet::new() })
    }
}

impl Listener for TlsListener {
    type Io = SslStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            tokio::select! {
                Some(done) = self.handshakes.join_next() => {
                    if let Ok(Some(connection)) = done {
                        return connection;
                    }
                }
                // Axum's own listener waits out errors such as "too many open files".
                (stream, peer) = Listener::accept(&mut self.tcp), if self.handshakes.len() < MOST_HANDSHAKES => {
                    match Ssl::new(self.acceptor.context()) {
                        Ok(ssl) => drop(self.handshakes.spawn(handshake(ssl, stream, peer))),
                        Err(error) => tracing::error!(%error, "OpenSSL gives no connection"),
                    }
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
}

async fn handshake(ssl: Ssl, tcp: TcpStream, peer: SocketAddr) -> Option<(SslStream<TcpStream>, SocketAddr)> {
    if let Err(error) = tcp.set_nodelay(true) {
        tracing::debug!(%error, "a connection ended at once");
    }
    let mut stream = SslStream::new(ssl, tcp).ok()?;
    match tokio::time::timeout(HANDSHAKE_TIMEOUT, Pin::new(&mut stream).accept()).await {
        Ok(Ok(())) => Some((stream, peer)),
        Ok(Err(error)) => {
            tracing::info!(%peer, %error, "a TLS handshake of a REST client failed");
            None
        }
        Err(_) => {
            tracing::info!(%peer, "a TLS handshake of a REST client took too long");
            None
        }
    }
}

fn acceptor(tls: &ServerTls) -> Result<SslAcceptor, ErrorStack> {
    let mut builder = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server())?;
    builder.set_min_proto_version(Some(tls.protocols.0))?;
    builder.set_max_proto_version(Some(tls.protocols.1))?;
    builder.set_private_key(&tls.identity.key)?;
    if let Some((own, others)) = tls.identity.chain.split_first() {
        builder.set_certificate(own)?;
        for other in others {
            builder.add_extra_chain_cert(other.clone())?;
        }
    }
    builder.check_private_key()?;
    match tls.client_auth {
        ClientAuth::None => builder.set_verify(SslVerifyMode::NONE),
        ClientAuth::Requested => builder.set_verify(SslVerifyMode::PEER),
        ClientAuth::Required => {
            builder.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
        }
    }
    if tls.client_auth != ClientAuth::None {
        // OpenSSL will not resume a session with a client's certificate unless the sessions have a name.
        builder.set_session_id_context(b"kusto-connect")?;
        match &tls.trust {
            Some(authorities) => {
                let mut store = X509StoreBuilder::new()?;
                for authority in authorities {
                    store.add_cert(authority.clone())?;
                    builder.add_client_ca(authority)?;
                }
                builder.set_verify_cert_store(store.build())?;
            }
            None => builder.set_default_verify_paths()?,
        }
    }
    builder.set_alpn_select_callback(|_, offered| {
        openssl::ssl::select_next_proto(b"\x08http/1.1", offered).ok_or(AlpnError::NOACK)
    });
    Ok(builder.build())
}

/// A client for calls to other workers: it trusts what the settings of `tls` trust, and shows our certificate to who
/// asks for one. Without `tls` it is a plain client.
pub fn client(tls: Option<&ServerTls>) -> Result<reqwest::ClientBuilder, Error> {
    let builder = reqwest::Client::builder();
    let Some(tls) = tls else { return Ok(builder) };
    let identity = reqwest::Identity::from_pkcs8_pem(
        tls.identity.chain_pem()?.as_bytes(),
        tls.identity.key_pem()?.expose().as_bytes(),
    )?;
    let mut builder = builder.identity(identity).tls_danger_accept_invalid_hostnames(!tls.checks_host_name);
    if let Some(authorities) = &tls.trust {
        let certificates: Result<Vec<_>, Error> = authorities
            .iter()
            .map(|authority| Ok(reqwest::Certificate::from_der(&authority.to_der()?)?))
            .collect();
        builder = builder.tls_certs_only(certificates?);
    }
    Ok(builder)
}
