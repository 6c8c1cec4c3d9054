//! The folder in which `--data` keeps blobs and queued messages, so that nothing accepted is lost by a restart.
//!
//! One file per blob and per message, written under another name and renamed, so a file is whole or absent. Never holds state:
//! what is here is a copy of what `blobs` and `queues` own.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use time::OffsetDateTime;
use uuid::Uuid;

use super::names::BlobName;

/// A folder of blobs or messages.
#[derive(Debug, Clone)]
pub(crate) struct Disk(PathBuf);

impl Disk {
    /// The folder `name` in `root`, made when absent.
    pub(crate) fn open(root: &Path, name: &str) -> io::Result<Self> {
        let folder = root.join(name);
        fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }

    /// All blobs here with their times.
    pub(crate) fn blobs(&self) -> io::Result<Vec<(BlobName, Bytes, OffsetDateTime)>> {
        let mut found = Vec::new();
        for path in self.files()? {
            let mut bytes = Bytes::from(fs::read(&path)?);
            // The first line holds the name: blob names are longer than file names may be.
            let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else { continue };
            let Ok(name) = serde_json::from_slice::<BlobName>(&bytes.split_to(end)) else { continue };
            let modified = fs::metadata(&path)?.modified()?;
            found.push((name, bytes.slice(1..), modified.into()));
        }
        Ok(found)
    }

    /// Keeps a blob.
    pub(crate) fn put_blob(&self, name: &BlobName, bytes: &[u8]) -> io::Result<()> {
        let mut text = serde_json::to_vec(name)?;
        text.push(b'\n');
        text.extend_from_slice(bytes);
        self.put(&blob_file(name), &text)
    }

    /// Forgets a blob.
    pub(crate) fn delete_blob(&self, name: &BlobName) {
        self.delete(&blob_file(name));
    }

    /// All files here with their contents, in the order of their names.
    pub(crate) fn texts(&self) -> io::Result<Vec<(String, String)>> {
        let mut found = Vec::new();
        for path in self.files()? {
            if let Some(name) = path.file_name().and_then(|name| name.to_str()) {
                found.push((name.to_owned(), fs::read_to_string(&path)?));
            }
        }
        Ok(found)
    }

    /// Writes the file `name`: whole or not at all.
    pub(crate) fn put(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let part = self.0.join(format!("{name}.part"));
        fs::write(&part, bytes)?;
        fs::rename(&part, self.0.join(name))
    }

    /// Removes the file `name`. A file that stays is read again after a restart and ingested again, which a
    /// queue with at-least-once delivery may do: logged, no error.
    pub(crate) fn delete(&self, name: &str) {
        if let Err(error) = fs::remove_file(self.0.join(name)) {
            tracing::warn!(folder = %self.0.display(), name, %error, "cannot remove a file of the data folder");
        }
    }

    fn files(&self) -> io::Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.0)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "part") {
                fs::remove_file(&path)?;
            } else {
                found.push(path);
            }
        }
        found.sort();
        Ok(found)
    }
}

fn blob_file(name: &BlobName) -> String {
    let full = format!("{}/{}/{}", name.account, name.container, name.name);
    Uuid::new_v5(&Uuid::NAMESPACE_URL, full.as_bytes()).to_string()
}
