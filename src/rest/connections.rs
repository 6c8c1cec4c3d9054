//! The connections of REST, those of all listeners together: how many there may be, and which one gives way to the next.
//!
//! [`Connections`] owns every connection's task. When all places are taken, the connection that has waited longest for
//! its client is closed; when none waits, because the worker works for each of them, the next one gets a place that is
//! kept for `/health`. So neither clients that connect and say nothing nor slow ones can silence a worker. It never reads
//! a request: that is `connection`'s part.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::{AbortHandle, Id, JoinSet};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::common::{Common, Limits};
use super::connection::{Connection, Door, Turn};

/// How long a listener rests after the system refused it a connection.
const REST_AFTER_REFUSAL: Duration = Duration::from_millis(100);
/// How often the log says that places are short.
const BETWEEN_WARNINGS: Duration = Duration::from_mins(1);
/// What a listener has to tell.
pub(super) enum Arrival {
    /// A client has connected.
    Client(TcpStream, SocketAddr, Arc<Door>),
    /// The system has nothing left for one that wants to.
    Refused(io::Error),
}

/// All connections that are open.
pub(super) struct Connections {
    common: Arc<Common>,
    start: Instant,
    open: HashMap<Id, Open>,
    tasks: JoinSet<()>,
    warned: Option<Instant>,
}

struct Open {
    turn: Turn,
    /// In a place that is kept for `/health`.
    kept: bool,
    end: AbortHandle,
}

impl Connections {
    pub(super) fn new(limits: Limits, stop: CancellationToken) -> Self {
        let blocks = Arc::new(Semaphore::new(limits.body_blocks));
        let common = Arc::new(Common { limits, blocks, stop });
        let start = Instant::now();
        Self { common, start, open: HashMap::new(), tasks: JoinSet::new(), warned: None }
    }

    /// Serves what arrives until the worker ends; requests under way are answered first.
    pub(super) async fn run(mut self, mut arrivals: mpsc::Receiver<Arrival>) {
        let stop = self.common.stop.clone();
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                Some(ended) = self.tasks.join_next_with_id() => {
                    let id = ended.map_or_else(|error| error.id(), |(id, ())| id);
                    self.open.remove(&id);
                }
                Some(arrival) = arrivals.recv() => match arrival {
                    Arrival::Client(tcp, peer, door) => self.admit(tcp, peer, door),
                    Arrival::Refused(error) => {
                        let closed = self.close_one(false);
                        self.warn(&format!("a client cannot be let in: {error}"), closed);
                    }
                },
            }
        }
        drop(arrivals);
        while self.tasks.join_next().await.is_some() {}
    }

    fn admit(&mut self, tcp: TcpStream, peer: SocketAddr, door: Arc<Door>) {
        let Some(kept) = self.place() else {
            self.warn("there is no place for one more client", false);
            return;
        };
        let turn = Turn::of_client_since(self.start);
        let connection = Connection { peer, door, kept, turn: turn.clone(), common: self.common.clone() };
        let end = self.tasks.spawn(connection.serve(tcp));
        self.open.insert(end.id(), Open { turn, kept, end });
    }

    /// A place for one more, true when it is one of those that are kept for `/health`.
    fn place(&mut self) -> Option<bool> {
        for (kept, most) in [(false, self.common.limits.places), (true, self.common.limits.kept)] {
            if self.open.values().filter(|open| open.kept == kept).count() < most {
                return Some(kept);
            }
            if self.close_one(kept) {
                if !kept {
                    self.warn("all places for clients are taken", true);
                }
                return Some(kept);
            }
        }
        None
    }

    /// Closes the connection that has waited longest for its client; false when none waits.
    fn close_one(&mut self, kept: bool) -> bool {
        let waits =
            |(id, open): (&Id, &Open)| Some((open.turn.waits_since()?, *id)).filter(|_| open.kept == kept);
        let longest = self.open.iter().filter_map(waits).min_by_key(|(since, _)| *since);
        let closed = longest.and_then(|(_, id)| self.open.remove(&id));
        if let Some(closed) = &closed {
            closed.end.abort();
        }
        closed.is_some()
    }

    fn warn(&mut self, what: &str, closed: bool) {
        if self.warned.is_some_and(|at| at.elapsed() < BETWEEN_WARNINGS) {
            return;
        }
        self.warned = Some(Instant::now());
        let places = self.common.limits.places;
        tracing::warn!(
            places,
            open = self.open.len(),
            closed_one = closed,
            "REST: {what}; the connection that waits longest for its client is closed for the next one. There are more \
             places with more file descriptors (ulimit -n), a quarter of which is for REST"
        );
    }
}

/// Takes clients from a socket until the worker ends.
pub(super) async fn accept(
    socket: TcpListener,
    door: Arc<Door>,
    arrivals: mpsc::Sender<Arrival>,
    stop: CancellationToken,
) {
    let accepting = async {
        loop {
            let told = match socket.accept().await {
                Ok((tcp, peer)) => arrivals.send(Arrival::Client(tcp, peer, door.clone())).await,
                Err(error) if is_of_client(&error) => continue,
                Err(error) => {
                    let told = arrivals.send(Arrival::Refused(error)).await;
                    sleep(REST_AFTER_REFUSAL).await;
                    told
                }
            };
            if told.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = accepting => {}
        () = stop.cancelled() => {}
    }
}

/// The client went away before it was let in.
fn is_of_client(error: &io::Error) -> bool {
    use io::ErrorKind as E;
    matches!(error.kind(), E::ConnectionRefused | E::ConnectionAborted | E::ConnectionReset)
}
