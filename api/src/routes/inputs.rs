//! `GET /api/inputs` and `POST /api/inputs/rules`: the rules by which messages are read, and what none of them reads.

use std::sync::Arc;

use access::Action;
use serde::Deserialize;
use store::Change;
use telemetry::MAX_ADDED_BYTES;
use warp::http::{Method, StatusCode};
use warp::reply::Response;
use warp::{Filter, Rejection};

use crate::context::{Api, InputRules};
use crate::error::ApiError;
use crate::forms;
use crate::guards::{self, MAX_BODY_BYTES, Request, reads};
use crate::query;
use crate::requests;
use crate::response::{answer, json};

/// Bytes of a body with rules: JSON writes a byte as six, at most.
const MAX_RULES_BODY_BYTES: usize = 6 * MAX_ADDED_BYTES + MAX_BODY_BYTES;

/// The body of `POST /api/inputs/rules`: rules as TOML, with `[[rule]]` above each.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewRules {
    rule: String,
}

pub(super) fn routes(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    inputs(api).or(rules(api)).unify()
}

fn inputs(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let inputs = api.inputs.clone();
    warp::path!("api" / "inputs").and(reads(api, Action::System)).map(move |parameters, _| {
        let document = || forms::text(&inputs.inputs());
        answer(query::nothing(&parameters).map_err(ApiError::BadRequest).map(|()| document()))
    })
}

fn rules(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let inputs = api.inputs.clone();
    let requests = guards::requests(api, MAX_RULES_BODY_BYTES);
    let api = api.clone();
    warp::path!("api" / "inputs" / "rules").and(requests).then(move |request| {
        let (inputs, api) = (inputs.clone(), api.clone());
        async move { add(&api, inputs, request).await.unwrap_or_else(ApiError::into_response) }
    })
}

async fn add(api: &Api, inputs: Arc<dyn InputRules>, request: Request) -> Result<Response, ApiError> {
    if request.method != Method::POST {
        return Err(ApiError::Method("POST"));
    }
    let (body, caller) = request.json(Action::Rules).await?;
    let NewRules { rule } = requests::read(&body).map_err(ApiError::BadRequest)?;
    let after = serde_json::json!({ "rule": rule }).to_string();
    // A file is written: not in the way of other requests.
    let added = tokio::task::spawn_blocking(move || inputs.add(&rule)).await;
    let added = added.map_err(|_| ApiError::NotAdded)??;
    api.access.perform(&caller, Change::Nothing, ("add rules", "inputs"), Some(after)).await?;
    Ok(json(StatusCode::CREATED, forms::text(&added)))
}
