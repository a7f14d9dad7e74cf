//! `GET` and `POST /api/devices/{name}/credentials`, and `DELETE /api/devices/{name}/credentials/{user}`.

use std::time::Duration;

use access::{Action, NewCredential, Rights};
use serde::Deserialize;
use tokio::time::Instant;
use warp::http::{Method, StatusCode};
use warp::reply::Response;
use warp::{Filter, Rejection};

use super::{must_see, name_of};
use crate::context::Api;
use crate::error::ApiError;
use crate::forms::{self, Credential};
use crate::guards::{MAX_BODY_BYTES, Request, requests};
use crate::query;
use crate::requests::read;
use crate::response::json;

/// How long an answer waits until the brokers have what was changed.
const IN_FORCE_WITHIN: Duration = Duration::from_secs(5);

/// How often it looks whether they have.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The body of `POST /api/devices/{name}/credentials`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    #[serde(default)]
    rights: Vec<String>,
    client_id: Option<String>,
    #[serde(default)]
    certificate_only: bool,
}

pub(super) fn routes(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    all(api).or(one(api)).unify()
}

fn all(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let requests = requests(api, MAX_BODY_BYTES);
    let api = api.clone();
    warp::path!("api" / "devices" / String / "credentials").and(requests).then(
        move |name: String, request: Request| {
            let api = api.clone();
            let answer = async move {
                let name = name_of(&name);
                match request.method {
                    Method::GET | Method::HEAD => list(&api, &name, request).await,
                    Method::POST => add(&api, &name, request).await,
                    _ => Err(ApiError::Method("GET, HEAD, POST")),
                }
            };
            async move { answer.await.unwrap_or_else(ApiError::into_response) }
        },
    )
}

fn one(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let requests = requests(api, MAX_BODY_BYTES);
    let api = api.clone();
    warp::path!("api" / "devices" / String / "credentials" / String).and(requests).then(
        move |name: String, user: String, request: Request| {
            let api = api.clone();
            let answer = async move { revoke(&api, &name_of(&name), &user, request).await };
            async move { answer.await.unwrap_or_else(ApiError::into_response) }
        },
    )
}

async fn list(api: &Api, name: &str, request: Request) -> Result<Response, ApiError> {
    let (parameters, caller) = request.reads(Action::Devices).await?;
    query::nothing(&parameters).map_err(ApiError::BadRequest)?;
    must_see(&caller, name)?;
    let credentials = api.store.credentials(Some(name)).await?;
    Ok(json(StatusCode::OK, forms::list("credentials", credentials.iter().map(Credential::from))))
}

async fn add(api: &Api, name: &str, request: Request) -> Result<Response, ApiError> {
    let (body, caller) = request.json(Action::Devices).await?;
    must_see(&caller, name)?;
    let New { rights, client_id, certificate_only } = read(&body).map_err(ApiError::BadRequest)?;
    let rights = Rights::read(rights.iter().map(String::as_str))
        .map_err(|e| ApiError::BadRequest(format!("rights: {e}")))?;
    // What others publish is not for a caller who sees only some devices to give away.
    if !rights.is_empty() && !caller.scope.is_all() {
        return Err(ApiError::NotAllowed("only an admin of all devices may give further rights".into()));
    }
    let new = NewCredential { rights, client_id, certificate_only };
    let (credential, password) = api.access.add_credential(&caller, name, new).await?;
    let in_force = Some(is_in_force(api).await);
    let form = Credential { password, in_force, ..Credential::from(&credential) };
    Ok(json(StatusCode::CREATED, forms::text(&form)))
}

async fn revoke(api: &Api, name: &str, user: &str, request: Request) -> Result<Response, ApiError> {
    if request.method != Method::DELETE {
        return Err(ApiError::Method("DELETE"));
    }
    let caller = request.changes(Action::Devices).await?;
    must_see(&caller, name)?;
    api.access.revoke_credential(&caller, name, user).await?;
    let in_force = is_in_force(api).await;
    Ok(json(StatusCode::OK, forms::text(&serde_json::json!({ "in_force": in_force }))))
}

/// Waits until the brokers have all changes up to now; false if they take longer, which goes on by itself.
async fn is_in_force(api: &Api) -> bool {
    let Ok(made) = api.store.registry_head().await else { return false };
    let until = Instant::now() + IN_FORCE_WITHIN;
    loop {
        match api.store.registry_head().await {
            Ok(head) if head.applied >= made.revision => return true,
            _ if Instant::now() >= until => return false,
            _ => tokio::time::sleep(LOOK_EVERY).await,
        }
    }
}
