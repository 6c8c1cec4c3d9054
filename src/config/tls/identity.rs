//! A private key with its certificates, and what a store holds.

use crate::secret::Secret;
use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Private};
use openssl::x509::{X509, X509Ref};
use std::fmt;

/// A private key with its certificate and those that vouch for it.
#[derive(Clone)]
pub struct Identity {
    /// The key.
    pub key: PKey<Private>,
    /// Never empty: the key's own certificate first, then who signed it, and so on.
    pub chain: Vec<X509>,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("chain", &self.chain.len()).finish_non_exhaustive()
    }
}

impl Identity {
    /// The key as PKCS#8 in PEM, without a password.
    pub fn key_pem(&self) -> Result<Secret, ErrorStack> {
        Ok(Secret::new(String::from_utf8_lossy(&self.key.private_key_to_pem_pkcs8()?)))
    }

    /// The chain in PEM.
    pub fn chain_pem(&self) -> Result<String, ErrorStack> {
        certificates_pem(&self.chain)
    }
}

/// Certificates in PEM, one after the other.
pub fn certificates_pem(certificates: &[X509]) -> Result<String, ErrorStack> {
    let mut text = String::new();
    for certificate in certificates {
        text.push_str(&String::from_utf8_lossy(&certificate.to_pem()?));
    }
    Ok(text)
}

/// What is in a store.
pub(super) struct Contents {
    /// The first private key with its certificates, or why it cannot be had: who only looks for certificates to trust
    /// does not mind.
    pub(super) identity: Option<Result<Identity, String>>,
    /// The certificates that are there to be trusted.
    pub(super) certificates: Vec<X509>,
}

/// A key and the certificates that belong to it, in whatever order they came.
pub(super) fn identity(key: PKey<Private>, certificates: &[X509]) -> Result<Identity, String> {
    let is_own = |certificate: &X509Ref| certificate.public_key().is_ok_and(|public| public.public_eq(&key));
    let Some(own) = certificates.iter().find(|certificate| is_own(certificate)).cloned() else {
        return Err("none of the certificates belongs to the private key".to_owned());
    };
    let mut chain = vec![own];
    while let Some(last) = chain.last() {
        let is_next = |candidate: &&X509| {
            candidate.issued(last) == openssl::x509::X509VerifyResult::OK
                && chain.iter().all(|known| known != *candidate)
        };
        match certificates.iter().find(is_next).cloned() {
            Some(next) => chain.push(next),
            None => break,
        }
    }
    Ok(Identity { key, chain })
}
