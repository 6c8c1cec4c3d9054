//! A certificate authority of a test, and what it signs, in the formats that users have.

use std::path::{Path, PathBuf};
use std::process::Command;

use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::stack::Stack;
use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
use openssl::x509::{X509, X509Name, X509NameBuilder};

/// One authority, with its files in one folder.
pub struct Authority {
    folder: PathBuf,
    key: PKey<Private>,
    certificate: X509,
}

/// A key and its certificate.
pub struct Keys {
    key: PKey<Private>,
    certificate: X509,
    authority: X509,
}

fn name(text: &str) -> X509Name {
    let mut name = X509NameBuilder::new().unwrap();
    name.append_entry_by_nid(Nid::COMMONNAME, text).unwrap();
    name.build()
}

fn new_key() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

/// A certificate of `subject`; without an issuer it is an authority's own.
fn sign(subject: &str, key: &PKey<Private>, issuer: Option<&Authority>) -> X509 {
    let now = Asn1Time::days_from_now(0).unwrap();
    sign_for((&now, &Asn1Time::days_from_now(9).unwrap()), subject, key, issuer)
}

/// The same, good from the first of these moments to the second.
fn sign_for(
    (begin, end): (&Asn1Time, &Asn1Time),
    subject: &str,
    key: &PKey<Private>,
    issuer: Option<&Authority>,
) -> X509 {
    let mut builder = X509::builder().unwrap();
    let mut serial = BigNum::new().unwrap();
    serial.rand(127, MsbOption::MAYBE_ZERO, false).unwrap();
    builder.set_version(2).unwrap();
    builder.set_serial_number(&serial.to_asn1_integer().unwrap()).unwrap();
    builder.set_subject_name(&name(subject)).unwrap();
    builder.set_pubkey(key).unwrap();
    builder.set_not_before(begin).unwrap();
    builder.set_not_after(end).unwrap();
    if let Some(authority) = issuer {
        builder.set_issuer_name(authority.certificate.subject_name()).unwrap();
        let names = SubjectAlternativeName::new()
            .dns("localhost")
            .ip("127.0.0.1")
            .build(&builder.x509v3_context(Some(&authority.certificate), None))
            .unwrap();
        builder.append_extension(names).unwrap();
        builder.sign(&authority.key, MessageDigest::sha256()).unwrap();
    } else {
        builder.set_issuer_name(&name(subject)).unwrap();
        builder.append_extension(BasicConstraints::new().critical().ca().build().unwrap()).unwrap();
        builder.sign(key, MessageDigest::sha256()).unwrap();
    }
    builder.build()
}

impl Authority {
    /// A new one; its files go into `folder`.
    pub fn new(folder: &Path) -> Self {
        let key = new_key();
        let certificate = sign("authority of a test", &key, None);
        Self { folder: folder.to_owned(), key, certificate }
    }

    /// A key for `subject` on this machine.
    pub fn keys(&self, subject: &str) -> Keys {
        self.keys_with(subject, new_key())
    }

    /// The same with an RSA key, the only kind that Entra takes.
    pub fn rsa_keys(&self, subject: &str) -> Keys {
        self.keys_with(subject, PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap())
    }

    /// The same of a certificate that has ended.
    pub fn ended_keys(&self, subject: &str) -> Keys {
        let times = ["20200101000000Z", "20210101000000Z"].map(|time| Asn1Time::from_str(time).unwrap());
        let key = new_key();
        let certificate = sign_for((&times[0], &times[1]), subject, &key, Some(self));
        Keys { key, certificate, authority: self.certificate.clone() }
    }

    fn keys_with(&self, subject: &str, key: PKey<Private>) -> Keys {
        let certificate = sign(subject, &key, Some(self));
        Keys { key, certificate, authority: self.certificate.clone() }
    }

    /// Its certificate in PEM.
    pub fn pem(&self) -> String {
        String::from_utf8(self.certificate.to_pem().unwrap()).unwrap()
    }

    /// A trust store in PEM.
    pub fn pem_file(&self) -> String {
        self.put("ca.pem", self.pem().as_bytes())
    }

    /// A trust store that `keytool` writes, of the type `JKS` or `PKCS12`.
    pub fn java_trust_store(&self, kind: &str, password: &str) -> String {
        let (pem, store) = (self.pem_file(), self.folder.join(format!("trust.{kind}")));
        let store = store.to_str().unwrap();
        let run = Command::new("keytool")
            .args(["-importcert", "-noprompt", "-alias", "ca", "-file", &pem, "-keystore", store])
            .args(["-storetype", kind, "-storepass", password])
            .output()
            .expect("keytool runs");
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stdout));
        store.to_owned()
    }

    /// Writes one of its files.
    pub fn put(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.folder.join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Keys {
    /// Key and certificates in PEM.
    pub fn pem(&self) -> (String, String) {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let chain = text(self.certificate.to_pem().unwrap()) + &text(self.authority.to_pem().unwrap());
        (text(self.key.private_key_to_pem_pkcs8().unwrap()), chain)
    }

    /// A key store in PEM.
    pub fn pem_bytes(&self) -> Vec<u8> {
        let (key, chain) = self.pem();
        (key + &chain).into_bytes()
    }

    /// A key store in PKCS12.
    pub fn pkcs12_bytes(&self, password: &str) -> Vec<u8> {
        let mut others = Stack::new().unwrap();
        others.push(self.authority.clone()).unwrap();
        let mut builder = Pkcs12::builder();
        builder.name("k").pkey(&self.key).cert(&self.certificate).ca(others);
        builder.build2(password).unwrap().to_der().unwrap()
    }
}
