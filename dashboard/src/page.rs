//! The page, as it was built into this binary.

use rust_embed::Embed;
use warp::http::{Response, StatusCode};
use warp::hyper::body::Bytes;

#[derive(Embed)]
#[folder = "web/dist"]
#[allow_missing = true]
struct Built;

/// Nothing is loaded from elsewhere, and no script stands in the page itself.
const POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; \
                      frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

const NOT_BUILT: &str = "<!doctype html><meta charset=utf-8><title>Millrace</title>\
    <body style=\"font:16px/1.5 system-ui;max-width:40em;margin:10vh auto;padding:0 1em\">\
    <h1>The page was not built into this binary</h1>\
    <p>Run <code>make page</code> (it needs Node 20) and build again. The API answers all the same: \
    <a href=\"/api/devices\">/api/devices</a></p>";

/// A file of the page; `None` where there is none.
pub(crate) fn file(path: &str) -> Option<Response<Bytes>> {
    let path = if path.is_empty() { "index.html" } else { path };
    let Some(file) = Built::get(path) else {
        return (path == "index.html").then(|| answer(NOT_BUILT.as_bytes().into(), "text/html", "no-store"));
    };
    // Names under assets/ change with their content.
    let cache = if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    let body = match file.data {
        std::borrow::Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        std::borrow::Cow::Owned(bytes) => Bytes::from(bytes),
    };
    Some(answer(body, content_type(path), cache))
}

fn answer(body: Bytes, content_type: &str, cache: &str) -> Response<Bytes> {
    Response::builder()
        .status(StatusCode::OK)
        .header("content-type", content_type)
        .header("cache-control", cache)
        .header("content-security-policy", POLICY)
        .header("referrer-policy", "no-referrer")
        .body(body)
        .expect("these headers are valid")
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("json" | "webmanifest") => "application/json",
        _ => "application/octet-stream",
    }
}
