//! Ingestion mappings: from JSON text, in any of the spellings clients use, to what each column is filled from.
//!
//! Pure. A mapping this emulator cannot carry out is refused with Kusto's `BadRequest_InvalidMapping`, never half used.
//! Rules: `kusto-protocol.md` §6.5.

use serde_json::{Map, Value, json};

use crate::value::KustoType;

/// One element of a mapping: a column and where its value comes from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Element {
    pub column: String,
    /// The type to create the column with when the table lacks it.
    pub kind: Option<KustoType>,
    pub source: Source,
    pub transform: Transform,
}

/// Where a mapped value comes from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Source {
    /// The n-th field, from 0 (CSV family).
    Ordinal(usize),
    /// A path into the record (JSON, Avro, Parquet, ORC).
    Path(Vec<Step>),
    /// A field at the top level, by its name (Avro, Parquet, ORC, W3C logs); case counts.
    Field(String),
    /// The same text in each record.
    Constant(String),
    /// The blob's path (transform `SourceLocation`).
    Location,
    /// The record's number, from 1 (transform `SourceLineNumber`).
    LineNumber,
}

/// One step of a JSON path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// A member; case counts.
    Member(String),
    /// An array's element, from 0.
    Index(usize),
}

/// What is done to a value before it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transform {
    /// Nothing.
    None,
    /// A Unix time to a datetime; the ticks of 100 ns in one unit (0.01 for nanoseconds).
    Unix(UnixUnit),
    /// Bytes to their base64 text (Avro only).
    BytesAsBase64,
}

/// The unit of a Unix time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UnixUnit {
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Milliseconds,
    /// Microseconds.
    Microseconds,
    /// Nanoseconds.
    Nanoseconds,
}

/// The kinds of mapping the emulator carries out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// For csv, tsv, … txt and raw.
    Csv,
    /// For the JSON formats.
    Json,
    /// For avro and apacheavro.
    Avro,
    /// For parquet.
    Parquet,
    /// For orc.
    Orc,
    /// For w3clogfile.
    W3cLogFile,
}

impl Kind {
    /// All kinds.
    pub(crate) const ALL: [Self; 6] =
        [Self::Csv, Self::Json, Self::Avro, Self::Parquet, Self::Orc, Self::W3cLogFile];

    /// The name in commands and in the store.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Avro => "avro",
            Self::Parquet => "parquet",
            Self::Orc => "orc",
            Self::W3cLogFile => "w3clogfile",
        }
    }

    /// The kind called `name` in a command, in any case.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str().eq_ignore_ascii_case(name))
    }

    /// True when `name` is what a client calls this kind in `ingestionMappingType`: avro mappings serve apacheavro too.
    pub(crate) fn is_called(self, name: &str) -> bool {
        self.as_str().eq_ignore_ascii_case(name)
            || self == Self::Avro && name.eq_ignore_ascii_case("apacheavro")
    }
}

/// Reads a mapping's JSON text.
pub(crate) fn parse(kind: Kind, text: &str) -> Result<Vec<Element>, String> {
    let value: Value =
        serde_json::from_str(text).map_err(|error| format!("the mapping is not valid JSON: {error}"))?;
    let Value::Array(items) = value else {
        return Err("the mapping is not a JSON array of column mappings".to_owned());
    };
    if items.is_empty() {
        return Err("the mapping has no columns".to_owned());
    }
    let elements: Vec<Element> = items.iter().map(|item| element(kind, item)).collect::<Result<_, _>>()?;
    for (position, element) in elements.iter().enumerate() {
        if elements[..position].iter().any(|other| other.column == element.column) {
            return Err(format!("the column '{}' is mapped twice", element.column));
        }
    }
    Ok(elements)
}

/// The keys of one element, whatever their spelling and nesting.
#[derive(Default)]
struct Keys {
    column: Option<String>,
    kind: Option<String>,
    ordinal: Option<String>,
    path: Option<String>,
    field: Option<String>,
    constant: Option<String>,
    transform: Option<String>,
}

impl Keys {
    fn read(&mut self, object: &Map<String, Value>) -> Result<(), String> {
        for (key, value) in object {
            let slot = match key.to_ascii_lowercase().as_str() {
                "column" | "name" | "columnname" => &mut self.column,
                "datatype" | "columntype" => &mut self.kind,
                "ordinal" => &mut self.ordinal,
                "path" => &mut self.path,
                "field" => &mut self.field,
                "constvalue" | "constantvalue" => &mut self.constant,
                "transform" => &mut self.transform,
                "csvdatatype" => continue,
                "properties" => {
                    match value {
                        Value::Object(properties) => self.read(properties)?,
                        Value::Null => {}
                        _ => return Err("'Properties' of a column mapping is not an object".to_owned()),
                    }
                    continue;
                }
                _ => return Err(format!("unknown mapping property '{key}'")),
            };
            match value {
                Value::Null => {}
                Value::String(text) => *slot = Some(text.clone()),
                Value::Number(_) | Value::Bool(_) => *slot = Some(value.to_string()),
                _ => return Err(format!("the mapping property '{key}' is not a text or number")),
            }
        }
        Ok(())
    }
}

fn element(kind: Kind, item: &Value) -> Result<Element, String> {
    let Value::Object(object) = item else {
        return Err("a column mapping is not a JSON object".to_owned());
    };
    let mut keys = Keys::default();
    keys.read(object)?;
    let column =
        keys.column.clone().filter(|name| !name.is_empty()).ok_or("a column mapping names no column")?;
    let column_kind = match keys.kind.as_deref() {
        None | Some("") => None,
        Some(name) => {
            Some(parse_kind(name).ok_or_else(|| format!("column '{column}': unknown type '{name}'"))?)
        }
    };
    let context = |message: &str| format!("column '{column}': {message}");
    let (location, transform) =
        parse_transform(kind, keys.transform.as_deref()).map_err(|error| context(&error))?;
    let source = match location {
        Some(_) if keys.ordinal.is_some() || keys.path.is_some() || keys.field.is_some() => {
            return Err(context("SourceLocation and SourceLineNumber take no Ordinal, Path or Field"));
        }
        Some(location) => location,
        None => source(kind, &keys).map_err(|error| context(&error))?,
    };
    Ok(Element { column, kind: column_kind, source, transform })
}

/// A type by its Kusto or .NET name.
fn parse_kind(name: &str) -> Option<KustoType> {
    let short = name.strip_prefix("System.").unwrap_or(name);
    KustoType::parse(short).or(match short {
        "SByte" => Some(KustoType::Bool),
        "Data.SqlTypes.SqlDecimal" => Some(KustoType::Decimal),
        _ => None,
    })
}

fn parse_transform(kind: Kind, name: Option<&str>) -> Result<(Option<Source>, Transform), String> {
    let unix = |unit| Ok((None, Transform::Unix(unit)));
    match name.unwrap_or("").to_ascii_lowercase().as_str() {
        "" | "none" => Ok((None, Transform::None)),
        "sourcelocation" => Ok((Some(Source::Location), Transform::None)),
        "sourcelinenumber" => Ok((Some(Source::LineNumber), Transform::None)),
        "datetimefromunixseconds" => unix(UnixUnit::Seconds),
        "datetimefromunixmilliseconds" => unix(UnixUnit::Milliseconds),
        "datetimefromunixmicroseconds" => unix(UnixUnit::Microseconds),
        "datetimefromunixnanoseconds" => unix(UnixUnit::Nanoseconds),
        "bytesasbase64" if kind == Kind::Avro => Ok((None, Transform::BytesAsBase64)),
        other => Err(format!(
            "the transform '{other}' in a mapping of kind '{}' is not supported by this emulator",
            kind.as_str()
        )),
    }
}

fn source(kind: Kind, keys: &Keys) -> Result<Source, String> {
    let given = [("Ordinal", &keys.ordinal), ("Path", &keys.path), ("Field", &keys.field)];
    let allowed: &[&str] = match kind {
        Kind::Csv => &["Ordinal"],
        Kind::Json => &["Path"],
        Kind::Avro | Kind::Parquet | Kind::Orc => &["Path", "Field"],
        Kind::W3cLogFile => &["Field"],
    };
    let mut given = given.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)));
    let first = given.next();
    if let Some((name, _)) = first.into_iter().chain(given.clone()).find(|(name, _)| !allowed.contains(name))
    {
        return Err(format!("a mapping of kind '{}' takes no {name}", kind.as_str()));
    }
    if let (Some((one, _)), Some((other, _))) = (first, given.next()) {
        return Err(format!("{one} and {other} exclude each other"));
    }
    // The old flat form of CSV writes `"ConstValue":""` or null beside a real ordinal.
    match (first, keys.constant.as_deref()) {
        (None, Some(constant)) => Ok(Source::Constant(constant.to_owned())),
        (None, None) => {
            Err(format!("neither {} nor ConstValue nor a source transform", allowed.join(" nor ")))
        }
        (Some(("Ordinal", ordinal)), None | Some("")) => {
            ordinal.trim().parse().map(Source::Ordinal).map_err(|_| format!("bad Ordinal '{ordinal}'"))
        }
        (Some((name, _)), Some(_)) => Err(format!("{name} and ConstValue exclude each other")),
        (Some(("Field", field)), None) => Ok(Source::Field(field.to_owned())),
        // A path that does not begin with `$` is a constant (`kusto-protocol.md` §6.5).
        (Some((_, path)), None) if !path.starts_with('$') => Ok(Source::Constant(path.to_owned())),
        (Some((_, path)), None) => parse_path(path).map(Source::Path),
    }
}

/// Reads `$`, `$.a.b`, `$['a b']`, `$.x[0]`.
fn parse_path(path: &str) -> Result<Vec<Step>, String> {
    let bad = || format!("bad Path '{path}'");
    let mut rest = path.strip_prefix('$').ok_or_else(bad)?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            let (name, tail) = after.split_at(end);
            if name.is_empty() {
                return Err(bad());
            }
            steps.push(Step::Member(name.to_owned()));
            rest = tail;
        } else {
            let inside = rest.strip_prefix('[').ok_or_else(bad)?;
            let quote = inside.chars().next().filter(|c| matches!(c, '\'' | '"'));
            let (step, tail) = if let Some(quote) = quote {
                let (name, tail) = inside[1..].split_once(&format!("{quote}]")).ok_or_else(bad)?;
                (Step::Member(name.to_owned()), tail)
            } else {
                let (index, tail) = inside.split_once(']').ok_or_else(bad)?;
                (Step::Index(index.trim().parse().map_err(|_| bad())?), tail)
            };
            steps.push(step);
            rest = tail;
        }
    }
    Ok(steps)
}

/// Writes a mapping as `.show` returns it: flat for CSV, with `Properties` for the others.
pub(crate) fn render(kind: Kind, elements: &[Element]) -> String {
    let items: Vec<Value> = elements.iter().map(|element| render_element(kind, element)).collect();
    Value::Array(items).to_string()
}

fn render_element(kind: Kind, element: &Element) -> Value {
    let (mut ordinal, mut path, mut field, mut constant) = (Value::Null, None, None, Value::Null);
    let mut transform = match element.transform {
        Transform::None => None,
        Transform::Unix(UnixUnit::Seconds) => Some("DateTimeFromUnixSeconds"),
        Transform::Unix(UnixUnit::Milliseconds) => Some("DateTimeFromUnixMilliseconds"),
        Transform::Unix(UnixUnit::Microseconds) => Some("DateTimeFromUnixMicroseconds"),
        Transform::Unix(UnixUnit::Nanoseconds) => Some("DateTimeFromUnixNanoseconds"),
        Transform::BytesAsBase64 => Some("BytesAsBase64"),
    };
    match &element.source {
        Source::Ordinal(position) => ordinal = Value::from(*position),
        Source::Path(steps) => path = Some(render_path(steps)),
        Source::Field(name) => field = Some(name.as_str()),
        Source::Constant(text) => constant = Value::from(text.clone()),
        Source::Location => transform = Some("SourceLocation"),
        Source::LineNumber => transform = Some("SourceLineNumber"),
    }
    let data_type = element.kind.map(KustoType::as_str);
    if kind == Kind::Csv && transform.is_none() {
        return json!({"Name": element.column, "DataType": data_type, "CsvDataType": null, "Ordinal": ordinal,
            "ConstValue": constant});
    }
    let mut properties = Map::new();
    let fields = [
        ("Ordinal", ordinal),
        ("Path", Value::from(path)),
        ("Field", Value::from(field)),
        ("ConstValue", constant),
        ("Transform", Value::from(transform)),
    ];
    for (name, value) in fields {
        if !value.is_null() {
            properties.insert(name.to_owned(), value);
        }
    }
    json!({"column": element.column, "datatype": data_type.unwrap_or(""), "Properties": properties})
}

fn render_path(steps: &[Step]) -> String {
    let steps = steps.iter().map(|step| match step {
        Step::Member(name) if name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') => {
            format!(".{name}")
        }
        Step::Member(name) if name.contains("']") => format!("[\"{name}\"]"),
        Step::Member(name) => format!("['{name}']"),
        Step::Index(position) => format!("[{position}]"),
    });
    std::iter::once("$".to_owned()).chain(steps).collect()
}

#[cfg(test)]
#[path = "mapping_tests.rs"]
mod tests;
