//! The signals of the process, and what each of them means to a worker: none ends it before its tasks are drained.
//!
//! They are taken from the first moment on, before anything is read or started. A signal that means nothing here is
//! told in the log and ignored; what the system does by default is to kill. SIGPIPE is off from the start, by Rust.

use std::future::poll_fn;
use std::io;
use std::task::Poll;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// What a signal means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// Drain and end.
    End,
    /// Read the levels of log lines again.
    Reread,
    /// Nothing.
    Nothing,
}

/// All that can be sent to a process by its name and that would kill it, but those which nobody can take.
fn table() -> [(&'static str, SignalKind, Meaning); 11] {
    let raw = |signal: rustix::process::Signal| SignalKind::from_raw(signal.as_raw());
    [
        ("SIGINT", SignalKind::interrupt(), Meaning::End),
        ("SIGTERM", SignalKind::terminate(), Meaning::End),
        ("SIGQUIT", SignalKind::quit(), Meaning::End),
        ("SIGHUP", SignalKind::hangup(), Meaning::Reread),
        ("SIGUSR1", SignalKind::user_defined1(), Meaning::Nothing),
        ("SIGUSR2", SignalKind::user_defined2(), Meaning::Nothing),
        ("SIGALRM", SignalKind::alarm(), Meaning::Nothing),
        ("SIGVTALRM", raw(rustix::process::Signal::VTALARM), Meaning::Nothing),
        ("SIGPROF", raw(rustix::process::Signal::PROF), Meaning::Nothing),
        ("SIGXCPU", raw(rustix::process::Signal::XCPU), Meaning::Nothing),
        ("SIGXFSZ", raw(rustix::process::Signal::XFSZ), Meaning::Nothing),
    ]
}

/// The signals that this process takes.
pub(super) struct Signals(Vec<(&'static str, Signal, Meaning)>);

impl Signals {
    /// Takes them from now on.
    pub(super) fn take() -> io::Result<Self> {
        let taken = table().into_iter().map(|(name, kind, meaning)| Ok((name, signal(kind)?, meaning)));
        taken.collect::<io::Result<_>>().map(Self)
    }

    /// Waits for one that ends the worker, and gives its name. Meanwhile `reread` is called for each SIGHUP.
    pub(super) async fn end(&mut self, reread: impl AsyncFn()) -> &'static str {
        loop {
            match self.next().await {
                (name, Meaning::End) => return name,
                (_, Meaning::Reread) => reread().await,
                (name, Meaning::Nothing) => {
                    tracing::info!("{name}: it means nothing to this worker, which goes on; SIGTERM ends it");
                }
            }
        }
    }

    async fn next(&mut self) -> (&'static str, Meaning) {
        poll_fn(|cx| {
            for (name, signal, meaning) in &mut self.0 {
                if signal.poll_recv(cx) == Poll::Ready(Some(())) {
                    return Poll::Ready((*name, *meaning));
                }
            }
            Poll::Pending
        })
        .await
    }
}
