//! The certificate authority and server certificate of the TLS port.
//!
//! Owns the files `ca.pem`, `cert.pem` and `key.pem` of the certificate folder: uses them while they are valid for
//! the wanted names, otherwise writes a new set. The authority's key is never written: one authority per set.

use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, PKeyRef, Private};
use openssl::ssl::{AlpnError, SslAcceptor, SslMethod};
use openssl::x509::extension::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName,
    SubjectKeyIdentifier,
};
use openssl::x509::{X509, X509Builder, X509NameBuilder, X509Ref};

/// Names in every certificate, in addition to those that were asked for.
const NAMES: [&str; 4] = ["localhost", "127.0.0.1", "::1", "adx"];
/// Life of a certificate in days. Browsers and Apple's TLS refuse more than 825.
const DAYS: u32 = 800;
/// A certificate with less life left than this many days is replaced.
const SPARE_DAYS: u32 = 30;

/// The TLS port cannot have its certificate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder cannot be read or written.
    #[error("the certificate folder {folder} cannot be used: {source}; set --cert-dir to a writable folder")]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// OpenSSL refused.
    #[error("making the TLS certificate failed: {0}")]
    OpenSsl(#[from] ErrorStack),
}

/// The acceptor for the TLS port and the authority's certificate file to trust.
pub(crate) fn acceptor(folder: &Path, extra_names: &[String]) -> Result<(SslAcceptor, PathBuf), Error> {
    let mut names: Vec<&str> = NAMES.to_vec();
    names.extend(extra_names.iter().map(String::as_str));
    let set = if let Some(set) = read(folder, &names) {
        set
    } else {
        let set = make(&names)?;
        write(folder, &set).map_err(|source| Error::Folder { folder: folder.to_owned(), source })?;
        set
    };
    let mut builder = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server())?;
    builder.set_private_key(&set.key)?;
    builder.set_certificate(&set.certificate)?;
    builder.check_private_key()?;
    builder.set_alpn_select_callback(|_, offered| {
        openssl::ssl::select_next_proto(b"\x08http/1.1", offered).ok_or(AlpnError::NOACK)
    });
    Ok((builder.build(), folder.join("ca.pem")))
}

struct Set {
    authority: X509,
    certificate: X509,
    key: PKey<Private>,
}

/// The set in `folder` when it is whole, valid for a while and good for all `names`.
fn read(folder: &Path, names: &[&str]) -> Option<Set> {
    let file = |name: &str| fs::read(folder.join(name)).ok();
    let authority = X509::from_pem(&file("ca.pem")?).ok()?;
    let certificate = X509::from_pem(&file("cert.pem")?).ok()?;
    let key = PKey::private_key_from_pem(&file("key.pem")?).ok()?;
    let later = Asn1Time::days_from_now(SPARE_DAYS).ok()?;
    let authority_key = authority.public_key().ok()?;
    let fits = certificate.verify(&authority_key).ok()?
        && certificate.public_key().ok()?.public_eq(&key)
        && certificate.not_after() > later
        && authority.not_after() > later
        && names.iter().all(|name| has_name(&certificate, name));
    fits.then_some(Set { authority, certificate, key })
}

fn has_name(certificate: &X509Ref, name: &str) -> bool {
    let Some(names) = certificate.subject_alt_names() else { return false };
    match name.parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) => names.iter().any(|entry| entry.ipaddress() == Some(&ip.octets()[..])),
        Ok(IpAddr::V6(ip)) => names.iter().any(|entry| entry.ipaddress() == Some(&ip.octets()[..])),
        Err(_) => names.iter().any(|entry| entry.dnsname() == Some(name)),
    }
}

fn write(folder: &Path, set: &Set) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    // Clients poll for ca.pem, so it is written last and whole.
    put(folder, "key.pem", &set.key.private_key_to_pem_pkcs8()?)?;
    put(folder, "cert.pem", &set.certificate.to_pem()?)?;
    put(folder, "ca.pem", &set.authority.to_pem()?)
}

fn put(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let part = folder.join(format!("{name}.part"));
    fs::write(&part, bytes)?;
    fs::rename(part, folder.join(name))
}

fn make(names: &[&str]) -> Result<Set, ErrorStack> {
    let authority_key = new_key()?;
    let mut builder = unsigned("adx-emulator local authority", &authority_key)?;
    let subject = name("adx-emulator local authority")?;
    builder.set_issuer_name(&subject)?;
    builder.append_extension(BasicConstraints::new().critical().ca().pathlen(0).build()?)?;
    builder.append_extension(KeyUsage::new().critical().key_cert_sign().crl_sign().build()?)?;
    let identifier = SubjectKeyIdentifier::new().build(&builder.x509v3_context(None, None))?;
    builder.append_extension(identifier)?;
    builder.sign(&authority_key, MessageDigest::sha256())?;
    let authority = builder.build();

    let key = new_key()?;
    let mut builder = unsigned("localhost", &key)?;
    builder.set_issuer_name(authority.subject_name())?;
    builder.append_extension(BasicConstraints::new().build()?)?;
    builder.append_extension(KeyUsage::new().critical().digital_signature().build()?)?;
    builder.append_extension(ExtendedKeyUsage::new().server_auth().build()?)?;
    let mut alternatives = SubjectAlternativeName::new();
    for name in names {
        match name.parse::<IpAddr>() {
            Ok(_) => alternatives.ip(name),
            Err(_) => alternatives.dns(name),
        };
    }
    let alternatives = alternatives.build(&builder.x509v3_context(Some(&authority), None))?;
    builder.append_extension(alternatives)?;
    let issuer =
        AuthorityKeyIdentifier::new().keyid(true).build(&builder.x509v3_context(Some(&authority), None))?;
    builder.append_extension(issuer)?;
    builder.sign(&authority_key, MessageDigest::sha256())?;
    Ok(Set { authority, certificate: builder.build(), key })
}

fn new_key() -> Result<PKey<Private>, ErrorStack> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
    PKey::from_ec_key(EcKey::generate(&group)?)
}

fn name(common_name: &str) -> Result<openssl::x509::X509Name, ErrorStack> {
    let mut name = X509NameBuilder::new()?;
    name.append_entry_by_nid(Nid::COMMONNAME, common_name)?;
    Ok(name.build())
}

fn unsigned(common_name: &str, key: &PKeyRef<Private>) -> Result<X509Builder, ErrorStack> {
    let mut serial = BigNum::new()?;
    serial.rand(127, MsbOption::MAYBE_ZERO, false)?;
    let mut builder = X509::builder()?;
    builder.set_version(2)?;
    builder.set_serial_number(&*serial.to_asn1_integer()?)?;
    builder.set_subject_name(&*name(common_name)?)?;
    builder.set_pubkey(key)?;
    builder.set_not_before(&*Asn1Time::days_from_now(0)?)?;
    builder.set_not_after(&*Asn1Time::days_from_now(DAYS)?)?;
    Ok(builder)
}

#[cfg(test)]
mod tests {
    use super::{NAMES, acceptor, has_name, read};

    #[test]
    fn a_set_is_used_again_until_a_name_is_missing_or_a_file_is_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let (_, ca) = acceptor(folder.path(), &[]).unwrap();
        let first = std::fs::read(&ca).unwrap();
        acceptor(folder.path(), &[]).unwrap();
        assert_eq!(std::fs::read(&ca).unwrap(), first);
        acceptor(folder.path(), &["emu.example".to_owned()]).unwrap();
        let second = std::fs::read(&ca).unwrap();
        assert_ne!(second, first);
        let set = read(folder.path(), &NAMES).unwrap();
        assert!(has_name(&set.certificate, "emu.example") && has_name(&set.certificate, "::1"));
        std::fs::write(folder.path().join("key.pem"), "damaged").unwrap();
        acceptor(folder.path(), &[]).unwrap();
        assert_ne!(std::fs::read(&ca).unwrap(), second);
    }
}
