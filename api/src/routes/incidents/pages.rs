//! Incidents, page by page: a page ends at its limit, or at its bytes.

use jiff::Timestamp;
use store::{IncidentCursor, IncidentQuery, Store};

use super::silences;
use crate::error::ApiError;
use crate::forms::{Incident, Page};

/// Incidents read from the store at a time.
const READ_AT_ONCE: usize = 500;

/// The incidents of a query as JSON, and where the next page begins.
pub(super) async fn page(
    store: &dyn Store,
    mut query: IncidentQuery,
    now: Timestamp,
) -> Result<String, ApiError> {
    let silences = silences(store, now).await?;
    let mut page = Page::new("incidents", query.limit);
    loop {
        // One more than the page has room for shows whether there is another page.
        query.limit = READ_AT_ONCE.min(page.room() + 1);
        let incidents = store.incidents(&query).await?;
        for incident in &incidents {
            if !page.push(&Incident::under(incident, &silences, now)) {
                let next = query.after.as_ref().map(IncidentCursor::to_string);
                return Ok(page.end(next.as_deref()));
            }
            query.after = Some(IncidentCursor::after(incident));
        }
        if incidents.len() < query.limit {
            return Ok(page.end(None));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forms::MAX_PAGE_BYTES;
    use serde_json::Value;
    use store::{Changes, Incidents as _, Transition};
    use testkit::MemoryStore;
    use testkit::samples::{at, incident};

    async fn pages(store: &MemoryStore, limit: usize) -> Vec<Vec<String>> {
        let (mut pages, mut after) = (Vec::new(), None);
        loop {
            let query = IncidentQuery { limit, after, ..IncidentQuery::default() };
            let page: Value = serde_json::from_str(&page(store, query, at(1)).await.unwrap()).unwrap();
            let ids = page["incidents"].as_array().unwrap().iter();
            pages.push(ids.map(|row| row["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>());
            match page["next"].as_str() {
                Some(next) => after = Some(next.parse().unwrap()),
                None => return pages,
            }
        }
    }

    #[tokio::test]
    async fn pages_have_every_incident_once_and_none_is_longer_than_its_bytes() {
        let store = MemoryStore::default();
        // Many open at one time; each is about 600 bytes.
        let opened = |i: i64| {
            Transition::Opened(Box::new(incident(&format!("i{i}"), &format!("d{i}"), i / 10)), Vec::new())
        };
        let transitions = (0..3_000).map(opened).collect();
        store.record(&Changes { transitions, alert_states: Vec::new() }).await.unwrap();
        for limit in [7, 500, 1_000, 3_000, 100_000] {
            let pages = pages(&store, limit).await;
            assert!(pages.iter().all(|page| page.len() <= limit && page.len() * 500 < 2 * MAX_PAGE_BYTES));
            assert!(limit < 3_000 || pages.len() > 1, "the bytes end a page");
            let mut ids: Vec<_> = pages.concat();
            assert_eq!(ids.len(), 3_000, "{limit}");
            ids.sort_unstable();
            ids.dedup();
            assert_eq!(ids.len(), 3_000, "{limit}");
        }
    }
}
