//! `POST /api/token` and `GET /api/jwks.json`: signed tokens, and the keys that verify them.

use serde::Deserialize;
use warp::http::{Method, StatusCode};
use warp::reply::Response;
use warp::{Filter, Rejection};

use super::read;
use crate::context::Api;
use crate::error::ApiError;
use crate::forms::{self, Token};
use crate::guards::{MAX_BODY_BYTES, Request, public, requests};
use crate::query;
use crate::response::{answer, json};

/// The body of `POST /api/token`, where the request comes without a key or a session.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Login {
    username: String,
    password: String,
}

pub(super) fn routes(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    token(api).or(keys(api)).unify()
}

fn token(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let requests = requests(api, MAX_BODY_BYTES);
    let api = api.clone();
    warp::path!("api" / "token").and(requests).then(move |request: Request| {
        let api = api.clone();
        async move { make(&api, request).await.unwrap_or_else(ApiError::into_response) }
    })
}

fn keys(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let context = api.clone();
    warp::path!("api" / "jwks.json").and(public(&api.site)).then(move |parameters| {
        let api = context.clone();
        async move {
            let keys = async {
                query::nothing(&parameters).map_err(ApiError::BadRequest)?;
                Ok(api.access.public_keys().await?.to_string())
            };
            answer(keys.await)
        }
    })
}

async fn make(api: &Api, request: Request) -> Result<Response, ApiError> {
    if request.method != Method::POST {
        return Err(ApiError::Method("POST"));
    }
    let (token, expires_at) = if request.has_body() {
        let (body, asker) = request.json_of_anyone()?;
        let Login { username, password } = read(&body)?;
        api.access.token_for_password(&username, &password, asker.address).await?
    } else {
        let caller = request.changes_of_anyone()?.recognized()?;
        api.access.token(&caller).await?
    };
    Ok(json(StatusCode::OK, forms::text(&Token { token, expires_at: expires_at.into() })))
}
