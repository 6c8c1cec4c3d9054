//! Whether there is room for one more Kafka client: its threads, descriptors and address space are counted before it is
//! made, because librdkafka ends the process when it gets no thread.
//!
//! [`ConnectorRoom`] is for connectors and keeps some for REST and the worker's own clients; [`for_one_client`] is the last look
//! before any client is made. What a client takes depends on how many brokers there are, so it is what clients took so far,
//! and at least what one of a single broker takes. It limits nothing itself, and it never waits. [`Uploads`] is how many of
//! these run at once. [`heap`] gives freed memory back.

pub mod heap;
mod machine;
mod uploads;

use crate::brief::Brief;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;

use machine::{Limit, Machine, Reading};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
pub use uploads::{ConnectorUploads, Entered, Uploads};

const MIB: u64 = 1 << 20;

/// What there is a limit of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thing {
    /// Open files, sockets and pipes.
    Descriptors,
    /// Threads.
    Threads,
    /// Bytes of address space.
    AddressSpace,
}

const THINGS: [Thing; 3] = [Thing::Descriptors, Thing::Threads, Thing::AddressSpace];

impl Thing {
    /// What one client takes at least, by measurement: a consumer of one broker has five threads (its own, one each for the
    /// address in `bootstrap.servers`, the broker, the group's coordinator and what has no broker), eight MiB of stack for
    /// each, pipes and sockets; and its connector has connections to its service.
    fn of_client(self) -> u64 {
        match self {
            Self::Descriptors => 12,
            Self::Threads => 5,
            Self::AddressSpace => 48 * MIB,
        }
    }

    /// What connectors leave of a limit: for as many connections as REST takes, for uploads (one that works and one that
    /// idles each), for clients that live as long as one request, for the runtime's threads.
    fn kept(self, most: u64) -> u64 {
        match self {
            Self::Descriptors => (most / 4).clamp(16, 512) + 16 + 2 * uploads::at_once(most),
            Self::Threads => 24,
            Self::AddressSpace => 128 * MIB,
        }
    }

    fn read(self, machine: &Machine) -> Reading {
        match self {
            Self::Descriptors => machine.descriptors(),
            Self::Threads => machine.threads(),
            Self::AddressSpace => machine.address_space(),
        }
    }
}

impl fmt::Display for Thing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Descriptors => "descriptors",
            Self::Threads => "threads",
            Self::AddressSpace => "bytes of address space",
        })
    }
}

/// There is no room.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// By what is counted.
    #[error(
        "this machine has no room for it: it takes about {needed} {thing}, and {used} of {most} are in use ({set_by}), of which \
         {kept} are kept for REST and the worker itself; raise that limit, or run fewer connectors on this worker"
    )]
    Full {
        /// What there is too little of.
        thing: Thing,
        /// What it takes.
        needed: u64,
        /// What is in use.
        used: u64,
        /// The limit.
        most: u64,
        /// What is not for it.
        kept: u64,
        /// Which limit that is.
        set_by: String,
    },
    /// The system gave no threads, whatever was counted: others that cannot be seen from here may count too.
    #[error(
        "this machine has no room for it: it takes about {needed} threads, and the system gives no more ({reason}); raise its \
         limits (`ulimit -u`, `ulimit -v`, pids.max), or run fewer connectors on this worker"
    )]
    Refused {
        /// What it takes.
        needed: u64,
        /// The system's word.
        reason: String,
    },
}

impl Error {
    /// It in one line.
    pub fn brief(&self) -> Brief {
        match self {
            Self::Full { thing, needed, used, most, kept, set_by } => Brief::new(format!(
                "no room for its Kafka clients: {used} of {most} {thing} in use, {kept} kept, {needed} needed"
            ))
            .mended_by(format!("raise {set_by}, or run fewer connectors on this worker")),
            Self::Refused { needed, reason } => Brief::new(format!(
                "no room for its Kafka clients: the system gives no {needed} threads: {reason}"
            ))
            .mended_by("raise `ulimit -u`, `ulimit -v`, pids.max, or run fewer connectors on this worker"),
        }
    }
}

/// Says whether a client can be made now: by what is counted, and by a try.
pub fn for_one_client() -> Result<(), Error> {
    // Others may take some between this look and the client's threads.
    const SPARE: u64 = 3;
    let machine = Machine::default();
    for thing in THINGS {
        let needed = thing.of_client();
        for limit in thing.read(&machine).limits {
            check(thing, &limit, needed, if thing == Thing::Threads { SPARE } else { 0 })?;
        }
    }
    let needed = Thing::Threads.of_client();
    try_threads(needed + SPARE).map_err(|error| Error::Refused { needed, reason: error.to_string() })
}

/// Starts so many threads at a time, with stacks as librdkafka's have, and lets them end.
fn try_threads(count: u64) -> io::Result<()> {
    const STACK: usize = 8 << 20;
    let gate = Arc::new(RwLock::new(()));
    let closed = gate.write().unwrap_or_else(PoisonError::into_inner);
    let start = |_| {
        let gate = Arc::clone(&gate);
        let thread = std::thread::Builder::new().name("room".to_owned()).stack_size(STACK);
        thread.spawn(move || drop(gate.read()))
    };
    let started: Vec<io::Result<JoinHandle<()>>> = (0..count).map(start).collect();
    drop(closed);
    let mut tried = Ok(());
    for thread in started {
        match thread {
            // It does nothing that could panic.
            Ok(thread) => drop(thread.join()),
            Err(error) => tried = Err(error),
        }
    }
    tried
}

fn check(thing: Thing, limit: &Limit, needed: u64, kept: u64) -> Result<(), Error> {
    let Limit { used, most, set_by } = limit.clone();
    let fits = used.saturating_add(needed).saturating_add(kept) <= most;
    if fits { Ok(()) } else { Err(Error::Full { thing, needed, used, most, kept, set_by }) }
}

/// Raises the limit of descriptors as far as this process may: many systems give 1,024 to programs that do not ask.
pub fn raise_descriptors() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == maximum {
        return;
    }
    match setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        Ok(()) => tracing::debug!(?current, ?maximum, "raised the limit of descriptors"),
        Err(error) => {
            tracing::warn!(%error, ?current, ?maximum, "the limit of descriptors could not be raised");
        }
    }
}

/// The room for connectors of a worker. Clones are the same one.
#[derive(Clone, Default)]
pub struct ConnectorRoom {
    machine: Machine,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// Clients of connectors that run or start.
    clients: u64,
    /// What was used without any, in the order of [`THINGS`].
    before: [u64; THINGS.len()],
}

/// The room of one connector; dropping it leaves.
pub struct Occupied {
    state: Arc<Mutex<State>>,
    clients: u64,
}

impl ConnectorRoom {
    /// Takes room for a connector with so many Kafka clients.
    pub fn enter(&self, clients: u64) -> Result<Occupied, Error> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let readings = THINGS.map(|thing| thing.read(&self.machine));
        if state.clients == 0 {
            state.before = readings.each_ref().map(|reading| reading.used);
        }
        for ((thing, reading), before) in THINGS.into_iter().zip(&readings).zip(state.before) {
            // Clients that were just made have not taken all they will take.
            let expected = before + state.clients * thing.of_client();
            let to_come = expected.saturating_sub(reading.used);
            let each = reading.used.saturating_sub(before).checked_div(state.clients).unwrap_or(0);
            let needed = clients * each.max(thing.of_client());
            for limit in &reading.limits {
                let limit = Limit { used: limit.used + to_come, ..limit.clone() };
                check(thing, &limit, needed, thing.kept(limit.most))?;
            }
        }
        state.clients += clients;
        Ok(Occupied { state: Arc::clone(&self.state), clients })
    }
}

impl Drop for Occupied {
    fn drop(&mut self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clients -= self.clients;
    }
}

#[cfg(test)]
mod tests {
    use super::machine::Machine;
    use super::{ConnectorRoom, Error, Thing, for_one_client, try_threads};
    use rustix::process::Resource;
    use std::fs;

    #[test]
    fn clients_are_counted_by_what_they_took_and_before_they_take_it() {
        let dir = tempfile::tempdir().unwrap();
        let threads = |count: u64| {
            for process in ["self", "12"] {
                let folder = dir.path().join("proc").join(process);
                fs::create_dir_all(&folder).unwrap();
                fs::write(folder.join("status"), format!("Uid:\t7\t7\nThreads:\t{count}\n")).unwrap();
            }
        };
        threads(20);
        let most = |which| (which == Resource::Nproc).then_some(100);
        let room = ConnectorRoom { machine: Machine::made_of(dir.path(), most), ..ConnectorRoom::default() };
        // 20 in use, 24 kept: eleven times five fit, also if none of their threads has begun.
        let mut inside: Vec<_> = (0..11).map(|_| room.enter(1).ok().unwrap()).collect();
        let numbers = |error: &Error| match error {
            Error::Full { thing: Thing::Threads, needed, used, .. } => (*needed, *used),
            other => panic!("{other}"),
        };
        let error = room.enter(1).err().unwrap();
        assert_eq!(numbers(&error), (5, 75));
        let text = error.to_string();
        assert!(
            text.contains("75 of 100") && text.contains("RLIMIT_NPROC") && text.contains("fewer connectors"),
            "{text}"
        );
        inside.truncate(4);
        // With more brokers each takes ten: so will the next.
        threads(60);
        let error = room.enter(2).err().unwrap();
        assert_eq!(numbers(&error), (20, 60));
        inside.push(room.enter(1).ok().unwrap());
        inside.clear();
        threads(20);
        assert!(room.enter(11).is_ok() && room.enter(12).is_err());
    }

    #[test]
    fn a_client_has_room_here() {
        assert_eq!(for_one_client(), Ok(()));
        assert!(try_threads(8).is_ok());
    }
}
