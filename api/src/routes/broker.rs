//! `GET /api/broker`: where devices publish.

use warp::reply::Response;
use warp::{Filter, Rejection};

use crate::context::Api;
use crate::error::ApiError;
use crate::forms;
use crate::guards::reads;
use crate::query;
use crate::response::answer;

pub(super) fn route(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let broker = api.broker.clone();
    warp::path!("api" / "broker").and(reads(&api.site)).map(move |parameters| {
        answer(
            query::nothing(&parameters).map_err(ApiError::BadRequest).map(|()| forms::text(&broker.form())),
        )
    })
}
