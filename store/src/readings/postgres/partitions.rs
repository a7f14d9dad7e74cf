//! Where new readings go: with TimescaleDB its chunks, else a partition for each month.

use std::collections::BTreeSet;

use telemetry::Reading;
use tokio_postgres::Error;

use crate::engine::postgres::schema::{Layout, Month};
use crate::engine::postgres::session::Session;
use crate::rollups::width::Width;

/// Days that a connection remembers, at most.
const MAX_DAYS: usize = 10_000;

/// The lock for making chunks: "NewChunk" in ASCII.
const LOCK: i64 = i64::from_be_bytes(*b"NewChunk");

/// Makes the partitions that these readings need, before the first reading of their month; TimescaleDB makes its chunks.
pub(crate) async fn make(session: &mut Session, readings: &[Reading]) -> Result<(), Error> {
    if session.layout == Layout::Hypertable {
        return Ok(());
    }
    let needed: BTreeSet<Month> = readings.iter().filter_map(Month::of).collect();
    for month in needed.difference(&session.months.clone()) {
        session.client.batch_execute(&month.create()).await?;
        session.months.insert(*month);
    }
    Ok(())
}

/// What the transaction that stores these readings begins with, if anything: that it is its turn.
///
/// TimescaleDB makes a chunk under a lock of the whole table, which lasts until the transaction ends. A writer that needs
/// it with readings in other chunks already would wait for one that has it and waits for these very readings: so those
/// that may need a chunk take turns from their beginning.
pub(crate) fn turn(session: &Session, readings: &[Reading]) -> Option<String> {
    let may_need_chunk = session.layout == Layout::Hypertable && !days(readings).is_subset(&session.days);
    may_need_chunk.then(|| format!("SELECT pg_advisory_xact_lock({LOCK})"))
}

/// Notes that these readings are stored: there are chunks for their days.
pub(crate) fn note(session: &mut Session, readings: &[Reading]) {
    if session.layout == Layout::Hypertable {
        if session.days.len() > MAX_DAYS {
            session.days.clear();
        }
        session.days.append(&mut days(readings));
    }
}

/// Forgets what there is: it may be gone.
pub(crate) fn forget(session: &mut Session) {
    session.months.clear();
    session.days.clear();
}

/// The days in UTC on which they were measured, none twice: a chunk begins at midnight.
fn days(readings: &[Reading]) -> BTreeSet<i64> {
    readings.iter().map(|reading| Width::Day.floor(reading.measured_at.as_microsecond())).collect()
}
