//! The ports: accepts connections, plain and TLS, and serves the router on each.
//!
//! Owns every connection's task, and ends them all when the emulator stops. A handler can ask that its connection be
//! reset instead of answered.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http;
use axum::response::Response;
use bytes::Bytes;
use http_body::Body as HttpBody;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use openssl::ssl::{Ssl, SslAcceptor};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_openssl::SslStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_service::Service;

/// How long requests may take to finish after a stop.
const GRACE: Duration = Duration::from_secs(5);

/// What a handler knows of the connection its request came on.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    /// Our address on it.
    pub local: SocketAddr,
    /// Came on the TLS port.
    pub tls: bool,
    reset: CancellationToken,
}

impl Connection {
    /// `http` or `https`.
    pub(crate) fn scheme(&self) -> &'static str {
        if self.tls { "https" } else { "http" }
    }

    /// Cuts the connection; the answer never comes.
    pub(crate) async fn reset(&self) -> Response {
        self.reset.cancel();
        std::future::pending().await
    }
}

/// Opens a port; the error says which and what to do.
pub(crate) async fn bind(address: SocketAddr, setting: &str) -> io::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        let hint = if error.kind() == io::ErrorKind::AddrInUse {
            format!("another program uses it; stop that one or set {setting} to another port")
        } else {
            format!("set {setting} to an address of this machine")
        };
        io::Error::new(error.kind(), format!("cannot listen on {address}: {error}; {hint}"))
    })
}

/// Accepts connections until `stop`, serving `router`; connection tasks run in `tasks`.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: Option<SslAcceptor>,
    router: Router,
    tasks: TaskTracker,
    stop: CancellationToken,
) {
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                tasks.spawn(one(stream, tls.clone(), router.clone(), stop.clone()));
            }
            Err(error) => {
                // Out of file handles, mostly: it passes when connections end, and must not spin.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn one(stream: TcpStream, tls: Option<SslAcceptor>, router: Router, stop: CancellationToken) {
    let Ok(local) = stream.local_addr() else { return };
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection ended at once");
    }
    let reset = CancellationToken::new();
    let service =
        WithConnection { router, connection: Connection { local, tls: tls.is_some(), reset: reset.clone() } };
    match tls {
        None => http(Kind::Plain(stream), service, stop).await,
        Some(acceptor) => {
            let handshake = async {
                let mut stream = SslStream::new(Ssl::new(acceptor.context())?, stream)?;
                Pin::new(&mut stream).accept().await?;
                Ok::<_, Box<dyn std::error::Error + Send + Sync>>(stream)
            };
            match tokio::time::timeout(GRACE, handshake).await {
                Ok(Ok(stream)) => http(Kind::Tls(stream), service, stop).await,
                Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
                Err(_) => tracing::debug!("a TLS handshake took too long"),
            }
        }
    }
}

async fn http(kind: Kind, service: WithConnection, stop: CancellationToken) {
    let reset = service.connection.reset.clone();
    let io = TokioIo::new(Stream { kind, reset: reset.clone() });
    let builder = Builder::new(TokioExecutor::new()).http1_only();
    let mut connection = pin!(builder.serve_connection(io, TowerToHyperService::new(service)));
    let end = tokio::select! {
        end = connection.as_mut() => Some(end),
        () = reset.cancelled() => None,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                end = connection.as_mut() => Some(end),
                () = reset.cancelled() => None,
                () = tokio::time::sleep(GRACE) => None,
            }
        }
    };
    if let Some(Err(error)) = end {
        tracing::debug!(%error, "a connection ended");
    }
}

#[derive(Debug, Clone)]
struct WithConnection {
    router: Router,
    connection: Connection,
}

impl<B> Service<http::Request<B>> for WithConnection
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<axum::BoxError>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let mut request: Request = request.map(Body::new);
        request.extensions_mut().insert(self.connection.clone());
        Box::pin(self.router.call(request))
    }
}

#[derive(Debug)]
enum Kind {
    Plain(TcpStream),
    Tls(SslStream<TcpStream>),
}

#[derive(Debug)]
struct Stream {
    kind: Kind,
    reset: CancellationToken,
}

impl Drop for Stream {
    /// A reset on demand closes with RST, not with an orderly end.
    fn drop(&mut self) {
        let tcp = match &self.kind {
            Kind::Plain(tcp) => tcp,
            Kind::Tls(tls) => tls.get_ref(),
        };
        if self.reset.is_cancelled()
            && let Err(error) = tcp.set_zero_linger()
        {
            tracing::debug!(%error, "cannot reset a connection");
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut tokio::io::ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.get_mut().kind {
            Kind::Plain(tcp) => Pin::new(tcp).poll_read(context, buffer),
            Kind::Tls(tls) => Pin::new(tls).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().kind {
            Kind::Plain(tcp) => Pin::new(tcp).poll_write(context, bytes),
            Kind::Tls(tls) => Pin::new(tls).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().kind {
            Kind::Plain(tcp) => Pin::new(tcp).poll_flush(context),
            Kind::Tls(tls) => Pin::new(tls).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().kind {
            Kind::Plain(tcp) => Pin::new(tcp).poll_shutdown(context),
            Kind::Tls(tls) => Pin::new(tls).poll_shutdown(context),
        }
    }
}
