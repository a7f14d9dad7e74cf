//! Requests that only read.

use warp::http::HeaderMap;
use warp::{Filter, Rejection};

use super::{Site, parameters};
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

/// Passes a `GET` or `HEAD` under one of our names, with its parameters.
pub(crate) fn reads(site: &Site) -> impl Filter<Extract = (Parameters,), Error = Rejection> + Clone + use<> {
    let check = async |known| if known { Ok(()) } else { Err(warp::reject::custom(UnknownHost)) };
    method().and(site.is_known()).and_then(check).untuple_one().and(parameters())
}

/// Passes `GET` and `HEAD`; the body of an answer to `HEAD` is not sent.
fn method() -> impl Filter<Extract = (), Error = Rejection> + Copy {
    warp::get().or(warp::head()).unify()
}
