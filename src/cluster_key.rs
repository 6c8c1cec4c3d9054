//! The key that the workers of one cluster share, and what is proved with it: who is a worker, that a view is a leader's,
//! that a request comes from a worker.
//!
//! A proof is HMAC-SHA256 over its purpose and its parts, so that one made for a thing says nothing about another. Plain
//! values: the key is kept in the config topic by `storage`, and handed to those who prove and check.

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;

/// As Connect calls the algorithm of its session keys.
pub const ALGORITHM: &str = "HmacSHA256";

/// Bytes of a key of ours.
const LENGTH: usize = 32;
/// Bytes that a key in the topic may have: Connect's are as long as their algorithm wants.
const LENGTHS: std::ops::RangeInclusive<usize> = 16..=1024;
/// Keys that count beside the present one. There are more only when workers started at the same moment, or somebody wrote
/// a new one.
const MOST_KEYS: usize = 4;

/// What a proof is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Who joins the group is a worker with this URL.
    Member,
    /// A view of the cluster comes from a worker.
    View,
    /// A request comes from a worker.
    Request,
}

impl Purpose {
    fn label(self) -> &'static str {
        match self {
            Self::Member => "kusto-connect member",
            Self::View => "kusto-connect view",
            Self::Request => "kusto-connect request",
        }
    }
}

/// A key.
#[derive(Clone, PartialEq, Eq)]
pub struct ClusterKey(Arc<[u8]>);

impl fmt::Debug for ClusterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

impl ClusterKey {
    /// A new one.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn generate() -> Result<Self, ErrorStack> {
        let mut bytes = [0; LENGTH];
        openssl::rand::rand_bytes(&mut bytes)?;
        Ok(Self(bytes.as_slice().into()))
    }

    /// The key that stands in the topic as this text; none when it is too short to be one, or absurdly long.
    pub fn from_base64(text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text.trim()).ok()?;
        LENGTHS.contains(&bytes.len()).then(|| Self(bytes.into()))
    }

    /// As it stands in the topic, and nowhere else.
    pub fn to_base64(&self) -> String {
        STANDARD.encode(&self.0)
    }

    /// The proof that who has the key says `parts`.
    fn prove(&self, purpose: Purpose, parts: &[&str]) -> Result<Vec<u8>, ErrorStack> {
        let key = PKey::hmac(&self.0)?;
        let mut signer = Signer::new(MessageDigest::sha256(), &key)?;
        for part in [purpose.label()].iter().chain(parts) {
            // Lengths first, so that no two lists of parts are the same bytes.
            signer.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes())?;
            signer.update(part.as_bytes())?;
        }
        signer.sign_to_vec()
    }
}

/// The keys that a worker knows: it proves with the last one and takes proofs of all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClusterKeys(Vec<ClusterKey>);

impl ClusterKeys {
    /// One new key: what each unit test of a cluster begins with.
    #[cfg(test)]
    pub(crate) fn generated() -> Self {
        let mut keys = Self::default();
        keys.add(ClusterKey::generate().unwrap());
        keys
    }

    /// Takes in a key that was read; true when it is another one than before.
    pub fn add(&mut self, key: ClusterKey) -> bool {
        if self.0.last() == Some(&key) {
            return false;
        }
        self.0.retain(|known| *known != key);
        self.0.push(key);
        let surplus = self.0.len().saturating_sub(MOST_KEYS);
        self.0.drain(..surplus);
        true
    }

    /// True before there is one.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The present key; none before there is one.
    pub fn current(&self) -> Option<&ClusterKey> {
        self.0.last()
    }

    /// The proof that a worker says `parts`, as text for headers and ids; none without a key.
    pub fn prove(&self, purpose: Purpose, parts: &[&str]) -> Option<String> {
        let proof = self.current()?.prove(purpose, parts);
        proof
            .inspect_err(|error| tracing::error!(%error, "a proof cannot be made"))
            .ok()
            .map(|proof| URL_SAFE_NO_PAD.encode(proof))
    }

    /// True when `proof` was made by a worker for just this. It takes the same time however wrong it is.
    pub fn accept(&self, proof: &str, purpose: Purpose, parts: &[&str]) -> bool {
        let Ok(given) = URL_SAFE_NO_PAD.decode(proof) else { return false };
        let fits = |key: &ClusterKey| {
            let right = key.prove(purpose, parts);
            right.is_ok_and(|right| right.len() == given.len() && openssl::memcmp::eq(&right, &given))
        };
        self.0.iter().any(fits)
    }
}

#[cfg(test)]
mod tests {
    use super::{ClusterKey, ClusterKeys, Purpose};
    use proptest::prelude::*;

    fn keys(count: u8) -> ClusterKeys {
        let mut keys = ClusterKeys::default();
        for number in 0..count {
            assert!(keys.add(ClusterKey([number; 32].as_slice().into())));
        }
        keys
    }

    #[test]
    fn a_proof_is_connects_algorithm_and_cannot_be_printed() {
        // RFC 4231, case 2, over a label and one part would be ours alone: what counts is that others can check it.
        let key = ClusterKey::from_base64("YtrY7c4c7gSWs2hDqUX6HIsYYPKIoJUR6X3NZ2QIInE=").unwrap();
        assert_eq!(key.to_base64(), "YtrY7c4c7gSWs2hDqUX6HIsYYPKIoJUR6X3NZ2QIInE=");
        assert_eq!(format!("{key:?}"), "[hidden]");
        assert_eq!(key.prove(Purpose::Member, &["a"]).unwrap().len(), 32);
        for wrong in ["", "AAAA", "not base64!", &"A".repeat(4096)] {
            assert_eq!(ClusterKey::from_base64(wrong), None, "{wrong}");
        }
        assert_ne!(ClusterKey::generate().unwrap(), ClusterKey::generate().unwrap());
    }

    #[test]
    fn a_key_that_is_followed_by_another_still_counts_for_a_while() {
        let old = keys(1);
        let proof = old.prove(Purpose::View, &["x"]).unwrap();
        for (count, counts) in [(2, true), (4, true), (5, false)] {
            assert_eq!(keys(count).accept(&proof, Purpose::View, &["x"]), counts, "{count}");
        }
        let mut same = keys(2);
        assert!(!same.add(ClusterKey([1; 32].as_slice().into())));
        assert!(same.add(ClusterKey([0; 32].as_slice().into())));
        assert_eq!(same.current(), old.current());
        assert_eq!(ClusterKeys::default().prove(Purpose::View, &[]), None);
        assert!(!ClusterKeys::default().accept("", Purpose::View, &[]));
    }

    fn purpose() -> impl Strategy<Value = Purpose> {
        prop::sample::select(vec![Purpose::Member, Purpose::View, Purpose::Request])
    }

    proptest! {
        #[test]
        fn a_proof_holds_for_its_purpose_and_parts_alone(
            (one, two) in (purpose(), purpose()),
            said in prop::collection::vec("[ab]{0,2}", 0..4),
            other in prop::collection::vec("[ab]{0,2}", 0..4),
            cut in 0_usize..43,
        ) {
            let keys = keys(2);
            let parts: Vec<&str> = said.iter().map(String::as_str).collect();
            let others: Vec<&str> = other.iter().map(String::as_str).collect();
            let proof = keys.prove(one, &parts).unwrap();
            prop_assert_eq!(keys.accept(&proof, two, &others), one == two && said == other);
            prop_assert!(!keys.accept(&proof[..cut], one, &parts));
            let mut stranger = ClusterKeys::default();
            stranger.add(ClusterKey([9; 32].as_slice().into()));
            prop_assert!(!stranger.accept(&proof, one, &parts));
        }
    }
}
