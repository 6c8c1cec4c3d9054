//! What the connectors of one worker share, whatever their class: connections, for example.
//!
//! The worker makes one and hands it to each sink that it starts; only a sink's class knows what it keeps there.

use crate::metrics::{Metrics, SinkCounts};
use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// One value of each type, and where sinks count. Clones share them.
#[derive(Clone, Default)]
pub struct SinkContext {
    values: Arc<Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>>,
    metrics: Metrics,
}

impl SinkContext {
    /// Of a worker that counts in `metrics`.
    pub fn new(metrics: Metrics) -> Self {
        Self { values: Arc::default(), metrics }
    }

    /// For what the sink of `connector` counts about its service.
    pub fn counts(&self, connector: &Arc<str>) -> SinkCounts {
        self.metrics.sink(connector)
    }

    /// The value of this type that all connectors share; made when it is first asked for.
    pub fn shared<T: Any + Send + Sync + Default>(&self) -> Arc<T> {
        // Only a `Default` runs while the lock is held, and before anything of the map changes.
        let mut values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        let value = values.entry(TypeId::of::<T>()).or_insert_with(|| Arc::new(T::default()));
        Arc::clone(value).downcast().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::SinkContext;
    use std::sync::Arc;

    #[test]
    fn there_is_one_value_of_each_type() {
        let context = SinkContext::default();
        let one: Arc<Vec<u8>> = context.shared();
        assert!(Arc::ptr_eq(&one, &context.clone().shared()));
        assert_eq!(*context.shared::<String>(), "");
    }
}
