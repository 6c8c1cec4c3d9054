//! The `OpenAPI` document: made from the handlers, so it lists exactly the paths that are served.
//!
//! Each handler declares its path, bodies and good answers; the errors that many have in common are said here once.
//! The schemas describe what clients may rely on.

use super::dto::{ErrorDto, Shared};
use crate::configdef::CONNECT_VERSION;
use axum::{Extension, Json};
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{
    Components, ContentBuilder, Info, OpenApi, Paths, Ref, RefOr, Response, ResponseBuilder,
};
use utoipa::{IntoResponses, PartialSchema, ToSchema};

/// What any request may be answered with.
pub(super) struct AnyTime;
/// What every request may be answered with, also one that does not need the worker to be ready.
pub(super) struct NotAcceptable;
/// What requests about a named thing may be answered with besides.
pub(super) struct Named;
/// What requests with a body may be answered with besides.
pub(super) struct WithBody;
/// What requests that write may be answered with besides.
pub(super) struct Writing;

impl IntoResponses for AnyTime {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let mut all = NotAcceptable::responses();
        all.extend(errors(&[(
            500,
            "The request was not carried out: it timed out, Kafka did not take it, another worker could not be reached, \
             or the worker is shutting down.",
        )]));
        all
    }
}

impl IntoResponses for NotAcceptable {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let mut all = errors(&[
            (
                400,
                "The request cannot be read: the path or the query has the character NUL, or a header stands twice.",
            ),
            (406, "The client wants something else than JSON."),
            (503, "There are as many requests as the worker takes at once."),
        ]);
        let text = ContentBuilder::new().schema(Some(ObjectBuilder::new().schema_type(Type::String))).build();
        let refused = ResponseBuilder::new().description("The worker knows users, and this is none of them.");
        all.insert("401".to_owned(), RefOr::T(refused.content("text/plain", text).build()));
        all
    }
}

impl IntoResponses for Named {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        errors(&[
            (400, "The path is not percent-encoded UTF-8, or the request asks for what cannot be."),
            (404, "There is no such thing."),
        ])
    }
}

impl IntoResponses for WithBody {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        errors(&[
            (400, "The body cannot be read, or it asks for what cannot be."),
            (408, "The body did not come in time."),
            (413, "The body is too large."),
            (415, "The body is not said to be JSON."),
        ])
    }
}

impl IntoResponses for Writing {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        errors(&[(409, "The request cannot be carried out as things are now; some may be sent again.")])
    }
}

fn errors(errors: &[(u16, &str)]) -> BTreeMap<String, RefOr<Response>> {
    let body = || ContentBuilder::new().schema(Some(Ref::from_schema_name(ErrorDto::name()))).build();
    let answer = |text: &str| ResponseBuilder::new().description(text).content("application/json", body());
    let entries = errors.iter().map(|(status, text)| (status.to_string(), RefOr::T(answer(text).build())));
    entries.collect()
}

/// The document that all paths are added to.
pub(super) fn document() -> OpenApi {
    let mut info = Info::new("Kafka Connect REST API", CONNECT_VERSION);
    info.description = Some("The REST API of Kafka Connect, as this worker serves it.".to_owned());
    let mut components = Components::new();
    components.schemas.insert(ErrorDto::name().into_owned(), ErrorDto::schema());
    let mut document = OpenApi::new(info, Paths::new());
    document.components = Some(components);
    document
}

#[utoipa::path(get, path = "/openapi.json",
    responses((status = 200, description = "This document.", body = Object), NotAcceptable))]
pub(super) async fn read(Extension(document): Extension<Arc<OpenApi>>) -> Json<Shared<OpenApi>> {
    Json(Shared(document))
}
