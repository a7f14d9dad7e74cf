//! `GET /api/analytics/…` and `GET /analyze`: how series look beside their own past. Computed from the store when it is asked for.

mod historical;
mod realtime;
pub(super) mod select;
mod short;

use warp::filters::BoxedFilter;
use warp::{Filter, reply::Response};

use crate::cached::Cached;
use crate::context::Api;

#[cfg(test)]
pub(super) use self::historical::{OF_DEVICE as DEVICE_PARAMETERS, PARAMETERS as HISTORICAL_PARAMETERS};
#[cfg(test)]
pub(super) use self::realtime::PARAMETERS as REALTIME_PARAMETERS;
#[cfg(test)]
pub(super) use self::short::PARAMETERS as SHORT_PARAMETERS;

pub(super) fn routes(api: &Api) -> BoxedFilter<(Response,)> {
    let cached = Cached::new(api.cache.clone());
    realtime::route(api, &cached)
        .or(historical::route(api, &cached))
        .unify()
        .or(historical::of_device(api, &cached))
        .unify()
        .or(short::route(api, &cached))
        .unify()
        .boxed()
}
