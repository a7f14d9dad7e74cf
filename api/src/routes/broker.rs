//! `GET /api/broker`: where devices publish.

use access::{Action, Caller};
use warp::reply::Response;
use warp::{Filter, Rejection};

use crate::context::Api;
use crate::error::ApiError;
use crate::forms::{self, Broker};
use crate::guards::reads;
use crate::query;
use crate::response::answer;

pub(super) fn route(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let broker = api.broker.clone();
    warp::path!("api" / "broker").and(reads(api, Action::Read)).map(move |parameters, caller: Caller| {
        let form = || {
            let all = broker.form();
            // A client id may name a device that the caller does not see.
            let seen = if caller.scope.is_all() { all.contested_client_ids } else { Vec::new() };
            forms::text(&Broker { contested_client_ids: seen, ..all })
        };
        answer(query::nothing(&parameters).map_err(ApiError::BadRequest).map(|()| form()))
    })
}
