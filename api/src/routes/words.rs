//! `GET /api/words`: the words that rules of the user have for values.

use access::Action;
use warp::reply::Response;
use warp::{Filter, Rejection};

use crate::context::Api;
use crate::error::ApiError;
use crate::forms;
use crate::guards::reads;
use crate::query;
use crate::response::answer;

pub(super) fn route(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let inputs = api.inputs.clone();
    warp::path!("api" / "words").and(reads(api, Action::Read)).map(move |parameters, _| {
        let document = || forms::list("words", forms::words::rows(&inputs.words()));
        answer(query::nothing(&parameters).map_err(ApiError::BadRequest).map(|()| document()))
    })
}
