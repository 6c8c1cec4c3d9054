//! Ports: which one is free; is this one, and if not, who has it and which setting moves us elsewhere.

use std::{
    fs, io,
    net::{Ipv4Addr, TcpListener},
    path::Path,
};

/// A port someone else listens on.
#[derive(Debug, thiserror::Error)]
#[error("port {port}, wanted for {purpose}, cannot be used: {reason}. Choose another with {variable}=PORT")]
pub struct Busy {
    port: u16,
    purpose: &'static str,
    variable: &'static str,
    reason: String,
}

/// Checks that `port` can be bound on loopback. `purpose` and `variable` are for the message.
pub fn check(port: u16, purpose: &'static str, variable: &'static str) -> Result<(), Busy> {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
        Ok(_freed_at_once) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            let reason = owner(port)
                .map_or_else(|| "it is in use".to_owned(), |owner| format!("{owner} listens on it"));
            Err(Busy { port, purpose, variable, reason })
        }
        Err(error) => Err(Busy { port, purpose, variable, reason: error.to_string() }),
    }
}

/// A port nobody listens on at this moment.
pub fn free() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Name and id of the process that listens on `port`, if Linux tells us.
fn owner(port: u16) -> Option<String> {
    let inode = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .find_map(|table| listening_inode(&fs::read_to_string(table).ok()?, port))?;
    let socket = format!("socket:[{inode}]");
    let process = fs::read_dir("/proc")
        .ok()?
        .filter_map(Result::ok)
        .filter(is_process)
        .find(|entry| has_file(&entry.path(), &socket))?;
    let name = fs::read_to_string(process.path().join("comm")).ok()?;
    Some(format!("{} (pid {})", name.trim(), process.file_name().to_string_lossy()))
}

/// `/proc` also has names such as `self`.
fn is_process(entry: &fs::DirEntry) -> bool {
    entry.file_name().to_string_lossy().bytes().all(|byte| byte.is_ascii_digit())
}

fn has_file(process: &Path, target: &str) -> bool {
    let Ok(files) = fs::read_dir(process.join("fd")) else { return false };
    files
        .filter_map(Result::ok)
        .any(|file| fs::read_link(file.path()).is_ok_and(|link| link.as_os_str() == target))
}

/// The inode of the socket in state LISTEN on `port` in a table of `/proc/net`.
fn listening_inode(table: &str, port: u16) -> Option<String> {
    const LISTEN: &str = "0A";
    table.lines().skip(1).find_map(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let local = columns.get(1)?.rsplit(':').next()?;
        let listens = *columns.get(3)? == LISTEN && u16::from_str_radix(local, 16) == Ok(port);
        listens.then(|| columns.get(9).map(|inode| (*inode).to_owned())).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_port_is_said_with_its_owner_and_the_way_out() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let message = check(port, "the worker's REST", "REST_PORT").unwrap_err().to_string();
        assert!(message.contains(&format!("port {port}")), "{message}");
        assert!(message.contains("REST_PORT=PORT"), "{message}");
        assert!(message.contains(&format!("pid {}", std::process::id())), "{message}");
        drop(taken);
        check(port, "the worker's REST", "REST_PORT").unwrap();
    }

    #[test]
    fn only_listeners_count() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
            0: 0100007F:1F90 0100007F:D431 01 0:0 00:0 0 0 0 77 1\n\
            1: 00000000:1F90 00000000:0000 0A 0:0 00:0 0 0 0 78 1\n";
        assert_eq!(listening_inode(table, 8080), Some("78".to_owned()));
        assert_eq!(listening_inode(table, 8081), None);
    }
}
