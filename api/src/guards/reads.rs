//! Requests that only read.

use warp::{Filter, Rejection};

use super::{Site, parameters};
use crate::query::Parameters;

/// The request came under a host name that is not ours.
#[derive(Debug)]
pub(crate) struct UnknownHost;

impl warp::reject::Reject for UnknownHost {}

/// Passes a `GET` or `HEAD` under one of our names, with its parameters.
pub(crate) fn reads(site: &Site) -> impl Filter<Extract = (Parameters,), Error = Rejection> + Clone + use<> {
    let check = async |known| if known { Ok(()) } else { Err(warp::reject::custom(UnknownHost)) };
    method().and(site.is_known()).and_then(check).untuple_one().and(parameters())
}

/// Passes `GET` and `HEAD`; the body of an answer to `HEAD` is not sent.
fn method() -> impl Filter<Extract = (), Error = Rejection> + Copy {
    warp::get().or(warp::head()).unify()
}
