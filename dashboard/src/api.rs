//! The answers of the API, apart from HTTP.

use jiff::{SignedDuration, Timestamp};
use store::{Incident, IncidentQuery, Store, TimeRange, Unavailable};

use crate::query::{self, Asked, Parameters};
use crate::{Live, Pipeline, change, json};

/// Silences that ended this many hours ago are still told of.
const SILENCES_TOLD_HOURS: i64 = 30 * 24;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// The request is to be mended.
    #[error("{0}")]
    Bad(String),
    /// It comes from somewhere else than this page.
    #[error("{0}")]
    Foreign(&'static str),
    #[error("{0}")]
    Unknown(String),
    /// It is too late for that.
    #[error("{0}")]
    Over(String),
    #[error("the body must be JSON: say content-type: application/json")]
    NotJson,
    #[error("the body must be at most {0} bytes")]
    TooLarge(usize),
    #[error("the body has not come in time")]
    TooSlow,
    /// With the methods there are.
    #[error("use {0}")]
    Method(&'static str),
    /// The request is to be repeated later.
    #[error("{0}")]
    Unavailable(#[from] Unavailable),
}

pub(crate) fn devices(live: &Live, parameters: &Parameters) -> Result<String, Refusal> {
    query::nothing(parameters).map_err(Refusal::Bad)?;
    Ok(live.devices())
}

pub(crate) fn pipeline(pipeline: &Pipeline, parameters: &Parameters) -> Result<String, Refusal> {
    query::nothing(parameters).map_err(Refusal::Bad)?;
    Ok(pipeline.text())
}

pub(crate) async fn readings(store: &dyn Store, parameters: Parameters) -> Result<String, Refusal> {
    match query::readings(parameters).map_err(Refusal::Bad)? {
        Asked::Readings(query) => {
            let page = store.readings(query).await?;
            let readings = page.readings.iter().map(json::Reading::of).collect();
            Ok(json::text(&json::Readings { readings, next: page.next.map(|next| next.to_string()) }))
        }
        Asked::Buckets { device, metric, from, to, points } => {
            let Some((oldest, newest)) = store.extent(&device, &metric).await? else {
                return Ok(json::listed("buckets", std::iter::empty::<json::Bucket>()));
            };
            // The end of a range is excluded, and the newest reading is not to be.
            let after_newest = newest + std::time::Duration::from_micros(1);
            let range = TimeRange { from: from.unwrap_or(oldest), to: to.unwrap_or(after_newest) };
            let buckets = store.buckets(&device, &metric, range, points).await?;
            Ok(json::listed("buckets", buckets.iter().map(json::Bucket::of)))
        }
    }
}

pub(crate) async fn alerts(store: &dyn Store, parameters: Parameters) -> Result<String, Refusal> {
    let query = query::alerts(parameters).map_err(Refusal::Bad)?;
    let incidents = store.incidents(&query).await?;
    Ok(json::listed("alerts", incidents.iter().map(json::Alert::of)))
}

pub(crate) async fn silences(store: &dyn Store, parameters: Parameters) -> Result<String, Refusal> {
    let all = query::silences(parameters).map_err(Refusal::Bad)?;
    let told = SignedDuration::from_hours(if all { SILENCES_TOLD_HOURS } else { 0 });
    let silences = store.silences(Timestamp::now() - told).await?;
    Ok(json::listed("silences", silences.iter().map(json::Silence::of)))
}

pub(crate) async fn add_silence(store: &dyn Store, body: &[u8]) -> Result<String, Refusal> {
    let silence = change::silence(body, Timestamp::now()).map_err(Refusal::Bad)?;
    store.add_silence(&silence).await?;
    Ok(json::text(&json::Silence::of(&silence)))
}

pub(crate) async fn end_silence(store: &dyn Store, id: &str) -> Result<(), Refusal> {
    if store.end_silence(id, Timestamp::now()).await? {
        return Ok(());
    }
    Err(Refusal::Unknown("there is no such silence: GET /api/silences lists them".into()))
}

/// Answers the alert as it is then; the first who acknowledges it is kept.
pub(crate) async fn acknowledge(store: &dyn Store, body: &[u8]) -> Result<String, Refusal> {
    let (id, said) = change::acknowledgement(body, Timestamp::now()).map_err(Refusal::Bad)?;
    if let Some(resolved_at) = alert(store, &id).await?.resolved_at {
        return Err(Refusal::Over(format!("it was resolved at {}", json::time(resolved_at))));
    }
    store.acknowledge(&id, &said).await?;
    Ok(json::text(&json::Alert::of(&alert(store, &id).await?)))
}

async fn alert(store: &dyn Store, id: &str) -> Result<Incident, Refusal> {
    let query = IncidentQuery { id: Some(id.to_owned()), limit: 1, ..IncidentQuery::default() };
    let unknown = || Refusal::Unknown("there is no alert with this id: GET /api/alerts lists them".into());
    store.incidents(&query).await?.pop().ok_or_else(unknown)
}

pub(crate) async fn rejected(store: &dyn Store, parameters: Parameters) -> Result<String, Refusal> {
    let limit = query::limit(parameters).map_err(Refusal::Bad)?;
    let rejected = store.rejected(limit).await?;
    Ok(json::listed("rejected", rejected.iter().map(json::Rejected::of)))
}

pub(crate) async fn completeness(store: &dyn Store, parameters: Parameters) -> Result<String, Refusal> {
    let query = query::ledger(parameters).map_err(Refusal::Bad)?;
    let boots = store.completeness(query).await?;
    Ok(json::listed("completeness", boots.iter().map(json::Boot::of)))
}
