//! What the machine gives this process and what is used of it, as Linux tells in `/proc`, `/sys/fs/cgroup` and the limits of
//! the process. Where it tells nothing (another system, a hidden `/proc`), there is no limit to keep.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::{Resource, getrlimit};

/// A limit, how much of it is used, by whomever it counts, and what sets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Limit {
    pub(super) used: u64,
    pub(super) most: u64,
    pub(super) set_by: String,
}

/// What this process uses, and its limits. Several may hold for one thing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) used: u64,
    pub(super) limits: Vec<Limit>,
}

/// Where to look; another place in tests.
#[derive(Debug, Clone)]
pub(super) struct Machine {
    proc: PathBuf,
    cgroups: PathBuf,
    rlimit: fn(Resource) -> Option<u64>,
}

impl Default for Machine {
    fn default() -> Self {
        Self {
            proc: "/proc".into(),
            cgroups: "/sys/fs/cgroup".into(),
            rlimit: |which| getrlimit(which).current,
        }
    }
}

/// Lines of `/proc/<pid>/status`.
struct Status(String);

impl Status {
    fn of(process: &Path) -> Option<Self> {
        fs::read_to_string(process.join("status")).ok().map(Self)
    }

    /// The first word of a line.
    fn word(&self, name: &str) -> Option<&str> {
        self.0.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')?.split_whitespace().next())
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.word(name)?.parse().ok()
    }

    /// Root, and who may go beyond limits of resources or administrates the system, is not held to a number of threads.
    fn is_exempt(&self) -> bool {
        const SYS_ADMIN: u64 = 1 << 21;
        const SYS_RESOURCE: u64 = 1 << 24;
        let capabilities = self.word("CapEff").and_then(|hex| u64::from_str_radix(hex, 16).ok()).unwrap_or(0);
        self.number("Uid") == Some(0) || capabilities & (SYS_ADMIN | SYS_RESOURCE) != 0
    }
}

impl Machine {
    /// Open files, sockets and pipes.
    pub(super) fn descriptors(&self) -> Reading {
        let Ok(entries) = fs::read_dir(self.proc.join("self/fd")) else { return Reading::default() };
        // One of them is the folder that is being read.
        let used = (entries.count() as u64).saturating_sub(1);
        let limits = (self.rlimit)(Resource::Nofile).map(|most| Limit {
            used,
            most,
            set_by: "RLIMIT_NOFILE, `ulimit -n`".to_owned(),
        });
        Reading { used, limits: limits.into_iter().collect() }
    }

    /// Threads.
    pub(super) fn threads(&self) -> Reading {
        let Some(status) = Status::of(&self.proc.join("self")) else { return Reading::default() };
        let used = status.number("Threads").unwrap_or(0);
        let mut limits = self.cgroup_limits();
        let is_exempt = status.is_exempt() && self.is_in_first_namespace();
        if let (Some(most), false) = ((self.rlimit)(Resource::Nproc), is_exempt) {
            let used = self.threads_of(status.number("Uid")).max(used);
            limits.push(Limit { used, most, set_by: "RLIMIT_NPROC, `ulimit -u`".to_owned() });
        }
        Reading { used, limits }
    }

    /// Address space, in bytes.
    pub(super) fn address_space(&self) -> Reading {
        let status = Status::of(&self.proc.join("self"));
        let used = status.and_then(|status| status.number("VmSize")).unwrap_or(0).saturating_mul(1024);
        let limits = (self.rlimit)(Resource::As).map(|most| Limit {
            used,
            most,
            set_by: "RLIMIT_AS, `ulimit -v`".to_owned(),
        });
        Reading { used, limits: limits.into_iter().collect() }
    }

    /// False in a namespace of users of its own, where root is somebody else outside.
    fn is_in_first_namespace(&self) -> bool {
        let map = fs::read_to_string(self.proc.join("self/uid_map")).unwrap_or_default();
        map.split_whitespace().eq(["0", "0", "4294967295"])
    }

    /// All threads of a user: the limit of a process is one for all processes of its user.
    fn threads_of(&self, user: Option<u64>) -> u64 {
        let Ok(entries) = fs::read_dir(&self.proc) else { return 0 };
        let is_process = |name: &str| name.bytes().all(|byte| byte.is_ascii_digit());
        entries
            .flatten()
            .filter(|entry| entry.file_name().to_str().is_some_and(is_process))
            .filter_map(|entry| Status::of(&entry.path()))
            .filter(|status| status.number("Uid") == user)
            .filter_map(|status| status.number("Threads"))
            .sum()
    }

    /// What the process's control group, or one above it, may have.
    fn cgroup_limits(&self) -> Vec<Limit> {
        let groups = fs::read_to_string(self.proc.join("self/cgroup")).unwrap_or_default();
        // Version 2 has one line of this kind; in version 1 each controller has a tree of its own.
        let path = groups.lines().find_map(|line| {
            let (_, rest) = line.split_once(':')?;
            let (controllers, path) = rest.split_once(':')?;
            let own = match controllers {
                "" => self.cgroups.clone(),
                "pids" => self.cgroups.join("pids"),
                _ => return None,
            };
            Some((own, path.trim_start_matches('/').to_owned()))
        });
        let Some((root, path)) = path else { return Vec::new() };
        let whole = root.join(path);
        let number = |path: PathBuf| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
        whole
            .ancestors()
            .take_while(|group| group.starts_with(&root))
            .filter_map(|group| {
                let (most, used) = (number(group.join("pids.max"))?, number(group.join("pids.current"))?);
                Some(Limit { used, most, set_by: "pids.max of the control group".to_owned() })
            })
            .collect()
    }
}

#[cfg(test)]
impl Machine {
    /// One that is made of files below `root`.
    pub(super) fn made_of(root: &Path, rlimit: fn(Resource) -> Option<u64>) -> Self {
        Self { proc: root.join("proc"), cgroups: root.join("cgroup"), rlimit }
    }
}

#[cfg(test)]
mod tests {
    use super::{Limit, Machine};
    use rustix::process::Resource;
    use std::fs;
    use std::path::Path;

    fn write(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn status(uid: u32, threads: u32, capabilities: &str) -> String {
        format!(
            "Name:\tx\nUid:\t{uid}\t{uid}\t1\t1\nVmSize:\t  2048 kB\nThreads:\t{threads}\nCapEff:\t{capabilities}\n"
        )
    }

    fn rlimit(which: Resource) -> Option<u64> {
        match which {
            Resource::Nofile => Some(50),
            Resource::Nproc => Some(80),
            _ => None,
        }
    }

    #[test]
    fn threads_count_for_the_user_and_for_every_control_group_above() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        for (process, uid, threads) in [("self", 7, 10), ("12", 7, 10), ("13", 7, 4), ("14", 8, 100)] {
            write(root, &format!("proc/{process}/status"), &status(uid, threads, "0000000000000000"));
        }
        write(root, "proc/self/cgroup", "0::/a/b\n");
        write(root, "proc/self/fd/0", "");
        write(root, "proc/self/fd/1", "");
        write(root, "cgroup/a/pids.max", "100\n");
        write(root, "cgroup/a/pids.current", "33\n");
        write(root, "cgroup/a/b/pids.max", "max\n");
        write(root, "cgroup/a/b/pids.current", "22\n");
        let machine = Machine::made_of(root, rlimit);
        let threads = machine.threads();
        let limits: Vec<(u64, u64)> = threads.limits.iter().map(|limit| (limit.used, limit.most)).collect();
        assert_eq!((threads.used, limits), (10, vec![(33, 100), (14, 80)]));
        assert_eq!(machine.descriptors().limits.iter().map(|limit| limit.most).collect::<Vec<_>>(), [50]);
        assert_eq!(
            (machine.address_space().used, machine.address_space().limits),
            (2048 * 1024, Vec::<Limit>::new())
        );
        // Who may go beyond limits is held to those of the groups alone, unless that is so only inside of a container.
        for exempt in [status(0, 10, "0"), status(7, 10, "0000000001000000")] {
            write(root, "proc/self/status", &exempt);
            write(root, "proc/self/uid_map", "         0     100000      65536\n");
            assert_eq!(machine.threads().limits.len(), 2);
            write(root, "proc/self/uid_map", "         0          0 4294967295\n");
            assert_eq!(machine.threads().limits.len(), 1);
        }
        write(root, "proc/self/cgroup", "9:cpu:/x\n8:pids:/a\n");
        write(root, "cgroup/pids/a/pids.max", "5\n");
        write(root, "cgroup/pids/a/pids.current", "2\n");
        assert_eq!((machine.threads().limits[0].used, machine.threads().limits[0].most), (2, 5));
    }

    #[test]
    fn this_machine_tells_something() {
        let machine = Machine::default();
        assert!(machine.threads().used >= 1 && machine.descriptors().used >= 3);
        assert!(machine.address_space().used > 1 << 20);
        let nowhere = Machine::made_of(Path::new("/nowhere"), |_| None);
        assert_eq!(nowhere.threads().limits, Vec::<Limit>::new());
    }
}
