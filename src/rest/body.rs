//! Request bodies: JSON objects, read with answers that say what is wrong.

use super::encoding;
use super::error::Error;
use super::settings_schema::SettingsSchema;
use crate::configdef::ConnectorProperties;
use crate::status::TargetState;
use crate::words;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A JSON object; its values are not read yet, so that numbers keep the text they were written with.
pub(super) struct Object(BTreeMap<String, Box<RawValue>>);

/// The body of `POST /connectors`.
#[derive(ToSchema)]
#[schema(as = CreateConnectorRequest)]
pub(super) struct CreateRequest {
    /// The connector's name.
    #[schema(value_type = Option<String>)]
    pub(super) name: String,
    #[schema(value_type = SettingsSchema)]
    pub(super) config: ConnectorProperties,
    /// RUNNING, PAUSED or STOPPED; RUNNING when it is left out.
    #[schema(value_type = Option<String>)]
    pub(super) initial_state: Option<TargetState>,
}

impl<S: Send + Sync> FromRequest<S> for Object {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        if !is_json(request.headers()) {
            return Err(Error::http(StatusCode::UNSUPPORTED_MEDIA_TYPE));
        }
        let body = Bytes::from_request(request, state).await.map_err(|error| Error::http(error.status()))?;
        let unreadable = || Error::bad_request("The request body is not in the encoding that it begins with");
        object(&encoding::utf8(&body).ok_or_else(unreadable)?, "The request body").map(Self)
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

fn object(text: &[u8], what: &str) -> Result<BTreeMap<String, Box<RawValue>>, Error> {
    let first = text.iter().copied().find(|byte| !byte.is_ascii_whitespace());
    match first {
        None => Err(Error::bad_request(format!("{what} is empty; a JSON object is expected"))),
        Some(b'{') => serde_json::from_slice(text).map_err(|error| {
            Error::bad_request(format!("{what} is not valid JSON: {}", words::json(&error)))
        }),
        Some(_) => match serde_json::from_slice::<&RawValue>(text) {
            Ok(_) => Err(Error::bad_request(format!("{what} must be a JSON object"))),
            Err(error) => {
                Err(Error::bad_request(format!("{what} is not valid JSON: {}", words::json(&error))))
            }
        },
    }
}

impl Object {
    /// The body as a connector's config: texts stay, numbers and booleans become the text they were written with.
    pub(super) fn into_config(self) -> Result<ConnectorProperties, Error> {
        config(self.0)
    }

    /// The value of the one field that the body may have; none when it is missing.
    pub(super) fn only_field(self, name: &str) -> Result<Option<Value>, Error> {
        let mut fields = self.0;
        let value = fields.remove(name);
        if let Some(unknown) = fields.keys().next() {
            return Err(Error::bad_request(format!(
                "Unrecognized field \"{unknown}\"; the known one is \"{name}\""
            )));
        }
        let read = |value: Box<RawValue>| serde_json::from_str(value.get());
        value.map(read).transpose().map_err(|error| {
            Error::bad_request(format!("The value of \"{name}\" cannot be read: {}", words::json(&error)))
        })
    }

    /// The body as a request to create a connector.
    pub(super) fn into_create_request(self) -> Result<CreateRequest, Error> {
        let mut fields = self.0;
        let name = match fields.remove("name") {
            Some(name) => text("name", &name)?.unwrap_or_default(),
            None => String::new(),
        };
        let initial_state = fields.remove("initial_state").map(|state| initial_state(&state)).transpose()?;
        let config = fields.remove("config");
        if let Some(unknown) = fields.keys().next() {
            return Err(Error::bad_request(format!(
                "Unrecognized field \"{unknown}\"; the known ones are \"name\", \"config\" and \"initial_state\""
            )));
        }
        let Some(given) = config.filter(|config| config.get() != "null") else {
            return Err(Error::bad_request("The field \"config\" is missing or null"));
        };
        let config = config_of(&given)?;
        Ok(CreateRequest { name, config, initial_state: initial_state.flatten() })
    }
}

fn config_of(given: &RawValue) -> Result<ConnectorProperties, Error> {
    config(object(given.get().as_bytes(), "The field \"config\"")?)
}

fn config(fields: BTreeMap<String, Box<RawValue>>) -> Result<ConnectorProperties, Error> {
    let value = |(key, value): (String, Box<RawValue>)| text(&key, &value).map(|value| (key, value));
    fields.into_iter().map(value).collect()
}

/// A value as text; null is none.
fn text(key: &str, value: &RawValue) -> Result<Option<String>, Error> {
    let written = value.get();
    match written.as_bytes().first() {
        Some(b'"') => serde_json::from_str(written).map(Some).map_err(|error| {
            Error::bad_request(format!("The value of \"{key}\" cannot be read: {}", words::json(&error)))
        }),
        Some(b'{' | b'[') => Err(Error::bad_request(format!(
            "The value of \"{key}\" must be a text, a number, a boolean or null, not an object or an array"
        ))),
        _ if written == "null" => Ok(None),
        _ => Ok(Some(written.to_owned())),
    }
}

fn initial_state(value: &RawValue) -> Result<Option<TargetState>, Error> {
    let Some(state) = text("initial_state", value)? else { return Ok(None) };
    let unknown =
        || format!("The value {state} of \"initial_state\" must be one of RUNNING, PAUSED, STOPPED");
    TargetState::from_initial(&state).map(Some).ok_or_else(|| Error::bad_request(unknown()))
}

#[cfg(test)]
mod tests {
    use super::{Object, object};
    use crate::status::TargetState;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Object, super::Error> {
        object(text.as_bytes(), "The request body").map(Object)
    }

    #[test]
    fn numbers_and_booleans_become_the_text_they_were_written_with() {
        let config = read(r#"{"a": 1, "b": true, "c": null, "d": "x\n", "e": 1e3, "f": 0.10, "a": 2}"#);
        let config = config.unwrap().into_config().unwrap();
        let value = |key: &str| config[key].as_deref();
        assert_eq!(
            [value("a"), value("b"), value("c"), value("d"), value("e"), value("f")],
            [Some("2"), Some("true"), None, Some("x\n"), Some("1e3"), Some("0.10")]
        );
    }

    #[test]
    fn initial_state_is_read_in_any_case() {
        let request = read(r#"{"name": null, "config": {}, "initial_state": "Stopped"}"#).unwrap();
        let request = request.into_create_request().unwrap();
        assert_eq!((request.name.as_str(), request.initial_state), ("", Some(TargetState::Stopped)));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let wrong = |text: &str, words: &str| {
            let result = read(text).and_then(Object::into_create_request);
            let error = format!("{:?}", result.err().unwrap());
            assert!(error.contains(words), "{error}");
        };
        wrong("", "is empty");
        wrong("{", "not valid JSON: it ends too early");
        wrong("nope", "not valid JSON");
        wrong("null", "must be a JSON object");
        wrong("[1]", "must be a JSON object");
        wrong(r#"{"nope": 1}"#, r#"Unrecognized field \"nope\""#);
        wrong(r#"{"name": "x"}"#, r#"\"config\" is missing"#);
        wrong(r#"{"name": "x", "config": []}"#, r#"\"config\" must be a JSON object"#);
        wrong(r#"{"name": "x", "config": {"a": {}}}"#, r#"value of \"a\" must be a text"#);
        wrong(r#"{"config": {}, "initial_state": "ASLEEP"}"#, "RUNNING, PAUSED, STOPPED");
    }

    #[test]
    fn no_depth_is_too_much() {
        for depth in [100, 1_001, 60_000] {
            let deep = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
            let objects = format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
            for value in [deep.as_str(), objects.as_str(), &deep[..depth]] {
                for body in [
                    value.to_owned(),
                    format!(r#"{{"a": {value}}}"#),
                    format!(r#"{{"config": {value}}}"#),
                    format!(r#"{{"config": {{"a": {value}}}}}"#),
                    format!(r#"{{"config": {{}}, "name": {value}}}"#),
                    format!(r#"{{"offsets": {value}}}"#),
                ] {
                    assert!(read(&body).and_then(Object::into_create_request).is_err());
                    assert!(read(&body).and_then(Object::into_config).is_err());
                    let field = read(&body).and_then(|object| object.only_field("offsets"));
                    assert!(field.is_err() || (depth == 100 && body.starts_with(r#"{"offsets""#)), "{depth}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn no_body_makes_it_panic(text in r#"[\[\]{}":,a0 nul\\-]{0,40}"#) {
            drop(read(&text).and_then(Object::into_create_request));
            drop(read(&text).and_then(Object::into_config));
        }
    }
}
