//! `access.control.*`: which pages of other origins may call REST, and how.

use regex::Regex;

use crate::configdef::Values;

/// Methods that are allowed unless others are named.
const METHODS: [&str; 3] = ["GET", "POST", "HEAD"];

/// What pages of other origins may do.
#[derive(Debug, Clone)]
pub struct Cors {
    /// None: every origin.
    origins: Option<Vec<Origin>>,
    /// The methods they may use, in upper case.
    pub methods: Vec<String>,
}

#[derive(Debug, Clone)]
struct Origin {
    pattern: Regex,
    /// A page of it may send the credentials that a browser remembers.
    trusted: bool,
}

impl Cors {
    /// None unless `access.control.allow.origin` is set.
    pub(super) fn read(values: &Values<'_>) -> Option<Self> {
        let origins: Vec<&str> = items(values.filled("access.control.allow.origin")?);
        let methods = values.filled("access.control.allow.methods").map(items).unwrap_or_default();
        let methods = if methods.is_empty() { METHODS.to_vec() } else { methods };
        // A star inside of an origin stands for any text, as in `https://*.example.com`.
        let origin = |text: &&str| {
            let pattern = Regex::new(&format!("^{}$", regex::escape(text).replace(r"\*", ".*"))).ok()?;
            Some(Origin { pattern, trusted: is_of_one_owner(text) })
        };
        let any = origins.contains(&"*");
        Some(Self {
            origins: (!any).then(|| origins.iter().filter_map(origin).collect()),
            methods: methods.iter().map(|method| method.to_ascii_uppercase()).collect(),
        })
    }

    /// True when every origin is allowed.
    pub fn allows_any(&self) -> bool {
        self.origins.is_none()
    }

    /// True when a page of `origin` may call.
    pub fn allows(&self, origin: &str) -> bool {
        self.origins.as_ref().is_none_or(|origins| origins.iter().any(|known| known.pattern.is_match(origin)))
    }

    /// True when such a page may do so with the credentials that a browser remembers.
    pub fn trusts(&self, origin: &str) -> bool {
        let known = self.origins.iter().flatten();
        known.filter(|known| known.pattern.is_match(origin)).any(|known| known.trusted)
    }
}

/// A star may stand for a name below a domain such as `.example.com`; anything wider takes in hosts of others.
fn is_of_one_owner(origin: &str) -> bool {
    let Some((before, below)) = origin.rsplit_once('*') else { return true };
    let is_host_label = ["http://", "https://"].iter().any(|scheme| before.eq_ignore_ascii_case(scheme));
    is_host_label
        && below
            .strip_prefix('.')
            .is_some_and(|domain| domain.split('.').filter(|l| !l.is_empty()).count() > 1)
}

fn items(list: &str) -> Vec<&str> {
    list.split(',').map(str::trim).filter(|item| !item.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::is_of_one_owner;

    #[test]
    fn a_star_that_takes_in_hosts_of_others_is_not_trusted() {
        for trusted in
            ["https://ui.example.com", "http://localhost:3000", "https://*.example.com", "http://*.a.b:81"]
        {
            assert!(is_of_one_owner(trusted), "{trusted}");
        }
        for other in [
            "*",
            "**",
            "http*",
            "https://*",
            "https://*:443",
            "https://*.com",
            "*.example.com",
            "https://*example.com",
            "https://*.*.example.com",
            "https://ui.*",
            "*://*.example.com",
            "https://a*.example.com",
            "https://*.",
        ] {
            assert!(!is_of_one_owner(other), "{other}");
        }
    }
}
