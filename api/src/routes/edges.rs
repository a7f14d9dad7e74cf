//! `GET /api/edges`: what edges stored, and what arrived of it.

use access::{Action, Caller};
use warp::reply::Response;
use warp::{Filter, Rejection};

use crate::context::Api;
use crate::error::ApiError;
use crate::forms::{self, Edge};
use crate::guards::reads;
use crate::query::{self, Parameters};
use crate::response::answer;

pub(super) fn route(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let context = api.clone();
    warp::path!("api" / "edges").and(reads(api, Action::Read)).then(move |parameters, caller| {
        let api = context.clone();
        async move { answer(list(&api, parameters, &caller).await) }
    })
}

async fn list(api: &Api, parameters: Parameters, caller: &Caller) -> Result<String, ApiError> {
    query::nothing(&parameters).map_err(ApiError::BadRequest)?;
    let mut runs = api.limits.within(api.history.uplink_runs()).await?;
    runs.retain(|run| caller.scope.holds(&run.edge));
    Ok(forms::list("edges", runs.iter().map(Edge::from)))
}
