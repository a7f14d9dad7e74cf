//! Readings over HTTP: `POST /api/devices/{name}/data`, `POST /api/readings`, `POST /api/readings/{metric}/{name}`,
//! `POST /api/inputs/{topic}`, `POST /metric` and `POST /sensors`.
//!
//! They stand before all other routes: nothing of a request is done twice.

mod answer;
mod form;
mod incoming;
mod sender;
mod take;

use std::sync::Arc;

use warp::http::Method;
use warp::path::Tail;
use warp::reply::Response;
use warp::{Filter, Rejection};

use self::form::Form;
use self::incoming::{Incoming, incoming};
use super::devices::name_of;
use crate::context::Api;
use crate::error::ApiError;
use crate::guards::Rates;

/// What all of these routes need.
#[derive(Clone)]
struct Ingesting {
    api: Arc<Api>,
    rates: Arc<Rates>,
}

pub(super) fn routes(
    api: &Api,
    rates: Arc<Rates>,
) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let ingesting = Ingesting { api: Arc::new(api.clone()), rates };
    data(&ingesting)
        .or(one(&ingesting))
        .unify()
        .or(list(&ingesting))
        .unify()
        .or(short(&ingesting))
        .unify()
        .or(inputs(&ingesting))
        .unify()
}

/// `GET` is answered elsewhere, from what is stored.
fn data(ingesting: &Ingesting) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let ingesting = ingesting.clone();
    warp::path!("api" / "devices" / String / "data").and(but_reads()).and(incoming()).then(
        move |name: String, incoming| {
            ingesting.clone().answer(Form::Data(name_of(&name)), incoming, "GET, HEAD, POST")
        },
    )
}

fn one(ingesting: &Ingesting) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let ingesting = ingesting.clone();
    warp::path!("api" / "readings" / String / String).and(incoming()).then(
        move |metric: String, name: String, incoming| {
            let form = Form::One { metric, device: name_of(&name) };
            ingesting.clone().answer(form, incoming, "POST")
        },
    )
}

fn list(ingesting: &Ingesting) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let ingesting = ingesting.clone();
    warp::path!("api" / "readings")
        .and(but_reads())
        .and(incoming())
        .then(move |incoming| ingesting.clone().answer(Form::List, incoming, "GET, HEAD, POST"))
}

fn short(ingesting: &Ingesting) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let (metric, sensors) = (ingesting.clone(), ingesting.clone());
    let metric = warp::path!("metric")
        .and(incoming())
        .then(move |incoming| metric.clone().answer(Form::Metric, incoming, "POST"));
    let sensors = warp::path!("sensors")
        .and(but_reads())
        .and(incoming())
        .then(move |incoming| sensors.clone().answer(Form::Sensor, incoming, "GET, HEAD, POST"));
    metric.or(sensors).unify()
}

fn inputs(ingesting: &Ingesting) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let ingesting = ingesting.clone();
    let topic = warp::path::tail().and_then(async |tail: Tail| match tail.as_str() {
        "" | "rules" => Err(warp::reject::not_found()),
        topic => Ok(topic.to_owned()),
    });
    warp::path!("api" / "inputs" / ..).and(topic).and(incoming()).then(move |topic: String, incoming| {
        let form = form::input(&topic);
        let ingesting = ingesting.clone();
        async move {
            match form {
                Ok(form) => ingesting.answer(form, incoming, "POST").await,
                Err(error) => error.into_response(),
            }
        }
    })
}

/// Passes what does not only read.
fn but_reads() -> impl Filter<Extract = (), Error = Rejection> + Copy {
    warp::method()
        .and_then(async |method: Method| match method {
            Method::GET | Method::HEAD => Err(warp::reject::not_found()),
            _ => Ok(()),
        })
        .untuple_one()
}

impl Ingesting {
    async fn answer(self, form: Form, incoming: Incoming, methods: &'static str) -> Response {
        if incoming.head.method != Method::POST {
            return ApiError::Method(methods).into_response();
        }
        let counted = self.api.ingest.count();
        let mut left = None;
        let answer = take::take(&self.api, &self.rates, form, incoming, &mut left).await;
        let answer = self.rates.say(left, answer.unwrap_or_else(ApiError::into_response));
        counted.answered(answer.status());
        answer
    }
}
