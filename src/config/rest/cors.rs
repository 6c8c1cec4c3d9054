//! `access.control.*`: which pages of other origins may call REST, and how.

use regex::Regex;

use crate::config::values::Values;

/// Methods that are allowed unless others are named.
const METHODS: [&str; 3] = ["GET", "POST", "HEAD"];

/// What pages of other origins may do.
#[derive(Debug, Clone)]
pub struct Cors {
    /// None: every origin.
    origins: Option<Vec<Regex>>,
    /// The methods they may use, in upper case.
    pub methods: Vec<String>,
}

impl Cors {
    /// None unless `access.control.allow.origin` is set.
    pub(super) fn read(values: &Values<'_>) -> Option<Self> {
        let origins: Vec<&str> = items(values.filled("access.control.allow.origin")?);
        let methods = values.filled("access.control.allow.methods").map(items).unwrap_or_default();
        let methods = if methods.is_empty() { METHODS.to_vec() } else { methods };
        // A star inside of an origin stands for any text, as in `https://*.example.com`.
        let pattern =
            |origin: &&str| Regex::new(&format!("^{}$", regex::escape(origin).replace(r"\*", ".*"))).ok();
        let any = origins.contains(&"*");
        Some(Self {
            origins: (!any).then(|| origins.iter().filter_map(pattern).collect()),
            methods: methods.iter().map(|method| method.to_ascii_uppercase()).collect(),
        })
    }

    /// True when every origin is allowed.
    pub fn allows_any(&self) -> bool {
        self.origins.is_none()
    }

    /// True when a page of `origin` may call.
    pub fn allows(&self, origin: &str) -> bool {
        self.origins.as_ref().is_none_or(|origins| origins.iter().any(|allowed| allowed.is_match(origin)))
    }
}

fn items(list: &str) -> Vec<&str> {
    list.split(',').map(str::trim).filter(|item| !item.is_empty()).collect()
}
