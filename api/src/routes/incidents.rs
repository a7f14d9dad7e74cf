//! `GET /api/incidents`, and `POST /api/acknowledgements`.

use std::sync::Arc;

use jiff::Timestamp;
use store::{IncidentQuery, Severity, Store, TextCodec as _};
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
    &["id", "rule", "device", "metric", "severity", "state", "acknowledged", "from", "to", "limit"];

pub(super) fn routes(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    incidents(api).or(acknowledgements(api)).unify()
}

fn incidents(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let store = api.store.clone();
    warp::path!("api" / "incidents").and(reads(&api.site)).then(move |parameters| {
        let store = store.clone();
        async move { answer(list(&store, parameters).await) }
    })
}

fn acknowledgements(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let store = api.store.clone();
    let requests = requests(&api.site, api.limits, MAX_BODY_BYTES);
    warp::path!("api" / "acknowledgements").and(requests).then(move |request| {
        let store = store.clone();
        async move { acknowledge(&store, request).await.unwrap_or_else(ApiError::into_response) }
    })
}

async fn list(store: &Arc<dyn Store>, parameters: Parameters) -> Result<String, ApiError> {
    let incidents = store.incidents(&read(parameters).map_err(ApiError::BadRequest)?).await?;
    Ok(forms::list("incidents", incidents.iter().map(Incident::from)))
}

/// Answers the acknowledged incident. The first acknowledgement counts.
async fn acknowledge(store: &Arc<dyn Store>, request: Request) -> Result<Response, ApiError> {
    if request.method != Method::POST {
        return Err(ApiError::Method("POST"));
    }
    let (id, acknowledgement) =
        read_acknowledgement(&request.json()?, Timestamp::now()).map_err(ApiError::BadRequest)?;
    if let Some(resolved_at) = find(store, &id).await?.resolved_at {
        return Err(ApiError::Conflict(format!("it was resolved at {}", Time(resolved_at))));
    }
    store.acknowledge(&id, &acknowledgement).await?;
    Ok(json(StatusCode::OK, forms::text(&Incident::from(&find(store, &id).await?))))
}

async fn find(store: &Arc<dyn Store>, id: &str) -> Result<store::Incident, ApiError> {
    let query = IncidentQuery { id: Some(id.to_owned()), limit: 1, ..IncidentQuery::default() };
    let unknown =
        || ApiError::NotFound("there is no incident with this id: GET /api/incidents lists them".into());
    store.incidents(&query).await?.pop().ok_or_else(unknown)
}

/// # Errors
/// Says which parameter is wrong and what it may be.
fn read(mut parameters: Parameters) -> Result<IncidentQuery, String> {
    let (from, to) = query::times(&mut parameters)?;
    let severities = [Severity::Info, Severity::Warning, Severity::Critical];
    let query = IncidentQuery {
        id: query::text(&mut parameters, "id")?,
        rule: query::text(&mut parameters, "rule")?,
        metric: query::text(&mut parameters, "metric")?,
        device: query::filter(&mut parameters, "device")?,
        severity: query::one_of(
            &mut parameters,
            "severity",
            &severities.map(|severity| (severity.word(), severity)),
        )?,
        open: query::one_of(&mut parameters, "state", &[("open", true), ("resolved", false)])?,
        acknowledged: query::truth(&mut parameters, "acknowledged")?,
        from,
        to,
        limit: query::number(&mut parameters, "limit", MAX_LIMIT)?.unwrap_or(DEFAULT_LIMIT),
    };
    query::nothing_left(&parameters, PARAMETERS)?;
    Ok(query)
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
            (("stat", "open"), "unknown parameter stat: there are id, rule, device"),
        ] {
            let error = query::read(read, &[parameter]).unwrap_err();
            assert!(error.contains(expected), "{parameter:?}: {error}");
        }
    }
}
