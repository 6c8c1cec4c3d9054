//! What a connector's settings look like in the `OpenAPI` document.

use std::borrow::Cow;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AdditionalProperties, Object, OneOf, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// A connector's settings as a client sends them: texts, and what becomes a text.
pub(super) struct SettingsSchema;

/// A connector's settings as they are shown.
pub(super) struct ConfigSchema;

impl PartialSchema for SettingsSchema {
    fn schema() -> RefOr<Schema> {
        let kinds = [Type::String, Type::Number, Type::Boolean, Type::Null];
        settings(
            &kinds,
            "A flat map of settings; numbers and booleans become the text they are written with.",
        )
    }
}

impl ToSchema for SettingsSchema {
    fn name() -> Cow<'static, str> {
        "Settings".into()
    }
}

impl PartialSchema for ConfigSchema {
    fn schema() -> RefOr<Schema> {
        settings(&[Type::String, Type::Null], "A flat map of settings as it was written.")
    }
}

impl ToSchema for ConfigSchema {
    fn name() -> Cow<'static, str> {
        "Config".into()
    }
}

fn settings(kinds: &[Type], text: &str) -> RefOr<Schema> {
    let one = kinds.iter().fold(OneOf::builder(), |one, kind| one.item(Object::with_type(kind.clone())));
    let value = AdditionalProperties::RefOr(RefOr::T(Schema::OneOf(one.build())));
    let object = Object::builder().additional_properties(Some(value)).description(Some(text));
    RefOr::T(Schema::Object(object.build()))
}
