//! `GET` and `POST /api/silences`, and `DELETE /api/silences/<id>`.

use access::{Action, Caller, Decision};
use jiff::{SignedDuration, Timestamp};
use store::Change;
use telemetry::Scope;
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
use crate::routes::incidents::sign;
use crate::selection::check_room;

/// The parameters that there are.
pub(super) const PARAMETERS: &[&str] = &["all"];

/// Silences that ended this many hours ago are listed, at most, where ended ones are asked for.
const ENDED_HOURS: i64 = 30 * 24;

pub(super) fn routes(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    silences(api).or(silence(api)).unify()
}

fn silences(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let requests = requests(api, MAX_BODY_BYTES);
    let api = api.clone();
    warp::path!("api" / "silences").and(requests).then(move |request| {
        let api = api.clone();
        async move { api.limits.within(list_or_add(&api, request)).await.unwrap_or_else(ApiError::into_response) }
    })
}

fn silence(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let requests = requests(api, MAX_BODY_BYTES);
    let api = api.clone();
    warp::path!("api" / "silences" / String).and(requests).then(move |id: String, request| {
        let api = api.clone();
        async move { api.limits.within(end(&api, &id, request)).await.unwrap_or_else(ApiError::into_response) }
    })
}

async fn list_or_add(api: &Api, request: Request) -> Result<Response, ApiError> {
    match request.method {
        Method::GET | Method::HEAD => list(api, request).await,
        Method::POST => add(api, request).await,
        _ => Err(ApiError::Method("GET, HEAD, POST")),
    }
}

async fn list(api: &Api, request: Request) -> Result<Response, ApiError> {
    let (parameters, caller) = request.reads(Action::Read).await?;
    let ended_too = read(parameters).map_err(ApiError::BadRequest)?;
    let hours = SignedDuration::from_hours(if ended_too { ENDED_HOURS } else { 0 });
    let mut silences = api.alerts.silences(api.clock.wall() - hours).await?;
    silences.retain(|silence| concerns(silence, &caller.scope));
    Ok(json(StatusCode::OK, forms::list("silences", silences.iter().map(Silence::from))))
}

/// Whether a silence may hold back a notification about one of these devices.
fn concerns(silence: &store::Silence, scope: &Scope) -> bool {
    scope.intersection(&Scope::new([silence.device.clone()])).is_some()
}

async fn add(api: &Api, request: Request) -> Result<Response, ApiError> {
    let now = api.clock.wall();
    let (body, caller) = request.json(Action::Silence).await?;
    let mut silence = read_silence(&body, now).map_err(ApiError::BadRequest)?;
    sign(&caller, &mut silence.by);
    check_scope(&caller, &silence)?;
    add_silences(api, &caller, std::slice::from_ref(&silence), now).await?;
    Ok(json(StatusCode::CREATED, forms::text(&Silence::from(&silence))))
}

/// Only devices that the caller sees can be silenced.
fn check_scope(caller: &Caller, silence: &store::Silence) -> Result<(), ApiError> {
    if caller.scope.covers(&silence.device) {
        return Ok(());
    }
    Err(ApiError::NotFound(Decision::OutsideFilters.why()))
}

/// Adds silences in the name of a caller, in one transaction.
///
/// # Errors
/// There would be too many, or the store does not answer: nothing was changed.
pub(super) async fn add_silences(
    api: &Api,
    caller: &Caller,
    silences: &[store::Silence],
    now: Timestamp,
) -> Result<(), ApiError> {
    check_room(api.alerts.as_ref(), silences.len(), now).await?;
    let after = forms::list("silences", silences.iter().map(Silence::from));
    let target = match silences {
        [one] => one.id.clone(),
        many => format!("{} silences", many.len()),
    };
    api.access
        .perform(caller, Change::AddSilences(silences.to_vec()), ("add silence", &target), Some(after))
        .await?;
    Ok(())
}

async fn end(api: &Api, id: &str, request: Request) -> Result<Response, ApiError> {
    if request.method != Method::DELETE {
        return Err(ApiError::Method("DELETE"));
    }
    let caller = request.changes(Action::Silence).await?;
    let unknown = || ApiError::NotFound("there is no such silence: GET /api/silences lists them".into());
    let now = api.clock.wall();
    if !caller.scope.is_all() {
        let silences = api.alerts.silences(now).await?;
        let silence = silences.iter().find(|silence| silence.id == id).ok_or_else(unknown)?;
        check_scope(&caller, silence)?;
    }
    let change = Change::EndSilence { id: id.to_owned(), at: now };
    api.access.perform(&caller, change, ("end silence", id), None).await?.ok_or_else(unknown)?;
    Ok(StatusCode::NO_CONTENT.into_response())
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
