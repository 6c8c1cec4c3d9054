//! One connection of REST: its handshake, its requests one after the other, and whose turn it is.
//!
//! Every wait for the client has an end: for its handshake, for the head of a request, for its body (`bodies`), for taking
//! the answer. How many connections there are is `connections`' business.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderValue, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use openssl::ssl::SslAcceptor;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};

use super::common::Common;
use super::error::Error;
use super::tls;

/// A head larger than this is refused; names and passwords are far smaller.
const MAX_HEAD: usize = 64 * 1024;
/// When the worker ends, who has sent half a request by then has this long for the rest.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What clients find behind a listener.
pub(super) struct Door {
    pub(super) router: Router,
    /// For https.
    pub(super) tls: Option<SslAcceptor>,
}

/// A connection that is not served yet.
pub(super) struct Connection {
    pub(super) peer: SocketAddr,
    pub(super) door: Arc<Door>,
    /// Only `/health` is answered.
    pub(super) kept: bool,
    pub(super) turn: Turn,
    pub(super) common: Arc<Common>,
}

/// In a request's extensions: who sent it, and what its connection may take.
#[derive(Clone)]
pub(super) struct Client {
    pub(super) peer: SocketAddr,
    pub(super) turn: Turn,
    pub(super) common: Arc<Common>,
}

/// Whose turn it is: the client's, since when, or the worker's.
#[derive(Clone)]
pub(super) struct Turn {
    /// Microseconds from the start, or [`Self::WORKER`].
    since: Arc<AtomicU64>,
    start: Instant,
}

impl Turn {
    const WORKER: u64 = u64::MAX;

    /// The client's; moments are counted from `start`.
    pub(super) fn of_client_since(start: Instant) -> Self {
        let turn = Self { since: Arc::default(), start };
        turn.of_client();
        turn
    }

    /// From now on the client's.
    pub(super) fn of_client(&self) {
        let now = u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX - 1);
        self.since.store(now, Ordering::Relaxed);
    }

    /// From now on the worker's.
    pub(super) fn of_worker(&self) {
        self.since.store(Self::WORKER, Ordering::Relaxed);
    }

    /// Since when the client is waited for; none while the worker works.
    pub(super) fn waits_since(&self) -> Option<u64> {
        Some(self.since.load(Ordering::Relaxed)).filter(|since| *since != Self::WORKER)
    }
}

impl Connection {
    /// Serves it to its end.
    pub(super) async fn serve(self, tcp: TcpStream) {
        let peer = self.peer;
        if let Err(error) = tcp.set_nodelay(true) {
            tracing::debug!(%peer, %error, "a REST connection ended at once");
        }
        match &self.door.tls {
            None => self.http(tcp).await,
            Some(acceptor) => {
                if let Some(stream) = tls::handshake(acceptor, tcp, peer).await {
                    self.http(stream).await;
                }
            }
        }
    }

    async fn http<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S) {
        let limits = &self.common.limits;
        let stream = TokioIo::new(Paced { stream, most: limits.answer, stalled: None });
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(limits.head).max_buf_size(MAX_HEAD);
        let mut served = pin!(builder.serve_connection(stream, service_fn(|request| self.answer(request))));
        let ended = tokio::select! {
            ended = served.as_mut() => ended,
            () = self.common.stop.cancelled() => {
                served.as_mut().graceful_shutdown();
                tokio::select! {
                    ended = served => ended,
                    () = self.is_silent() => return,
                }
            }
        };
        if let Err(error) = ended {
            tracing::debug!(peer = %self.peer, %error, "a REST connection ended");
        }
    }

    /// Waits until the client is waited for.
    async fn is_silent(&self) {
        loop {
            sleep(LAST_WORDS).await;
            if self.turn.waits_since().is_some() {
                return;
            }
        }
    }

    async fn answer(&self, mut request: Request<Incoming>) -> Result<Response, Infallible> {
        self.turn.of_worker();
        if self.kept && request.uri().path().trim_end_matches('/') != "/health" {
            self.turn.of_client();
            return Ok(closing(no_place().into_response()));
        }
        let client = Client { peer: self.peer, turn: self.turn.clone(), common: self.common.clone() };
        request.extensions_mut().insert(client);
        let answer = TowerToHyperService::new(self.door.router.clone()).call(request).await;
        self.turn.of_client();
        answer.map(|answer| if self.kept { closing(answer) } else { answer })
    }
}

/// The last answer on its connection.
fn closing(mut answer: Response) -> Response {
    answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    answer
}

fn no_place() -> Error {
    Error::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "The worker is busy with as many requests as it takes; try again. Only /health is answered meanwhile",
    )
}

/// A stream whose other side may not leave an answer untaken for longer than `most`.
struct Paced<S> {
    stream: S,
    most: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<S> Paced<S> {
    /// What `written` says, but an error when it has been pending for too long.
    fn within<T>(&mut self, written: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let most = self.most;
        ready!(self.stalled.get_or_insert_with(|| Box::pin(sleep(most))).as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not take its answer")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.within(written, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.within(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.within(flushed, cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let ended = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.within(ended, cx)
    }
}
