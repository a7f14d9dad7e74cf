//! Requests that only read.

use std::sync::Mutex;

use access::{Action, Caller};
use warp::http::HeaderMap;
use warp::reply::Response;
use warp::{Filter, Rejection};

use super::caller::{Asker, asker};
use super::{Site, parameters};
use crate::context::Api;
use crate::error::ApiError;
use crate::query::Parameters;

/// The request came under a host name that is not ours.
#[derive(Debug)]
pub(crate) struct UnknownHost;

impl warp::reject::Reject for UnknownHost {}

/// The request names two hosts.
#[derive(Debug)]
pub(crate) struct TwoHosts;

impl warp::reject::Reject for TwoHosts {}

/// Passes a request with at most one `Host`: the checks and a proxy in front could otherwise each see another one.
pub fn one_host() -> impl Filter<Extract = (), Error = Rejection> + Copy {
    warp::header::headers_cloned()
        .and_then(async |headers: HeaderMap| match headers.get_all("host").iter().count() {
            0 | 1 => Ok(()),
            _ => Err(warp::reject::custom(TwoHosts)),
        })
        .untuple_one()
}

/// The caller may not ask for this.
#[derive(Debug)]
pub(crate) struct Refused(Mutex<Option<ApiError>>);

impl warp::reject::Reject for Refused {}

impl Refused {
    /// Rejects the request with this answer.
    pub(super) fn reject(error: ApiError) -> Rejection {
        warp::reject::custom(Self(Mutex::new(Some(error))))
    }

    /// The answer, once.
    pub(crate) fn answer(&self) -> Option<Response> {
        self.0.lock().ok()?.take().map(ApiError::into_response)
    }
}

/// Passes a `GET` or `HEAD` under one of our names of a caller who may do this, with its parameters.
pub(crate) fn reads(
    api: &Api,
    action: Action,
) -> impl Filter<Extract = (Parameters, Caller), Error = Rejection> + Clone + use<> {
    let check = move |parameters, asker: Asker| async move {
        let caller = asker.may(action).await.map_err(Refused::reject)?;
        Ok::<_, Rejection>((parameters, caller))
    };
    public(&api.site).and(asker(api)).and_then(check).untuple_one()
}

/// Passes a `GET` or `HEAD` under one of our names of any caller, with its parameters.
pub(crate) fn public(site: &Site) -> impl Filter<Extract = (Parameters,), Error = Rejection> + Clone + use<> {
    let check = async |known| if known { Ok(()) } else { Err(warp::reject::custom(UnknownHost)) };
    method().and(site.is_known()).and_then(check).untuple_one().and(parameters())
}

/// Passes `GET` and `HEAD`; the body of an answer to `HEAD` is not sent.
fn method() -> impl Filter<Extract = (), Error = Rejection> + Copy {
    warp::get().or(warp::head()).unify()
}
