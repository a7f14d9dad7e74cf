//! `POST` and `DELETE /api/session`, `GET /api/me` and `POST /api/password`.

use access::Action;
use serde::Deserialize;
use warp::http::{HeaderValue, Method, StatusCode};
use warp::reply::{Reply, Response};
use warp::{Filter, Rejection};

use super::read;
use crate::context::Api;
use crate::error::ApiError;
use crate::forms::{self, Me};
use crate::guards::{Asker, MAX_BODY_BYTES, Request, requests};
use crate::query;
use crate::response::json;

/// The body of `POST /api/session`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Login {
    username: String,
    password: String,
}

/// The body of `POST /api/password`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewPassword {
    old_password: String,
    password: String,
}

pub(super) fn routes(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    session(api).or(me(api)).unify().or(password(api)).unify()
}

fn session(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let requests = requests(api, MAX_BODY_BYTES);
    let api = api.clone();
    warp::path!("api" / "session").and(requests).then(move |request: Request| {
        let api = api.clone();
        async move {
            let answer = match request.method {
                Method::POST => log_in(&api, request).await,
                Method::DELETE => log_out(&api, request).await,
                _ => Err(ApiError::Method("POST, DELETE")),
            };
            answer.unwrap_or_else(ApiError::into_response)
        }
    })
}

fn me(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let requests = requests(api, MAX_BODY_BYTES);
    warp::path!("api" / "me")
        .and(requests)
        .then(async |request| show(request).await.unwrap_or_else(ApiError::into_response))
}

fn password(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let requests = requests(api, MAX_BODY_BYTES);
    let api = api.clone();
    warp::path!("api" / "password").and(requests).then(move |request: Request| {
        let api = api.clone();
        async move { change(&api, request).await.unwrap_or_else(ApiError::into_response) }
    })
}

async fn log_in(api: &Api, request: Request) -> Result<Response, ApiError> {
    let (body, asker) = request.json_of_anyone()?;
    let Login { username, password } = read(&body)?;
    let is_secure = asker.is_secure();
    let logged_in = api.access.log_in(&username, &password, asker.address, asker.session.as_deref()).await?;
    let answer = json(StatusCode::OK, forms::text(&Me::from(&logged_in.caller)));
    Ok(with_cookie(answer, &Asker::cookie(is_secure, Some(&logged_in.token))))
}

async fn log_out(api: &Api, request: Request) -> Result<Response, ApiError> {
    let asker = request.changes_of_anyone()?;
    if let Some(token) = &asker.session {
        api.access.end_token(token).await?;
    }
    Ok(with_cookie(StatusCode::NO_CONTENT.into_response(), &Asker::cookie(asker.is_secure(), None)))
}

fn with_cookie(mut answer: Response, cookie: &str) -> Response {
    let cookie = HeaderValue::from_str(cookie).expect("a cookie of ours is plain ASCII");
    answer.headers_mut().insert("set-cookie", cookie);
    answer
}

async fn show(request: Request) -> Result<Response, ApiError> {
    if !matches!(request.method, Method::GET | Method::HEAD) {
        return Err(ApiError::Method("GET, HEAD"));
    }
    let (parameters, caller) = request.reads_of_anyone()?;
    query::nothing(&parameters).map_err(ApiError::BadRequest)?;
    Ok(json(StatusCode::OK, forms::text(&Me::from(&caller))))
}

async fn change(api: &Api, request: Request) -> Result<Response, ApiError> {
    if request.method != Method::POST {
        return Err(ApiError::Method("POST"));
    }
    let (body, caller) = request.json(Action::Password).await?;
    let NewPassword { old_password, password } = read(&body)?;
    api.access.change_password(&caller, &old_password, &password).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
