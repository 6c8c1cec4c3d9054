//! Stores of all formats, as OpenSSL and `keytool` write them.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use openssl::asn1::Asn1Time;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::{PKey, Private};
use openssl::stack::Stack;
use openssl::symm::Cipher;
use openssl::x509::extension::BasicConstraints;
use openssl::x509::{X509, X509Name, X509NameBuilder};

use super::{Settings, certificates_pem, checks_host_name, identity, protocols, trust};

/// An authority and a certificate that it signed.
struct Set {
    authority: X509,
    certificate: X509,
    key: PKey<Private>,
}

fn key() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

fn name(text: &str) -> X509Name {
    let mut name = X509NameBuilder::new().unwrap();
    name.append_entry_by_nid(Nid::COMMONNAME, text).unwrap();
    name.build()
}

fn certificate(subject: &str, own: &PKey<Private>, issuer: (&str, &PKey<Private>)) -> X509 {
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder.set_subject_name(&name(subject)).unwrap();
    builder.set_issuer_name(&name(issuer.0)).unwrap();
    builder.set_pubkey(own).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(9).unwrap()).unwrap();
    if subject == issuer.0 {
        builder.append_extension(BasicConstraints::new().critical().ca().build().unwrap()).unwrap();
    }
    builder.sign(issuer.1, MessageDigest::sha256()).unwrap();
    builder.build()
}

fn set() -> Set {
    let (authority_key, own) = (key(), key());
    Set {
        authority: certificate("authority", &authority_key, ("authority", &authority_key)),
        certificate: certificate("own", &own, ("authority", &authority_key)),
        key: own,
    }
}

fn properties(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// The chain of the identity that `pairs` name, or the error.
fn chain(pairs: &[(&str, &str)]) -> Result<Vec<X509>, String> {
    let properties = properties(pairs);
    let mut settings = Settings::default();
    settings.add("p.", &properties);
    match identity(&settings) {
        Ok(found) => Ok(found.map(|identity| identity.chain).unwrap_or_default()),
        Err(error) => Err(error.to_string()),
    }
}

fn trusted(pairs: &[(&str, &str)]) -> Result<Vec<X509>, String> {
    let properties = properties(pairs);
    let mut settings = Settings::default();
    settings.add("p.", &properties);
    trust(&settings).map(Option::unwrap_or_default).map_err(|error| error.to_string())
}

fn put(folder: &Path, name: &str, bytes: &[u8]) -> String {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn pem_in_settings_and_files_with_and_without_line_breaks() {
    let (folder, set) = (tempfile::tempdir().unwrap(), set());
    let pem_of = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let key = pem_of(set.key.private_key_to_pem_pkcs8().unwrap());
    let locked = set.key.private_key_to_pem_pkcs8_passphrase(Cipher::aes_256_cbc(), b"geheim").unwrap();
    let locked = pem_of(locked);
    let both = certificates_pem(&[set.authority.clone(), set.certificate.clone()]).unwrap();
    let expected = Ok(vec![set.certificate.clone(), set.authority.clone()]);
    for (key, chain_text) in [(key.clone(), both.clone()), (key.replace('\n', " "), both.replace('\n', " "))]
    {
        let found = chain(&[("ssl.keystore.key", &key), ("ssl.keystore.certificate.chain", &chain_text)]);
        assert_eq!(found, expected);
        assert_eq!(trusted(&[("ssl.truststore.certificates", &chain_text)]).unwrap().len(), 2);
    }
    let file = put(folder.path(), "k.pem", format!("{locked}{both}").as_bytes());
    assert_eq!(chain(&[("ssl.keystore.location", &file), ("ssl.key.password", "geheim")]), expected);
    for (pairs, expected) in [
        (vec![("ssl.keystore.location", file.as_str())], "is encrypted: set ssl.key.password"),
        (
            vec![("ssl.keystore.location", &file), ("ssl.key.password", "f")],
            "cannot be decrypted: check ssl.key.password",
        ),
        (
            vec![("ssl.keystore.key", &key)],
            "p.ssl.keystore.key: ssl.keystore.certificate.chain must be set too",
        ),
        (vec![("ssl.keystore.key", "x"), ("ssl.keystore.certificate.chain", &both)], "no private key in PEM"),
        (vec![("ssl.keystore.key", &key), ("ssl.keystore.location", &file)], "not both"),
        (vec![("ssl.keystore.location", "/no/such")], "p.ssl.keystore.location: /no/such cannot be read"),
    ] {
        let error = chain(&pairs).unwrap_err();
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains("geheim"), "{error}");
    }
    let other = key_of_nobody();
    let error =
        chain(&[("ssl.keystore.key", &other), ("ssl.keystore.certificate.chain", &both)]).unwrap_err();
    assert!(error.contains("none of the certificates belongs to the private key"), "{error}");
}

fn key_of_nobody() -> String {
    String::from_utf8(key().private_key_to_pem_pkcs8().unwrap()).unwrap()
}

#[test]
fn pkcs12_of_openssl() {
    let (folder, set) = (tempfile::tempdir().unwrap(), set());
    let mut others = Stack::new().unwrap();
    others.push(set.authority.clone()).unwrap();
    let mut builder = Pkcs12::builder();
    let store = builder.name("k").pkey(&set.key).cert(&set.certificate).ca(others).build2("geheim").unwrap();
    let file = put(folder.path(), "k.p12", &store.to_der().unwrap());
    let key_store = [("ssl.keystore.location", file.as_str()), ("ssl.keystore.password", "geheim")];
    assert_eq!(chain(&key_store), Ok(vec![set.certificate.clone(), set.authority.clone()]));
    // The type is wrong and does not matter, as in Java, which reads both formats under either name.
    assert!(chain(&[&key_store[..], &[("ssl.keystore.type", "JKS")]].concat()).is_ok());
    let error = chain(&[key_store[0], ("ssl.keystore.password", "falsch")]).unwrap_err();
    assert!(error.contains("p.ssl.keystore.location") && error.contains("password is wrong"), "{error}");
    let damaged = put(folder.path(), "bad.p12", b"\x30\x03abc");
    assert!(chain(&[("ssl.keystore.location", &damaged)]).unwrap_err().contains("not a PKCS12 file"));
    let text = put(folder.path(), "text", b"hello");
    assert!(
        trusted(&[("ssl.truststore.location", &text)]).unwrap_err().contains("neither PEM, PKCS12 nor JKS")
    );
}

/// Runs `keytool`, which the tests' broker needs Java for anyway.
fn keytool(arguments: &[&str]) {
    let run = Command::new("keytool").args(arguments).output().unwrap();
    assert!(
        run.status.success(),
        "{}{}",
        String::from_utf8_lossy(&run.stdout),
        String::from_utf8_lossy(&run.stderr)
    );
}

#[test]
fn stores_that_keytool_wrote() {
    let folder = tempfile::tempdir().unwrap();
    for kind in ["JKS", "PKCS12"] {
        let at = |name: &str| folder.path().join(format!("{kind}-{name}")).to_str().unwrap().to_owned();
        let (store, trust_store, pem) = (at("key"), at("trust"), at("pem"));
        let keys = ["-keystore", &store, "-storetype", kind, "-storepass", "geheim", "-alias", "k"];
        keytool(&[&["-genkeypair", "-keyalg", "EC", "-dname", "CN=x"], &keys[..]].concat());
        if kind == "JKS" {
            keytool(&[&["-keypasswd", "-keypass", "geheim", "-new", "anders"], &keys[..]].concat());
        }
        keytool(&[&["-exportcert", "-rfc", "-file", &pem], &keys[..]].concat());
        keytool(&[
            "-importcert",
            "-noprompt",
            "-file",
            &pem,
            "-alias",
            "t",
            "-keystore",
            &trust_store,
            "-storetype",
            kind,
            "-storepass",
            "geheim",
        ]);
        let expected = Ok(vec![X509::from_pem(&std::fs::read(&pem).unwrap()).unwrap()]);
        let mut settings =
            vec![("ssl.keystore.location", store.as_str()), ("ssl.keystore.password", "geheim")];
        if kind == "JKS" {
            assert!(chain(&settings).unwrap_err().contains("check ssl.key.password"));
            settings.push(("ssl.key.password", "anders"));
        }
        assert_eq!(chain(&settings), expected, "{kind}");
        settings[1].1 = "falsch";
        assert!(chain(&settings).unwrap_err().contains("password is wrong"), "{kind}");
        let mut settings =
            vec![("ssl.truststore.location", trust_store.as_str()), ("ssl.truststore.password", "geheim")];
        assert_eq!(trusted(&settings), expected, "{kind}");
        settings[1].1 = "falsch";
        assert!(trusted(&settings).unwrap_err().contains("password is wrong"), "{kind}");
        if kind == "JKS" {
            assert_eq!(trusted(&settings[..1]), expected, "certificates of a JKS store are not encrypted");
        }
        assert!(
            chain(&[("ssl.keystore.location", &trust_store), ("ssl.keystore.password", "geheim")])
                .unwrap_err()
                .contains("there is no private key"),
            "{kind}"
        );
    }
}

#[test]
fn versions_and_the_host_check() {
    let with = |pairs: &[(&str, &str)]| {
        let properties = properties(pairs);
        let mut settings = Settings::default();
        settings.add("", &properties);
        (
            protocols(&settings).map_err(|e| e.to_string()),
            checks_host_name(&settings).map_err(|e| e.to_string()),
        )
    };
    assert!(matches!(with(&[]), (Ok(_), Ok(true))));
    assert_eq!(with(&[("ssl.endpoint.identification.algorithm", "")]).1, Ok(false));
    assert_eq!(with(&[("ssl.endpoint.identification.algorithm", "HTTPS")]).1, Ok(true));
    assert!(with(&[("ssl.endpoint.identification.algorithm", "ldap")]).1.is_err());
    assert_eq!(with(&[("ssl.enabled.protocols", "TLSv1.3")]).0.unwrap().0, openssl::ssl::SslVersion::TLS1_3);
    assert!(with(&[("ssl.enabled.protocols", "TLSv1.1")]).0.is_err());
    assert!(with(&[("ssl.enabled.protocols", "TLSv1.2, quic")]).0.is_err());
}
