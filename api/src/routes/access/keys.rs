//! `GET` and `POST /api/keys`, and `DELETE /api/keys/<id>`.

use access::{Action, Caller, NewKey, may};
use serde::Deserialize;
use warp::http::{Method, StatusCode};
use warp::reply::{Reply, Response};
use warp::{Filter, Rejection};

use super::{given, read, read_role, read_scope};
use crate::context::Api;
use crate::error::ApiError;
use crate::forms::{self, Key};
use crate::guards::{MAX_BODY_BYTES, Request, requests};
use crate::query;
use crate::response::json;

/// Days that a key lasts where the request does not say.
const DEFAULT_DAYS: u32 = 90;

/// The body of `POST /api/keys`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Added {
    name: String,
    role: String,
    /// The owner's own where it is missing.
    #[serde(default, deserialize_with = "given")]
    filters: Option<Vec<String>>,
    #[serde(default, deserialize_with = "given")]
    days: Option<u32>,
}

pub(super) fn routes(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    all(api).or(one(api)).unify()
}

fn all(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let requests = requests(api, MAX_BODY_BYTES);
    let api = api.clone();
    warp::path!("api" / "keys").and(requests).then(move |request: Request| {
        let api = api.clone();
        async move {
            let answer = match request.method {
                Method::GET | Method::HEAD => list(&api, request).await,
                Method::POST => add(&api, request).await,
                _ => Err(ApiError::Method("GET, HEAD, POST")),
            };
            answer.unwrap_or_else(ApiError::into_response)
        }
    })
}

fn one(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let requests = requests(api, MAX_BODY_BYTES);
    let api = api.clone();
    warp::path!("api" / "keys" / String).and(requests).then(move |id: String, request: Request| {
        let api = api.clone();
        async move { revoke(&api, &id, request).await.unwrap_or_else(ApiError::into_response) }
    })
}

async fn list(api: &Api, request: Request) -> Result<Response, ApiError> {
    let (parameters, caller) = request.reads(Action::Keys).await?;
    query::nothing(&parameters).map_err(ApiError::BadRequest)?;
    let keys = api.access.keys(owner(&caller).as_deref()).await?;
    Ok(json(StatusCode::OK, forms::list("keys", keys.iter().map(Key::from))))
}

async fn add(api: &Api, request: Request) -> Result<Response, ApiError> {
    let (body, caller) = request.json(Action::Keys).await?;
    let Added { name, role, filters, days } = read(&body)?;
    let role = read_role(&role)?;
    let scope = filters.as_deref().map_or_else(|| Ok(caller.scope.clone()), read_scope)?;
    let new = NewKey { name, role, scope, days: days.unwrap_or(DEFAULT_DAYS) };
    let owner = caller.user.clone().unwrap_or_default();
    let (key, shown) = api.access.add_key(&caller, &owner, new).await?;
    let form = Key { key: Some(shown), ..Key::from(&key) };
    Ok(json(StatusCode::CREATED, forms::text(&form)))
}

async fn revoke(api: &Api, id: &str, request: Request) -> Result<Response, ApiError> {
    if request.method != Method::DELETE {
        return Err(ApiError::Method("DELETE"));
    }
    let caller = request.changes(Action::Keys).await?;
    api.access.revoke_key(&caller, owner(&caller).as_deref(), id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Whose keys the caller sees: an admin those of everybody.
fn owner(caller: &Caller) -> Option<String> {
    let sees_all = may(caller, Action::Users, None).is_allowed();
    if sees_all { None } else { Some(caller.user.clone().unwrap_or_default()) }
}
