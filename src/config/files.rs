//! The one place that opens files which settings name: certificates, key stores, key tables, tokens, JAAS files,
//! providers' files, users.
//!
//! A name in a setting may lead anywhere: to `/dev/zero`, which has no end, to a pipe that nobody writes to, to the
//! environment of this process under `/proc`. So only regular files are read, none without a bound, and opening waits for
//! nobody. Errors name the path and the reason and never what is in the file. It blocks as long as the disk does: async code
//! calls it on a thread for that. It keeps nothing.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use crate::words;

/// No certificate, key store or file of settings is larger; a bundle of all public authorities has a quarter of a megabyte.
pub const MOST_BYTES: u64 = 8 << 20;

/// Where the kernel shows its own state as if it were files, the secrets of processes among it.
const NO_FILES: [&str; 2] = ["/proc", "/sys"];

/// Runs `work`, which reads files, on a thread that may wait for the disk.
pub async fn beside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await.map_err(tokio::task::JoinError::try_into_panic) {
        Ok(done) => done,
        Err(Ok(panic)) => std::panic::resume_unwind(panic),
        // The process is ending: nobody waits for us any more.
        Err(Err(_)) => std::future::pending().await,
    }
}

/// All that is in the file at `path`. The error is a clause that does not repeat the path.
pub fn read(path: &Path) -> Result<Vec<u8>, String> {
    bounded(open(path)?)
}

/// The same of a file that the command line names: whoever starts the worker may pipe it in.
pub fn read_by_hand(path: &Path) -> Result<Vec<u8>, String> {
    bounded(File::open(path).map_err(|error| reason(&error))?)
}

fn bounded(file: File) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    // What the file says of its size is not believed.
    let read = file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(|error| reason(&error))?;
    if read as u64 > MOST_BYTES { Err(too_large()) } else { Ok(bytes) }
}

/// All that is in the file at `path`, as text.
pub fn read_text(path: &Path) -> Result<String, String> {
    String::from_utf8(read(path)?).map_err(|_| "it is not text in UTF-8".to_owned())
}

/// The first `N` bytes; none when there are fewer.
pub fn begin<const N: usize>(path: &Path) -> Result<Option<[u8; N]>, String> {
    let mut bytes = [0; N];
    match open(path)?.read_exact(&mut bytes) {
        Ok(()) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(reason(&error)),
    }
}

/// Whether somebody else (librdkafka, OpenSSL) may be given `path` to read.
pub fn check(path: &Path) -> Result<(), String> {
    open(path).map(drop)
}

/// A file that is written to behind what is in it.
pub type Appended = File;

/// The file at `path`, to write behind what is in it; made when it is missing.
pub fn append(path: &Path) -> Result<Appended, String> {
    if let Ok(found) = std::fs::metadata(path) {
        judge(path, &found)?;
    }
    // Without waiting, as for reading.
    let file = OpenOptions::new().append(true).create(true).custom_flags(NONBLOCK).open(path);
    let file = file.map_err(|error| reason(&error))?;
    judge(path, &file.metadata().map_err(|error| reason(&error))?)?;
    Ok(file)
}

fn open(path: &Path) -> Result<File, String> {
    // Looked at before it is opened, for opening a device may do something.
    judge(path, &std::fs::metadata(path).map_err(|error| reason(&error))?)?;
    // Without waiting: if it has become a pipe, this thread would wait for who writes to it.
    let file = OpenOptions::new().read(true).custom_flags(NONBLOCK).open(path);
    let file = file.map_err(|error| reason(&error))?;
    judge(path, &file.metadata().map_err(|error| reason(&error))?)?;
    Ok(file)
}

fn judge(path: &Path, found: &Metadata) -> Result<(), String> {
    if found.is_dir() {
        return Err("it is a folder".to_owned());
    }
    let is_shown_by_kernel =
        std::fs::canonicalize(path).is_ok_and(|real| NO_FILES.iter().any(|place| real.starts_with(place)));
    if !found.is_file() || is_shown_by_kernel {
        return Err("it is no regular file".to_owned());
    }
    if found.len() > MOST_BYTES { Err(too_large()) } else { Ok(()) }
}

/// `O_NONBLOCK` of Linux, the BSDs and macOS.
const NONBLOCK: i32 = if cfg!(target_os = "linux") { 0o4000 } else { 0x4 };

fn too_large() -> String {
    format!("it is larger than {} MiB", MOST_BYTES >> 20)
}

fn reason(error: &io::Error) -> String {
    words::file(error)
}

#[cfg(test)]
mod tests {
    use super::{MOST_BYTES, begin, check, read, read_text};
    use std::path::Path;
    use std::process::Command;

    #[test]
    fn only_regular_files_of_a_bounded_size_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("file"), "text").unwrap();
        assert_eq!(read(&at("file")).unwrap(), b"text");
        assert_eq!(read_text(&at("file")).unwrap(), "text");
        assert_eq!((begin(&at("file")), begin::<5>(&at("file"))), (Ok(Some(*b"te")), Ok(None)));
        std::fs::write(at("bytes"), [0xff]).unwrap();
        assert!(read_text(&at("bytes")).unwrap_err().contains("UTF-8"));

        // Mounted secrets are links.
        std::os::unix::fs::symlink(at("file"), at("link")).unwrap();
        assert_eq!(read(&at("link")).unwrap(), b"text");
        std::os::unix::fs::symlink("/dev/zero", at("endless")).unwrap();
        std::os::unix::fs::symlink("/proc/self/environ", at("environment")).unwrap();
        assert!(Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
        let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        // A hole: no byte of it is on the disk.
        let large = std::fs::File::create(at("large")).unwrap();
        large.set_len(MOST_BYTES + 1).unwrap();
        for (name, words) in [
            ("endless", "no regular file"),
            ("environment", "no regular file"),
            ("pipe", "no regular file"),
            ("socket", ""),
            ("large", "larger than 8 MiB"),
            ("nowhere", "no such file"),
            (".", "folder"),
        ] {
            for error in [read(&at(name)).unwrap_err(), check(&at(name)).unwrap_err()] {
                assert!(error.contains(words), "{name}: {error}");
            }
        }
        for path in
            ["/dev/zero", "/dev/tty", "/dev/stdin", "/proc/self/environ", "/proc/kmsg", "/sys/kernel/notes"]
        {
            assert!(read(Path::new(path)).is_err(), "{path}");
        }
        large.set_len(MOST_BYTES).unwrap();
        assert_eq!(read(&at("large")).unwrap().len() as u64, MOST_BYTES);
    }
}
