//! What edges have forwarded: which numbers of their journals arrived, which never will, and which are missing.

pub(crate) mod postgres;
pub(crate) mod sqlite;

use std::ops::RangeInclusive;

use async_trait::async_trait;
use jiff::Timestamp;
use telemetry::{Gone, JournalRun, NumberSet, UplinkReceipt};

use crate::engine::row::Row;
use crate::engine::statement::{Engine, Statement};
use crate::text_codec::{TextCodec, text_codec};
use crate::unavailable::Result;

/// What has become of a number of a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NumberState {
    Arrived,
    Deleted,
    Refused,
}

text_codec!(NumberState: Arrived "arrived", Deleted "deleted", Refused "refused");

impl From<Gone> for NumberState {
    fn from(gone: Gone) -> Self {
        match gone {
            Gone::Deleted => Self::Deleted,
            Gone::Refused => Self::Refused,
        }
    }
}

/// One journal of one edge, as the cloud knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UplinkRun {
    /// The name of the edge.
    pub edge: String,
    /// The run of its journal: another one where the edge's database was lost.
    pub run: JournalRun,
    /// The highest number that the edge told of: it has stored as many readings.
    pub last: u64,
    /// How many of them had no acknowledgement when the edge last told.
    pub unsent: u64,
    /// The edge's time when it told that.
    pub told_at: Timestamp,
    /// When that was received.
    pub heard_at: Timestamp,
    /// When the first batch of this run was received.
    pub first_heard_at: Timestamp,
    /// Numbers whose readings are stored here, or rejected here.
    pub arrived: NumberSet,
    /// Numbers whose readings were deleted at the edge before they were sent.
    pub deleted: NumberSet,
    /// Numbers whose readings the broker refuses.
    pub refused: NumberSet,
}

impl UplinkRun {
    /// Numbers that will never arrive: deleted or refused, and not here.
    #[must_use]
    pub fn gone(&self) -> NumberSet {
        let mut gone = self.deleted.clone();
        gone.extend(&self.refused);
        self.arrived.ranges().for_each(|range| gone.remove(range));
        gone
    }

    /// Numbers that were told of, and neither arrived nor are gone: on their way, still at the edge, or lost.
    #[must_use]
    pub fn missing(&self) -> NumberSet {
        let mut known = self.arrived.clone();
        known.extend(&self.deleted);
        known.extend(&self.refused);
        // A number is told of before it arrives, or with it.
        known.gaps(1..=self.last).collect()
    }
}

/// Where it is known what edges have forwarded.
///
/// # Errors
/// The store cannot be read now: report that, and ask again later.
#[async_trait]
pub trait Uplinks: Send + Sync {
    /// All runs of all edges, by edge; of one edge the run that was heard last comes first.
    async fn uplink_runs(&self) -> Result<Vec<UplinkRun>>;
}

#[async_trait]
impl<E: Engine> Uplinks for E {
    async fn uplink_runs(&self) -> Result<Vec<UplinkRun>> {
        const RUNS: &str = "
            SELECT edge, run, last, unsent, told_at, heard_at, first_heard_at FROM uplink_runs
            ORDER BY edge, heard_at DESC, run";
        const RANGES: &str = "
            SELECT edge, run, state, first, last FROM uplink_ranges ORDER BY edge, run, state, first";
        // The ranges first: what arrives in between is told of in the runs.
        let ranges = self.query(Statement::new("read what edges forwarded", RANGES, []), read_range).await?;
        let mut runs = self.query(Statement::new("read the edges", RUNS, []), read_run).await?;
        let same = |a: &RangeRow, b: &RangeRow| (&a.edge, a.run) == (&b.edge, b.run);
        for rows in ranges.chunk_by(same) {
            let run = runs.iter_mut().find(|run| (&run.edge, run.run) == (&rows[0].edge, rows[0].run));
            if let Some(run) = run {
                rows.iter().for_each(|row| run.add(row));
            }
        }
        Ok(runs)
    }
}

struct RangeRow {
    edge: String,
    run: JournalRun,
    state: NumberState,
    numbers: RangeInclusive<u64>,
}

impl UplinkRun {
    fn add(&mut self, row: &RangeRow) {
        let set = match row.state {
            NumberState::Arrived => &mut self.arrived,
            NumberState::Deleted => &mut self.deleted,
            NumberState::Refused => &mut self.refused,
        };
        set.insert(row.numbers.clone());
    }
}

fn read_range(row: &Row<'_>) -> anyhow::Result<RangeRow> {
    let (edge, run) = (row.get(0)?, row.get::<String>(1)?.parse()?);
    Ok(RangeRow { edge, run, state: row.word(2)?, numbers: row.count(3)?..=row.count(4)? })
}

fn read_run(row: &Row<'_>) -> anyhow::Result<UplinkRun> {
    Ok(UplinkRun {
        edge: row.get(0)?,
        run: row.get::<String>(1)?.parse()?,
        last: row.count(2)?,
        unsent: row.count(3)?,
        told_at: row.time(4)?,
        heard_at: row.time(5)?,
        first_heard_at: row.time(6)?,
        arrived: NumberSet::default(),
        deleted: NumberSet::default(),
        refused: NumberSet::default(),
    })
}

/// Notes what the newest batch says: edge, run, last, unsent, told_at, heard_at. One transaction at a time has the row.
pub(crate) const UPSERT: &str = "
    INSERT INTO uplink_runs (edge, run, last, unsent, told_at, heard_at, first_heard_at)
    VALUES ($1, $2, $3, $4, $5, $6, $6)
    ON CONFLICT (edge, run) DO UPDATE SET
        last = CASE WHEN excluded.last > uplink_runs.last THEN excluded.last ELSE uplink_runs.last END,
        unsent = CASE WHEN excluded.heard_at >= uplink_runs.heard_at THEN excluded.unsent ELSE uplink_runs.unsent END,
        told_at = CASE WHEN excluded.heard_at >= uplink_runs.heard_at THEN excluded.told_at ELSE uplink_runs.told_at END,
        heard_at = CASE WHEN excluded.heard_at >= uplink_runs.heard_at THEN excluded.heard_at ELSE uplink_runs.heard_at END,
        first_heard_at = CASE WHEN excluded.heard_at < uplink_runs.first_heard_at THEN excluded.heard_at
            ELSE uplink_runs.first_heard_at END";

/// The ends of all ranges that overlap a range or touch it: edge, run, state, and the range made longer by one at each end.
pub(crate) const TOUCHING: &str = "
    SELECT min(first), max(last) FROM uplink_ranges
    WHERE edge = $1 AND run = $2 AND state = $3 AND last >= $4 AND first <= $5";

/// Deletes what [`TOUCHING`] found.
pub(crate) const DELETE: &str = "
    DELETE FROM uplink_ranges WHERE edge = $1 AND run = $2 AND state = $3 AND last >= $4 AND first <= $5";

pub(crate) const INSERT: &str =
    "INSERT INTO uplink_ranges (edge, run, state, first, last) VALUES ($1, $2, $3, $4, $5)";

/// In the order in which every transaction stores them, so that two do not wait for each other.
pub(crate) fn in_order(receipts: &[UplinkReceipt]) -> Vec<&UplinkReceipt> {
    let mut receipts: Vec<_> = receipts.iter().collect();
    receipts.sort_by_key(|receipt| (&receipt.edge, receipt.report.run));
    receipts
}

/// A range of numbers in one state, as columns.
pub(crate) struct Merged {
    pub(crate) state: &'static str,
    pub(crate) first: i64,
    pub(crate) last: i64,
}

impl Merged {
    /// One range with those that it touches.
    pub(crate) fn with(&self, touching: (Option<i64>, Option<i64>)) -> (i64, i64) {
        let (first, last) = touching;
        (
            first.map_or(self.first, |first| first.min(self.first)),
            last.map_or(self.last, |last| last.max(self.last)),
        )
    }
}

/// All ranges of a batch. Numbers were checked to have less than 63 bits.
pub(crate) fn merged(receipt: &UplinkReceipt) -> impl Iterator<Item = Merged> + '_ {
    let arrived = receipt.report.numbers.ranges().map(|range| (NumberState::Arrived, range));
    let gone = receipt.report.gone.iter().map(|gone| (gone.reason.into(), gone.numbers.clone()));
    arrived.chain(gone).map(|(state, range)| Merged {
        state: state.word(),
        first: *range.start() as i64,
        last: *range.end() as i64,
    })
}

/// The highest number that a batch tells of, by itself or by what it brings.
pub(crate) fn last_of(receipt: &UplinkReceipt) -> i64 {
    let report = &receipt.report;
    let gone = report.gone.iter().map(|gone| *gone.numbers.end()).max();
    let last = report.last.max(report.numbers.last().unwrap_or(0)).max(gone.unwrap_or(0));
    i64::try_from(last).unwrap_or(i64::MAX)
}
