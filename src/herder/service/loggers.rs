//! Levels of loggers for all workers: they travel through the config topic, and each worker sets them when it reads them.

use super::state::Service;
use crate::herder::Error;
use crate::telemetry::Level;

impl Service {
    /// Writes a level, for all workers; this one sets it when it is read back.
    pub(super) async fn write_logger_level(&mut self, logger: &str, level: Level) -> Result<(), Error> {
        let changes = self.topic.put_logger_level(logger, level.as_str()).await;
        let written = self.written(changes);
        self.set_logger_levels().await;
        written
    }

    /// Sets the levels that were read since the last time.
    pub(super) async fn set_logger_levels(&mut self) {
        for (logger, level) in std::mem::take(&mut self.logger_levels) {
            if let Some(level) = Level::from_name(&level) {
                self.options.loggers.set(&logger, level).await;
            } else {
                tracing::warn!(%logger, level, "the level of loggers in the config topic is unknown");
            }
        }
    }
}
