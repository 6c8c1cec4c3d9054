//! `/ui`: a page for people, on what REST gives. Its files are in the binary; nothing is fetched from elsewhere.
//!
//! Owns the files and their headers. The page asks REST as any other client does, by addresses relative to its own, so
//! that it works below a prefix of a reverse proxy; no path is served for it alone but its files. They are no resources of
//! Connect: `OpenAPI` and what holds for media types do not speak of them.

use axum::Router;
use axum::body::Bytes;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use std::fmt::Write;
use std::sync::Arc;

use crate::configdef::secret_words;

/// The page itself.
const PAGE: &str = "/ui";
/// The same for who writes a slash at the end: from there the page's relative addresses would lead astray.
pub(super) const WITH_SLASH: &str = "/ui/";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Path, media type and content of what never changes.
const FILES: [(&str, &str, &str); 12] = [
    (PAGE, HTML, include_str!("ui/index.html")),
    ("/ui/style.css", CSS, include_str!("ui/style.css")),
    ("/ui/icon.svg", "image/svg+xml", include_str!("ui/icon.svg")),
    ("/ui/app.js", SCRIPT, include_str!("ui/app.js")),
    ("/ui/rest.js", SCRIPT, include_str!("ui/rest.js")),
    ("/ui/dom.js", SCRIPT, include_str!("ui/dom.js")),
    ("/ui/list.js", SCRIPT, include_str!("ui/list.js")),
    ("/ui/connector.js", SCRIPT, include_str!("ui/connector.js")),
    ("/ui/figures.js", SCRIPT, include_str!("ui/figures.js")),
    ("/ui/health.js", SCRIPT, include_str!("ui/health.js")),
    ("/ui/settings.js", SCRIPT, include_str!("ui/settings.js")),
    ("/ui/dialogs.js", SCRIPT, include_str!("ui/dialogs.js")),
];

/// No script or style but the files above, no other site around the page, no requests to other hosts.
const HEADERS: [(HeaderName, HeaderValue); 4] = [
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'self'; frame-ancestors 'none'; base-uri 'none'"),
    ),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    // A new worker has a new page: the browser asks each time, and is told by the tag that it has it already.
    (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
];

/// One file as it is answered.
struct File {
    kind: HeaderValue,
    tag: HeaderValue,
    content: Bytes,
}

/// The paths of the page.
pub(super) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let mut router = Router::new().route(WITH_SLASH, get(without_slash));
    for (path, kind, content) in FILES {
        router = router.route(path, file(kind, Bytes::from_static(content.as_bytes())));
    }
    // Which settings the page hides where no definition says it: as everywhere, what their names say.
    let words = serde_json::Value::from(secret_words().collect::<Vec<_>>()).to_string();
    router.route("/ui/secret-words.json", file("application/json", words.into()))
}

/// True for the page and its files.
pub(super) fn is_page(path: &str) -> bool {
    path == PAGE || path.starts_with(WITH_SLASH)
}

fn file<S: Clone + Send + Sync + 'static>(kind: &'static str, content: Bytes) -> MethodRouter<S> {
    let tag = HeaderValue::from_str(&tag(&content)).unwrap_or(HeaderValue::from_static("\"\""));
    let file = Arc::new(File { kind: HeaderValue::from_static(kind), tag, content });
    get(move |request: Request| async move { answer(&file, request.headers()) })
}

/// Half of the content's SHA-256, between quotes.
fn tag(content: &[u8]) -> String {
    let hash = openssl::sha::sha256(content);
    let mut tag = "\"".to_owned();
    for byte in hash.iter().take(16) {
        // Writing to a text cannot fail.
        let _written = write!(tag, "{byte:02x}");
    }
    tag + "\""
}

fn answer(file: &File, asked: &HeaderMap) -> Response {
    let mut response = if has(asked, &file.tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, file.kind.clone())], file.content.clone()).into_response()
    };
    response.headers_mut().insert(header::ETAG, file.tag.clone());
    response.headers_mut().extend(HEADERS);
    response
}

/// Whether the client has it already. A cache on the way may have marked the tag as weak.
fn has(asked: &HeaderMap, tag: &HeaderValue) -> bool {
    let lists = asked.get_all(header::IF_NONE_MATCH).iter().filter_map(|list| list.to_str().ok());
    lists
        .flat_map(|list| list.split(','))
        .map(str::trim)
        .any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one).as_bytes() == tag.as_bytes())
}

/// To the page, by a relative address: the path before `/ui` is known to the client alone.
async fn without_slash() -> Response {
    let mut response = StatusCode::PERMANENT_REDIRECT.into_response();
    response.headers_mut().insert(header::LOCATION, HeaderValue::from_static("../ui"));
    response.headers_mut().extend(HEADERS);
    response
}
