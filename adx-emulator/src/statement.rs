//! What a management or query request asks: its database, its text, and the options that are known here.
//!
//! Owns the limit of a body. Runs nothing.

use axum::body::Body;
use serde::Deserialize;
use serde_json::Value;

use adx_engine::{ErrorPlacement, Frames, KustoError, RequestOptions};

use crate::http_request::{HttpRequest, read_body};
use crate::kusto_http::bad_request;

/// The largest management or query body.
const BODY_LIMIT: usize = 32 * 1024 * 1024;

/// A management command or a query.
#[derive(Debug, Default)]
pub(crate) struct Statement {
    pub database: Option<String>,
    pub text: String,
    pub options: RequestOptions,
    /// The form of the answer in version 2.
    pub frames: Frames,
}

#[derive(Deserialize)]
struct RequestBody {
    db: Option<String>,
    csl: Option<String>,
    properties: Option<Value>,
}

impl Statement {
    /// Reads it from a query string (GET) or a body.
    pub(crate) async fn read(request: &mut HttpRequest) -> Result<Self, KustoError> {
        if request.method == axum::http::Method::GET {
            let text = |name: &str| request.query(name).map(str::to_owned);
            let csl = text("csl").ok_or_else(|| bad_request("the query parameter csl is missing"))?;
            return Ok(Self { database: text("db"), text: csl, ..Self::default() });
        }
        let body = std::mem::replace(&mut request.body, Body::empty());
        let body =
            read_body(body, BODY_LIMIT).await.map_err(|status| bad_request(&format!("body: {status}")))?;
        let body: RequestBody = serde_json::from_slice(&body)
            .map_err(|error| bad_request(&format!("the body is not a request: {error}")))?;
        let csl = body.csl.ok_or_else(|| bad_request("the body has no csl"))?;
        let database = body.db.filter(|name| !name.is_empty());
        let (options, frames) = options(body.properties.as_ref());
        Ok(Self { database, text: csl, options, frames })
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
