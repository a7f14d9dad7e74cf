//! What every store promises, asked of it through its traits alone.
//!
//! The module above says which store: `fresh` gives an empty one, or none where it cannot be had.

mod access;
pub(crate) mod alert_states;
mod announcements;
mod attributes;
pub(crate) mod carried;
mod clock_runs;
mod commands;
mod exactly_once;
mod finding;
mod idempotency;
pub(crate) mod incidents;
mod leases;
mod ledger;
mod lifecycle;
mod notices;
mod notifications;
mod order;
pub(crate) mod registry;
mod rejections;
mod retention;
pub(crate) mod rollups;
mod silences;
mod trend;
mod uplinks;

use std::sync::Arc;

use jiff::Timestamp;
use store::{Batch, Cursor, ReadingQuery, RejectedMessage, RejectionQuery, Store, StoredReading, TimeRange};
use telemetry::Reading;

pub(crate) use testkit::samples::{at, reading, rejected};

use super::{CASES, fresh};

pub(crate) const ALL: TimeRange = TimeRange { from: Timestamp::MIN, to: Timestamp::MAX };

/// The newest rejections, without what the store adds.
pub(crate) async fn newest_rejected(store: &dyn Store, limit: usize) -> Vec<RejectedMessage> {
    let kept = store.rejected(RejectionQuery { limit, ..RejectionQuery::default() }).await.unwrap();
    kept.into_iter().map(|kept| kept.message).collect()
}

pub(crate) fn batch(readings: impl IntoIterator<Item = Reading>) -> Arc<Batch> {
    Arc::new(Batch { readings: readings.into_iter().collect(), ..Batch::default() })
}

/// All that a query asks for, page by page; cursors go through their text, as an API sends them.
pub(crate) async fn all_pages(store: &dyn Store, query: ReadingQuery) -> Vec<StoredReading> {
    let mut readings = Vec::new();
    let mut after = query.after.clone();
    loop {
        let page = store.readings(ReadingQuery { after, ..query.clone() }).await.unwrap();
        assert!(page.readings.len() <= query.limit);
        readings.extend(page.readings);
        let Some(next) = page.next else { return readings };
        after = Some(next.to_string().parse::<Cursor>().unwrap());
    }
}

/// Everything, in order.
pub(crate) async fn everything(store: &dyn Store) -> Vec<Reading> {
    let query = ReadingQuery {
        device: None,
        metric: None,
        range: ALL,
        limit: 1000,
        after: None,
        scope: telemetry::Scope::all(),
    };
    all_pages(store, query).await.into_iter().map(|stored| stored.reading).collect()
}
