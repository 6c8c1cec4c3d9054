//! TLS of REST: as a server for `https` listeners, as a client for calls to other workers.
//!
//! A handshake is part of its connection, which owns it: a slow client keeps nobody else waiting.

use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use openssl::error::ErrorStack;
use openssl::ssl::{AlpnError, Ssl, SslAcceptor, SslMethod, SslVerifyMode};
use openssl::x509::store::X509StoreBuilder;
use tokio::net::TcpStream;
use tokio_openssl::SslStream;

use crate::config::{ClientAuth, ServerTls};

/// Longer than this no handshake takes that is meant seriously.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// TLS that cannot be set up with what the settings name.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// OpenSSL refuses a key or certificate.
    #[error("TLS of REST cannot be set up: {0}; check listeners.https.ssl.* and ssl.*")]
    OpenSsl(#[from] ErrorStack),
    /// The client for calls to other workers refuses them.
    #[error("the client for other workers cannot be set up: {}; check listeners.https.ssl.* and ssl.*", crate::causes::chain(.0))]
    Client(#[from] reqwest::Error),
}

/// The handshake of a client; none when it fails or takes too long.
pub(super) async fn handshake(
    acceptor: &SslAcceptor,
    tcp: TcpStream,
    peer: SocketAddr,
) -> Option<SslStream<TcpStream>> {
    let ssl = Ssl::new(acceptor.context());
    let ssl = ssl.inspect_err(|error| tracing::error!(%error, "OpenSSL gives no connection")).ok()?;
    let mut stream = SslStream::new(ssl, tcp).ok()?;
    match tokio::time::timeout(HANDSHAKE_TIMEOUT, Pin::new(&mut stream).accept()).await {
        Ok(Ok(())) => Some(stream),
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

/// What listeners with `https` need.
pub(super) fn acceptor(tls: &ServerTls) -> Result<SslAcceptor, ErrorStack> {
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
