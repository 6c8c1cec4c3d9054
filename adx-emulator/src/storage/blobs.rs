//! Containers and block blobs of the emulator's own storage.
//!
//! Owns every blob's bytes (or, in discard mode, only their count and both ends). Speaks no HTTP.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use time::OffsetDateTime;
use uuid::Uuid;

use super::disk::Disk;
use super::error::StorageError;
use super::names::BlobName;

/// Bytes kept of each end of a discarded blob: the gzip header's magic and the trailer with the raw size.
const END: usize = 8;

/// A blob's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Content {
    /// All of them.
    Kept(Bytes),
    /// Only what a measurement needs.
    Counted(Counted),
}

/// What remains of discarded bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    pub length: u64,
    /// The first bytes, at most eight.
    pub head: Vec<u8>,
    /// The last bytes, at most eight.
    pub tail: Vec<u8>,
}

impl Counted {
    /// Adds `bytes` behind those counted so far.
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.length += bytes.len() as u64;
        let missing = (END - self.head.len()).min(bytes.len());
        self.head.extend_from_slice(&bytes[..missing]);
        let last = &bytes[bytes.len().saturating_sub(END)..];
        let surplus = (self.tail.len() + last.len()).saturating_sub(END);
        self.tail.drain(..surplus);
        self.tail.extend_from_slice(last);
    }

    fn join(&mut self, other: &Self) {
        let length = self.length + other.length;
        self.add(&other.head);
        self.add(&other.tail);
        self.length = length;
    }

    /// The uncompressed size modulo 2³² that a gzip stream of one member states in its last four bytes.
    pub(crate) fn gzip_raw_size(&self) -> Option<u32> {
        let stated: [u8; 4] = self.tail.last_chunk().copied()?;
        (self.head.starts_with(&[0x1f, 0x8b]) && self.length >= 18).then(|| u32::from_le_bytes(stated))
    }
}

impl Content {
    pub(crate) fn length(&self) -> u64 {
        match self {
            Self::Kept(bytes) => bytes.len() as u64,
            Self::Counted(counted) => counted.length,
        }
    }
}

/// A committed blob.
#[derive(Debug, Clone)]
pub(crate) struct Blob {
    pub content: Content,
    /// With its quotes.
    pub etag: String,
    pub modified: OffsetDateTime,
    pub content_type: String,
}

/// A blob to write.
#[derive(Debug, Clone)]
pub(crate) struct NewBlob {
    pub content: Content,
    pub content_type: String,
    /// Refuse when there is one of this name (`If-None-Match: *`).
    pub only_new: bool,
}

#[derive(Debug, Default)]
struct Contents {
    blobs: HashMap<BlobName, Blob>,
    blocks: HashMap<BlobName, HashMap<String, Content>>,
}

/// All blobs of all accounts.
#[derive(Debug)]
pub(crate) struct Blobs {
    contents: Mutex<Contents>,
    disk: Option<Disk>,
}

impl Blobs {
    /// The blobs kept on `disk`, or none and kept in memory only.
    pub(crate) fn open(disk: Option<Disk>) -> std::io::Result<Self> {
        let mut contents = Contents::default();
        if let Some(disk) = &disk {
            for (name, bytes, modified) in disk.blobs()? {
                let blob = committed(Content::Kept(bytes), "application/octet-stream", modified);
                contents.blobs.insert(name, blob);
            }
        }
        Ok(Self { contents: Mutex::new(contents), disk })
    }

    /// Put Blob.
    pub(crate) fn put(&self, name: BlobName, new: NewBlob) -> Result<Blob, StorageError> {
        let mut all = self.lock();
        if new.only_new && all.blobs.contains_key(&name) {
            return Err(StorageError::new(409, "BlobAlreadyExists", "The specified blob already exists."));
        }
        let blob = committed(new.content, &new.content_type, OffsetDateTime::now_utc());
        if let (Some(disk), Content::Kept(bytes)) = (&self.disk, &blob.content) {
            disk.put_blob(&name, bytes).map_err(|error| StorageError::internal(&error))?;
        }
        all.blocks.remove(&name);
        all.blobs.insert(name, blob.clone());
        Ok(blob)
    }

    /// Put Block.
    pub(crate) fn put_block(&self, name: BlobName, id: String, content: Content) {
        self.lock().blocks.entry(name).or_default().insert(id, content);
    }

    /// Put Block List of blocks uploaded since the last commit.
    pub(crate) fn put_block_list(
        &self,
        name: BlobName,
        ids: &[String],
        mut new: NewBlob,
    ) -> Result<Blob, StorageError> {
        let blocks = self.lock().blocks.get(&name).cloned().unwrap_or_default();
        let parts: Option<Vec<_>> = ids.iter().map(|id| blocks.get(id)).collect();
        let parts = parts.ok_or_else(|| {
            StorageError::new(
                400,
                "InvalidBlockList",
                "The specified block list is invalid: a block is missing.",
            )
        })?;
        new.content = joined(&parts);
        self.put(name, new)
    }

    /// The blob called `name`.
    pub(crate) fn get(&self, name: &BlobName) -> Result<Blob, StorageError> {
        self.lock().blobs.get(name).cloned().ok_or_else(missing)
    }

    /// Delete Blob.
    pub(crate) fn delete(&self, name: &BlobName) -> Result<(), StorageError> {
        self.lock().blobs.remove(name).ok_or_else(missing)?;
        if let Some(disk) = &self.disk {
            disk.delete_blob(name);
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Contents> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn missing() -> StorageError {
    StorageError::new(404, "BlobNotFound", "The specified blob does not exist.")
}

fn committed(content: Content, content_type: &str, modified: OffsetDateTime) -> Blob {
    let etag = format!("\"0x{}\"", &Uuid::new_v4().simple().to_string().to_uppercase()[..15]);
    Blob { content, etag, modified, content_type: content_type.to_owned() }
}

fn joined(parts: &[&Content]) -> Content {
    let mut kept = BytesMut::new();
    let mut counted = Counted::default();
    for part in parts {
        match part {
            Content::Kept(bytes) => kept.extend_from_slice(bytes),
            Content::Counted(part) => counted.join(part),
        }
    }
    if counted.length > 0 { Content::Counted(counted) } else { Content::Kept(kept.freeze()) }
}

#[cfg(test)]
mod tests {
    use super::{BlobName, Blobs, Content, Counted, NewBlob};
    use bytes::Bytes;

    fn name(text: &str) -> BlobName {
        BlobName { account: "acct1".to_owned(), container: "box".to_owned(), name: text.to_owned() }
    }

    fn new(text: &'static str, only_new: bool) -> NewBlob {
        let content = Content::Kept(Bytes::from_static(text.as_bytes()));
        NewBlob { content, content_type: "text/plain".to_owned(), only_new }
    }

    #[test]
    fn a_second_write_replaces_unless_forbidden() {
        let blobs = Blobs::open(None).unwrap();
        let first = blobs.put(name("a"), new("one", true)).unwrap();
        assert_eq!(blobs.put(name("a"), new("two", true)).unwrap_err().code, "BlobAlreadyExists");
        let second = blobs.put(name("a"), new("two", false)).unwrap();
        assert_ne!(first.etag, second.etag);
        assert_eq!(blobs.get(&name("a")).unwrap().content, new("two", false).content);
        blobs.delete(&name("a")).unwrap();
        assert_eq!(blobs.delete(&name("a")).unwrap_err().status, 404);
    }

    #[test]
    fn blocks_become_a_blob_in_the_order_of_the_list() {
        let blobs = Blobs::open(None).unwrap();
        blobs.put_block(name("a"), "1".to_owned(), new("one", false).content);
        blobs.put_block(name("a"), "2".to_owned(), new("two", false).content);
        assert_eq!(blobs.get(&name("a")).unwrap_err().status, 404);
        let list = ["2".to_owned(), "1".to_owned()];
        blobs.put_block_list(name("a"), &list, new("", false)).unwrap();
        assert_eq!(blobs.get(&name("a")).unwrap().content, new("twoone", false).content);
        let again = blobs.put_block_list(name("a"), &list, new("", false)).unwrap_err();
        assert_eq!(again.code, "InvalidBlockList");
    }

    #[test]
    fn a_restart_finds_every_blob_that_was_not_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Blobs::open(Some(super::Disk::open(folder.path(), "blobs").unwrap())).unwrap();
        let long = name(&"ü\n/".repeat(300));
        let blobs = open();
        blobs.put(long.clone(), new("one\ntwo", false)).unwrap();
        blobs.put(name("gone"), new("x", false)).unwrap();
        blobs.delete(&name("gone")).unwrap();
        assert_eq!(open().get(&long).unwrap().content, new("one\ntwo", false).content);
        open().get(&name("gone")).unwrap_err();
    }

    #[test]
    fn a_counted_blob_keeps_both_ends_however_it_arrives() {
        let bytes: Vec<u8> = (0..50).collect();
        for size in [1, 3, 8, 20, 50] {
            let mut counted = Counted::default();
            for part in bytes.chunks(size) {
                counted.add(part);
            }
            assert_eq!(counted, Counted { length: 50, head: (0..8).collect(), tail: (42..50).collect() });
            let mut twice = counted.clone();
            twice.join(&counted);
            assert_eq!(twice, Counted { length: 100, head: (0..8).collect(), tail: (42..50).collect() });
        }
    }
}
