//! The page, as it was built into this binary.

use std::collections::HashMap;
use std::sync::Arc;

use rust_embed::Embed;
use warp::hyper::body::Bytes;

use crate::http::Asset;

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
    <a href=\"/api/series\">/api/series</a></p>";

const INDEX: &str = "index.html";

/// The page's files by path.
pub(crate) struct Page(HashMap<String, Arc<Asset>>);

impl Page {
    pub(crate) fn built() -> Self {
        let asset = |path: &str| (path.to_owned(), Arc::new(asset(path)));
        let mut files: HashMap<_, _> = Built::iter().map(|path| asset(&path)).collect();
        files.entry(INDEX.into()).or_insert_with(|| Arc::new(file(NOT_BUILT.as_bytes().into(), INDEX)));
        Self(files)
    }

    /// A file of the page; `None` where there is none.
    pub(crate) fn file(&self, path: &str) -> Option<Arc<Asset>> {
        self.0.get(name(path)).cloned()
    }
}

/// Whether the path is that of the page itself.
pub(crate) fn is_index(path: &str) -> bool {
    name(path) == INDEX
}

fn name(path: &str) -> &str {
    if path.is_empty() { INDEX } else { path }
}

fn asset(path: &str) -> Asset {
    let built = Built::get(path).expect("a file that is listed is there");
    let body = match built.data {
        std::borrow::Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        std::borrow::Cow::Owned(bytes) => Bytes::from(bytes),
    };
    file(body, path)
}

fn file(body: Bytes, path: &str) -> Asset {
    // Names under assets/ change with their content.
    let cache = if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    let page = [("content-security-policy", POLICY), ("referrer-policy", "no-referrer")];
    Asset::new(body, content_type(path), cache, &page)
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
