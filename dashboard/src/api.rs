//! The answers of the API, apart from HTTP.

use store::{Store, TimeRange, Unavailable};

use crate::query::{self, Asked, Parameters};
use crate::{Live, json};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// The request is to be mended.
    #[error("{0}")]
    Bad(String),
    /// The request is to be repeated later.
    #[error("{0}")]
    Unavailable(#[from] Unavailable),
}

pub(crate) fn devices(live: &Live, parameters: &Parameters) -> Result<String, Refusal> {
    query::nothing(parameters).map_err(Refusal::Bad)?;
    Ok(live.devices())
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
    let limit = query::limit(parameters).map_err(Refusal::Bad)?;
    let incidents = store.incidents(limit).await?;
    Ok(json::listed("alerts", incidents.iter().map(json::Alert::of)))
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
