//! The levels of loggers at run time (`connect-runtime.md` §1.16): one task owns them and the filter that they make.
//!
//! [`Loggers`] is the way to ask it. A level that was set counts until the worker ends, or the levels are reset. Names
//! that mean nothing to us are kept, so that who sets one finds it again.

use super::java_loggers;
use super::level::{Level, ROOT};
use super::{Filter, QUIET};
use std::collections::BTreeMap;
use std::time::SystemTime;
use tokio::sync::{mpsc, oneshot};

/// Names that mean nothing to us are kept, but not more of them and not longer ones than anybody needs.
const MOST_NAMES: usize = 200;
const LONGEST_NAME: usize = 512;
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

/// Loggers by name.
pub type LoggerLevels = BTreeMap<String, LoggerLevel>;

enum Request {
    All(oneshot::Sender<LoggerLevels>),
    One(String, oneshot::Sender<Option<LoggerLevel>>),
    Set(String, Level, oneshot::Sender<Vec<String>>),
    Reset(Level, oneshot::Sender<()>),
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

    /// All that are known with the levels that count for them, `root` among them; those that are OFF are left out, as in
    /// Connect.
    pub async fn all(&self) -> LoggerLevels {
        self.ask(Request::All).await.unwrap_or_default()
    }

    /// The level that counts for `name`; none when it has none of its own and means nothing to us.
    pub async fn get(&self, name: &str) -> Option<LoggerLevel> {
        self.ask(|reply| Request::One(name.to_owned(), reply)).await.flatten()
    }

    /// Sets the level of `name` and of all below it; gives the names of those whose level is another one now, sorted.
    pub async fn set(&self, name: &str, level: Level) -> Vec<String> {
        self.ask(|reply| Request::Set(name.to_owned(), level, reply)).await.unwrap_or_default()
    }

    /// Forgets all levels that were set; `root` gets this one.
    pub async fn reset(&self, root: Level) {
        self.ask(|reply| Request::Reset(root, reply)).await.unwrap_or_default();
    }

    /// A handle that does not keep them alive.
    pub fn downgrade(&self) -> WeakLoggers {
        WeakLoggers(self.0.downgrade())
    }

    async fn ask<T>(&self, request: impl FnOnce(oneshot::Sender<T>) -> Request) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.0.send(request(reply)).await.ok()?;
        answer.await.ok()
    }
}

/// The loggers as long as others hold them: whoever has only this keeps their owner from no end.
#[derive(Clone)]
pub struct WeakLoggers(mpsc::WeakSender<Request>);

impl WeakLoggers {
    /// The loggers, if they still are.
    pub fn upgrade(&self) -> Option<Loggers> {
        self.0.upgrade().map(Loggers)
    }
}

async fn run(mut state: State, mut asked: mpsc::Receiver<Request>) {
    while let Some(request) = asked.recv().await {
        let heard = match request {
            Request::All(reply) => reply.send(state.all()).is_ok(),
            Request::One(name, reply) => reply.send(state.get(&name)).is_ok(),
            Request::Set(name, level, reply) => reply.send(state.set(&name, level)).is_ok(),
            Request::Reset(root, reply) => {
                state.reset(root);
                reply.send(()).is_ok()
            }
        };
        if !heard {
            tracing::debug!("nobody waits for the answer about loggers any more");
        }
    }
}

struct State {
    /// Those that were set, and `root`.
    levels: BTreeMap<String, Level>,
    /// When the level that counts for a logger became another one, in ms since 1970.
    modified: BTreeMap<String, u64>,
    filter: Filter,
}

impl State {
    fn new(filter: Filter) -> Self {
        let levels = BTreeMap::from([(ROOT.to_owned(), filter.root)]);
        Self { levels, modified: BTreeMap::new(), filter }
    }

    fn all(&self) -> LoggerLevels {
        let names = java_loggers::names().chain(self.levels.keys().map(String::as_str));
        let all = names.filter_map(|name| Some((name.to_owned(), self.effective(name)?)));
        all.filter(|(_, its)| its.level != Level::Off).collect()
    }

    fn get(&self, name: &str) -> Option<LoggerLevel> {
        let is_there = self.levels.contains_key(name) || java_loggers::is_known(name);
        self.effective(name).filter(|_| is_there)
    }

    fn effective(&self, name: &str) -> Option<LoggerLevel> {
        let (_, level) = java_loggers::effective(&self.levels, name)?;
        Some(LoggerLevel { level: *level, last_modified: self.modified.get(name).copied() })
    }

    fn set(&mut self, name: &str, level: Level) -> Vec<String> {
        let is_new = !self.levels.contains_key(name);
        if name.len() > LONGEST_NAME || (is_new && self.levels.len() >= MOST_NAMES) {
            tracing::warn!(
                MOST_NAMES,
                LONGEST_NAME,
                "the level of a logger was not set: too many names, or a longer one"
            );
            return Vec::new();
        }
        let before: Vec<_> = java_loggers::names()
            .chain(self.levels.keys().map(String::as_str))
            .chain([name])
            .filter(|known| java_loggers::is_within(known, name))
            .filter_map(|known| Some((known.to_owned(), self.effective(known)?.level)))
            .collect();
        self.levels.insert(name.to_owned(), level);
        let below = self.levels.iter_mut().filter(|(known, _)| java_loggers::is_within(known, name));
        below.for_each(|(_, its)| *its = level);
        let mut changed: Vec<_> =
            before.into_iter().filter(|(_, before)| *before != level).map(|(known, _)| known).collect();
        changed.sort_unstable();
        changed.dedup();
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let now = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        self.modified.extend(changed.iter().map(|known| (known.clone(), now)));
        self.filter.reload(&self.directives());
        tracing::info!(logger = name, level = level.as_str(), "the level of loggers was set");
        changed
    }

    fn reset(&mut self, root: Level) {
        self.levels = BTreeMap::from([(ROOT.to_owned(), root)]);
        self.modified.clear();
        let written = self.filter.written.clone();
        self.filter.reload(&written.unwrap_or_else(|| self.directives()));
    }

    fn directives(&self) -> String {
        // Libraries say no more than they do by default, and less when the whole is to be quieter.
        let libraries = match self.levels.get(ROOT) {
            Some(Level::Off) => "off",
            Some(Level::Error | Level::Fatal) => "error",
            _ => QUIET,
        };
        let ours = java_loggers::of_modules(&self.levels).into_iter();
        let ours = ours.map(|(module, level)| format!("{module}={}", level.directive()));
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
            // Nothing becomes another one.
            assert!(loggers.set("no.such", Level::Trace).await.is_empty());
            let changed = loggers.set("root", Level::Warn).await;
            for name in ["no.such", "org.apache.kafka.connect.runtime.WorkerSinkTask", "root"] {
                assert!(changed.contains(&name.to_owned()), "{name}");
            }
            loggers.reset(Level::Info).await;
            assert_eq!(loggers.get("no.such").await, None);
            let root = loggers.get("root").await.unwrap();
            assert_eq!((root.level, root.last_modified), (Level::Info, None));
        };
        tokio::join!(run, asked);
    }

    #[test]
    fn all_known_loggers_are_listed_with_the_level_that_counts() {
        let mut state = State::new(Filter::detached(Level::Info));
        let sink = "com.microsoft.azure.kusto.kafka.connect.sink";
        let task = format!("{sink}.KustoSinkTask");
        assert_eq!(state.all()[&task].level, Level::Info);
        let changed = state.set(sink, Level::Debug);
        assert!(changed.contains(&task) && changed.iter().all(|name| name.starts_with(sink)));
        assert!(state.all()[&task].level == Level::Debug && state.all()[&task].last_modified.is_some());
        assert_eq!(state.all()["root"].last_modified, None);
        state.set(&task, Level::Off);
        assert!(!state.all().contains_key(&task), "as in Connect");
        assert_eq!(state.get(&task).unwrap().level, Level::Off);
    }

    #[test]
    fn names_are_bounded() {
        let mut state = State::new(Filter::detached(Level::Info));
        for n in 0..2 * super::MOST_NAMES {
            state.set(&format!("kusto_connect::m{n}"), Level::Trace);
        }
        assert_eq!(state.levels.len(), super::MOST_NAMES);
        assert_eq!(state.set("kusto_connect::m1", Level::Debug), ["kusto_connect::m1"], "a known one");
        assert!(state.set("root", Level::Warn).contains(&"root".to_owned()));
        let mut state = State::new(Filter::detached(Level::Info));
        assert!(state.set(&"x".repeat(super::LONGEST_NAME + 1), Level::Debug).is_empty());
        assert_eq!(state.levels.len(), 1);
    }

    #[test]
    fn libraries_stay_quiet() {
        let mut state = State::new(Filter::detached(Level::Info));
        state.set("org.apache.kafka.connect.runtime.rest", Level::Trace);
        state.set("org.apache.kafka.connect.runtime.distributed", Level::Off);
        state.set("hyper", Level::Trace);
        let directives = state.directives();
        for directive in ["kusto_connect=info", "kusto_connect::rest=trace", "kusto_connect::herder=off"] {
            assert!(directives.split(',').any(|found| found == directive), "{directive}: {directives}");
        }
        assert!(directives.contains("kusto_connect::membership=off"));
        assert!(directives.starts_with("warn,") && !directives.contains("hyper"), "{directives}");
        state.set("root", Level::Off);
        assert!(state.directives().starts_with("off,") && state.directives().contains("kusto_connect=off"));
    }
}
