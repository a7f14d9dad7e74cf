//! The answers of the API, apart from HTTP.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use store::{Bucket, Incident, IncidentQuery, Store, TimeRange, Unavailable};

use crate::query::{self, Asked, BucketQuery, Format, Parameters};
use crate::told::Told;
use crate::{Live, Pipeline, Resend, change, json, table};

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
    /// What is to be resent is still no reading.
    #[error("{0}")]
    Unreadable(String),
    #[error("the body must be JSON: say content-type: application/json")]
    NotJson,
    #[error("the body must be at most {0} bytes")]
    TooLarge(usize),
    #[error("the body has not come in time")]
    TooSlow,
    /// With the methods there are.
    #[error("use {0}")]
    Method(&'static str),
    /// Nobody has taken what was published.
    #[error(
        "the readings were not taken ({0}): ask again once the broker, and the store behind it, answer. What was taken all \
         the same is not stored twice"
    )]
    Away(String),
    /// The request is to be repeated later.
    #[error("{0}")]
    Unavailable(#[from] Unavailable),
}

impl Refusal {
    pub(crate) fn no_rejection() -> Self {
        Self::Unknown("there is no rejected payload with this id: GET /api/rejected lists them".into())
    }
}

pub(crate) fn series(live: &Live, parameters: &Parameters) -> Result<String, Refusal> {
    query::nothing(parameters).map_err(Refusal::Bad)?;
    Ok(live.series())
}

pub(crate) fn pipeline(pipeline: &Pipeline, parameters: &Parameters) -> Result<String, Refusal> {
    query::nothing(parameters).map_err(Refusal::Bad)?;
    Ok(pipeline.text())
}

/// What `GET /api/readings` answers.
pub(crate) enum Answer {
    /// JSON.
    Json(String),
    /// A table, and the name of its file.
    Csv(String, String),
    /// More than is held at once: what begins it, what follows, and the file's name of a table.
    Parts(String, Told, Option<String>),
}

/// The beginning is read already: where that works, there is an answer.
pub(crate) async fn readings(store: Arc<dyn Store>, parameters: Parameters) -> Result<Answer, Refusal> {
    match query::readings(parameters).map_err(Refusal::Bad)? {
        Asked::Readings(query, format) => {
            let name = table::file_name(query.metric.as_deref(), query.device.as_deref());
            let mut told = Told::new(store, query, format);
            let first = told.part().await?;
            Ok(match (told.is_over(), format) {
                (true, Format::Json) => Answer::Json(first),
                (true, Format::Csv) => Answer::Csv(first, name),
                (false, Format::Json) => Answer::Parts(first, told, None),
                (false, Format::Csv) => Answer::Parts(first, told, Some(name)),
            })
        }
        Asked::Buckets(query, format) => {
            let buckets = buckets(store.as_ref(), &query).await?;
            let rows = buckets.iter().map(json::Bucket::of);
            let name = || table::file_name(Some(&query.metric), Some(&query.device));
            Ok(match format {
                Format::Json => Answer::Json(json::listed("buckets", rows)),
                Format::Csv => Answer::Csv(table::text(table::BUCKET, rows), name()),
            })
        }
    }
}

async fn buckets(store: &dyn Store, query: &BucketQuery) -> Result<Vec<Bucket>, Unavailable> {
    let BucketQuery { device, metric, from, to, points } = query;
    let Some((oldest, newest)) = store.time_bounds(device, metric).await? else { return Ok(vec![]) };
    // The end of a range is excluded, and the newest reading is not to be.
    let after_newest = newest + std::time::Duration::from_micros(1);
    let range = TimeRange { from: from.unwrap_or(oldest), to: to.unwrap_or(after_newest) };
    store.buckets(device, metric, range, *points).await
}

pub(crate) async fn incidents(store: &dyn Store, parameters: Parameters) -> Result<String, Refusal> {
    let query = query::incidents(parameters).map_err(Refusal::Bad)?;
    let incidents = store.incidents(&query).await?;
    Ok(json::listed("incidents", incidents.iter().map(json::Incident::of)))
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
    Ok(json::text(&json::Incident::of(&alert(store, &id).await?)))
}

async fn alert(store: &dyn Store, id: &str) -> Result<Incident, Refusal> {
    let query = IncidentQuery { id: Some(id.to_owned()), limit: 1, ..IncidentQuery::default() };
    let unknown =
        || Refusal::Unknown("there is no incident with this id: GET /api/incidents lists them".into());
    store.incidents(&query).await?.pop().ok_or_else(unknown)
}

pub(crate) async fn rejected(store: &dyn Store, parameters: Parameters) -> Result<String, Refusal> {
    let query = query::rejected(parameters).map_err(Refusal::Bad)?;
    let rejected = store.rejected(query).await?;
    Ok(json::listed("rejected", rejected.iter().map(json::Rejected::of)))
}

pub(crate) async fn resend(
    store: &dyn Store,
    resend: &Resend,
    id: &str,
    body: &[u8],
) -> Result<String, Refusal> {
    let mended = change::Mended::read(body).map_err(Refusal::Bad)?;
    let id = id.parse().map_err(|_| Refusal::no_rejection())?;
    resend.one(store, id, mended).await
}

pub(crate) async fn completeness(store: &dyn Store, parameters: Parameters) -> Result<String, Refusal> {
    let query = query::ledger(parameters).map_err(Refusal::Bad)?;
    let boots = store.completeness(query).await?;
    Ok(json::listed("completeness", boots.iter().map(json::Boot::of)))
}
