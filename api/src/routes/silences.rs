//! `GET` and `POST /api/silences`, and `DELETE /api/silences/<id>`.

use jiff::SignedDuration;
use warp::http::{Method, StatusCode};
use warp::reply::{Reply, Response};
use warp::{Filter, Rejection};

use crate::context::Api;
use crate::error::ApiError;
use crate::forms::{self, Silence};
use crate::guards::{MAX_BODY_BYTES, Request, requests};
use crate::query::{self, Parameters};
use crate::requests::read_silence;
use crate::response::json;
use crate::selection::add_silences;

/// The parameters that there are.
pub(super) const PARAMETERS: &[&str] = &["all"];

/// Silences that ended this many hours ago are listed, at most, where ended ones are asked for.
const ENDED_HOURS: i64 = 30 * 24;

pub(super) fn routes(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    silences(api).or(silence(api)).unify()
}

fn silences(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let requests = requests(&api.site, api.limits, MAX_BODY_BYTES);
    let api = api.clone();
    warp::path!("api" / "silences").and(requests).then(move |request| {
        let api = api.clone();
        async move { api.limits.within(list_or_add(&api, request)).await.unwrap_or_else(ApiError::into_response) }
    })
}

fn silence(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let requests = requests(&api.site, api.limits, MAX_BODY_BYTES);
    let api = api.clone();
    warp::path!("api" / "silences" / String).and(requests).then(move |id: String, request| {
        let api = api.clone();
        async move { api.limits.within(end(&api, &id, request)).await.unwrap_or_else(ApiError::into_response) }
    })
}

async fn list_or_add(api: &Api, request: Request) -> Result<Response, ApiError> {
    match request.method {
        Method::GET | Method::HEAD => Ok(json(StatusCode::OK, list(api, request.reads()?).await?)),
        Method::POST => Ok(json(StatusCode::CREATED, add(api, &request.json()?).await?)),
        _ => Err(ApiError::Method("GET, HEAD, POST")),
    }
}

async fn list(api: &Api, parameters: Parameters) -> Result<String, ApiError> {
    let ended_too = read(parameters).map_err(ApiError::BadRequest)?;
    let hours = SignedDuration::from_hours(if ended_too { ENDED_HOURS } else { 0 });
    let silences = api.alerts.silences(api.clock.wall() - hours).await?;
    Ok(forms::list("silences", silences.iter().map(Silence::from)))
}

async fn add(api: &Api, body: &[u8]) -> Result<String, ApiError> {
    let now = api.clock.wall();
    let silence = read_silence(body, now).map_err(ApiError::BadRequest)?;
    add_silences(api.alerts.as_ref(), std::slice::from_ref(&silence), now).await?;
    Ok(forms::text(&Silence::from(&silence)))
}

async fn end(api: &Api, id: &str, request: Request) -> Result<Response, ApiError> {
    if request.method != Method::DELETE {
        return Err(ApiError::Method("DELETE"));
    }
    request.changes()?;
    if api.alerts.end_silence(id, api.clock.wall()).await? {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    Err(ApiError::NotFound("there is no such silence: GET /api/silences lists them".into()))
}

/// Whether silences that have ended are asked for, too.
///
/// # Errors
/// Says which parameter is wrong and what it may be.
fn read(mut parameters: Parameters) -> Result<bool, String> {
    let all = query::truth(&mut parameters, "all")?;
    query::nothing_left(&parameters, PARAMETERS)?;
    Ok(all.unwrap_or(false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silences_that_have_ended_are_asked_for() {
        assert_eq!(query::read(read, &[]), Ok(false));
        assert_eq!(query::read(read, &[("all", "true")]), Ok(true));
        assert!(query::read(read, &[("all", "yes")]).unwrap_err().contains("all must be true or false"));
        assert!(query::read(read, &[("device", "a")]).unwrap_err().contains("unknown parameter device"));
    }
}
