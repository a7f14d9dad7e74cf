//! `GET /api/incidents`, `POST /api/acknowledgements`, and many incidents at once.

pub(super) mod many;
mod pages;

use access::{Action, Caller};
use jiff::Timestamp;
use store::{Change, IncidentQuery, Severity, SilenceIndex, Store, TextCodec as _};
use telemetry::Scope;
use warp::http::{Method, StatusCode};
use warp::reply::Response;
use warp::{Filter, Rejection};

use crate::context::Api;
use crate::error::ApiError;
use crate::forms::{self, Incident, Time};
use crate::guards::{MAX_BODY_BYTES, Request, reads, requests};
use crate::query::{self, DEFAULT_LIMIT, MAX_LIMIT, Parameters};
use crate::requests::read_acknowledgement;
use crate::response::{answer, json};

/// The parameters that there are.
pub(super) const PARAMETERS: &[&str] =
    &["id", "rule", "device", "metric", "severity", "state", "acknowledged", "from", "to", "after", "limit"];

pub(super) fn routes(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    incidents(api).or(acknowledgements(api)).unify().or(many::routes(api)).unify()
}

fn incidents(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let context = api.clone();
    warp::path!("api" / "incidents").and(reads(api, Action::Read)).then(move |parameters, caller| {
        let api = context.clone();
        async move { answer(api.limits.within(list(&api, parameters, caller)).await) }
    })
}

fn acknowledgements(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let requests = requests(api, MAX_BODY_BYTES);
    let api = api.clone();
    warp::path!("api" / "acknowledgements").and(requests).then(move |request| {
        let api = api.clone();
        async move { api.limits.within(acknowledge(&api, request)).await.unwrap_or_else(ApiError::into_response) }
    })
}

async fn list(api: &Api, parameters: Parameters, caller: Caller) -> Result<String, ApiError> {
    let query = read(parameters).map_err(ApiError::BadRequest)?;
    let query = IncidentQuery { scope: caller.scope, ..query };
    pages::page(api.alerts.as_ref(), query, api.clock.wall()).await
}

/// The silences that last now.
async fn silences(store: &dyn Store, now: Timestamp) -> Result<SilenceIndex, ApiError> {
    Ok(SilenceIndex::new(store.silences(now).await?))
}

/// Answers the acknowledged incident. The first acknowledgement counts.
async fn acknowledge(api: &Api, request: Request) -> Result<Response, ApiError> {
    if request.method != Method::POST {
        return Err(ApiError::Method("POST"));
    }
    let (store, now) = (api.alerts.as_ref(), api.clock.wall());
    let (body, caller) = request.json(Action::Acknowledge).await?;
    let (id, mut acknowledgement) = read_acknowledgement(&body, now).map_err(ApiError::BadRequest)?;
    sign(&caller, &mut acknowledgement.by);
    if let Some(resolved_at) = find(store, &caller.scope, &id).await?.resolved_at {
        return Err(ApiError::Conflict(format!("it was resolved at {}", Time(resolved_at))));
    }
    let after = forms::text(&forms::Acknowledgement::from(&acknowledgement));
    let change = Change::Acknowledge { incidents: vec![id.clone()], acknowledgement };
    api.access.perform(&caller, change, ("acknowledge", &id), Some(after)).await?;
    let silences = silences(store, now).await?;
    let incident = find(store, &caller.scope, &id).await?;
    Ok(json(StatusCode::OK, forms::text(&Incident::under(&incident, &silences, now))))
}

/// A caller who is known signs with that name, whatever the request says.
pub(super) fn sign(caller: &Caller, by: &mut String) {
    if let Some(user) = &caller.user {
        by.clone_from(user);
    }
}

async fn find(store: &dyn Store, scope: &Scope, id: &str) -> Result<store::Incident, ApiError> {
    let query =
        IncidentQuery { id: Some(id.to_owned()), scope: scope.clone(), limit: 1, ..IncidentQuery::default() };
    let unknown =
        || ApiError::NotFound("there is no incident with this id: GET /api/incidents lists them".into());
    store.incidents(&query).await?.pop().ok_or_else(unknown)
}

/// # Errors
/// Says which parameter is wrong and what it may be.
fn read(mut parameters: Parameters) -> Result<IncidentQuery, String> {
    let query = IncidentQuery {
        id: query::text(&mut parameters, "id")?,
        after: query::cursor(&mut parameters)?,
        limit: query::number(&mut parameters, "limit", MAX_LIMIT)?.unwrap_or(DEFAULT_LIMIT),
        ..filters(&mut parameters)?
    };
    query::nothing_left(&parameters, PARAMETERS)?;
    Ok(query)
}

/// What incidents have in common.
fn filters(parameters: &mut Parameters) -> Result<IncidentQuery, String> {
    let (from, to) = query::times(parameters)?;
    let severities = [Severity::Info, Severity::Warning, Severity::Critical];
    let words = severities.map(|severity| (severity.word(), severity));
    Ok(IncidentQuery {
        rule: query::text(parameters, "rule")?,
        metric: query::text(parameters, "metric")?,
        device: query::filter(parameters, "device")?,
        severity: query::one_of(parameters, "severity", &words)?,
        open: query::one_of(parameters, "state", &[("open", true), ("resolved", false)])?,
        acknowledged: query::truth(parameters, "acknowledged")?,
        from,
        to,
        ..IncidentQuery::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn incidents_are_found_by_everything_that_tells_them_apart() {
        let all = query::read(read, &[]).unwrap();
        assert_eq!((all.limit, all.open, all.device.is_none()), (DEFAULT_LIMIT, None, true));
        let some = [("device", "site-a/#"), ("severity", "critical"), ("state", "resolved"), ("limit", "5")];
        let some = query::read(read, &some).unwrap();
        assert_eq!((some.device.unwrap().as_str(), some.open, some.limit), ("site-a/#", Some(false), 5));
        assert_eq!(some.severity, Some(Severity::Critical));
        let seen = query::read(read, &[("acknowledged", "true"), ("from", "0"), ("id", "a/b/1")]).unwrap();
        assert_eq!((seen.acknowledged, seen.from), (Some(true), Some(Timestamp::UNIX_EPOCH)));
        assert_eq!(seen.id.as_deref(), Some("a/b/1"));
        for (parameter, expected) in [
            (("device", "a+"), "device: + and # stand for whole levels"),
            (("severity", "high"), "severity must be info or warning or critical"),
            (("state", "firing"), "state must be open or resolved"),
            (("acknowledged", "1"), "acknowledged must be true or false"),
            (("limit", "0"), "limit must be"),
            (("after", "x"), "after must be the `next` of an earlier answer"),
            (("stat", "open"), "unknown parameter stat: there are id, rule, device"),
        ] {
            let error = query::read(read, &[parameter]).unwrap_err();
            assert!(error.contains(expected), "{parameter:?}: {error}");
        }
    }
}
