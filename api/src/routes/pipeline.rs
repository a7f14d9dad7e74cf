//! `GET /api/pipeline`: how the stages are doing that a reading passes.

use access::Action;
use warp::reply::Response;
use warp::{Filter, Rejection};

use crate::context::Api;
use crate::error::ApiError;
use crate::guards::reads;
use crate::query;
use crate::response::answer;

pub(super) fn route(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let pipeline = api.pipeline.clone();
    warp::path!("api" / "pipeline").and(reads(api, Action::System)).map(move |parameters, _| {
        answer(query::nothing(&parameters).map_err(ApiError::BadRequest).map(|()| pipeline.json()))
    })
}
