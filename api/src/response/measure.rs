//! How long requests take and how they end, by the template of their route.

use std::collections::HashMap;
use std::sync::Arc;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use serde::Deserialize;
use serde::de::IgnoredAny;
use service::{Durations, Metrics};
use tokio::time::Instant;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::{HeaderMap, Method};
use warp::path::FullPath;
use warp::reply::Response;

use super::finish::finish;
use crate::document::OPENAPI;

/// The page's own files, and paths that nothing is at.
const PAGE: &str = "page";

/// The WebSocket, which is in no OpenAPI document.
const WEBSOCKET: &str = "/ws";

/// Methods that are named; others, which nothing answers, are together.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// The durations of requests. Their labels come from short lists, whatever clients send.
#[derive(Debug, Clone)]
struct Requests {
    templates: Arc<Templates>,
    durations: Family<Labels, Durations>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    route: Arc<str>,
    method: &'static str,
    status: u16,
}

/// The paths of the OpenAPI document.
#[derive(Debug)]
struct Templates {
    exact: HashMap<String, Arc<str>>,
    /// Those with a level that varies, by their levels.
    varying: Vec<(Vec<String>, Arc<str>)>,
    page: Arc<str>,
}

/// Finishes the answers of these routes, and measures how long each takes until its head is there.
///
/// Two servers of one process count together.
pub fn finished(metrics: &Metrics, routes: BoxedFilter<(Response,)>) -> BoxedFilter<(Response,)> {
    let requests = metrics.shared(Requests::register);
    warp::any()
        .map(Instant::now)
        .and(warp::method())
        .and(warp::path::full())
        .and(warp::header::headers_cloned())
        .and(routes)
        .then(move |begun: Instant, method: Method, path: FullPath, headers: HeaderMap, answer: Response| {
            let requests = requests.clone();
            async move {
                let answer = finish(method.clone(), headers, answer).await;
                requests.ended(&method, path.as_str(), answer.status().as_u16(), begun);
                answer
            }
        })
        .boxed()
}

impl Requests {
    fn register(metrics: &Metrics) -> Self {
        let durations = metrics.of("http").register(
            "request_duration_seconds",
            "Time until the head of an answer was there, by route, method and status",
        );
        Self { templates: Arc::new(Templates::of_document()), durations }
    }

    fn ended(&self, method: &Method, path: &str, status: u16, begun: Instant) {
        let method = METHODS.into_iter().find(|known| method == *known).unwrap_or("other");
        let labels = Labels { route: self.templates.of(path), method, status };
        self.durations.get_or_create(&labels).observe(begun.elapsed());
    }
}

impl Templates {
    fn of_document() -> Self {
        #[derive(Deserialize)]
        struct Document {
            paths: HashMap<String, IgnoredAny>,
        }
        let document: Document = serde_json::from_str(OPENAPI).expect("the document is JSON");
        let paths = document.paths.into_keys().chain([WEBSOCKET.to_owned()]);
        let (varying, exact): (Vec<_>, Vec<_>) = paths.partition(|path| path.contains('{'));
        let levels = |path: String| (path.split('/').map(str::to_owned).collect(), Arc::from(path));
        Self {
            exact: exact.into_iter().map(|path| (path.clone(), Arc::from(path))).collect(),
            varying: varying.into_iter().map(levels).collect(),
            page: Arc::from(PAGE),
        }
    }

    /// The template of the route that a path leads to.
    fn of(&self, path: &str) -> Arc<str> {
        if let Some(exact) = self.exact.get(path) {
            return exact.clone();
        }
        let levels: Vec<&str> = path.split('/').collect();
        let matches = |template: &[String]| {
            template.len() == levels.len()
                && template.iter().zip(&levels).all(|(known, level)| known == level || is_varying(known))
        };
        // Of two, such as `/api/readings/{metric}/{name}`, the one with more fixed levels.
        let matching = self.varying.iter().filter(|(template, _)| matches(template));
        let best =
            matching.min_by_key(|(template, _)| template.iter().filter(|level| is_varying(level)).count());
        best.map_or_else(|| self.page.clone(), |(_, template)| template.clone())
    }
}

fn is_varying(level: &str) -> bool {
    level.starts_with('{')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_counts_for_its_template_and_names_of_devices_for_none() {
        let templates = Templates::of_document();
        for (path, template) in [
            ("/api/series", "/api/series"),
            ("/api/devices", "/api/devices"),
            ("/api/devices/import", "/api/devices/import"),
            ("/api/devices/site-a.lab", "/api/devices/{name}"),
            ("/api/devices/lab/commands/7/result", "/api/devices/{name}/commands/{id}/result"),
            ("/api/devices/lab/nothing", "page"),
            ("/api/commands/jobs/7", "/api/commands/jobs/{id}"),
            ("/metrics", "/metrics"),
            ("/ws", "/ws"),
            ("/", "page"),
            ("/assets/index-1.js", "page"),
            ("/api/nothing", "page"),
        ] {
            assert_eq!(&*templates.of(path), template, "{path}");
        }
    }

    #[test]
    fn an_answer_is_counted_by_route_method_and_status() {
        let metrics = Metrics::default();
        let requests = metrics.shared(Requests::register);
        for (method, path) in [("GET", "/api/devices/a"), ("GET", "/api/devices/b"), ("BREW", "/tea")] {
            requests.ended(&Method::from_bytes(method.as_bytes()).unwrap(), path, 200, Instant::now());
        }
        let text = metrics.text();
        for line in [
            "count{route=\"/api/devices/{name}\",method=\"GET\",status=\"200\"} 2",
            "bucket{le=\"+Inf\",route=\"page\",method=\"other\",status=\"200\"} 1",
        ] {
            assert!(
                text.contains(&format!("\nmillrace_http_request_duration_seconds_{line}\n")),
                "{line}: {text}"
            );
        }
    }
}
