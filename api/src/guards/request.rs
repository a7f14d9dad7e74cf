//! Requests that may change something.

use access::{Action, Authority, Caller, Problem};
use warp::http::{HeaderMap, Method};
use warp::{Filter, Rejection};

use super::caller::{Asker, asker};
use super::{Site, UNKNOWN_HOST, body, parameters};
use crate::context::Api;
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
    asker: Asker,
    body: Result<Vec<u8>, ApiError>,
}

/// What a request sends.
pub(crate) struct Sent {
    /// What the body is declared as, without parameters.
    pub(crate) media_type: String,
    /// The parameters of the query.
    pub(crate) parameters: Parameters,
    /// The body.
    pub(crate) body: Vec<u8>,
}

/// Which revision of a thing is to be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Whichever there is.
    Any,
    /// This one, or nothing.
    Revision(i64),
    /// One that no thing of ours has.
    NoneOfOurs,
}

/// Hands every request on; nothing of it is checked but the size of its body and the time that it takes to arrive.
pub(crate) fn requests(
    api: &Api,
    max_body_bytes: usize,
) -> impl Filter<Extract = (Request,), Error = Rejection> + Clone + use<> {
    let (site, timeout) = (api.site.clone(), api.limits.body_timeout);
    warp::any()
        .map(move || site.clone())
        .and(warp::method())
        .and(warp::header::headers_cloned())
        .and(parameters())
        .and(asker(api))
        .and(warp::body::stream().then(move |body| body::read(body, max_body_bytes, timeout)))
        .map(|site, method, headers, parameters, asker, body| Request {
            site,
            method,
            headers,
            parameters,
            asker,
            body,
        })
}

impl Request {
    /// Passes a request that only reads, of a caller who may do this: the host check.
    ///
    /// # Errors
    /// The request came under a host name that is not ours, or the caller may not.
    pub(crate) async fn reads(self, action: Action) -> Result<(Parameters, Caller), ApiError> {
        self.check_host()?;
        Ok((self.parameters, self.asker.may(action).await?))
    }

    /// Passes a request that only reads, of a caller who is recognised: the host check.
    ///
    /// # Errors
    /// The request came under a host name that is not ours, or nobody is recognised.
    pub(crate) fn reads_of_anyone(self) -> Result<(Parameters, Caller), ApiError> {
        self.check_host()?;
        Ok((self.parameters, self.asker.recognized()?))
    }

    /// Passes a request that only reads, of any caller: the host check.
    ///
    /// # Errors
    /// The request came under a host name that is not ours.
    pub(crate) fn reads_of_everyone(self) -> Result<(Parameters, Asker), ApiError> {
        self.check_host()?;
        Ok((self.parameters, self.asker))
    }

    /// Whether a person is to read the answer: a browser that was sent here asks for a page.
    pub(crate) fn wants_page(&self) -> bool {
        self.header("accept").is_some_and(|accepted| accepted.contains("text/html"))
    }

    /// Whether the browser reaches us over TLS.
    pub(crate) fn is_secure(&self) -> bool {
        self.asker.is_secure()
    }

    /// Passes a request that changes something, of a caller who may do this: the host check, same origin, and no parameter.
    ///
    /// # Errors
    /// The request comes from another site, or has a parameter, or the caller may not.
    pub(crate) async fn changes(self, action: Action) -> Result<Caller, ApiError> {
        self.check_origin()?;
        query::nothing(&self.parameters).map_err(ApiError::BadRequest)?;
        self.asker.may(action).await
    }

    /// Passes a request that changes what its parameters select, of a caller who may do this: the host check, and same
    /// origin.
    ///
    /// # Errors
    /// The request comes from another site, or the caller may not.
    pub(crate) async fn changes_selected(self, action: Action) -> Result<(Parameters, Caller), ApiError> {
        self.check_origin()?;
        Ok((self.parameters, self.asker.may(action).await?))
    }

    /// Passes a request that changes something, of any caller: the host check, same origin, and no parameter.
    ///
    /// # Errors
    /// The request comes from another site, or has a parameter.
    pub(crate) fn changes_of_anyone(self) -> Result<Asker, ApiError> {
        self.check_origin()?;
        query::nothing(&self.parameters).map_err(ApiError::BadRequest)?;
        Ok(self.asker)
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

    /// The JSON body of a request that changes something, of a caller who may do this.
    ///
    /// # Errors
    /// The request comes from another site, the caller may not, or its body is not JSON, too large or too slow.
    pub(crate) async fn json(self, action: Action) -> Result<(Vec<u8>, Caller), ApiError> {
        self.check_origin()?;
        let is_json = self.is_json();
        query::nothing(&self.parameters).map_err(ApiError::BadRequest)?;
        let caller = self.asker.may(action).await?;
        if is_json { Ok((self.body?, caller)) } else { Err(ApiError::NotJson) }
    }

    /// The body of a request that changes something, in any form, with its parameters.
    ///
    /// # Errors
    /// The request comes from another site, the caller may not, or its body is too large or too slow.
    pub(crate) async fn sent(self, action: Action) -> Result<(Sent, Caller), ApiError> {
        self.check_origin()?;
        let media_type = self.header("content-type").and_then(|kind| kind.split(';').next());
        let media_type = media_type.unwrap_or_default().trim().to_ascii_lowercase();
        let caller = self.asker.may(action).await?;
        Ok((Sent { media_type, parameters: self.parameters, body: self.body? }, caller))
    }

    /// Whether the answer is to be of this form, rather than JSON.
    pub(crate) fn accepts(&self, media_type: &str) -> bool {
        let accepted = self.header("accept").and_then(|accepted| accepted.split([',', ';']).next());
        accepted.is_some_and(|accepted| accepted.trim().eq_ignore_ascii_case(media_type))
    }

    /// The JSON body of a request that changes something, of any caller.
    ///
    /// # Errors
    /// The request comes from another site, or its body is not JSON, too large or too slow.
    pub(crate) fn json_of_anyone(self) -> Result<(Vec<u8>, Asker), ApiError> {
        self.check_origin()?;
        let is_json = self.is_json();
        query::nothing(&self.parameters).map_err(ApiError::BadRequest)?;
        if is_json { Ok((self.body?, self.asker)) } else { Err(ApiError::NotJson) }
    }

    /// The device that sends a request which only reads, and its parameters. A device asks for itself, and for what lies
    /// below it.
    ///
    /// # Errors
    /// The request comes under a host name that is not ours, or without the credential of such a device.
    pub(crate) async fn device(
        self,
        authority: &Authority,
        name: Option<&str>,
    ) -> Result<(String, Parameters), ApiError> {
        self.check_host()?;
        let device = self.recognized_device(authority, name).await?;
        Ok((device, self.parameters))
    }

    /// The device that sends a request, and its JSON body.
    ///
    /// # Errors
    /// As [`device`](Self::device), or the body is not JSON, too large or too slow.
    pub(crate) async fn json_of_device(
        self,
        authority: &Authority,
        name: &str,
    ) -> Result<(String, Vec<u8>), ApiError> {
        self.check_origin()?;
        query::nothing(&self.parameters).map_err(ApiError::BadRequest)?;
        let device = self.recognized_device(authority, Some(name)).await?;
        if self.is_json() { Ok((device, self.body?)) } else { Err(ApiError::NotJson) }
    }

    async fn recognized_device(&self, authority: &Authority, name: Option<&str>) -> Result<String, ApiError> {
        let needed =
            || ApiError::NotRecognized("send the credential of the device: Authorization: Basic".into());
        let header = self.header("authorization").ok_or_else(needed)?;
        let device = match authority.recognize_device(header).await {
            Err(Problem::NotRecognized) => return Err(needed()),
            device => device?,
        };
        let other = || ApiError::NotFound("this is no device of the credential".into());
        name.map_or_else(|| Ok(device.device.clone()), |name| device.asked_for(name).ok_or_else(other))
    }

    /// The revision that `If-Match` names (RFC 9110, 13.1.1): what our tags begin with.
    pub(crate) fn revision(&self) -> Wanted {
        let Some(tag) = self.header("if-match").map(str::trim).filter(|tag| *tag != "*") else {
            return Wanted::Any;
        };
        let revision = tag.trim_matches('"').split('-').next().and_then(|revision| revision.parse().ok());
        revision.map_or(Wanted::NoneOfOurs, Wanted::Revision)
    }

    /// Whether there is anything in the body.
    pub(crate) fn has_body(&self) -> bool {
        self.body.as_ref().map_or(true, |body| !body.is_empty())
    }

    fn is_json(&self) -> bool {
        let kind = self.header("content-type").and_then(|kind| kind.split(';').next());
        kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
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
