//! A management or query request as it comes: database, text, and the options that somebody here knows.
//!
//! Owns the limits of a body. Runs nothing.

use axum::body::Body;
use serde::Deserialize;
use serde_json::Value;

use crate::engine::{ErrorPlacement, Frames, KustoError, RequestOptions};
use crate::wire::{self, Asked};

/// The largest management or query body.
const BODY_LIMIT: usize = 32 * 1024 * 1024;

/// A management or query request.
#[derive(Debug, Default)]
pub(crate) struct Request {
    /// Where it is asked.
    pub database: Option<String>,
    /// The command or query.
    pub csl: String,
    /// What the engine is to know beside it.
    pub options: RequestOptions,
    /// How the answer of V2 is to look.
    pub frames: Frames,
}

#[derive(Deserialize)]
struct Body1 {
    db: Option<String>,
    csl: Option<String>,
    properties: Option<Value>,
}

impl Request {
    /// Reads it from a query string (GET) or a body.
    pub(crate) async fn read(asked: &mut Asked) -> Result<Self, KustoError> {
        if asked.method == axum::http::Method::GET {
            let text = |name: &str| asked.query(name).map(str::to_owned);
            let csl = text("csl").ok_or_else(|| bad_request("the query parameter csl is missing"))?;
            return Ok(Self { database: text("db"), csl, ..Self::default() });
        }
        let body = std::mem::replace(&mut asked.body, Body::empty());
        let body =
            wire::whole(body, BODY_LIMIT).await.map_err(|status| bad_request(&format!("body: {status}")))?;
        let body: Body1 = serde_json::from_slice(&body)
            .map_err(|error| bad_request(&format!("the body is no request: {error}")))?;
        let csl = body.csl.ok_or_else(|| bad_request("the body has no csl"))?;
        let database = body.db.filter(|name| !name.is_empty());
        let (options, frames) = options(body.properties.as_ref());
        Ok(Self { database, csl, options, frames })
    }
}

/// The options that the engine and the form of answers know, from properties given as an object or as a text of one.
fn options(properties: Option<&Value>) -> (RequestOptions, Frames) {
    let parsed = properties.and_then(Value::as_str).and_then(|text| serde_json::from_str::<Value>(text).ok());
    let Some(properties) = parsed.as_ref().or(properties) else { return Default::default() };
    let option = |name: &str| properties.get("Options").and_then(|options| options.get(name));
    let is_on = |name: &str| match option(name) {
        Some(Value::Bool(on)) => *on,
        Some(Value::String(text)) => text.eq_ignore_ascii_case("true"),
        _ => false,
    };
    let parameters = properties.get("Parameters").and_then(Value::as_object).into_iter().flatten();
    let parameters = parameters.map(|(name, value)| match value {
        Value::String(text) => (name.clone(), text.clone()),
        other => (name.clone(), other.to_string()),
    });
    let engine = RequestOptions {
        validate_permissions: is_on("validate_permissions"),
        parameters: parameters.collect(),
    };
    let placement = option("results_error_reporting_placement").and_then(Value::as_str);
    let frames = Frames {
        newlines: is_on("results_v2_newlines_between_frames"),
        fragmented: is_on("results_v2_fragment_primary_tables"),
        errors: placement.and_then(ErrorPlacement::parse).unwrap_or_default(),
    };
    (engine, frames)
}

/// A refusal of a request that makes no sense.
pub(crate) fn bad_request(text: &str) -> KustoError {
    KustoError::invalid("General_BadRequest", text)
}

#[cfg(test)]
mod tests {
    use super::{ErrorPlacement, Frames, options};
    use serde_json::json;

    #[test]
    fn options_come_as_object_or_text() {
        let on = json!({"Options": {"validate_permissions": true}});
        assert!(options(Some(&on)).0.validate_permissions);
        assert!(options(Some(&json!(on.to_string()))).0.validate_permissions);
        assert!(!options(Some(&json!("damaged"))).0.validate_permissions);
        assert!(!options(None).0.validate_permissions);
    }

    #[test]
    fn parameters_and_the_form_of_frames_are_read() {
        let properties = json!({
            "Options": {"results_v2_newlines_between_frames": true, "results_v2_fragment_primary_tables": "true",
                "results_error_reporting_placement": "end_of_table"},
            "Parameters": {"state": "'TEXAS'", "rows": 5},
        });
        let (engine, frames) = options(Some(&properties));
        let given: Vec<_> =
            engine.parameters.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        assert_eq!(given, [("rows", "5"), ("state", "'TEXAS'")]);
        assert_eq!(frames, Frames { newlines: true, fragmented: true, errors: ErrorPlacement::EndOfTable });
    }
}
