//! From an Avro schema to a Connect schema, by the rules of Confluent's converter, and to the plan that values of it are
//! decoded by (`connect-runtime.md` §6.4).
//!
//! A record inside itself has, as the schema of its field, one without fields: Connect's schemas here are trees. Its
//! values have the whole schema. Uses of a type share its fields; what is made anew for each is counted (`room`). Pure.

use super::default;
use super::error::bad_schema;
use super::logical::{bytes, decimal, int};
use super::node::{Node, Plan, Record};
use super::options::Options;
use super::parse::{Kind, Named, Names, Properties, Shape, Type, text};
use crate::data::json_text::{self, brief};
use crate::data::room::Room;
use crate::data::schema::{Field, Kind as Connect, TIMESTAMP};
use crate::data::{Error, Schema};
use serde_json::Value as Json;
use std::sync::Arc;

/// The name of a struct that stands for a union, and of the parameter that says so.
const UNION: &str = "io.confluent.connect.avro.Union";
/// The parameter that tells an enum's name and symbols.
const ENUM: &str = "io.confluent.connect.avro.Enum";
/// What schemas without a name of their own are called by the converter when it writes.
const NO_NAME: &str = "io.confluent.connect.avro.ConnectDefault";

/// Types in types.
const MOST_DEPTH: usize = json_text::MOST_DEPTH;

/// What a place adds to the schema of a type.
#[derive(Clone, Copy, Default)]
struct Place<'a> {
    optional: bool,
    default: Option<&'a Json>,
    doc: Option<&'a str>,
}

/// Makes the plan of `root`.
pub(super) fn make(names: &Names, root: &Type, options: Options) -> Result<Plan, Error> {
    let records = names.all.iter().map(|_| Slot::New).collect();
    let mut maker = Maker { names, options, records, depth: 0, room: Room::for_parts() };
    let (root, schema) = maker.of(root, Place::default())?;
    let empty = Arc::new(Schema::new(Connect::Struct(Arc::default())));
    let records = maker.records.into_iter().map(|slot| match slot {
        Slot::Done(record) => record,
        // Of an enum, or of a type that is not used.
        Slot::New | Slot::Open => Record { fields: Vec::new(), schema: Arc::clone(&empty) },
    });
    let schema = (!matches!(root, Node::Null)).then_some(schema);
    Ok(Plan { schema, root, records: records.collect() })
}

enum Slot {
    New,
    Open,
    Done(Record),
}

struct Maker<'a> {
    names: &'a Names,
    options: Options,
    records: Vec<Slot>,
    depth: usize,
    room: Room,
}

impl<'a> Maker<'a> {
    fn of(&mut self, of: &'a Type, place: Place<'a>) -> Result<(Node, Arc<Schema>), Error> {
        if self.depth >= MOST_DEPTH {
            return Err(bad_schema(format!("types are nested deeper than {MOST_DEPTH} levels")));
        }
        self.room.take(1)?;
        self.depth += 1;
        let made = self.of_any(of, place);
        self.depth -= 1;
        made
    }

    fn of_any(&mut self, of: &'a Type, place: Place<'a>) -> Result<(Node, Arc<Schema>), Error> {
        let properties = &of.properties;
        let (node, schema) = match &of.kind {
            Kind::Named(at) => return self.named(*at, place),
            Kind::Union(branches) => return self.union(branches, place),
            Kind::Null => (Node::Null, Schema::optional(Connect::String)),
            Kind::Boolean => (Node::Boolean, Schema::new(Connect::Boolean)),
            Kind::Float => (Node::Float, Schema::new(Connect::Float32)),
            Kind::Double => (Node::Double, Schema::new(Connect::Float64)),
            Kind::String => (Node::String, Schema::new(Connect::String)),
            Kind::Bytes => {
                let decimal = decimal(properties)?;
                (Node::Bytes(decimal.as_ref().map(|(scale, _)| *scale)), bytes(decimal))
            }
            Kind::Int => int(properties),
            Kind::Long if text(properties, "logicalType") == Some("timestamp-millis") => {
                (Node::Long { timestamp: true }, Schema::logical(Connect::Int64, TIMESTAMP))
            }
            Kind::Long => (Node::Long { timestamp: false }, Schema::new(Connect::Int64)),
            Kind::Map(values) => {
                let (node, values) = self.of(values, Place::default())?;
                let keys = Arc::new(Schema::new(Connect::String));
                (Node::Map(Box::new(node)), Schema::new(Connect::Map(Some(keys), Some(values))))
            }
            Kind::Array(items) => self.array(items)?,
        };
        let schema = self.finish(schema, properties, &node, place)?;
        Ok((node, schema))
    }

    /// An array, or a map whose keys are no texts.
    fn array(&mut self, items: &'a Type) -> Result<(Node, Schema), Error> {
        let (node, of) = self.of(items, Place::default())?;
        let is_entry = match &items.kind {
            Kind::Named(at) => self.names.all.get(*at).is_some_and(|named| {
                named.full_name == "io.confluent.connect.avro.MapEntry"
                    || text(&named.properties, "connect.internal.type") == Some("MapEntry")
            }),
            _ => false,
        };
        let part = |name: &str| of.field(name).map(|(_, field)| Arc::clone(&field.schema));
        if let (true, Some(keys), Some(values)) = (is_entry, part("key"), part("value")) {
            return Ok((Node::Entries(Box::new(node)), Schema::new(Connect::Map(Some(keys), Some(values)))));
        }
        Ok((Node::Array(Box::new(node)), Schema::new(Connect::Array(Some(of)))))
    }

    fn named(&mut self, at: usize, place: Place<'a>) -> Result<(Node, Arc<Schema>), Error> {
        let Names { all, .. } = self.names;
        let named = all.get(at).ok_or_else(|| bad_schema("a type is missing"))?;
        self.room.take_text(named.full_name.len())?;
        let (node, mut schema) = match &named.shape {
            Shape::Open => return Err(bad_schema(format!("the type {} is not whole", named.full_name))),
            Shape::Enum(symbols) => (Node::Enum(Arc::clone(symbols)), self.of_enum(named, symbols)?),
            Shape::Fixed(size) => {
                let decimal = decimal(&named.properties)?;
                let scale = decimal.as_ref().map(|(scale, _)| *scale);
                let mut schema = bytes(decimal);
                if scale.is_none() {
                    schema.parameters.insert("connect.fixed.size".into(), size.to_string().into());
                }
                (Node::Fixed(*size, scale), schema)
            }
            Shape::Record(fields) => {
                let fields = match self.records.get(at) {
                    Some(Slot::Done(record)) => record.schema.kind.clone(),
                    Some(Slot::Open) => {
                        let stub =
                            Schema { name: name_of(named), ..Schema::new(Connect::Struct(Arc::default())) };
                        let stub = stub.with_optional(place.optional);
                        return Ok((Node::Record(at, None), Arc::new(stub)));
                    }
                    _ => self.record(at, named, fields)?,
                };
                (Node::Record(at, None), Schema::new(fields))
            }
        };
        if schema.name.is_none() {
            schema.name = name_of(named).filter(|_| !matches!(node, Node::Fixed(..) | Node::Enum(_)));
        }
        let schema = self.finish(schema, &named.properties, &node, place)?;
        if let Node::Record(..) = node {
            return Ok((Node::Record(at, Some(Arc::clone(&schema))), schema));
        }
        Ok((node, schema))
    }

    fn record(
        &mut self,
        at: usize,
        named: &'a Named,
        fields: &'a [super::parse::Field],
    ) -> Result<Connect, Error> {
        self.set(at, Slot::Open);
        let mut nodes = Vec::with_capacity(fields.len());
        let mut all: Vec<Field> = Vec::with_capacity(fields.len());
        for field in fields {
            let place = Place { optional: false, default: field.default.as_ref(), doc: field.doc.as_deref() };
            let (node, schema) = self.of(&field.of, place)?;
            nodes.push(node);
            all.push(Field { name: Arc::clone(&field.name), schema });
        }
        let kind = Connect::Struct(all.into());
        let schema = Schema { name: name_of(named), ..Schema::new(kind.clone()) };
        self.set(at, Slot::Done(Record { fields: nodes, schema: Arc::new(schema) }));
        Ok(kind)
    }

    fn set(&mut self, at: usize, slot: Slot) {
        if let Some(place) = self.records.get_mut(at) {
            *place = slot;
        }
    }

    fn of_enum(&self, named: &Named, symbols: &[Arc<str>]) -> Result<Schema, Error> {
        let mut schema = Schema::new(Connect::String);
        if self.options.enhanced || self.options.generalized {
            self.room.take(symbols.len())?;
            self.room.take_text(symbols.iter().map(|symbol| symbol.len()).sum())?;
            let parameter =
                if self.options.generalized { "org.apache.kafka.connect.data.Enum" } else { ENUM };
            schema.parameters.insert(parameter.into(), named.full_name.as_str().into());
            for (ordinal, symbol) in symbols.iter().enumerate() {
                let value =
                    if self.options.generalized { ordinal.to_string().into() } else { Arc::clone(symbol) };
                schema.parameters.insert(format!("{parameter}.{symbol}").into(), value);
            }
        }
        Ok(schema)
    }

    fn union(&mut self, branches: &'a [Type], place: Place<'a>) -> Result<(Node, Arc<Schema>), Error> {
        let null = branches.iter().position(|branch| matches!(branch.kind, Kind::Null));
        match (branches, null) {
            ([one], None) if self.options.flatten_singletons => {
                let (node, schema) = self.of(one, place)?;
                Ok((Node::Single(Box::new(node)), schema))
            }
            ([first, second], Some(null)) => {
                let other = if null == 0 { second } else { first };
                let default = place.default.filter(|default| !default.is_null());
                let default = default.filter(|_| !self.options.ignore_default);
                let (node, schema) = self.of(other, Place { optional: true, default, ..place })?;
                Ok((Node::Nullable(i64::from(null == 1), Box::new(node)), schema))
            }
            _ => self.sum(branches, null, place),
        }
    }

    /// A union as a struct with a field for each branch.
    fn sum(
        &mut self,
        branches: &'a [Type],
        null: Option<usize>,
        place: Place<'a>,
    ) -> Result<(Node, Arc<Schema>), Error> {
        let (mut nodes, mut fields) = (Vec::new(), Vec::new());
        for branch in branches {
            if matches!(branch.kind, Kind::Null) {
                nodes.push((Node::Null, None));
                continue;
            }
            let (node, schema) = self.of(branch, Place { optional: true, ..Place::default() })?;
            let name = if self.options.generalized {
                format!("connect_union_field_{}", fields.len())
            } else {
                self.branch_name(&branch.kind)
            };
            nodes.push((node, Some(fields.len())));
            fields.push(Field { name: name.into(), schema });
        }
        let name = if self.options.generalized { "connect_union" } else { UNION };
        let mut schema = Schema { name: Some(name.into()), ..Schema::new(Connect::Struct(fields.into())) };
        schema.optional = place.optional || null.is_some();
        schema.doc = place.doc.map(Arc::from);
        let default = place.default.filter(|default| !default.is_null());
        let mut schema = Arc::new(schema);
        let mut node = Node::Union(nodes, Arc::clone(&schema));
        if let Some(default) = default {
            let default = Some(default::value(&node, self, default)?);
            schema = Arc::new(Schema { default, ..(*schema).clone() });
            if let Node::Union(_, of) = &mut node {
                *of = Arc::clone(&schema);
            }
        }
        Ok((node, schema))
    }

    fn branch_name(&self, kind: &Kind) -> String {
        let simple = match kind {
            Kind::Null => "null",
            Kind::Boolean => "boolean",
            Kind::Int => "int",
            Kind::Long => "long",
            Kind::Float => "float",
            Kind::Double => "double",
            Kind::Bytes => "bytes",
            Kind::String => "string",
            Kind::Array(_) => "array",
            Kind::Map(_) => "map",
            Kind::Union(_) => "union",
            Kind::Named(at) => match self.names.all.get(*at) {
                Some(named) if self.options.enhanced => &named.full_name,
                Some(named) => named.simple_name(),
                None => "",
            },
        };
        simple.to_owned()
    }

    /// Adds what properties and place say.
    fn finish(
        &self,
        mut schema: Schema,
        properties: &Properties,
        node: &Node,
        place: Place<'_>,
    ) -> Result<Arc<Schema>, Error> {
        schema.optional |= place.optional;
        let type_doc = text(properties, "doc").filter(|_| !self.options.discard_type_doc);
        let doc = text(properties, "connect.doc").or(place.doc).or(type_doc);
        self.room.take_text(doc.map_or(0, str::len))?;
        schema.doc = doc.map(Arc::from);
        if let Some(name) = text(properties, "connect.name") {
            self.room.take_text(name.len())?;
            schema.name = Some(name.into());
        }
        if let Some(version) = properties.get("connect.version").and_then(Json::as_i64) {
            schema.version = i32::try_from(version).ok();
        }
        if let Some(Json::Object(parameters)) = properties.get("connect.parameters") {
            self.room.take(parameters.len())?;
            for (name, value) in parameters {
                let value = value.as_str().ok_or_else(|| {
                    Error::new(format!(
                        "Expected schema parameter values to be strings but found: {}",
                        brief(value)
                    ))
                })?;
                self.room.take_text(name.len() + value.len())?;
                schema.parameters.insert(name.as_str().into(), value.into());
            }
        }
        let own = properties.get("connect.default").filter(|_| !self.options.discard_type_doc);
        if let Some(default) = place.default.or(own).filter(|default| !default.is_null()) {
            schema.default = Some(default::value(node, self, default)?);
        }
        Ok(Arc::new(schema))
    }
}

impl default::Records for Maker<'_> {
    fn record(&self, at: usize) -> Option<&Record> {
        match self.records.get(at)? {
            Slot::Done(record) => Some(record),
            Slot::New | Slot::Open => None,
        }
    }

    fn room(&self) -> &Room {
        &self.room
    }
}

fn name_of(named: &Named) -> Option<Arc<str>> {
    (!named.full_name.starts_with(NO_NAME)).then(|| named.full_name.as_str().into())
}
