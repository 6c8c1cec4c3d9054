//! Kerberos (`sasl.mechanism=GSSAPI`): a Java client's login, as librdkafka's settings and the command that it runs for
//! tickets.
//!
//! librdkafka gets tickets by a line for the shell, and keeps them in the one credential cache of the process. So nothing
//! that a user wrote stands in that line without quotes, and all clients of a worker have one login (`clients` sees to
//! that): what a connector brings by REST neither names a program nor changes who the others are. Of the outside world
//! only the first bytes of a key table are read. No error repeats an option's value.

use std::path::Path;

use rdkafka::ClientConfig;

use super::assembled::setting;
use super::module::expect_module;
use crate::config::files;
use crate::config::jaas::LoginEntry;
use crate::config::tls::Settings;
use crate::kafka::Error;

/// Whether librdkafka was built with it (the feature `gssapi`).
pub(super) const BUILT_IN: bool = cfg!(feature = "gssapi");
pub(super) const NOT_BUILT_IN: &str = "Kerberos is not built in: build the worker with \
     `cargo build --release --features gssapi` (the image with `--build-arg FEATURES=gssapi`), or use PLAIN, \
     SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER";

pub(super) const JAAS: &str = "sasl.jaas.config";
pub(super) const KINIT: &str = "sasl.kerberos.kinit.cmd";
/// Milliseconds from one ticket to the next; 0 for never.
pub(super) const RELOGIN: &str = "sasl.kerberos.min.time.before.relogin";
const SERVICE: &str = "sasl.kerberos.service.name";
const KEYTAB: &str = "sasl.kerberos.keytab";
const PRINCIPAL: &str = "sasl.kerberos.principal";

/// Each of them starts a process: not more often than this.
const SHORTEST_RELOGIN: i64 = 10_000;
const DAY: i64 = 86_400_000;

const EXAMPLE: &str = "com.sun.security.auth.module.Krb5LoginModule required useKeyTab=true keyTab=\"…\" \
                       principal=\"…\";";
/// Options of `Krb5LoginModule` that mean nothing to a client that never asks a person.
const WITHOUT_EFFECT: [&str; 9] = [
    "clearPass",
    "debug",
    "doNotPrompt",
    "isInitiator",
    "refreshKrb5Config",
    "renewTGT",
    "storeKey",
    "storePass",
    "tryFirstPass",
];
const OPTIONS: [&str; 5] = ["useKeyTab", "keyTab", "principal", "useTicketCache", "serviceName"];

/// Who signs in, and how its tickets are got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Login {
    principal: Option<String>,
    /// None when somebody else puts tickets into the cache, which are only renewed.
    keytab: Option<String>,
    /// The program.
    kinit: String,
}

impl Login {
    /// From the JAAS line, or under librdkafka's names.
    pub(super) fn read(settings: &Settings<'_>, entry: Option<&LoginEntry>) -> Result<Self, Error> {
        let kinit = settings.get(KINIT).unwrap_or("kinit").trim();
        if !kinit.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c)) || kinit.starts_with('-') {
            let reason = "must be the path of the program kinit as with Java clients, without arguments: letters, \
                          digits and /._- only";
            return Err(setting(&settings.name(KINIT), reason));
        }
        let (keytab, principal) = match entry {
            Some(entry) => options(entry).map_err(|reason| setting(&settings.name(JAAS), &reason))?,
            None => native(settings)?,
        };
        Ok(Self { principal, keytab, kinit: kinit.to_owned() })
    }

    /// What the shell is given. librdkafka puts the values in, once.
    fn command(&self) -> String {
        let kinit = &self.kinit;
        match self.keytab {
            Some(_) => format!("{kinit} -k -t '%{{{KEYTAB}}}' '%{{{PRINCIPAL}}}'"),
            None => format!("{kinit} -R"),
        }
    }
}

/// Sets how to sign in.
pub(super) fn apply(
    settings: &Settings<'_>,
    entry: Option<&LoginEntry>,
    config: &mut ClientConfig,
) -> Result<(), Error> {
    let login = Login::read(settings, entry)?;
    if let Some(keytab) = &login.keytab {
        let key = if entry.is_some() { JAAS } else { KEYTAB };
        probe(Path::new(keytab)).map_err(|reason| setting(&settings.name(key), &reason))?;
        config.set(KEYTAB, keytab);
    }
    if let Some(principal) = &login.principal {
        config.set(PRINCIPAL, principal);
    }
    config.set(KINIT, login.command());
    config.set(SERVICE, service(settings, entry)?);
    if let Some(text) = settings.get(RELOGIN) {
        let asked = text.trim().parse::<i64>();
        let asked = asked.map_err(|_| setting(&settings.name(RELOGIN), "must be a whole number"))?;
        let period = if asked <= 0 { 0 } else { asked.clamp(SHORTEST_RELOGIN, DAY) };
        config.set(RELOGIN, period.to_string());
    }
    Ok(())
}

/// Key table and principal of a JAAS line.
fn options(entry: &LoginEntry) -> Result<(Option<String>, Option<String>), String> {
    expect_module(entry, &["Krb5LoginModule"])?;
    let other = |option: &&String| {
        !OPTIONS.contains(&option.as_str())
            && !WITHOUT_EFFECT.contains(&option.as_str())
            && option.as_str() != "useFirstPass"
    };
    match entry.options.keys().find(other) {
        Some(option) if option == "ticketCache" => {
            return Err("the option ticketCache is not supported: leave it out, and set KRB5CCNAME in the \
                        worker's environment"
                .to_owned());
        }
        Some(option) => {
            return Err(format!("the option {option} is not supported; there are {}", OPTIONS.join(", ")));
        }
        None => {}
    }
    let is_on = |option: &str| entry.option(option).is_some_and(|on| on.trim().eq_ignore_ascii_case("true"));
    let text = |option: &str| entry.option(option).map(str::trim).filter(|text| !text.is_empty());
    let principal = text("principal").map(|name| quotable("principal", name)).transpose()?;
    if is_on("useKeyTab") {
        let keytab = text("keyTab").ok_or("the option keyTab is missing")?;
        if principal.is_none() {
            return Err("the option principal is missing".to_owned());
        }
        return Ok((Some(absolute("keyTab", keytab)?), principal));
    }
    if is_on("useTicketCache") {
        return Ok((None, principal));
    }
    Err("nobody is asked for a password here: set useKeyTab=true with keyTab and principal, or useTicketCache=true"
        .to_owned())
}

/// The same under librdkafka's names.
fn native(settings: &Settings<'_>) -> Result<(Option<String>, Option<String>), Error> {
    let (Some(keytab), Some(principal)) = (settings.get(KEYTAB), settings.get(PRINCIPAL)) else {
        let key = settings.name("sasl.mechanism").replace("sasl.mechanism", JAAS);
        return Err(setting(&key, &format!("must be set for this sasl.mechanism: {EXAMPLE}")));
    };
    let keytab = absolute("it", keytab.trim()).map_err(|reason| setting(&settings.name(KEYTAB), &reason))?;
    let principal = quotable("it", principal.trim());
    let principal = principal.map_err(|reason| setting(&settings.name(PRINCIPAL), &reason))?;
    Ok((Some(keytab), Some(principal)))
}

/// The brokers' own name, which must be said in one of two places, or in both alike.
fn service(settings: &Settings<'_>, entry: Option<&LoginEntry>) -> Result<String, Error> {
    let written = settings.get(SERVICE).map(str::trim);
    let option = entry.and_then(|entry| entry.option("serviceName")).map(str::trim);
    match (written, option.filter(|name| !name.is_empty())) {
        (Some(one), Some(other)) if one != other => {
            Err(setting(&settings.name(SERVICE), "sasl.jaas.config has another serviceName"))
        }
        (Some(name), _) | (None, Some(name)) => Ok(name.to_owned()),
        (None, None) => {
            let key = settings.name(JAAS).replace(JAAS, SERVICE);
            Err(setting(&key, "must be the name under which the brokers are known to Kerberos, mostly kafka"))
        }
    }
}

/// A path that says nothing else than where a file is.
fn absolute(what: &str, path: &str) -> Result<String, String> {
    let path = path.strip_prefix("FILE:").or_else(|| path.strip_prefix("file:")).unwrap_or(path);
    if path.starts_with('/') { quotable(what, path) } else { Err(format!("{what} must be an absolute path")) }
}

/// Text that stays one argument between single quotes of a shell, and is no option.
fn quotable(what: &str, text: &str) -> Result<String, String> {
    if text.starts_with('-') || text.contains(|c: char| c == '\'' || c.is_control()) {
        return Err(format!(
            "{what} must not begin with a dash or have a single quote or a control character in it"
        ));
    }
    Ok(text.to_owned())
}

/// A key table begins with 5 and its version.
fn probe(keytab: &Path) -> Result<(), String> {
    match files::begin(keytab) {
        Ok(Some([5, 1 | 2])) => Ok(()),
        Ok(_) => Err("the file is no key table (keyTab)".to_owned()),
        Err(reason) => Err(format!("the key table (keyTab) cannot be read: {reason}")),
    }
}
