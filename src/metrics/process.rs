//! What the process takes of its machine, under the names that Prometheus' clients have for it. Read from `/proc` at each
//! scrape; where that tells nothing (another system, a hidden `/proc`), there are no such series.

use super::number::float;
use rustix::param::{clock_ticks_per_second, page_size};
use rustix::process::{Resource, getrlimit};
use std::fs;

/// At one moment.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Process {
    /// Processor time, in seconds.
    pub cpu_seconds: Option<f64>,
    /// Memory that is not elsewhere, in bytes.
    pub resident_bytes: Option<f64>,
    /// Address space, in bytes.
    pub virtual_bytes: Option<f64>,
    /// When it started, in seconds since the epoch.
    pub start_seconds: Option<f64>,
    /// Threads.
    pub threads: Option<f64>,
    /// Descriptors in use.
    pub open_fds: Option<f64>,
    /// Descriptors that it may have.
    pub max_fds: Option<f64>,
}

impl Process {
    /// As it is now.
    pub(super) fn read() -> Self {
        let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let machine = fs::read_to_string("/proc/stat").unwrap_or_default();
        // One of them is the folder that is being read.
        let open = fs::read_dir("/proc/self/fd")
            .ok()
            .map(|entries| float((entries.count() as u64).saturating_sub(1)));
        let most = getrlimit(Resource::Nofile).current.map_or(f64::INFINITY, float);
        Self { open_fds: open, max_fds: open.map(|_| most), ..Self::of(&stat, &machine) }
    }

    /// What the kernel says of the process and of the machine (proc(5), `/proc/pid/stat` and `/proc/stat`).
    fn of(stat: &str, machine: &str) -> Self {
        // The name of the process, in brackets, may have anything in it.
        let Some((_, fields)) = stat.rsplit_once(')') else { return Self::default() };
        let fields: Vec<&str> = fields.split_whitespace().collect();
        // The third field of the manual is the first behind the name.
        let number = |place: usize| Some(float(fields.get(place.checked_sub(3)?)?.parse().ok()?));
        let ticks = float(clock_ticks_per_second().max(1));
        let booted =
            machine.lines().find_map(|line| line.strip_prefix("btime ")?.trim().parse().ok()).map(float);
        Self {
            cpu_seconds: number(14).zip(number(15)).map(|(user, system)| (user + system) / ticks),
            resident_bytes: number(24).map(|pages| pages * float(page_size() as u64)),
            virtual_bytes: number(23),
            start_seconds: number(22).zip(booted).map(|(started, booted)| booted + started / ticks),
            threads: number(20),
            open_fds: None,
            max_fds: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Process;

    #[test]
    fn a_name_with_brackets_and_blanks_moves_no_field() {
        let stat = "42 (a) b (c) S 1 42 42 0 -1 4194560 1 0 0 0 250 150 0 0 20 0 7 0 1000 123456 10 18446744073709551615";
        let read = Process::of(stat, "cpu 1 2\nbtime 1700000000\n");
        let ticks = super::float(super::clock_ticks_per_second());
        assert_eq!(read.cpu_seconds, Some(400.0 / ticks));
        assert_eq!((read.threads, read.virtual_bytes), (Some(7.0), Some(123_456.0)));
        assert_eq!(read.start_seconds, Some(1_700_000_000.0 + 1000.0 / ticks));
        assert_eq!(read.resident_bytes, Some(10.0 * super::float(super::page_size() as u64)));
        assert_eq!(Process::of("", ""), Process::default());
    }

    #[test]
    fn this_process_is_read() {
        let read = Process::read();
        assert!(read.resident_bytes.is_some_and(|bytes| bytes > 1e6), "{read:?}");
        assert!(
            read.open_fds.is_some_and(|open| open >= 3.0)
                && read.threads.is_some_and(|threads| threads >= 1.0)
        );
        assert!(read.start_seconds.is_some_and(|at| at > 1.7e9), "{read:?}");
    }
}
