//! A class of sinks: the row that its folder gives to the catalogue, and what becomes of a connector's settings by it.

use super::{
    AuditSubject, Description, Error, Examination, OwnDeadLetterTopic, SinkContext, SinkTask, Supplied,
    TargetAuditor, Topics,
};
use crate::checkup::Inspection;
use crate::config::WorkerConfig;
use crate::configdef::def::ConfigKey;
use crate::configdef::{Problems, Properties, Values};
use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// What the settings of one connector made of its class.
pub trait SinkConnector: Any + fmt::Debug + Send + Sync {
    /// The sink that all tasks of the connector `name` share.
    fn task(&self, name: &Arc<str>, context: &SinkContext) -> Result<Arc<dyn SinkTask>, Error>;

    /// Checks of what it needs of its service, from the network up, for who looks before a start. They change nothing, but for
    /// the row that is asked for.
    fn examine(&self, _: &Examination<'_>, _: &SinkContext) -> Vec<Inspection> {
        Vec::new()
    }

    /// Who looks into its target, to compare it with Kafka; none when nobody can. It changes nothing there.
    fn auditor(
        &self,
        _: &AuditSubject<'_>,
        _: &SinkContext,
    ) -> Result<Option<Box<dyn TargetAuditor>>, Error> {
        Ok(None)
    }

    /// A dead-letter topic of its own, if it uses one.
    fn own_dead_letters(&self) -> Option<OwnDeadLetterTopic> {
        None
    }

    /// What becomes of records of `topic`, in words.
    fn describe(&self, topic: &str) -> Description {
        Description { target: Some(format!("the sink, which says no more of {topic}")), steps: Vec::new() }
    }

    /// Settings that are used with other values than are written, or without being written.
    fn supplied(&self) -> Vec<Supplied> {
        Vec::new()
    }

    /// True when it writes headers as texts: they are then read as texts, unless the settings name a header converter.
    fn writes_headers_as_texts(&self) -> bool {
        false
    }
}

/// What a class reads its settings from.
pub struct SinkSettings<'a> {
    /// By the class's own keys, and Connect's.
    pub values: Values<'a>,
    /// What the connector reads; none when that is wrong.
    pub topics: Option<&'a Topics>,
    /// The worker it is for.
    pub worker: &'a WorkerConfig,
}

/// A class of sinks.
pub struct SinkClass {
    /// The full class name.
    pub class: &'static str,
    /// The class of its tasks, written into task configs so that a JVM worker can take over.
    pub task_class: &'static str,
    /// The release of the JVM connector whose configuration and behaviour ours answers to, because tools compare it.
    pub version: &'static str,
    /// Its own keys, in its order.
    pub keys: fn() -> Vec<ConfigKey>,
    /// Makes the connector from values without errors; what is wrong beyond the table of keys goes to the problems, and the
    /// result is then none.
    pub build: fn(&SinkSettings<'_>, &mut Problems) -> Option<Arc<dyn SinkConnector>>,
    /// Sentences about settings that are not wrong, but probably not meant.
    pub warnings: fn(&Properties) -> Vec<String>,
}

impl fmt::Debug for SinkClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SinkClass").field(&self.class).finish()
    }
}
