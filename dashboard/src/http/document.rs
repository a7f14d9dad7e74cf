//! What was built into this binary: the page, and the document of the API.

use std::sync::Arc;

use warp::http::{HeaderMap, StatusCode};
use warp::reply::{Reply, Response};
use warp::{Filter, Rejection};

use super::{Asset, Server, is_own, own, parameters, read, refusal};
use crate::api::Refusal;
use crate::page::{self, Page};
use crate::query::{self, Parameters};

/// Every route of ours, for programs.
pub(crate) const OPENAPI: &str = include_str!("../../openapi.json");

const FOREIGN_PAGE: &str = "This is Millrace, asked for under a name that it does not know.\n\n\
    Open it by its address or as localhost, or tell it the name in http.public_url, for example\n\
    MILLRACE__HTTP__PUBLIC_URL=https://millrace.example.org\n";

/// `GET /api/openapi.json`.
pub(super) fn openapi(
    server: &Server,
) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let document = Arc::new(Asset::new(OPENAPI.into(), "application/json", "no-cache", &[]));
    let headers = warp::header::headers_cloned();
    let asked = read().and(own(server)).and(headers).and(parameters());
    warp::path!("api" / "openapi.json").and(asked).map(move |headers: HeaderMap, parameters: Parameters| {
        query::nothing(&parameters)
            .map_or_else(|wrong| refusal(Refusal::Bad(wrong)), |()| document.answer(&headers))
    })
}

/// The page's files. They hold no data; the page itself is refused under a foreign name all the same, since it could
/// only show there that it is refused everything else.
pub(super) fn page(server: &Server) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let page = Arc::new(Page::built());
    let find = move |tail: warp::path::Tail| {
        let path = tail.as_str();
        let found = page.file(path).map(|file| (file, page::is_index(path)));
        std::future::ready(found.ok_or_else(warp::reject::not_found))
    };
    let found = warp::path::tail().and_then(find).and(read()).and(is_own(server));
    found.and(warp::header::headers_cloned()).map(
        |(file, is_index): (Arc<Asset>, bool), is_own: bool, headers: HeaderMap| match is_own || !is_index {
            true => file.answer(&headers),
            false => warp::reply::with_status(FOREIGN_PAGE, StatusCode::FORBIDDEN).into_response(),
        },
    )
}
