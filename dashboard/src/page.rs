//! The page, as it was built into this binary, and its route.

use std::collections::HashMap;
use std::sync::Arc;

use api::{Fixed, Site};
use rust_embed::Embed;
use warp::http::{HeaderMap, StatusCode};
use warp::hyper::body::Bytes;
use warp::reply::{Reply, Response};
use warp::{Filter, Rejection};

#[derive(Embed)]
#[folder = "web/dist"]
#[allow_missing = true]
struct Built;

/// Nothing is loaded from other sites, and the page has no inline script.
const POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; \
                      frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

const NOT_BUILT: &str = "<!doctype html><meta charset=utf-8><title>Millrace</title>\
    <body style=\"font:16px/1.5 system-ui;max-width:40em;margin:10vh auto;padding:0 1em\">\
    <h1>The page was not built into this binary</h1>\
    <p>Run <code>make page</code> (it needs Node 20) and build again. The API answers all the same: \
    <a href=\"/api/series\">/api/series</a></p>";

const INDEX: &str = "index.html";

const UNKNOWN_HOST: &str = "This is Millrace, asked for under a name that it does not know.\n\n\
    Open it by its address or as localhost, or set its name in http.public_url, for example\n\
    MILLRACE__HTTP__PUBLIC_URL=https://millrace.example.org\n";

/// The page's files. They hold no data; still the index is refused under an unknown host, as every call of the API would
/// fail there.
pub(crate) fn route(site: &Site) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let page = Arc::new(Page::built());
    let find = move |tail: warp::path::Tail| {
        let path = tail.as_str();
        let found = page.file(path).map(|file| (file, is_index(path)));
        std::future::ready(found.ok_or_else(warp::reject::not_found))
    };
    let reads = warp::get().or(warp::head()).unify();
    let found = warp::path::tail().and_then(find).and(reads).and(site.is_known());
    found.and(warp::header::headers_cloned()).map(
        |(file, is_index): (Arc<Fixed>, bool), is_known: bool, headers: HeaderMap| match is_known || !is_index
        {
            true => file.answer(&headers),
            false => warp::reply::with_status(UNKNOWN_HOST, StatusCode::FORBIDDEN).into_response(),
        },
    )
}

/// The page's files by path.
struct Page(HashMap<String, Arc<Fixed>>);

impl Page {
    fn built() -> Self {
        let asset = |path: &str| (path.to_owned(), Arc::new(asset(path)));
        let mut files: HashMap<_, _> = Built::iter().map(|path| asset(&path)).collect();
        files.entry(INDEX.into()).or_insert_with(|| Arc::new(file(NOT_BUILT.as_bytes().into(), INDEX)));
        Self(files)
    }

    /// A file of the page; `None` where there is none.
    fn file(&self, path: &str) -> Option<Arc<Fixed>> {
        self.0.get(name(path)).cloned()
    }
}

/// Whether the path is that of the page itself.
fn is_index(path: &str) -> bool {
    name(path) == INDEX
}

fn name(path: &str) -> &str {
    if path.is_empty() { INDEX } else { path }
}

fn asset(path: &str) -> Fixed {
    let built = Built::get(path).expect("a file that is listed is there");
    let body = match built.data {
        std::borrow::Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        std::borrow::Cow::Owned(bytes) => Bytes::from(bytes),
    };
    file(body, path)
}

fn file(body: Bytes, path: &str) -> Fixed {
    // Names under assets/ change with their content.
    let cache = if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    let page = [("content-security-policy", POLICY), ("referrer-policy", "no-referrer")];
    Fixed::new(body, content_type(path), cache, &page)
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
