//! The documents of a JSON Schema, and what a `$ref` in them names. Pure.

use super::bad_schema;
use crate::data::Error;
use crate::data::registered::Registered;
use serde_json::Value as Json;
use url::Url;

/// A document and the names by which others refer to it.
struct Document {
    names: Vec<String>,
    json: Json,
}

/// The schema itself, at place 0, and all it refers to.
pub(super) struct Documents(Vec<Document>);

/// A place in a document: the document's number, and a JSON pointer.
pub(super) type Place = (usize, String);

impl Documents {
    pub(super) fn new(registered: &Registered) -> Result<Self, Error> {
        let read = |name: Option<&str>, text: &str| {
            let json: Json =
                serde_json::from_str(text).map_err(|error| bad_schema(format!("it is not JSON: {error}")))?;
            let id = ["$id", "id"].iter().find_map(|key| json.get(key)?.as_str());
            let names = id.into_iter().chain(name).map(|name| name.trim_end_matches('#').to_owned());
            Ok(Document { names: names.collect(), json })
        };
        let mut all = vec![read(None, &registered.text)?];
        for reference in &registered.references {
            all.push(read(Some(&reference.name), &reference.text)?);
        }
        Ok(Self(all))
    }

    /// The whole schema.
    pub(super) fn root(&self) -> &Json {
        self.0.first().map_or(&Json::Null, |document| &document.json)
    }

    /// What `reference`, written in the document `from`, names.
    pub(super) fn find(&self, from: usize, reference: &str) -> Result<(Place, &Json), Error> {
        let missing = || bad_schema(format!("there is no schema {reference}"));
        let (name, pointer) = reference.split_once('#').unwrap_or((reference, ""));
        let at = if name.is_empty() { Some(from) } else { self.document(from, name) };
        let at = at.ok_or_else(missing)?;
        let json = &self.0.get(at).ok_or_else(missing)?.json;
        // A pointer in a URL may be escaped.
        let query = format!("p={}", pointer.replace('+', "%2B"));
        let pointer: String =
            url::form_urlencoded::parse(query.as_bytes()).map(|(_, p)| p.into_owned()).collect();
        let found = if pointer.is_empty() || pointer.starts_with('/') {
            json.pointer(&pointer)
        } else {
            anchor(json, &pointer)
        };
        Ok(((at, pointer), found.ok_or_else(missing)?))
    }

    fn document(&self, from: usize, name: &str) -> Option<usize> {
        let named = |name: &str| self.0.iter().position(|document| document.names.iter().any(|n| n == name));
        let joined = || {
            let bases = self.0.get(from)?.names.iter();
            let urls = bases.filter_map(|base| Url::parse(base).ok()?.join(name).ok());
            urls.map(|url| url.to_string()).find_map(|name| named(&name))
        };
        let by_file = || {
            let file = name.trim_start_matches("./");
            let is_it = |known: &String| known.rsplit('/').next() == Some(file);
            self.0.iter().position(|document| document.names.iter().any(is_it))
        };
        named(name).or_else(joined).or_else(by_file)
    }
}

/// The schema below `json` that calls itself so.
fn anchor<'a>(json: &'a Json, name: &str) -> Option<&'a Json> {
    let hash = format!("#{name}");
    let is_it = |json: &Json| {
        json.get("$anchor").and_then(Json::as_str) == Some(name)
            || ["$id", "id"].iter().any(|key| json.get(key).and_then(Json::as_str) == Some(&hash))
    };
    let mut open = vec![json];
    while let Some(json) = open.pop() {
        if is_it(json) {
            return Some(json);
        }
        match json {
            Json::Object(members) => open.extend(members.values()),
            Json::Array(items) => open.extend(items),
            _ => {}
        }
    }
    None
}
