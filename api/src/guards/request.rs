//! Requests that may change something.

use warp::http::{HeaderMap, Method};
use warp::{Filter, Rejection};

use super::{Limits, Site, UNKNOWN_HOST, body, parameters};
use crate::error::ApiError;
use crate::query::{self, Parameters};

/// Bytes of a request's body, at most, where a route does not say otherwise.
pub(crate) const MAX_BODY_BYTES: usize = 16 * 1024;

/// A request to a route that checks its methods itself, so that it can name those there are.
pub(crate) struct Request {
    site: Site,
    pub(crate) method: Method,
    headers: HeaderMap,
    parameters: Parameters,
    body: Result<Vec<u8>, ApiError>,
}

/// Hands every request on; nothing of it is checked but the size of its body and the time that it takes to arrive.
pub(crate) fn requests(
    site: &Site,
    limits: Limits,
    max_body_bytes: usize,
) -> impl Filter<Extract = (Request,), Error = Rejection> + Clone + use<> {
    let (site, timeout) = (site.clone(), limits.body_timeout);
    warp::any()
        .map(move || site.clone())
        .and(warp::method())
        .and(warp::header::headers_cloned())
        .and(parameters())
        .and(warp::body::stream().then(move |body| body::read(body, max_body_bytes, timeout)))
        .map(|site, method, headers, parameters, body| Request { site, method, headers, parameters, body })
}

impl Request {
    /// Passes a request that only reads: the host check.
    ///
    /// # Errors
    /// The request came under a host name that is not ours.
    pub(crate) fn reads(self) -> Result<Parameters, ApiError> {
        self.check_host()?;
        Ok(self.parameters)
    }

    /// Passes a request that changes something: the host check, same origin, and no parameter.
    ///
    /// # Errors
    /// The request comes from another site, or has a parameter.
    pub(crate) fn changes(&self) -> Result<(), ApiError> {
        self.check_origin()?;
        query::nothing(&self.parameters).map_err(ApiError::BadRequest)
    }

    /// Passes a request that changes what its parameters select: the host check, and same origin.
    ///
    /// # Errors
    /// The request comes from another site.
    pub(crate) fn changes_selected(self) -> Result<Parameters, ApiError> {
        self.check_origin()?;
        Ok(self.parameters)
    }

    fn check_origin(&self) -> Result<(), ApiError> {
        self.check_host()?;
        if !self.site.is_same_origin(self.header("origin"), self.header("host")) {
            return Err(ApiError::Forbidden(
                "only this page itself may change something: see http.public_url",
            ));
        }
        Ok(())
    }

    /// The JSON body of a request that may change something.
    ///
    /// # Errors
    /// The request comes from another site, or its body is not JSON, too large or too slow.
    pub(crate) fn json(self) -> Result<Vec<u8>, ApiError> {
        self.changes()?;
        let kind = self.header("content-type").and_then(|kind| kind.split(';').next());
        if !kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json")) {
            return Err(ApiError::NotJson);
        }
        self.body
    }

    fn check_host(&self) -> Result<(), ApiError> {
        let known = self.site.is_known_host(self.header("host"));
        if known { Ok(()) } else { Err(ApiError::Forbidden(UNKNOWN_HOST)) }
    }

    /// A header that is not text counts as empty, which no check lets pass.
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap_or_default())
    }
}
