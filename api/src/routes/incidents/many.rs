//! Many incidents at once: `GET /api/incidents/groups`, `POST /api/incidents/acknowledgements` and
//! `POST /api/incidents/silences`.

use serde::Serialize;
use store::IncidentQuery;
use warp::http::{Method, StatusCode};
use warp::reply::Response;
use warp::{Filter, Rejection};

use super::{filters, silences};
use crate::context::Api;
use crate::error::ApiError;
use crate::forms::{self, IncidentGroup, Silence};
use crate::groups::{GroupBy, groups};
use crate::guards::{Request, reads, requests};
use crate::query::{self, DEFAULT_LIMIT, Parameters};
use crate::requests::{read_acknowledgements, read_silences};
use crate::response::{answer, json};
use crate::selection::{acknowledge_all, silence_all};

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
    let api = api.clone();
    warp::path!("api" / "incidents" / "groups").and(reads(&api.site)).then(move |parameters| {
        let api = api.clone();
        async move { answer(api.limits.within(list(&api, parameters)).await) }
    })
}

fn acknowledgements(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let requests = requests(&api.site, api.limits, MAX_BODY_BYTES);
    let api = api.clone();
    warp::path!("api" / "incidents" / "acknowledgements").and(requests).then(move |request| {
        let api = api.clone();
        async move { api.limits.within(acknowledge(&api, request)).await.unwrap_or_else(ApiError::into_response) }
    })
}

fn bulk_silences(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let requests = requests(&api.site, api.limits, MAX_BODY_BYTES);
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

async fn list(api: &Api, parameters: Parameters) -> Result<String, ApiError> {
    let (by, limit, query) = read(parameters).map_err(ApiError::BadRequest)?;
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
    let (selection, acknowledgement) =
        read_acknowledgements(&request.json()?, api.clock.wall()).map_err(ApiError::BadRequest)?;
    let count = acknowledge_all(api.alerts.as_ref(), selection, &acknowledgement).await?;
    Ok(json(StatusCode::OK, format!(r#"{{"acknowledged":{count}}}"#)))
}

async fn silence(api: &Api, request: Request) -> Result<Response, ApiError> {
    if request.method != Method::POST {
        return Err(ApiError::Method("POST"));
    }
    let now = api.clock.wall();
    let (ids, asked) = read_silences(&request.json()?, now).map_err(ApiError::BadRequest)?;
    let silences = silence_all(api.alerts.as_ref(), &ids, &asked, now).await?;
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
