//! `GET /api/sessions` and `DELETE /api/sessions/<id>`.

use access::{Action, Caller, may};
use warp::http::{Method, StatusCode};
use warp::reply::{Reply, Response};
use warp::{Filter, Rejection};

use crate::context::Api;
use crate::error::ApiError;
use crate::forms::{self, Session};
use crate::guards::{MAX_BODY_BYTES, Request, requests};
use crate::query::{self, Parameters};
use crate::response::json;

/// The parameters that there are.
pub(in crate::routes) const PARAMETERS: &[&str] = &["user"];

pub(super) fn routes(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    all(api).or(one(api)).unify()
}

fn all(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let requests = requests(api, MAX_BODY_BYTES);
    let api = api.clone();
    warp::path!("api" / "sessions").and(requests).then(move |request: Request| {
        let api = api.clone();
        async move { list(&api, request).await.unwrap_or_else(ApiError::into_response) }
    })
}

fn one(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let requests = requests(api, MAX_BODY_BYTES);
    let api = api.clone();
    warp::path!("api" / "sessions" / String).and(requests).then(move |id: String, request: Request| {
        let api = api.clone();
        async move { end(&api, &id, request).await.unwrap_or_else(ApiError::into_response) }
    })
}

async fn list(api: &Api, request: Request) -> Result<Response, ApiError> {
    if !matches!(request.method, Method::GET | Method::HEAD) {
        return Err(ApiError::Method("GET, HEAD"));
    }
    let (parameters, caller) = request.reads(Action::Password).await?;
    let user = whose(parameters, &caller)?;
    let sessions = api.access.sessions(&user).await?;
    let rows = sessions.iter().map(|session| Session::new(session, caller.id.as_deref()));
    Ok(json(StatusCode::OK, forms::list("sessions", rows)))
}

async fn end(api: &Api, id: &str, request: Request) -> Result<Response, ApiError> {
    if request.method != Method::DELETE {
        return Err(ApiError::Method("DELETE"));
    }
    let (parameters, caller) = request.changes_selected(Action::Password).await?;
    let user = whose(parameters, &caller)?;
    api.access.end_session(&caller, &user, id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Whose sessions are meant: one's own, or those of the user whom an admin names.
fn whose(mut parameters: Parameters, caller: &Caller) -> Result<String, ApiError> {
    let named = query::text(&mut parameters, "user").map_err(ApiError::BadRequest)?;
    query::nothing_left(&parameters, PARAMETERS).map_err(ApiError::BadRequest)?;
    if let Some(name) = &named {
        access::check_username(name).map_err(ApiError::BadRequest)?;
    }
    let own = caller.user.clone().unwrap_or_default();
    match named {
        Some(named) if named != own => {
            let decision = may(caller, Action::Users, None);
            if decision.is_allowed() { Ok(named) } else { Err(ApiError::NotAllowed(decision.why())) }
        }
        _ => Ok(own),
    }
}
