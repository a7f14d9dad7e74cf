//! `GET` and `POST /api/users`, `PATCH` and `DELETE /api/users/<username>`.

use access::{Action, NewUser, UserChange};
use serde::Deserialize;
use warp::http::{Method, StatusCode};
use warp::reply::{Reply, Response};
use warp::{Filter, Rejection};

use super::{given, read, read_role, read_scope};
use crate::context::Api;
use crate::error::ApiError;
use crate::forms::{self, User};
use crate::guards::{MAX_BODY_BYTES, Request, requests};
use crate::query;
use crate::response::json;

/// The body of `POST /api/users`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Added {
    username: String,
    email: Option<String>,
    password: String,
    role: String,
    #[serde(default)]
    filters: Vec<String>,
}

/// The body of `PATCH /api/users/<username>`; what is missing stays as it is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Changed {
    #[serde(default, deserialize_with = "given")]
    email: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    password: Option<String>,
    #[serde(default, deserialize_with = "given")]
    role: Option<String>,
    #[serde(default, deserialize_with = "given")]
    filters: Option<Vec<String>>,
}

pub(super) fn routes(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    all(api).or(one(api)).unify()
}

fn all(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let requests = requests(api, MAX_BODY_BYTES);
    let api = api.clone();
    warp::path!("api" / "users").and(requests).then(move |request: Request| {
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
    warp::path!("api" / "users" / String).and(requests).then(move |name: String, request: Request| {
        let api = api.clone();
        async move {
            let answer = match request.method {
                Method::PATCH => change(&api, &name, request).await,
                Method::DELETE => remove(&api, &name, request).await,
                _ => Err(ApiError::Method("PATCH, DELETE")),
            };
            answer.unwrap_or_else(ApiError::into_response)
        }
    })
}

async fn list(api: &Api, request: Request) -> Result<Response, ApiError> {
    let (parameters, _) = request.reads(Action::Users).await?;
    query::nothing(&parameters).map_err(ApiError::BadRequest)?;
    let users = api.access.users().await?;
    Ok(json(StatusCode::OK, forms::list("users", users.iter().map(User::from))))
}

async fn add(api: &Api, request: Request) -> Result<Response, ApiError> {
    let (body, caller) = request.json(Action::Users).await?;
    let Added { username, email, password, role, filters } = read(&body)?;
    let (role, scope) = (read_role(&role)?, read_scope(&filters)?);
    let user = api.access.add_user(&caller, NewUser { username, email, password, role, scope }).await?;
    Ok(json(StatusCode::CREATED, forms::text(&User::from(&user))))
}

async fn change(api: &Api, name: &str, request: Request) -> Result<Response, ApiError> {
    let (body, caller) = request.json(Action::Users).await?;
    let Changed { email, password, role, filters } = read(&body)?;
    let role = role.as_deref().map(read_role).transpose()?;
    let scope = filters.as_deref().map(read_scope).transpose()?;
    let user = api.access.set_user(&caller, name, UserChange { email, password, role, scope }).await?;
    Ok(json(StatusCode::OK, forms::text(&User::from(&user))))
}

async fn remove(api: &Api, name: &str, request: Request) -> Result<Response, ApiError> {
    let caller = request.changes(Action::Users).await?;
    api.access.remove_user(&caller, name).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
