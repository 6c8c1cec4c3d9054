//! From the text of a schema and of those it imports to descriptors.
//!
//! A registry keeps text; some clients register the base64 of a compiled file instead, which is taken too. Google's own
//! files and Confluent's are built in, as they are there. Pure: nothing is read from disk.

use super::error::bad_schema;
use crate::data::Error;
use crate::data::registered::Registered;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use prost_reflect::FileDescriptor;
use protox::Compiler;
use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver};
use std::collections::HashMap;

/// What the schema itself is called, unless its compiled form says.
const MAIN: &str = "registered.proto";

/// Messages that Confluent's and Google's clients never register: they are known.
const BUILT_IN: [(&str, &str); 7] = [
    (
        "confluent/meta.proto",
        "syntax = \"proto3\"; package confluent; import \"google/protobuf/descriptor.proto\";
         message Meta { string doc = 1; map<string, string> params = 2; repeated string tags = 3; repeated Rule rules = 4; }
         message Rule { string name = 1; string doc = 2; string expr = 3; string sql = 4; }
         extend google.protobuf.FileOptions { Meta file_meta = 1088; }
         extend google.protobuf.MessageOptions { Meta message_meta = 1088; }
         extend google.protobuf.FieldOptions { Meta field_meta = 1088; }
         extend google.protobuf.EnumOptions { Meta enum_meta = 1088; }
         extend google.protobuf.EnumValueOptions { Meta enum_value_meta = 1088; }",
    ),
    (
        "confluent/type/decimal.proto",
        "syntax = \"proto3\"; package confluent.type;
         message Decimal { bytes value = 1; uint32 precision = 2; int32 scale = 3; }",
    ),
    (
        "confluent/types/decimal.proto",
        "syntax = \"proto3\"; import public \"confluent/type/decimal.proto\";",
    ),
    (
        "google/type/date.proto",
        "syntax = \"proto3\"; package google.type;
         message Date { int32 year = 1; int32 month = 2; int32 day = 3; }",
    ),
    (
        "google/type/timeofday.proto",
        "syntax = \"proto3\"; package google.type;
         message TimeOfDay { int32 hours = 1; int32 minutes = 2; int32 seconds = 3; int32 nanos = 4; }",
    ),
    (
        "google/type/money.proto",
        "syntax = \"proto3\"; package google.type;
         message Money { string currency_code = 1; int64 units = 2; int32 nanos = 3; }",
    ),
    (
        "google/type/latlng.proto",
        "syntax = \"proto3\"; package google.type;
         message LatLng { double latitude = 1; double longitude = 2; }",
    ),
];

/// The file of a schema, with all it imports.
pub(super) fn file(registered: &Registered) -> Result<FileDescriptor, Error> {
    if registered.references.len() > MOST_IMPORTS {
        return Err(bad_schema(format!("it refers to more than {MOST_IMPORTS} others")));
    }
    let main = parse(MAIN, &registered.text)?;
    let name = main.name().to_owned();
    let mut files = HashMap::new();
    for reference in &registered.references {
        // A compiled file may have a name of its own; it is imported by the name of the reference.
        files.insert(reference.name.clone(), reference.text.clone());
    }
    let mut resolver = ChainFileResolver::new();
    resolver.add(Main(main));
    resolver.add(Texts(files));
    resolver.add(GoogleFileResolver::new());
    resolver.add(Texts(BUILT_IN.map(|(name, text)| (name.to_owned(), text.to_owned())).into()));
    let mut compiler = Compiler::with_file_resolver(resolver);
    compiler.include_imports(true).open_file(&name).map_err(|error| bad_schema(error.to_string()))?;
    let pool = compiler.descriptor_pool();
    pool.get_file_by_name(&name).ok_or_else(|| bad_schema("it was not compiled"))
}

/// Text, or the base64 of a compiled file.
fn parse(name: &str, text: &str) -> Result<File, Error> {
    if is_too_deep(text) {
        return Err(bad_schema(format!("it is nested deeper than {MOST_DEPTH} levels")));
    }
    let error = match File::from_source(name, text) {
        Ok(file) => return Ok(file),
        Err(error) => error,
    };
    let compiled = STANDARD.decode(text.trim()).ok().filter(|bytes| !has_open_options(bytes));
    let compiled = compiled.and_then(|bytes| File::decode_file_descriptor_proto(bytes.as_slice()).ok());
    compiled.ok_or_else(|| bad_schema(error.to_string()))
}

/// Files that import files: the compiler recurses into them.
const MOST_IMPORTS: usize = 1000;
/// Messages in messages, options in options: the compiler recurses into them, and has a bound for messages only.
const MOST_DEPTH: usize = 100;

/// True when brackets lie deeper in each other than any schema has them.
fn is_too_deep(text: &str) -> bool {
    let (mut depth, mut rest) = (0_usize, text.as_bytes());
    while let Some((sign, after)) = rest.split_first() {
        rest = match (sign, after) {
            (b'/', [b'/', comment @ ..]) | (b'#', comment) => behind(comment, b"\n"),
            (b'/', [b'*', comment @ ..]) => behind(comment, b"*/"),
            (quote @ (b'"' | b'\''), text) => behind_text(text, *quote),
            _ => after,
        };
        match sign {
            b'{' | b'[' | b'(' | b'<' => depth += 1,
            b'}' | b']' | b')' | b'>' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MOST_DEPTH {
            return true;
        }
    }
    false
}

fn behind<'t>(text: &'t [u8], end: &[u8]) -> &'t [u8] {
    let at = text.windows(end.len()).position(|part| part == end).map_or(text.len(), |at| at + end.len());
    text.get(at..).unwrap_or_default()
}

fn behind_text(text: &[u8], quote: u8) -> &[u8] {
    let mut is_escaped = false;
    let is_end = |byte: &u8| {
        let is_end = !is_escaped && (*byte == quote || *byte == b'\n');
        is_escaped = !is_escaped && *byte == b'\\';
        is_end
    };
    let at = text.iter().position(is_end).map_or(text.len(), |at| at + 1);
    text.get(at..).unwrap_or_default()
}

/// True when a compiled file may have options as text, which compilers take out of it: these could be as deep as they like.
fn has_open_options(bytes: &[u8]) -> bool {
    let mut depth = 0_usize;
    bytes.iter().any(|byte| {
        depth = match byte {
            b'{' => depth + 1,
            b'}' => depth.saturating_sub(1),
            _ => depth,
        };
        // Some of the bytes are no brackets.
        depth > 4 * MOST_DEPTH
    })
}

/// The schema itself.
struct Main(File);

impl FileResolver for Main {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        if name == self.0.name() { Ok(self.0.clone()) } else { Err(protox::Error::file_not_found(name)) }
    }
}

/// Files by the names that imports have for them.
struct Texts(HashMap<String, String>);

impl FileResolver for Texts {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        let text = self.0.get(name).ok_or_else(|| protox::Error::file_not_found(name))?;
        parse(name, text).map_err(|error| protox::Error::new(std::io::Error::other(error)))
    }
}
