//! Many incidents at once: `GET /api/incidents/groups`, `POST /api/incidents/acknowledgements` and
//! `POST /api/incidents/silences`.

use access::{Action, Caller};
use serde::Serialize;
use store::{Change, IncidentQuery};
use warp::http::{Method, StatusCode};
use warp::reply::Response;
use warp::{Filter, Rejection};

use super::super::silences::add_silences;
use super::{filters, sign, silences};
use crate::context::Api;
use crate::error::ApiError;
use crate::forms::{self, IncidentGroup, Silence};
use crate::groups::{GroupBy, groups};
use crate::guards::{Request, reads, requests};
use crate::query::{self, DEFAULT_LIMIT, Parameters};
use crate::requests::{read_acknowledgements, read_silences};
use crate::response::{answer, json};
use crate::selection::{selected, silences_for};

/// The parameters that groups have.
pub(crate) const PARAMETERS: &[&str] =
    &["by", "rule", "device", "metric", "severity", "state", "acknowledged", "from", "to", "limit"];

/// Incidents that are counted for groups, at most.
const MAX_COUNTED: usize = 100_000;

/// Groups in one answer, at most.
const MAX_GROUPS: usize = 1_000;

/// Bytes of a body, at most: it may have ten thousand ids.
const MAX_BODY_BYTES: usize = 2 * 1024 * 1024;

pub(super) fn routes(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    grouped(api).or(acknowledgements(api)).unify().or(bulk_silences(api)).unify()
}

fn grouped(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let context = api.clone();
    warp::path!("api" / "incidents" / "groups").and(reads(api, Action::Read)).then(
        move |parameters, caller| {
            let api = context.clone();
            async move { answer(api.limits.within(list(&api, parameters, caller)).await) }
        },
    )
}

fn acknowledgements(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let requests = requests(api, MAX_BODY_BYTES);
    let api = api.clone();
    warp::path!("api" / "incidents" / "acknowledgements").and(requests).then(move |request| {
        let api = api.clone();
        async move { api.limits.within(acknowledge(&api, request)).await.unwrap_or_else(ApiError::into_response) }
    })
}

fn bulk_silences(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let requests = requests(api, MAX_BODY_BYTES);
    let api = api.clone();
    warp::path!("api" / "incidents" / "silences").and(requests).then(move |request| {
        let api = api.clone();
        async move { api.limits.within(silence(&api, request)).await.unwrap_or_else(ApiError::into_response) }
    })
}

/// The answer of `GET /api/incidents/groups`.
#[derive(Serialize)]
struct Groups {
    groups: Vec<IncidentGroup>,
    /// How many groups there are, shown or not.
    total: usize,
    /// Whether all incidents were counted.
    complete: bool,
}

async fn list(api: &Api, parameters: Parameters, caller: Caller) -> Result<String, ApiError> {
    let (by, limit, query) = read(parameters).map_err(ApiError::BadRequest)?;
    let query = IncidentQuery { scope: caller.scope, ..query };
    let (store, now) = (api.alerts.as_ref(), api.clock.wall());
    let incidents = store.incident_summaries(&query).await?;
    let complete = incidents.len() < query.limit;
    let mut groups = groups(&incidents, by, &silences(store, now).await?, now);
    let total = groups.len();
    groups.truncate(limit);
    Ok(forms::text(&Groups { groups, total, complete }))
}

async fn acknowledge(api: &Api, request: Request) -> Result<Response, ApiError> {
    if request.method != Method::POST {
        return Err(ApiError::Method("POST"));
    }
    let (body, caller) = request.json(Action::Acknowledge).await?;
    let (selection, mut acknowledgement) =
        read_acknowledgements(&body, api.clock.wall()).map_err(ApiError::BadRequest)?;
    sign(&caller, &mut acknowledgement.by);
    let incidents = selected(api.alerts.as_ref(), selection, &caller.scope).await?;
    let after = forms::text(&forms::Acknowledgement::from(&acknowledgement));
    let target = format!("{} incidents", incidents.len());
    let change = Change::Acknowledge { incidents, acknowledgement };
    let count =
        api.access.perform(&caller, change, ("acknowledge", &target), Some(after)).await?.unwrap_or(0);
    Ok(json(StatusCode::OK, format!(r#"{{"acknowledged":{count}}}"#)))
}

async fn silence(api: &Api, request: Request) -> Result<Response, ApiError> {
    if request.method != Method::POST {
        return Err(ApiError::Method("POST"));
    }
    let now = api.clock.wall();
    let (body, caller) = request.json(Action::Silence).await?;
    let (ids, mut asked) = read_silences(&body, now).map_err(ApiError::BadRequest)?;
    sign(&caller, &mut asked.by);
    let silences = silences_for(api.alerts.as_ref(), &caller.scope, &ids, &asked, now).await?;
    add_silences(api, &caller, &silences, now).await?;
    Ok(json(StatusCode::CREATED, forms::list("silences", silences.iter().map(Silence::from))))
}

/// # Errors
/// Says which parameter is wrong and what it may be.
fn read(mut parameters: Parameters) -> Result<(GroupBy, usize, IncidentQuery), String> {
    let by = query::one_of(&mut parameters, "by", &GroupBy::WORDS)?.unwrap_or(GroupBy::Rule);
    let limit = query::number(&mut parameters, "limit", MAX_GROUPS)?.unwrap_or(DEFAULT_LIMIT);
    let query = IncidentQuery { limit: MAX_COUNTED, ..filters(&mut parameters)? };
    query::nothing_left(&parameters, PARAMETERS)?;
    Ok((by, limit, query))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_asked_for_by_what_they_have_in_common() {
        let (by, limit, all) = query::read(read, &[]).unwrap();
        assert_eq!((by, limit, all.open), (GroupBy::Rule, DEFAULT_LIMIT, None));
        let (by, limit, some) =
            query::read(read, &[("by", "site"), ("state", "open"), ("limit", "5")]).unwrap();
        assert_eq!((by, limit, some.open), (GroupBy::Site, 5, Some(true)));
        assert!(query::read(read, &[("by", "device")]).unwrap_err().contains("by must be rule or site"));
        assert!(query::read(read, &[("id", "x")]).unwrap_err().contains("unknown parameter id"));
    }
}
