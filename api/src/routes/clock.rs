//! `GET /api/clock`: when the broker's clock was wrong.

use access::Action;
use warp::reply::Response;
use warp::{Filter, Rejection};

use crate::context::Api;
use crate::error::ApiError;
use crate::forms::{self, ClockPeriod};
use crate::guards::reads;
use crate::query::{self, Parameters};
use crate::response::answer;

pub(super) fn route(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let context = api.clone();
    warp::path!("api" / "clock").and(reads(api, Action::Read)).then(move |parameters, _| {
        let api = context.clone();
        async move { answer(api.limits.within(list(&api, parameters)).await) }
    })
}

async fn list(api: &Api, parameters: Parameters) -> Result<String, ApiError> {
    query::nothing(&parameters).map_err(ApiError::BadRequest)?;
    let runs = api.alerts.clock_runs().await?;
    Ok(forms::list("periods", ClockPeriod::all(&runs).into_iter()))
}
