//! Orders to the worker that are under way: they run beside the loop, and their ends come back to it.

use std::collections::HashMap;
use std::sync::Arc;
use tokio::task::{Id, JoinError, JoinSet};

/// The operations; the loop sees to it that a connector has one at a time.
#[derive(Default)]
pub(super) struct Operations {
    tasks: JoinSet<()>,
    connectors: HashMap<Id, Arc<str>>,
}

impl Operations {
    /// Starts one.
    pub(super) fn start(
        &mut self,
        connector: &Arc<str>,
        operation: impl Future<Output = ()> + Send + 'static,
    ) {
        let id = self.tasks.spawn(operation).id();
        self.connectors.insert(id, connector.clone());
    }

    /// The connector whose operation ended next; none when none is under way. Cancel-safe.
    pub(super) async fn ended(&mut self) -> Option<Arc<str>> {
        let ended = self.tasks.join_next_with_id().await?;
        let id = ended.as_ref().map_or_else(JoinError::id, |(id, ())| *id);
        if let Err(error) = ended {
            tracing::error!(%error, "an order to the worker ended badly");
        }
        self.connectors.remove(&id)
    }
}
