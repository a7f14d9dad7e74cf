//! What a request is answered that no route takes.

use warp::Rejection;
use warp::http::StatusCode;
use warp::reject::{InvalidHeader, InvalidQuery, MethodNotAllowed};
use warp::reply::Response;

use crate::error::{ApiError, error_response};
use crate::guards::{DuplicateParameter, Refused, TwoHosts, UNKNOWN_HOST, UnknownHost};

/// Answers a request that no route took; a rejection that is not about HTTP itself is passed on.
///
/// # Errors
/// The rejection, where only a route of the mounting program can explain it.
pub async fn refuse(rejection: Rejection) -> Result<Response, Rejection> {
    if let Some(answer) = rejection.find::<Refused>().and_then(Refused::answer) {
        return Ok(answer);
    }
    if rejection.find::<MethodNotAllowed>().is_some() {
        return Ok(ApiError::Method("GET, HEAD").into_response());
    }
    if rejection.find::<UnknownHost>().is_some() {
        return Ok(ApiError::Forbidden(UNKNOWN_HOST).into_response());
    }
    let (status, message) = if rejection.find::<InvalidQuery>().is_some() {
        (StatusCode::BAD_REQUEST, "the query cannot be read")
    } else if rejection.find::<DuplicateParameter>().is_some() {
        (StatusCode::BAD_REQUEST, "a parameter is there twice")
    } else if rejection.find::<TwoHosts>().is_some() {
        (StatusCode::BAD_REQUEST, "send the header Host once")
    } else if rejection.find::<InvalidHeader>().is_some_and(|header| header.name() == "host") {
        (StatusCode::BAD_REQUEST, "the header Host cannot be read")
    } else if rejection.is_not_found() {
        (StatusCode::NOT_FOUND, "not found")
    } else {
        return Err(rejection);
    };
    Ok(error_response(status, message))
}
