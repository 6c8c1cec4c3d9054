//! The documents of a JSON Schema, and what a `$ref` in them names. Pure.

use super::error::bad_schema;
use crate::data::registered::Registered;
use crate::data::{Error, json_text};
use serde_json::{Map, Value as Json};
use std::collections::HashMap;
use std::rc::Rc;
use url::Url;

/// A document, and its parts that are referred to by a name of their own: their pointers.
struct Document {
    json: Json,
    anchors: HashMap<String, String>,
}

/// The schema itself, at place 0, and all it refers to.
pub(super) struct Documents {
    all: Vec<Document>,
    /// By the names that references have for them; of equal names the first.
    names: HashMap<String, usize>,
    /// By the last part of these names.
    files: HashMap<String, usize>,
    /// What names inside a document are relative to.
    bases: Vec<Vec<Url>>,
}

/// A place in a document: the document's number, and a JSON pointer.
pub(super) type Place = (usize, String);

impl Documents {
    pub(super) fn new(registered: &Registered) -> Result<Self, Error> {
        let mut documents =
            Self { all: Vec::new(), names: HashMap::new(), files: HashMap::new(), bases: Vec::new() };
        documents.add(None, &registered.text)?;
        for reference in &registered.references {
            documents.add(Some(&reference.name), &reference.text)?;
        }
        Ok(documents)
    }

    fn add(&mut self, name: Option<&str>, text: &str) -> Result<(), Error> {
        let json = json_text::parse_value(text.as_bytes());
        let json = json.map_err(|error| bad_schema(format!("it is not JSON: {error}")))?;
        let id = ["$id", "id"].iter().find_map(|key| json.get(key)?.as_str());
        let (place, mut bases) = (self.all.len(), Vec::new());
        for name in id.into_iter().chain(name).map(|name| name.trim_end_matches('#')) {
            self.names.entry(name.to_owned()).or_insert(place);
            let file = name.rsplit('/').next().unwrap_or(name);
            self.files.entry(file.to_owned()).or_insert(place);
            bases.extend(Url::parse(name));
        }
        self.bases.push(bases);
        self.all.push(Document { anchors: anchors(&json)?, json });
        Ok(())
    }

    /// The whole schema.
    pub(super) fn root(&self) -> &Json {
        self.all.first().map_or(&Json::Null, |document| &document.json)
    }

    /// What `reference`, written in the document `from`, names.
    pub(super) fn find(&self, from: usize, reference: &str) -> Result<(Place, &Json), Error> {
        let missing = || bad_schema(format!("there is no schema {reference}"));
        let (name, pointer) = reference.split_once('#').unwrap_or((reference, ""));
        let at = if name.is_empty() { Some(from) } else { self.document(from, name) };
        let at = at.ok_or_else(missing)?;
        let Document { json, anchors } = self.all.get(at).ok_or_else(missing)?;
        // A pointer in a URL may be escaped.
        let query = format!("p={}", pointer.replace('+', "%2B"));
        let mut pointer: String =
            url::form_urlencoded::parse(query.as_bytes()).map(|(_, p)| p.into_owned()).collect();
        if !pointer.is_empty() && !pointer.starts_with('/') {
            pointer.clone_from(anchors.get(&pointer).ok_or_else(missing)?);
        }
        let found = json.pointer(&pointer).ok_or_else(missing)?;
        Ok(((at, pointer), found))
    }

    fn document(&self, from: usize, name: &str) -> Option<usize> {
        let joined = || {
            let urls = self.bases.get(from)?.iter().filter_map(|base| base.join(name).ok());
            urls.map(|url| url.to_string()).find_map(|name| self.names.get(&name))
        };
        let by_file = || self.files.get(name.trim_start_matches("./"));
        self.names.get(name).or_else(joined).or_else(by_file).copied()
    }
}

/// Bytes of all pointers to schemas with names: each may be as long as the document.
const MOST_POINTERS: usize = 4 * 1024 * 1024;

/// The schemas below `json` that have names of their own, with their pointers.
fn anchors(json: &Json) -> Result<HashMap<String, String>, Error> {
    let mut found = HashMap::new();
    let mut bytes = 0;
    let mut open = vec![(json, Rc::new(Step::Root))];
    while let Some((json, at)) = open.pop() {
        match json {
            Json::Object(members) => {
                for name in names(members) {
                    let pointer = at.pointer();
                    bytes += pointer.len();
                    if bytes > MOST_POINTERS {
                        return Err(bad_schema(
                            "too many schemas with names of their own lie too deep in it",
                        ));
                    }
                    found.entry(name.to_owned()).or_insert(pointer);
                }
                let inner = members.iter().map(|(name, json)| (json, Step::Member(Rc::clone(&at), name)));
                open.extend(inner.map(|(json, step)| (json, Rc::new(step))));
            }
            Json::Array(items) => {
                let inner = items.iter().enumerate();
                open.extend(inner.map(|(index, json)| (json, Rc::new(Step::Item(Rc::clone(&at), index)))));
            }
            _ => {}
        }
    }
    Ok(found)
}

/// What a schema calls itself.
fn names(members: &Map<String, Json>) -> impl Iterator<Item = &str> {
    let own = members.get("$anchor").and_then(Json::as_str);
    let ids = ["$id", "id"].into_iter().filter_map(|key| members.get(key)?.as_str()?.strip_prefix('#'));
    own.into_iter().chain(ids)
}

/// A way into a document, from its end.
enum Step<'a> {
    Root,
    Member(Rc<Step<'a>>, &'a str),
    Item(Rc<Step<'a>>, usize),
}

impl Step<'_> {
    fn pointer(&self) -> String {
        let mut parts = Vec::new();
        let mut step = self;
        loop {
            step = match step {
                Self::Root => break,
                Self::Member(before, name) => {
                    parts.push(name.replace('~', "~0").replace('/', "~1"));
                    before
                }
                Self::Item(before, index) => {
                    parts.push(index.to_string());
                    before
                }
            };
        }
        parts.iter().rev().fold(String::new(), |pointer, part| pointer + "/" + part)
    }
}
