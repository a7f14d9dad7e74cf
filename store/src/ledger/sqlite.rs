//! Counts readings one by one.

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use super::count::{self, Recount};
use super::counted::{Counted, CountedBoots};
use crate::engine::sqlite::Sqlite;
use crate::engine::sqlite::columns::Micros;
use crate::ledger::{Boot, DELAYED_AFTER, Ledger, LedgerQuery, counted_from};
use crate::micros::micros_from;
use crate::readings::history::TimeRange;
use crate::series::sqlite as series;
use crate::unavailable::Result;

#[async_trait]
impl Ledger for Sqlite {
    async fn completeness(&self, query: LedgerQuery) -> Result<Vec<Boot>> {
        count::completeness(self, &query).await
    }

    async fn counted_from(&self, device: &str, readings: usize) -> Result<Timestamp> {
        counted_from(self, device, readings).await
    }
}

impl Recount for Sqlite {
    async fn recount(&self, device: Option<&str>, range: TimeRange) -> Result<CountedBoots> {
        let device = device.map(str::to_owned);
        self.readers.read("count readings", move |tables| recount(tables, device.as_deref(), range)).await
    }
}

/// A device at a time: SQLite sorts its readings, in a file where they are many.
fn recount(
    connection: &Connection,
    device: Option<&str>,
    range: TimeRange,
) -> rusqlite::Result<CountedBoots> {
    let mut devices: Vec<String> = series::matching(connection, device, None)?
        .into_iter()
        .map(|(_, topic)| topic.device().to_owned())
        .collect();
    devices.dedup();
    let mut boots = CountedBoots::new();
    for device in devices {
        count_device(connection, &device, range, &mut boots)?;
    }
    Ok(boots)
}

fn count_device(
    connection: &Connection,
    device: &str,
    range: TimeRange,
    boots: &mut CountedBoots,
) -> rusqlite::Result<()> {
    const SELECT: &str = "
        SELECT r.boot, r.seq, r.measured_at, r.received_at - r.measured_at > ?4
        FROM series s CROSS JOIN readings r ON r.series = s.id
        WHERE s.device = ?1 AND r.measured_at >= ?2 AND r.measured_at < ?3 AND r.boot >= 0 AND r.seq >= 0
        ORDER BY r.boot, r.seq";
    let mut select = connection.prepare_cached(SELECT)?;
    let (from, to) = (micros_from(range.from), micros_from(range.to));
    let mut rows = select.query(params![device, from, to, DELAYED_AFTER.as_micros() as i64])?;
    let mut current: Option<(u64, Counted)> = None;
    while let Some(row) = rows.next()? {
        let (boot, one) = numbered(row)?;
        match &mut current {
            Some((of, counted)) if *of == boot => counted.add(one),
            _ => boots
                .extend(current.replace((boot, one)).map(|(boot, counted)| ((device.into(), boot), counted))),
        }
    }
    boots.extend(current.map(|(boot, counted)| ((device.into(), boot), counted)));
    Ok(())
}

fn numbered(row: &Row<'_>) -> rusqlite::Result<(u64, Counted)> {
    let number = |column| row.get::<_, i64>(column).map(i64::unsigned_abs);
    let Micros(measured_at) = row.get(2)?;
    Ok((number(0)?, Counted::one(number(1)?, measured_at, row.get(3)?)))
}
