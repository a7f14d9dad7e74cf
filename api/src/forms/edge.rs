//! What an edge has forwarded.

use serde::{Deserialize, Serialize};
use store::UplinkRun;
use telemetry::NumberSet;

use super::Time;

/// Ranges that are named, at most.
const MAX_RANGES: usize = 100;

/// What an edge stored, and what arrived of it: a row of `GET /api/edges`. `stored = arrived + deleted + refused + missing`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Edge {
    /// The edge.
    pub edge: String,
    /// The run of its journal: another one where its database was lost.
    pub run: String,
    /// How many readings it has stored, as far as it told: its highest number.
    pub stored: u64,
    /// How many of them are here.
    pub arrived: u64,
    /// How many were deleted at the edge before they were sent.
    pub deleted: u64,
    /// How many the broker refuses.
    pub refused: u64,
    /// How many are neither here nor gone.
    pub missing: u64,
    /// How many the edge had still to send when it last told.
    pub unsent: u64,
    /// First and last number of each range that is missing; the first hundred ranges.
    pub missing_ranges: Vec<(u64, u64)>,
    /// First and last number of each range that was deleted or refused; the first hundred ranges.
    pub gone_ranges: Vec<(u64, u64)>,
    /// When it was heard first.
    pub first_heard_at: Time,
    /// When it was heard last.
    pub heard_at: Time,
    /// By how many seconds its clock was ahead of the broker's then; less than 0 where it was behind.
    pub clock_ahead_seconds: f64,
}

impl From<&UplinkRun> for Edge {
    fn from(run: &UplinkRun) -> Self {
        let (gone, missing) = (run.gone(), run.missing());
        let deleted = gone.intersection(&run.deleted).count();
        let ahead = run.told_at.duration_since(run.heard_at).as_secs_f64();
        Self {
            edge: run.edge.clone(),
            run: run.run.to_string(),
            stored: run.last,
            arrived: run.arrived.count(),
            deleted,
            refused: gone.count() - deleted,
            missing: missing.count(),
            unsent: run.unsent,
            missing_ranges: ranges(&missing),
            gone_ranges: ranges(&gone),
            first_heard_at: run.first_heard_at.into(),
            heard_at: run.heard_at.into(),
            clock_ahead_seconds: (ahead * 1_000.0).round() / 1_000.0,
        }
    }
}

fn ranges(numbers: &NumberSet) -> Vec<(u64, u64)> {
    numbers.ranges().take(MAX_RANGES).map(|range| (*range.start(), *range.end())).collect()
}
