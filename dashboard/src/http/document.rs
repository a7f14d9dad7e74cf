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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use std::collections::BTreeSet;

    /// What is no question and no answer, and described elsewhere.
    const NO_HTTP: [&str; 1] = ["/ws"];

    fn document() -> Value {
        serde_json::from_str(OPENAPI).unwrap()
    }

    /// The names of the query's parameters, in order.
    fn parameters(document: &Value, path: &str) -> Vec<String> {
        let named = |parameter: &Value| match parameter["$ref"].as_str() {
            Some(place) => document.pointer(place.trim_start_matches('#')).unwrap().clone(),
            None => parameter.clone(),
        };
        let all = document["paths"][path]["get"]["parameters"].as_array().unwrap().iter().map(named);
        let asked = all.filter(|parameter| parameter["in"] == "query");
        asked.map(|parameter| parameter["name"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn the_document_names_the_parameters_that_are_read() {
        let document = document();
        for (path, known) in [
            ("/api/series", [].as_slice()),
            ("/api/pipeline", &[]),
            ("/api/readings", query::OF_READINGS),
            ("/api/incidents", query::OF_INCIDENTS),
            ("/api/silences", query::OF_SILENCES),
            ("/api/rejected", query::OF_REJECTED),
            ("/api/completeness", query::OF_COMPLETENESS),
            ("/api/openapi.json", &[]),
        ] {
            let (mut named, mut known) = (parameters(&document, path), known.to_vec());
            named.sort();
            known.sort_unstable();
            assert_eq!(named, known, "{path}");
        }
    }

    /// The paths that the sources match, with `{}` for what varies.
    fn routes(folder: &std::path::Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                routes(&path, found);
                continue;
            }
            let source = std::fs::read_to_string(&path).unwrap();
            for rest in source.split(concat!("warp::path", "!(")).skip(1) {
                let levels = rest.split(')').next().unwrap().split('/').map(str::trim);
                let level = |level: &str| match level.strip_prefix('"').and_then(|l| l.strip_suffix('"')) {
                    Some(literal) => format!("/{literal}"),
                    None => "/{}".to_owned(),
                };
                found.insert(levels.map(level).collect());
            }
        }
    }

    #[test]
    fn the_document_has_every_route_and_no_other() {
        let mut coded = BTreeSet::new();
        for folder in ["src", "../service/src"] {
            routes(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut coded);
        }
        assert!(coded.contains("/api/readings") && coded.contains("/livez"), "{coded:?}");
        coded.retain(|route| !NO_HTTP.contains(&route.as_str()));
        let document = document();
        let paths = document["paths"].as_object().unwrap().keys();
        let written: BTreeSet<_> = paths.map(|path| path.replace("{id}", "{}")).collect();
        assert_eq!(written, coded);
    }

    #[test]
    fn the_document_is_of_this_version_and_all_it_refers_to_is_there() {
        let document = document();
        assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
        let places: Vec<_> =
            OPENAPI.split("\"$ref\": \"#").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
        assert!(places.len() > 50);
        for place in places {
            assert!(document.pointer(place).is_some(), "{place}");
        }
    }
}
