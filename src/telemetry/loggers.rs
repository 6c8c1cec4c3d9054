//! The levels of loggers at run time (`connect-runtime.md` §1.16): one task owns them and the filter that they make.
//!
//! [`Loggers`] is the way to ask it. A level that was set counts until the worker ends. Names that mean nothing to us
//! are kept, so that who sets one finds it again.

use super::level::{self, Level, OURS, ROOT};
use super::{Filter, QUIET};
use std::collections::BTreeMap;
use std::time::SystemTime;
use tokio::sync::{mpsc, oneshot};

/// Requests that wait; each is answered at once.
const REQUEST_PLACES: usize = 16;

/// A logger's level and when it was set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoggerLevel {
    /// The level.
    pub level: Level,
    /// Milliseconds since 1970; none when it was not changed since the start.
    pub last_modified: Option<u64>,
}

/// The loggers that have a level of their own, by name.
pub type LoggerLevels = BTreeMap<String, LoggerLevel>;

enum Request {
    All(oneshot::Sender<LoggerLevels>),
    One(String, oneshot::Sender<Option<LoggerLevel>>),
    Set(String, Level, oneshot::Sender<Vec<String>>),
}

/// The loggers, to be asked. After the worker's end there are none.
#[derive(Clone)]
pub struct Loggers(mpsc::Sender<Request>);

impl Loggers {
    /// Loggers over a filter, and the task that owns them; it ends when all handles are gone.
    pub fn new(filter: Filter) -> (Self, impl Future<Output = ()> + Send) {
        let (requests, asked) = mpsc::channel(REQUEST_PLACES);
        (Self(requests), run(State::new(filter), asked))
    }

    /// Those with a level of their own, `root` among them.
    pub async fn all(&self) -> LoggerLevels {
        self.ask(Request::All).await.unwrap_or_default()
    }

    /// The level that counts for `name`; none when it has none of its own and means nothing to us.
    pub async fn get(&self, name: &str) -> Option<LoggerLevel> {
        self.ask(|reply| Request::One(name.to_owned(), reply)).await.flatten()
    }

    /// Sets the level of `name` and of all below it that have one; gives their names, sorted.
    pub async fn set(&self, name: &str, level: Level) -> Vec<String> {
        self.ask(|reply| Request::Set(name.to_owned(), level, reply)).await.unwrap_or_default()
    }

    async fn ask<T>(&self, request: impl FnOnce(oneshot::Sender<T>) -> Request) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.0.send(request(reply)).await.ok()?;
        answer.await.ok()
    }
}

async fn run(mut state: State, mut asked: mpsc::Receiver<Request>) {
    while let Some(request) = asked.recv().await {
        let heard = match request {
            Request::All(reply) => reply.send(state.levels.clone()).is_ok(),
            Request::One(name, reply) => reply.send(state.get(&name)).is_ok(),
            Request::Set(name, level, reply) => reply.send(state.set(&name, level)).is_ok(),
        };
        if !heard {
            tracing::debug!("nobody waits for the answer about loggers any more");
        }
    }
}

struct State {
    levels: LoggerLevels,
    filter: Filter,
}

impl State {
    fn new(filter: Filter) -> Self {
        let root = LoggerLevel { level: filter.root, last_modified: None };
        Self { levels: BTreeMap::from([(ROOT.to_owned(), root)]), filter }
    }

    fn get(&self, name: &str) -> Option<LoggerLevel> {
        if let Some(own) = self.levels.get(name) {
            return Some(*own);
        }
        if !level::is_known(name) {
            return None;
        }
        let above = self.levels.iter().filter(|(above, _)| level::is_within(name, above));
        let nearest = above.max_by_key(|(above, _)| if *above == ROOT { 0 } else { above.len() });
        nearest.map(|(_, level)| LoggerLevel { last_modified: None, ..*level })
    }

    fn set(&mut self, name: &str, level: Level) -> Vec<String> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let set = LoggerLevel { level, last_modified: u64::try_from(now.as_millis()).ok() };
        self.levels.insert(name.to_owned(), set);
        let mut changed = Vec::new();
        for (known, its) in self.levels.iter_mut().filter(|(known, _)| level::is_within(known, name)) {
            *its = set;
            changed.push(known.clone());
        }
        self.filter.reload(&self.directives());
        tracing::info!(logger = name, level = level.as_str(), "the level of loggers was set");
        changed
    }

    /// The levels as a filter: those of longer names count more.
    fn directives(&self) -> String {
        let mut by_length: Vec<_> = self.levels.iter().collect();
        by_length.sort_by_key(|(name, _)| if *name == ROOT { 0 } else { name.len() });
        let mut targets = BTreeMap::new();
        for (name, LoggerLevel { level, .. }) in by_length {
            let own = if name == ROOT { vec![OURS] } else { level::targets(name) };
            targets.extend(own.into_iter().map(|target| (target.to_owned(), level.directive())));
        }
        // Libraries say no more than they do by default, and less when the whole is to be quieter.
        let libraries = match self.levels.get(ROOT).map(|root| root.level) {
            Some(Level::Off) => "off",
            Some(Level::Error | Level::Fatal) => "error",
            _ => QUIET,
        };
        let ours = targets.iter().map(|(target, level)| format!("{target}={level}"));
        std::iter::once(libraries.to_owned()).chain(ours).collect::<Vec<_>>().join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::{Filter, Level, Loggers, State};

    #[tokio::test]
    async fn a_level_that_was_set_is_found_again_with_its_time() {
        let (loggers, run) = Loggers::new(Filter::detached(Level::Error));
        let asked = async move {
            assert_eq!(loggers.all().await.len(), 1);
            let root = loggers.get("root").await.unwrap();
            assert_eq!((root.level, root.last_modified), (Level::Error, None));
            assert_eq!(loggers.get("no.such.logger").await, None);
            let known = loggers.get("org.apache.kafka.connect").await.unwrap();
            assert_eq!((known.level, known.last_modified), (Level::Error, None));
            assert_eq!(loggers.set("no.such.logger", Level::Debug).await, ["no.such.logger"]);
            let set = loggers.get("no.such.logger").await.unwrap();
            assert!(set.level == Level::Debug && set.last_modified > Some(1_600_000_000_000));
            loggers.set("no.such", Level::Trace).await;
            assert_eq!(loggers.get("no.such.logger").await.unwrap().level, Level::Trace, "children follow");
            assert_eq!(loggers.set("root", Level::Warn).await, ["no.such", "no.such.logger", "root"]);
        };
        tokio::join!(run, asked);
    }

    #[test]
    fn the_longer_name_counts_and_libraries_stay_quiet() {
        let mut state = State::new(Filter::detached(Level::Info));
        state.set("org.apache.kafka.connect.runtime.rest", Level::Trace);
        state.set("org.apache.kafka.connect.runtime.distributed", Level::Off);
        state.set("hyper", Level::Trace);
        let directives = state.directives();
        assert!(
            directives.contains("kusto_connect=info") && directives.contains("kusto_connect::rest=trace")
        );
        assert!(directives.contains("kusto_connect::herder=off"));
        assert!(directives.starts_with("warn,") && !directives.contains("hyper"), "{directives}");
        state.set("root", Level::Off);
        assert!(state.directives().starts_with("off,") && state.directives().contains("kusto_connect=off"));
    }
}
