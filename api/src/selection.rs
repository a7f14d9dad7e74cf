//! Many incidents at once: which ones are meant, and what is done with them.

use std::collections::HashSet;

use jiff::Timestamp;
use store::{IncidentQuery, IncidentSummary, Silence, Store};
use telemetry::Scope;

use crate::error::ApiError;
use crate::requests::checked::SilenceRequest;

/// Incidents that one request acknowledges, at most.
pub const MAX_ACKNOWLEDGED: usize = 100_000;

/// Incidents that a request may name one by one, at most.
pub const MAX_NAMED: usize = 10_000;

/// Silences that one request makes, at most.
pub const MAX_SILENCES_AT_ONCE: usize = 1_000;

/// Silences that last at one time, at most.
pub const MAX_SILENCES: usize = 10_000;

/// Which open incidents are meant.
#[derive(Debug, Clone)]
pub enum Selection {
    /// These ids; one that is unknown or resolved is passed over.
    Named(Vec<String>),
    /// All that a query finds; its limit is not used.
    Found(IncidentQuery),
}

/// The ids of the incidents of a selection, of these devices.
///
/// # Errors
/// There are more than [`MAX_ACKNOWLEDGED`], or the store does not answer.
pub async fn selected(
    store: &dyn Store,
    selection: Selection,
    scope: &Scope,
) -> Result<Vec<String>, ApiError> {
    let (named, query) = match selection {
        Selection::Named(ids) if scope.is_all() => return Ok(ids),
        Selection::Named(ids) => (Some(ids.into_iter().collect::<HashSet<_>>()), IncidentQuery::default()),
        Selection::Found(query) => (None, IncidentQuery { acknowledged: Some(false), ..query }),
    };
    let found = open(store, IncidentQuery { scope: scope.clone(), ..query }).await?;
    let ids = found.into_iter().map(|incident| incident.id);
    Ok(ids.filter(|id| named.as_ref().is_none_or(|named| named.contains(id))).collect())
}

/// A silence for each rule and series of these incidents that is open, and of these devices.
///
/// The device of the request is not used; its rule and its metric only where they are given.
///
/// # Errors
/// None of them is open, there are too many of them, a part of the request is wrong, or the store does not answer.
pub async fn silences_for(
    store: &dyn Store,
    scope: &Scope,
    ids: &[String],
    request: &SilenceRequest,
    now: Timestamp,
) -> Result<Vec<Silence>, ApiError> {
    if ids.len() > MAX_SILENCES_AT_ONCE {
        return Err(ApiError::BadRequest(format!(
            "at most {MAX_SILENCES_AT_ONCE} incidents can be silenced one by one: silence their rule, or a device filter"
        )));
    }
    let named: HashSet<&str> = ids.iter().map(String::as_str).collect();
    let mut found = open(store, IncidentQuery { scope: scope.clone(), ..IncidentQuery::default() }).await?;
    found.retain(|incident| named.contains(&*incident.id));
    let mut seen = HashSet::new();
    found.retain(|i| seen.insert((i.rule.clone(), i.metric.clone(), i.device.clone())));
    if found.is_empty() {
        return Err(ApiError::NotFound(
            "none of these incidents is open: GET /api/incidents lists them".into(),
        ));
    }
    let silences = found.into_iter().map(|incident| {
        let IncidentSummary { rule, metric, device, .. } = incident;
        let one = SilenceRequest { rule: Some(rule), metric: Some(metric), device, ..request.clone() };
        one.from_now(now).map_err(|e| ApiError::BadRequest(e.to_string()))
    });
    silences.collect()
}

/// Checks that there is room for more silences.
///
/// # Errors
/// There would be more than [`MAX_SILENCES`], or the store does not answer.
pub async fn check_room(store: &dyn Store, more: usize, now: Timestamp) -> Result<(), ApiError> {
    let current = store.silences(now).await?.len();
    if current + more > MAX_SILENCES {
        return Err(ApiError::Conflict(format!(
            "there are {current} silences, and at most {MAX_SILENCES} at one time: end some, or use a device filter"
        )));
    }
    Ok(())
}

async fn open(store: &dyn Store, query: IncidentQuery) -> Result<Vec<IncidentSummary>, ApiError> {
    let query = IncidentQuery { open: Some(true), limit: MAX_ACKNOWLEDGED + 1, ..query };
    let found = store.incident_summaries(&query).await?;
    if found.len() > MAX_ACKNOWLEDGED {
        return Err(ApiError::Conflict(format!(
            "more than {MAX_ACKNOWLEDGED} incidents are meant: name a rule, a metric or a device filter"
        )));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::Silences as _;
    use testkit::MemoryStore;
    use testkit::samples::at;

    fn silence(number: usize) -> Silence {
        Silence {
            id: number.to_string(),
            rule: None,
            metric: None,
            device: telemetry::Filter::all(),
            from: at(0),
            until: at(1_000),
            reason: "work".into(),
            by: String::new(),
        }
    }

    #[tokio::test]
    async fn silences_are_bounded_and_those_that_are_over_do_not_count() {
        let store = MemoryStore::default();
        let all: Vec<_> = (0..MAX_SILENCES).map(silence).collect();
        store.add_silences(&all).await.unwrap();
        let refused = check_room(&store, 1, at(1)).await.unwrap_err();
        assert!(matches!(&refused, ApiError::Conflict(said) if said.contains("at most 10000")), "{refused}");
        check_room(&store, 1, at(1_001)).await.unwrap();
    }
}
