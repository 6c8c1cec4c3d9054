//! A listener for TLS on loopback, one handshake at a time.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;

use openssl::pkey::PKey;
use openssl::ssl::{Ssl, SslAcceptor, SslAcceptorBuilder, SslMethod, SslVerifyMode};
use openssl::x509::X509;
use openssl::x509::store::X509StoreBuilder;
use tokio::net::{TcpListener, TcpStream};
use tokio_openssl::SslStream;

use super::Authority;
use super::authority::Keys;

/// The listener, for `axum::serve`.
pub struct Tls {
    tcp: TcpListener,
    acceptor: SslAcceptor,
}

impl Tls {
    /// One for everybody, whose certificate `authority` has signed.
    pub async fn open(authority: &Authority) -> Self {
        Self::listen(acceptor(authority)).await
    }

    /// One for everybody with this certificate.
    pub async fn showing(keys: &Keys) -> Self {
        Self::listen(acceptor_with(keys)).await
    }

    /// One for who brings a certificate of `authority`.
    pub async fn mutual(authority: &Authority) -> Self {
        let mut acceptor = acceptor(authority);
        let mut trusted = X509StoreBuilder::new().expect("a store");
        trusted
            .add_cert(X509::from_pem(authority.pem().as_bytes()).expect("a certificate"))
            .expect("a store");
        acceptor.set_verify_cert_store(trusted.build()).expect("a store");
        acceptor.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
        Self::listen(acceptor).await
    }

    async fn listen(acceptor: SslAcceptorBuilder) -> Self {
        let tcp = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        Self { tcp, acceptor: acceptor.build() }
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.tcp.local_addr().expect("an address").port()
    }
}

fn acceptor(authority: &Authority) -> SslAcceptorBuilder {
    acceptor_with(&authority.keys("server"))
}

fn acceptor_with(keys: &Keys) -> SslAcceptorBuilder {
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).expect("TLS");
    let (key, chain) = keys.pem();
    let mut chain = X509::stack_from_pem(chain.as_bytes()).expect("certificates").into_iter();
    acceptor.set_private_key(&PKey::private_key_from_pem(key.as_bytes()).expect("a key")).expect("a key");
    acceptor.set_certificate(&chain.next().expect("a certificate")).expect("a certificate");
    acceptor
}

impl axum::serve::Listener for Tls {
    type Io = SslStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (tcp, from) = self.tcp.accept().await.expect("a connection");
            let ssl = Ssl::new(self.acceptor.context()).expect("TLS");
            let mut stream = SslStream::new(ssl, tcp).expect("TLS");
            // Who brings no certificate where one is wanted, or does not trust ours, is not served.
            if Pin::new(&mut stream).accept().await.is_ok() {
                return (stream, from);
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.tcp.local_addr()
    }
}
