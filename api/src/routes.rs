//! The routes, one module for each domain.

mod access;
mod attributes;
mod broker;
mod clock;
mod commands;
mod completeness;
mod devices;
mod incidents;
mod inputs;
mod openapi;
mod pipeline;
mod readings;
mod rejected;
mod series;
mod silences;
mod words;

use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use crate::context::Api;
use crate::guards::limited;

pub use self::openapi::OPENAPI;

/// All routes under `/api`.
///
/// Recover from their rejections with [`refuse`](crate::refuse), and send every answer through
/// [`finish`](crate::finish). Boxed: the type of all routes together is deeper than the compiler follows.
pub fn routes(api: &Api) -> BoxedFilter<(Response,)> {
    let all = series::route(api)
        .or(pipeline::route(api))
        .unify()
        .or(broker::route(api))
        .unify()
        .or(clock::route(api))
        .unify()
        .or(inputs::routes(api))
        .unify()
        .or(readings::route(api))
        .unify()
        .or(incidents::routes(api))
        .unify()
        .or(rejected::routes(api))
        .unify()
        .or(completeness::route(api))
        .unify()
        .or(attributes::route(api))
        .unify()
        .or(words::route(api))
        .unify()
        .or(openapi::route(api))
        .unify()
        .or(silences::routes(api))
        .unify()
        .or(devices::routes(api))
        .unify()
        .or(commands::routes(api))
        .unify()
        .or(access::routes(api))
        .unify()
        .boxed();
    limited(api, all)
}
