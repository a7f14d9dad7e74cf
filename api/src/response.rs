//! How an answer is sent.

mod encoding;
mod etag;
mod finish;
mod fixed;
mod measure;

use warp::http::StatusCode;
use warp::reply::{Reply, Response};

use crate::error::ApiError;

pub use self::fixed::Fixed;
pub use self::measure::finished;

/// A JSON text with status 200, or the error.
pub(crate) fn answer(text: Result<String, ApiError>) -> Response {
    text.map_or_else(ApiError::into_response, |text| json(StatusCode::OK, text))
}

/// A JSON text that no cache keeps.
pub(crate) fn json(status: StatusCode, text: String) -> Response {
    let json = warp::reply::with_header(text, "content-type", "application/json");
    let json = warp::reply::with_header(json, "cache-control", "no-store");
    warp::reply::with_status(json, status).into_response()
}
