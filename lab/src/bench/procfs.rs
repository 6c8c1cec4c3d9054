//! What Linux counts about a process: CPU time, memory and threads, by pid, so that any worker can be measured.

use std::{fs, io};

/// Why a process could not be measured.
#[derive(Debug, thiserror::Error)]
#[error("/proc/{pid}/{file}: {reason}")]
pub struct Error {
    pid: u32,
    file: &'static str,
    reason: String,
}

fn read(pid: u32, file: &'static str) -> Result<String, Error> {
    fs::read_to_string(format!("/proc/{pid}/{file}")).map_err(|error: io::Error| Error {
        pid,
        file,
        reason: error.to_string(),
    })
}

/// CPU seconds, user and system, of all the process's threads since its start.
pub fn cpu_seconds(pid: u32) -> Result<f64, Error> {
    let text = read(pid, "stat")?;
    let ticks =
        cpu_ticks(&text).ok_or_else(|| Error { pid, file: "stat", reason: "unexpected form".to_owned() })?;
    #[expect(clippy::cast_precision_loss, reason = "ticks are hundredths of seconds")]
    Ok(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

/// The most memory the process ever had resident, in bytes.
pub fn peak_memory(pid: u32) -> Result<u64, Error> {
    Ok(status(pid, "VmHWM:")? * 1024)
}

/// What the process has resident now, in bytes.
pub fn memory(pid: u32) -> Result<u64, Error> {
    Ok(status(pid, "VmRSS:")? * 1024)
}

/// How many threads the process has.
pub fn threads(pid: u32) -> Result<u64, Error> {
    status(pid, "Threads:")
}

/// A number in the process's status; sizes are in KiB.
fn status(pid: u32, key: &str) -> Result<u64, Error> {
    let text = read(pid, "status")?;
    let value = text.lines().find_map(|line| line.strip_prefix(key));
    let number = value.and_then(|value| value.trim().trim_end_matches("kB").trim().parse().ok());
    number.ok_or_else(|| Error { pid, file: "status", reason: format!("no {key}") })
}

/// utime + stime: fields 14 and 15, counted behind the name, which may hold blanks and brackets.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let mut fields = stat.get(stat.rfind(')')? + 1..)?.split_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<u64>().ok();
    Some(next()? + next()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_brackets_do_not_confuse_the_count() {
        let stat = "77 (a) b) S 1 77 77 0 -1 4194560 1 0 0 0 250 50 0 0 20 0 4 0 100 1 1";
        assert_eq!(cpu_ticks(stat), Some(300));
        assert_eq!(cpu_ticks("nothing"), None);
    }

    #[test]
    fn our_own_process_can_be_measured() {
        let pid = std::process::id();
        let before = cpu_seconds(pid).unwrap();
        let mut sum = 0_u64;
        while cpu_seconds(pid).unwrap() < before + 0.02 {
            sum = sum.wrapping_mul(31).wrapping_add(7);
        }
        assert_ne!(sum, 1);
        assert!(peak_memory(pid).unwrap() > 1024 * 1024);
        assert!(memory(pid).unwrap() > 1024 * 1024);
        assert!(threads(pid).unwrap() >= 1);
        assert!(cpu_seconds(u32::MAX).unwrap_err().to_string().starts_with("/proc/4294967295/stat: "));
    }
}
