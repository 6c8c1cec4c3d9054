//! From a message's descriptor to Connect's schema, by the rules of Confluent's converter, and to the plan that values
//! are read by (`connect-runtime.md` §6.4).
//!
//! A message inside itself has, as the schema of its field, one without fields; its values have the whole schema. Uses of
//! a message share its fields. Pure.

use super::error::bad_schema;
use super::options::Options;
use crate::data::schema::{DATE, Field, Kind as Connect, TIME, TIMESTAMP};
use crate::data::{Error, Schema};
use prost_reflect::{
    Cardinality, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, OneofDescriptor, Syntax, Value,
};
use std::collections::HashMap;
use std::sync::Arc;

/// Messages in messages: what is deeper is no schema of a person.
const MOST_DEPTH: usize = 100;

/// How a value is read.
#[derive(Debug, Clone)]
pub(super) enum Node {
    /// As what it is.
    Plain,
    Int8,
    Int16,
    Enum(EnumDescriptor),
    Decimal(i32),
    Date,
    Time,
    Timestamp,
    /// A message with nothing but a value.
    Wrapper(Box<Node>, FieldDescriptor),
    List(Box<Node>),
    Map(Box<Node>),
    /// The message's place, and its schema here; none inside itself.
    Message(usize, Option<Arc<Schema>>),
}

/// A field of a struct.
#[derive(Debug)]
pub(super) enum Part {
    Field {
        field: FieldDescriptor,
        node: Node,
        /// Its default stands for it when it is not there.
        always: bool,
    },
    /// At most one of these.
    Oneof(Vec<(FieldDescriptor, Node)>, Arc<Schema>),
}

/// A message's parts, each a field of its schema.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) parts: Vec<Part>,
    pub(super) schema: Arc<Schema>,
}

/// How messages of one descriptor are read.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) message: MessageDescriptor,
    pub(super) root: Node,
    pub(super) schema: Arc<Schema>,
    pub(super) messages: Vec<Option<Message>>,
}

impl Plan {
    /// How many fields there are in all messages of it.
    pub(super) fn parts(&self) -> usize {
        self.messages.iter().flatten().map(|message| message.parts.len()).sum()
    }
}

/// Makes the plan of `message`.
pub(super) fn make(message: MessageDescriptor, options: Options) -> Result<Plan, Error> {
    let mut maker = Maker { options, known: HashMap::new(), messages: Vec::new(), depth: 0 };
    let unwrapped = wrapped(&message).filter(|_| options.wrapper_for_raw);
    let (root, schema) = match unwrapped {
        Some(value) => {
            let (node, schema) = maker.of_kind(&value)?;
            (Node::Wrapper(Box::new(node), value), schema.with_optional(true))
        }
        None => maker.message(&message)?,
    };
    Ok(Plan { message, root, schema: Arc::new(schema), messages: maker.messages })
}

struct Maker {
    options: Options,
    known: HashMap<String, usize>,
    /// None while it is being made.
    messages: Vec<Option<Message>>,
    depth: usize,
}

impl Maker {
    fn message(&mut self, message: &MessageDescriptor) -> Result<(Node, Schema), Error> {
        let name = if self.options.enhanced { message.full_name() } else { message.name() };
        if let Some(place) = self.known.get(message.full_name()) {
            let whole = self.messages.get(*place).and_then(Option::as_ref);
            let schema = whole.map(|whole| (*whole.schema).clone());
            let stub = || Schema { name: Some(name.into()), ..Schema::new(Connect::Struct(Arc::default())) };
            return Ok((Node::Message(*place, None), schema.unwrap_or_else(stub)));
        }
        if self.depth >= MOST_DEPTH {
            return Err(bad_schema(format!("messages are nested deeper than {MOST_DEPTH} levels")));
        }
        let place = self.messages.len();
        self.known.insert(message.full_name().to_owned(), place);
        self.messages.push(None);
        self.depth += 1;
        let (mut parts, mut fields) = (Vec::new(), Vec::new());
        for (index, oneof) in message.oneofs().filter(|oneof| !oneof.is_synthetic()).enumerate() {
            self.oneof(index, &oneof, (&mut parts, &mut fields))?;
        }
        for field in message.fields() {
            if field.containing_oneof().is_some_and(|oneof| !oneof.is_synthetic()) {
                continue;
            }
            let (node, schema) = self.field(&field)?;
            fields.push(Field { name: field.name().into(), schema: Arc::new(schema) });
            parts.push(Part::Field { always: self.is_always_there(&field), field, node });
        }
        self.depth -= 1;
        let schema = Schema { name: Some(name.into()), ..Schema::new(Connect::Struct(fields.into())) };
        if let Some(slot) = self.messages.get_mut(place) {
            *slot = Some(Message { parts, schema: Arc::new(schema.clone()) });
        }
        Ok((Node::Message(place, None), schema))
    }

    /// A oneof as a struct with a field for each of its own, or as these fields.
    fn oneof(
        &mut self,
        index: usize,
        oneof: &OneofDescriptor,
        (parts, fields): (&mut Vec<Part>, &mut Vec<Field>),
    ) -> Result<(), Error> {
        let (mut nodes, mut inner) = (Vec::new(), Vec::new());
        for field in oneof.fields() {
            let (node, schema) = self.field(&field)?;
            let schema = Arc::new(schema.with_optional(true));
            inner.push(Field { name: field.name().into(), schema });
            nodes.push((field, node));
        }
        if self.options.flatten_unions {
            fields.extend(inner);
            parts.extend(nodes.into_iter().map(|(field, node)| Part::Field { field, node, always: false }));
            return Ok(());
        }
        let name = oneof.name();
        let own = if self.options.index_for_unions { format!("{name}_{index}") } else { name.to_owned() };
        let schema = Schema {
            name: Some(format!("io.confluent.connect.protobuf.Union.{name}").into()),
            optional: true,
            ..Schema::new(Connect::Struct(inner.into()))
        };
        let schema = Arc::new(schema);
        fields.push(Field { name: own.into(), schema: Arc::clone(&schema) });
        parts.push(Part::Oneof(nodes, schema));
        Ok(())
    }

    /// A field is there even if it was not written, unless it can be told from its default.
    fn is_always_there(&self, field: &FieldDescriptor) -> bool {
        let is_single_message =
            matches!(field.kind(), Kind::Message(_)) && !field.is_list() && !field.is_map();
        !is_single_message && !self.has_keyword(field)
    }

    /// `optional` stands before it, in proto3 or where proto2 is to be looked at.
    fn has_keyword(&self, field: &FieldDescriptor) -> bool {
        let is_proto3 = field.containing_oneof().is_some_and(|oneof| oneof.is_synthetic());
        let is_proto2 = field.parent_file().syntax() == Syntax::Proto2
            && field.cardinality() == Cardinality::Optional
            && field.containing_oneof().is_none();
        is_proto3 || (is_proto2 && self.options.optional_for_proto2)
    }

    fn field(&mut self, field: &FieldDescriptor) -> Result<(Node, Schema), Error> {
        let (node, schema) = if field.is_map() {
            let Kind::Message(entry) = field.kind() else { return Err(bad_schema("a map has no entries")) };
            let (_, keys) = self.of_kind(&entry.map_entry_key_field())?;
            let (node, values) = self.of_kind(&entry.map_entry_value_field())?;
            let both = [keys, values].map(|schema| Some(Arc::new(schema.with_optional(true))));
            let [keys, values] = both;
            (Node::Map(Box::new(node)), Schema::optional(Connect::Map(keys, values)))
        } else {
            let (node, schema) = self.of_kind(field)?;
            if field.is_list() {
                let of = Some(Arc::new(schema.with_optional(true)));
                (Node::List(Box::new(node)), Schema::optional(Connect::Array(of)))
            } else {
                let is_message = matches!(field.kind(), Kind::Message(_));
                (node, schema.with_optional(is_message))
            }
        };
        let Options { optional_for_nullables, wrapper_for_nullables, .. } = self.options;
        let optional = if optional_for_nullables { self.has_keyword(field) } else { !wrapper_for_nullables };
        let optional = schema.optional || optional || self.has_keyword(field);
        Ok((node, schema.with_optional(optional)))
    }

    /// One value of a field, whatever its cardinality.
    fn of_kind(&mut self, field: &FieldDescriptor) -> Result<(Node, Schema), Error> {
        let plain = |kind| (Node::Plain, Schema::new(kind));
        Ok(match field.kind() {
            Kind::Bool => plain(Connect::Boolean),
            Kind::Float => plain(Connect::Float32),
            Kind::Double => plain(Connect::Float64),
            Kind::String => plain(Connect::String),
            Kind::Bytes => plain(Connect::Bytes),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
                match parameter(field, "connect.type").as_deref() {
                    Some("int8") => (Node::Int8, Schema::new(Connect::Int8)),
                    Some("int16") => (Node::Int16, Schema::new(Connect::Int16)),
                    _ => plain(Connect::Int32),
                }
            }
            Kind::Uint32
            | Kind::Fixed32
            | Kind::Int64
            | Kind::Sint64
            | Kind::Sfixed64
            | Kind::Uint64
            | Kind::Fixed64 => plain(Connect::Int64),
            Kind::Enum(_) if self.options.int_enums => plain(Connect::Int32),
            Kind::Enum(of) => (Node::Enum(of), Schema::new(Connect::String)),
            Kind::Message(message) => match message.full_name() {
                "confluent.type.Decimal" => {
                    let scale = parameter(field, "scale").and_then(|scale| scale.parse().ok()).unwrap_or(0);
                    let mut schema = Schema::decimal(scale);
                    if let Some(precision) = parameter(field, "precision") {
                        schema.parameters.insert("connect.decimal.precision".into(), precision.into());
                    }
                    (Node::Decimal(scale), schema)
                }
                "google.type.Date" => (Node::Date, Schema::logical(Connect::Int32, DATE)),
                "google.type.TimeOfDay" => (Node::Time, Schema::logical(Connect::Int32, TIME)),
                "google.protobuf.Timestamp" => (Node::Timestamp, Schema::logical(Connect::Int64, TIMESTAMP)),
                _ => match wrapped(&message).filter(|_| self.options.wrapper_for_nullables) {
                    Some(value) => {
                        let (node, schema) = self.of_kind(&value)?;
                        (Node::Wrapper(Box::new(node), value), schema)
                    }
                    None => self.message(&message)?,
                },
            },
        })
    }
}

/// The one field of a wrapper; none for other messages.
fn wrapped(message: &MessageDescriptor) -> Option<FieldDescriptor> {
    let name = message.full_name().strip_prefix("google.protobuf.")?.strip_suffix("Value")?;
    let is_wrapper = matches!(
        name,
        "Double" | "Float" | "Int64" | "UInt64" | "Int32" | "UInt32" | "Bool" | "String" | "Bytes"
    );
    message.get_field(1).filter(|_| is_wrapper)
}

/// A parameter of Confluent's option `field_meta`.
fn parameter(field: &FieldDescriptor, name: &str) -> Option<String> {
    let extension = field.parent_message().parent_pool().get_extension_by_name("confluent.field_meta")?;
    let options = field.options();
    let meta = options.get_extension(&extension);
    let parameters = meta.as_message()?.get_field_by_name("params")?;
    let text = parameters.as_map()?.get(&prost_reflect::MapKey::String(name.to_owned()))?;
    match text {
        Value::String(text) => Some(text.clone()),
        _ => None,
    }
}
