//! Why a request is not answered, and how that is said over HTTP.

use std::time::Duration;

use access::Problem;
use store::Unavailable;
use warp::http::StatusCode;
use warp::reply::{Reply, Response};

/// Seconds after which a request is worth repeating.
const RETRY_AFTER: &str = "2";

/// Why a request fails. Its text is for the person who sent the request.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The request is wrong: the text says where, and what to write instead (400).
    #[error("{0}")]
    BadRequest(String),
    /// The request comes from another site, or under a host name that is not ours (403).
    #[error("{0}")]
    Forbidden(&'static str),
    /// Nobody is recognised as the caller (401).
    #[error("{0}")]
    NotRecognized(String),
    /// The caller's role does not allow it (403).
    #[error("{0}")]
    NotAllowed(String),
    /// There were too many requests: the next is worth it after this time (429).
    #[error("too many attempts: try again in {} s", .0.as_secs())]
    TooMany(Duration),
    /// The caller sent too many requests: the next is worth it after this time (429).
    #[error("too many requests: the next one is answered in {} s; see http.requests_per_second", .0.as_secs_f64().ceil())]
    TooManyRequests(Duration),
    /// What the request names does not exist (404).
    #[error("{0}")]
    NotFound(String),
    /// The state of what the request names does not allow it any more (409).
    #[error("{0}")]
    Conflict(String),
    /// What is to be changed is not any more as the request says it is, by `If-Match` (412).
    #[error("it was changed meanwhile: read it again, and send its new etag")]
    Changed,
    /// The payload to be resent is still not a reading, or the rules to be added are wrong (422).
    #[error("{0}")]
    Unreadable(String),
    /// The body is not declared as JSON (415).
    #[error("the body must be JSON: send content-type: application/json")]
    NotJson,
    /// The body is declared as something that the route does not read (415).
    #[error("the body cannot be read as it is declared: send {0}")]
    MediaType(&'static str),
    /// The body holds more readings than a request may (413).
    #[error("a request holds at most {0} readings: send several")]
    TooManyReadings(usize),
    /// The body has more than this many bytes (413).
    #[error("the body must be at most {0} bytes")]
    TooLarge(usize),
    /// The body did not arrive within the limit (408).
    #[error("the body did not arrive in time")]
    TooSlow,
    /// The route has only these methods (405).
    #[error("use {0}")]
    Method(&'static str),
    /// What was published got no acknowledgement (503).
    #[error(
        "the readings were not accepted ({0}): ask again once the broker, and the store behind it, answer. Readings that \
         were accepted all the same are not stored twice"
    )]
    NotAccepted(String),
    /// The rules could not be added, for a reason that may pass (503).
    #[error("the rules were not added: ask again")]
    NotAdded,
    /// Readings that came in over HTTP got no acknowledgement (503).
    #[error(
        "the readings are not acknowledged ({0}): send them again. Those that name their time, or come with the same \
         Idempotency-Key, are not stored twice"
    )]
    NotAcknowledged(String),
    /// As many readings wait to be acknowledged as may (503).
    #[error(
        "too many readings wait for the store or the broker: nothing of these was taken, send them again"
    )]
    Busy,
    /// It is not known yet which readings are stored (503).
    #[error("the stored readings were not read yet: /readyz says why")]
    NotLoaded,
    /// The store did not answer within this time (503).
    #[error(
        "no answer within {0:?}: ask for less, for example one device or a shorter range, or again later"
    )]
    Late(Duration),
    /// The process cannot do it now (503).
    #[error("{0}")]
    Failed(String),
    /// The store cannot answer now: the same request may be repeated later (503).
    #[error("{0}")]
    Unavailable(#[from] Unavailable),
}

impl ApiError {
    /// The status code that goes with the error.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::Forbidden(_) | Self::NotAllowed(_) => StatusCode::FORBIDDEN,
            Self::NotRecognized(_) => StatusCode::UNAUTHORIZED,
            Self::TooMany(_) | Self::TooManyRequests(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::Changed => StatusCode::PRECONDITION_FAILED,
            Self::NotJson | Self::MediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge(_) | Self::TooManyReadings(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::Unreadable(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::NotAccepted(_)
            | Self::NotAdded
            | Self::Busy
            | Self::NotAcknowledged(_)
            | Self::NotLoaded
            | Self::Late(_)
            | Self::Failed(_)
            | Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Whether the same request may succeed later.
    pub(crate) fn is_transient(&self) -> bool {
        self.status() == StatusCode::SERVICE_UNAVAILABLE
    }

    /// The error as `{"error": "…"}`.
    #[must_use]
    pub fn into_response(self) -> Response {
        let is_transient = self.is_transient();
        let response = error_response(self.status(), &self.to_string());
        match self {
            Self::Method(methods) => warp::reply::with_header(response, "allow", methods).into_response(),
            Self::NotRecognized(_) => {
                warp::reply::with_header(response, "www-authenticate", "Bearer").into_response()
            }
            Self::TooMany(after) | Self::TooManyRequests(after) => {
                let seconds = (after.as_secs_f64().ceil() as u64).max(1);
                warp::reply::with_header(response, "retry-after", seconds).into_response()
            }
            _ if is_transient => {
                warp::reply::with_header(response, "retry-after", RETRY_AFTER).into_response()
            }
            _ => response,
        }
    }
}

/// `{"error": "<message>"}` with this status.
#[must_use]
pub fn error_response(status: StatusCode, message: &str) -> Response {
    warp::reply::with_status(warp::reply::json(&serde_json::json!({ "error": message })), status)
        .into_response()
}

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> Self {
        let text = problem.to_string();
        match problem {
            Problem::NotRecognized | Problem::WrongPassword => Self::NotRecognized(text),
            Problem::TooMany(after) => Self::TooMany(after),
            Problem::Invalid(_) => Self::BadRequest(text),
            Problem::NotAllowed(_) => Self::NotAllowed(text),
            Problem::NotFound(_) => Self::NotFound(text),
            Problem::Conflict(_) => Self::Conflict(text),
            Problem::Unavailable(unavailable) => Self::Unavailable(unavailable),
            Problem::Failed(_) => Self::Failed(text),
        }
    }
}
