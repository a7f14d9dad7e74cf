//! Plain HTTP that sends everybody to the page over TLS.

use tokio_util::sync::CancellationToken;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::header::LOCATION;
use warp::http::{HeaderValue, StatusCode};
use warp::path::FullPath;
use warp::reply::Response;

use super::{Door, HttpConfig, serve_http};

/// Redirects requests to the same path of a page until the stop. The page's address has no slash at its end.
pub async fn serve_redirect(door: Door, page: String, stop: CancellationToken) {
    let config = HttpConfig::admin(door.local_addr());
    Box::pin(serve_http(door, None, redirect(page), config, stop)).await;
}

fn redirect(page: String) -> BoxedFilter<(Response,)> {
    let query =
        warp::query::raw().map(|query: String| format!("?{query}")).or(warp::any().map(String::new)).unify();
    warp::path::full()
        .and(query)
        .map(move |path: FullPath, query: String| to(&format!("{page}{}{query}", path.as_str())))
        .boxed()
}

/// 308: the method stays what it was.
fn to(location: &str) -> Response {
    let Ok(location) = HeaderValue::from_str(location) else { return status(StatusCode::BAD_REQUEST) };
    let mut response = status(StatusCode::PERMANENT_REDIRECT);
    response.headers_mut().insert(LOCATION, location);
    response
}

fn status(status: StatusCode) -> Response {
    let mut response = Response::default();
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_method_stays() {
        let answer = to("https://lab.example.org//evil.example.org/x?y=1");
        assert_eq!(answer.status(), 308);
        assert_eq!(answer.headers()["location"], "https://lab.example.org//evil.example.org/x?y=1");
        assert_eq!(to("https://lab.example.org/\n").status(), 400);
    }
}
