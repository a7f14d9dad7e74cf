//! `GET /api/openapi.json`: the document that describes every route, for programs.

use std::sync::Arc;

use warp::http::HeaderMap;
use warp::reply::Response;
use warp::{Filter, Rejection};

use crate::context::Api;
use crate::document::OPENAPI;
use crate::error::ApiError;
use crate::guards::public;
use crate::query::{self, Parameters};
use crate::response::Fixed;

pub(super) fn route(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let document = Arc::new(Fixed::new(OPENAPI.into(), "application/json", "no-cache", &[]));
    let headers = warp::header::headers_cloned();
    warp::path!("api" / "openapi.json").and(public(&api.site)).and(headers).map(
        move |parameters: Parameters, headers: HeaderMap| match query::nothing(&parameters) {
            Ok(()) => document.answer(&headers),
            Err(wrong) => ApiError::BadRequest(wrong).into_response(),
        },
    )
}

#[cfg(test)]
mod tests {
    use super::super::{
        access, analytics, attributes, commands, completeness, devices, incidents, readings, rejected,
        series, silences,
    };
    use super::*;
    use serde_json::Value;
    use std::collections::BTreeSet;

    fn document() -> Value {
        serde_json::from_str(OPENAPI).unwrap()
    }

    /// The names of the query's parameters, in order.
    fn parameters(document: &Value, path: &str) -> Vec<String> {
        let named = |parameter: &Value| match parameter["$ref"].as_str() {
            Some(pointer) => document.pointer(pointer.trim_start_matches('#')).unwrap().clone(),
            None => parameter.clone(),
        };
        let all = document["paths"][path]["get"]["parameters"].as_array().into_iter().flatten().map(named);
        let asked = all.filter(|parameter| parameter["in"] == "query");
        asked.map(|parameter| parameter["name"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn the_document_names_the_parameters_of_each_route() {
        let document = document();
        for (path, known) in [
            ("/api/series", series::PARAMETERS),
            ("/api/broker", &[]),
            ("/api/clock", &[]),
            ("/api/pipeline", [].as_slice()),
            ("/api/inputs", &[]),
            ("/api/words", &[]),
            ("/api/readings", readings::PARAMETERS),
            ("/api/analytics/realtime", analytics::REALTIME_PARAMETERS),
            ("/api/analytics/historical", analytics::HISTORICAL_PARAMETERS),
            ("/api/devices/{name}/analytics", analytics::DEVICE_PARAMETERS),
            ("/analyze", analytics::SHORT_PARAMETERS),
            ("/api/incidents", incidents::PARAMETERS),
            ("/api/incidents/groups", incidents::many::PARAMETERS),
            ("/api/silences", silences::PARAMETERS),
            ("/api/rejected", rejected::query::PARAMETERS),
            ("/api/rejected/groups", rejected::query::SELECTION),
            ("/api/completeness", completeness::PARAMETERS),
            ("/api/edges", &[]),
            ("/api/attributes", attributes::PARAMETERS),
            ("/api/openapi.json", &[]),
            ("/api/session/methods", &[]),
            ("/api/session/oidc", access::START_PARAMETERS),
            ("/api/session/oidc/callback", access::CALLBACK_PARAMETERS),
            ("/api/me", &[]),
            ("/api/sessions", access::SESSIONS_PARAMETERS),
            ("/api/users", &[]),
            ("/api/keys", &[]),
            ("/api/devices", devices::PARAMETERS),
            ("/api/devices/{name}", &[]),
            ("/api/devices/{name}/data", devices::DATA_PARAMETERS),
            ("/sensors", devices::PARAMETERS),
            ("/api/devices/{name}/credentials", &[]),
            ("/api/commands", commands::PARAMETERS),
            ("/api/devices/{name}/commands", commands::DEVICE_PARAMETERS),
            ("/commands", commands::DEVICE_PARAMETERS),
            ("/api/devices/{name}/twin", &[]),
            ("/api/jwks.json", &[]),
            ("/api/audit", access::AUDIT_PARAMETERS),
            ("/api/access", access::DECISION_PARAMETERS),
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
            if path.ends_with("tests.rs") {
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
        let document = document();
        let paths = document["paths"].as_object().unwrap().keys();
        let named = |path: &String| {
            ["{id}", "{username}", "{name}", "{user}", "{metric}", "{topic}"]
                .iter()
                .fold(path.clone(), |path, name| path.replace(name, "{}"))
        };
        let written: BTreeSet<_> = paths.map(named).collect();
        assert_eq!(written, coded);
    }

    #[test]
    fn the_document_has_this_version_and_all_that_it_refers_to() {
        let document = document();
        assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
        let pointers: Vec<_> =
            OPENAPI.split("\"$ref\": \"#").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
        assert!(pointers.len() > 50);
        for pointer in pointers {
            assert!(document.pointer(pointer).is_some(), "{pointer}");
        }
    }
}
