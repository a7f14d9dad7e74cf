//! Counts what is there of each boot.

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use crate::engine::sqlite::Sqlite;
use crate::engine::sqlite::columns::Micros;
use crate::ledger::{Boot, DELAYED_AFTER, Ledger, LedgerQuery, SeqCounter, counted_from};
use crate::micros::micros_from;
use crate::series::sqlite as series;
use crate::unavailable::Result;

#[async_trait]
impl Ledger for Sqlite {
    async fn completeness(&self, query: LedgerQuery) -> Result<Vec<Boot>> {
        self.readers.read("count readings", move |tables| completeness(tables, &query)).await
    }

    async fn counted_from(&self, device: &str, readings: usize) -> Result<Timestamp> {
        counted_from(self, device, readings).await
    }
}

/// A device at a time: SQLite sorts its readings, in a file where they are many.
pub(crate) fn completeness(connection: &Connection, query: &LedgerQuery) -> rusqlite::Result<Vec<Boot>> {
    let mut devices: Vec<String> = series::matching(connection, query.device.as_deref(), None)?
        .into_iter()
        .map(|(_, topic)| topic.device().to_owned())
        .collect();
    devices.dedup();
    let mut boots = Vec::new();
    for device in devices {
        count(connection, query, &device, &mut boots)?;
    }
    Ok(boots)
}

fn count(
    connection: &Connection,
    query: &LedgerQuery,
    device: &str,
    boots: &mut Vec<Boot>,
) -> rusqlite::Result<()> {
    const SELECT: &str = "
        SELECT r.boot, r.seq, r.measured_at, r.received_at - r.measured_at > ?4
        FROM series s CROSS JOIN readings r ON r.series = s.id
        WHERE s.device = ?1 AND r.measured_at >= ?2 AND r.measured_at < ?3 AND r.boot >= 0 AND r.seq >= 0
        ORDER BY r.boot, r.seq";
    let mut select = connection.prepare_cached(SELECT)?;
    let (from, to) = (micros_from(query.range.from), micros_from(query.range.to));
    let mut rows = select.query(params![device, from, to, DELAYED_AFTER.as_micros() as i64])?;
    let mut current: Option<SeqCounter> = None;
    while let Some(row) = rows.next()? {
        let (boot, seq, Micros(measured_at), is_delayed) = numbers(row)?;
        match &mut current {
            Some(counter) if counter.boot() == boot => counter.add(seq, measured_at, is_delayed),
            _ => {
                let next = SeqCounter::start(device, boot, seq, measured_at, is_delayed);
                boots.extend(current.replace(next).map(SeqCounter::finish));
            }
        }
    }
    boots.extend(current.map(SeqCounter::finish));
    Ok(())
}

fn numbers(row: &Row<'_>) -> rusqlite::Result<(u64, u64, Micros, bool)> {
    let number = |column| row.get::<_, i64>(column).map(i64::unsigned_abs);
    Ok((number(0)?, number(1)?, row.get(2)?, row.get(3)?))
}
