//! The routes, one module for each domain.

mod access;
mod analytics;
mod attributes;
mod broker;
mod clock;
mod commands;
mod completeness;
mod devices;
mod edges;
mod incidents;
mod ingest;
mod inputs;
mod openapi;
mod pipeline;
mod readings;
mod rejected;
mod series;
mod silences;
mod types;
mod words;

use service::{Health, Metrics};
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::{Reply, Response};

use crate::context::Api;
use crate::guards::{Rates, limited, one_host};
use crate::refuse::refuse;
use crate::response::finished;

pub(crate) use self::devices::Body as DeviceBody;

/// All routes under `/api`, and the short forms `/sensors` and `/metric`.
///
/// Recover from their rejections with [`refuse`](crate::refuse), and send every answer through
/// [`finished`](crate::finished). Boxed: the type of all routes together is deeper than the compiler follows.
pub fn routes(api: &Api) -> BoxedFilter<(Response,)> {
    let rates = Rates::new(api);
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
        // Or else a build without optimisation needs more stack than a thread has.
        .boxed()
        .or(edges::route(api))
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
        .or(analytics::routes(api))
        .unify()
        .or(types::routes(api))
        .unify()
        .or(access::routes(api))
        .unify()
        .boxed();
    // Readings first: there are many more of them.
    ingest::routes(api, rates.clone()).boxed().or(limited(api, rates, all)).unify().boxed()
}

/// What a program serves that takes readings and answers nothing else: the routes by which they come in, and its health.
pub fn ingest_routes(api: &Api, health: Health, metrics: &Metrics) -> BoxedFilter<(Response,)> {
    let admin = service::routes(health, metrics.clone()).map(Reply::into_response);
    let all = ingest::routes(api, Rates::new(api)).boxed().or(admin).unify();
    finished(metrics, one_host().and(all).recover(refuse).unify().boxed())
}
