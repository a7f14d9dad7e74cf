//! `GET /api/inputs`: what is published and read by no rule.

use warp::reply::Response;
use warp::{Filter, Rejection};

use crate::context::Api;
use crate::error::ApiError;
use crate::guards::reads;
use crate::query;
use crate::response::answer;

pub(super) fn route(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let inputs = api.inputs.clone();
    warp::path!("api" / "inputs").and(reads(&api.site)).map(move |parameters| {
        answer(query::nothing(&parameters).map_err(ApiError::BadRequest).map(|()| inputs.json()))
    })
}
