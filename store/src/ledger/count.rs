//! Counts what is there of each boot: from what each hour and day comes to where that holds, else from readings.

use jiff::Timestamp;

use super::counted::{Counted, CountedBoots, add_all, decoded};
use super::{Boot, LedgerQuery};
use crate::engine::row::Row;
use crate::engine::statement::{Engine, Statement, Value};
use crate::micros::{clamped, micros_from};
use crate::readings::history::TimeRange;
use crate::rollups::cover::{Known, cover};
use crate::rollups::width::Width;
use crate::unavailable::Result;

/// Counts readings themselves, as each database does it best.
pub(crate) trait Recount: Engine {
    /// Of one device, or of all.
    async fn recount(&self, device: Option<&str>, range: TimeRange) -> Result<CountedBoots>;
}

pub(crate) async fn completeness<S: Recount>(store: &S, query: &LedgerQuery) -> Result<Vec<Boot>> {
    let LedgerQuery { device, range, full } = query;
    let device = device.as_deref();
    let boots =
        if *full { store.recount(device, *range).await? } else { quickly(store, device, *range).await? };
    Ok(boots.into_iter().map(|(boot, counted)| counted.boot(boot)).collect())
}

async fn quickly<S: Recount>(store: &S, device: Option<&str>, range: TimeRange) -> Result<CountedBoots> {
    let known = known(store, device).await?;
    let mut boots = CountedBoots::new();
    for piece in cover((micros_from(range.from), micros_from(range.to)), Some(Width::Day), &known) {
        let part = TimeRange { from: clamped(piece.from), to: clamped(piece.to) };
        match piece.width {
            None => add_all(&mut boots, store.recount(device, part).await?),
            Some(width) => add_all(&mut boots, summed_up(store, device, width, part).await?),
        }
    }
    Ok(boots)
}

/// It is asked first: what changes while the rest is read is seen either as it was or as it is.
async fn known(engine: &impl Engine, device: Option<&str>) -> Result<Known> {
    const SELECT: &str = "
        SELECT p.rolled_until, m.from_at, m.to_at FROM rollup_progress p LEFT JOIN (
            SELECT r.from_at, r.to_at FROM rollup_marks r LEFT JOIN series s ON s.id = r.series
            WHERE $1 IS NULL OR s.device = $1 OR r.series IS NULL
            UNION SELECT from_at, to_at FROM ledger_marks WHERE $1 IS NULL OR device = $1
        ) m ON true";
    let read = |row: &Row<'_>| {
        let mark = row.time_if_any(1)?.zip(row.time_if_any(2)?);
        let mark = mark.map(|(from, to)| (from.as_microsecond(), to.as_microsecond()));
        Ok((row.time(0)?.as_microsecond(), mark))
    };
    let select = Statement::new("read what is counted", SELECT, [Value::Text(device.map(str::to_owned))]);
    let rows = engine.query(select, read).await?;
    let until = rows.first().map_or(i64::MIN, |(until, _)| *until);
    Ok(Known { until, stale: rows.into_iter().filter_map(|(_, mark)| mark).collect() })
}

async fn summed_up(
    engine: &impl Engine,
    device: Option<&str>,
    width: Width,
    range: TimeRange,
) -> Result<Vec<((String, u64), Counted)>> {
    const ALL: &str = "
        SELECT device, boot, readings, delayed, oldest_at, newest_at, runs FROM ledger_rollups
        WHERE width = $1 AND start >= $2 AND start < $3 ORDER BY start";
    const ONE: &str = "
        SELECT device, boot, readings, delayed, oldest_at, newest_at, runs FROM ledger_rollups
        WHERE device = $4 AND width = $1 AND start >= $2 AND start < $3 ORDER BY start";
    let mut params = vec![width.seconds().into(), range.from.into(), range.to.into()];
    params.extend(device.map(Value::from));
    let sql = if device.is_some() { ONE } else { ALL };
    let select = Statement { params, ..Statement::new("read what is counted", sql, []) };
    engine.query(select, read).await
}

/// Reads the device, the boot and what was counted.
pub(crate) fn read(row: &Row<'_>) -> anyhow::Result<((String, u64), Counted)> {
    let (oldest, newest): (Timestamp, Timestamp) = (row.time(4)?, row.time(5)?);
    let runs = decoded(&row.get::<Vec<u8>>(6)?)?;
    let counted = Counted { readings: row.count(2)?, delayed: row.count(3)?, oldest, newest, runs };
    Ok(((row.get(0)?, row.count(1)?), counted))
}
