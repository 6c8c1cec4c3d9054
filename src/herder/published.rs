//! What the herder's loop has published last, for those who read it or wait for it.

use super::Error;
use super::view::{Phase, View};
use std::sync::Arc;
use time::format_description::well_known::Rfc3339;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

/// The loop's last view. Clones see the same one.
#[derive(Clone)]
pub(super) struct PublishedView(pub(super) watch::Receiver<Arc<View>>);

impl PublishedView {
    pub(super) fn new(view: watch::Receiver<Arc<View>>) -> Self {
        Self(view)
    }

    /// The view as it is, also before the worker is ready.
    pub(super) fn now(&self) -> Arc<View> {
        self.0.borrow().clone()
    }

    /// Waits until requests are taken, however long Kafka is away.
    pub(super) async fn until_ready(&self) -> Result<(), Error> {
        let mut view = self.0.clone();
        let ready = view.wait_for(|view| !matches!(view.phase, Phase::Starting(..))).await;
        ready.map(drop).map_err(|_| Error::ShuttingDown)
    }

    /// The view, once the worker is ready.
    pub(super) async fn ready(&self, deadline: Instant) -> Result<Arc<View>, Error> {
        let mut view = self.0.clone();
        let ready = view.wait_for(|view| !matches!(view.phase, Phase::Starting(..)));
        match timeout_at(deadline, ready).await {
            Ok(Ok(view)) => Ok(view.clone()),
            // The loop is gone; what it knew last may still be read.
            Ok(Err(_)) => Err(Error::ShuttingDown),
            Err(_) => Err(self.timed_out()),
        }
    }

    /// A request took too long: why, if that is known.
    pub(super) fn timed_out(&self) -> Error {
        let phase = self.0.borrow().phase.clone();
        Error::TimedOut(match phase {
            Phase::Starting(stage, since) => {
                let since = since.format(&Rfc3339).unwrap_or_default();
                format!("Request timed out. The worker is currently {stage}, which began at {since}.")
            }
            Phase::Running | Phase::Stopping => "Request timed out".to_owned(),
        })
    }
}
