//! Counts the readings of each hour and day that has passed, and again where they have changed since.
//!
//! It follows rollups: where the readings of a series were summed up, its device is marked; when no series is left to be summed
//! up, such marks are worked off.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::counted::{Counted, add_all, encoded};
use super::{count, is_delayed};
use crate::engine::columns::at_most;
use crate::engine::row::Row;
use crate::engine::statement::{Engine, Statement};
use crate::micros::clamped;
use crate::rollups::cover::whole_hours;
use crate::rollups::roll::{MAX_HOURS, MAX_MARKS, RolledUp, Work, take_turn};
use crate::rollups::values::MAX_READINGS;
use crate::rollups::width::Width;
use crate::unavailable::Result;

const DOING: &str = "count what is stored";

/// Marks what is to be counted of the device of a series.
pub(crate) fn mark_device_of(series: i64, from: i64, to: i64) -> Statement {
    const INSERT: &str = "
        INSERT INTO ledger_marks (device, from_at, to_at) SELECT device, $2, $3 FROM series WHERE id = $1";
    Statement::new(DOING, INSERT, [series.into(), clamped(from).into(), clamped(to).into()])
}

/// Marks all that was counted of two devices, of which one gets series of the other. As long as their transaction lasts
/// nothing else is counted, and what was about to be is counted anew.
pub(crate) fn mark_both(old: &str, new: &str) -> [Statement; 3] {
    const TURN: &str = "UPDATE rollup_progress SET version = version + 1";
    const INSERT: &str = "
        INSERT INTO ledger_marks (device, from_at, to_at) SELECT $1, $2, rolled_until FROM rollup_progress";
    let mark = |device: &str| Statement::new(DOING, INSERT, [device.into(), Timestamp::MIN.into()]);
    [Statement::new(DOING, TURN, []), mark(old), mark(new)]
}

fn mark(device: &str, from: Timestamp, to: Timestamp) -> Statement {
    const INSERT: &str = "INSERT INTO ledger_marks (device, from_at, to_at) VALUES ($1, $2, $3)";
    Statement::new(DOING, INSERT, [device.into(), from.into(), to.into()])
}

struct Mark {
    id: i64,
    device: String,
    from: i64,
    to: i64,
}

/// Makes one step; rollups have the given version.
pub(crate) async fn step(engine: &impl Engine, version: i64) -> Result<RolledUp> {
    let marks = marks(engine).await?;
    if marks.is_empty() {
        return Ok(RolledUp::default());
    }
    let mut of_device: BTreeMap<&str, Vec<&Mark>> = BTreeMap::new();
    for mark in &marks {
        of_device.entry(&mark.device).or_default().push(mark);
    }
    let (mut work, mut statements) = (Work::default(), vec![take_turn(version)]);
    for (device, marks) in of_device {
        if work.is_enough() {
            break;
        }
        statements.extend(marks.iter().map(|mark| unmark(mark.id)));
        let ranges: Vec<_> = marks.iter().map(|mark| (mark.from, mark.to)).collect();
        statements.extend(count_device(engine, device, &ranges, &mut work).await?);
    }
    if engine.execute_all(DOING, statements).await?.is_none() {
        return Ok(RolledUp::default());
    }
    Ok(RolledUp { hours: 0, is_behind: work.is_enough() || marks.len() == MAX_MARKS })
}

async fn marks(engine: &impl Engine) -> Result<Vec<Mark>> {
    const SELECT: &str = "SELECT id, device, from_at, to_at FROM ledger_marks ORDER BY id LIMIT $1";
    let read = |row: &Row<'_>| {
        let (from, to) = (row.time(2)?.as_microsecond(), row.time(3)?.as_microsecond());
        Ok(Mark { id: row.get(0)?, device: row.get(1)?, from, to })
    };
    engine.query(Statement::new(DOING, SELECT, [at_most(MAX_MARKS).into()]), read).await
}

fn unmark(id: i64) -> Statement {
    Statement::new(DOING, "DELETE FROM ledger_marks WHERE id = $1", [id.into()])
}

/// By the start of an hour or a day, and by boot.
type Parts = BTreeMap<(i64, u64), Counted>;

/// The statements that bring the ranges of a device up to date; what is too much for one step is marked again.
async fn count_device(
    engine: &impl Engine,
    device: &str,
    ranges: &[(i64, i64)],
    work: &mut Work,
) -> Result<Vec<Statement>> {
    let (mut statements, mut new, mut old, mut done) = (Vec::new(), Parts::new(), Parts::new(), Vec::new());
    for (from, to) in whole_hours(ranges) {
        let done_to =
            if work.is_enough() { from } else { end_of_step(engine, device, (from, to), work).await? };
        if done_to < to {
            statements.push(mark(device, clamped(done_to), clamped(to)));
        }
        if done_to > from {
            count_hours(engine, device, (from, done_to), &mut new).await?;
            old.extend(hours_of_days(engine, device, (from, done_to)).await?);
            statements.push(forget(device, Width::Hour, from, done_to));
            done.push(from..done_to);
        }
    }
    statements
        .extend(new.iter().map(|((hour, boot), counted)| insert(device, Width::Hour, *hour, *boot, counted)));
    let is_done = |hour: i64| done.iter().any(|range| range.contains(&hour));
    let gone: Vec<_> = old.extract_if(.., |(hour, _), _| is_done(*hour)).collect();
    let days: BTreeSet<i64> = gone
        .iter()
        .map(|(key, _)| key.0)
        .chain(new.keys().map(|key| key.0))
        .map(|hour| Width::Day.floor(hour))
        .collect();
    old.extend(new);
    for day in days {
        statements.extend(day_statements(device, day, &old));
    }
    Ok(statements)
}

/// Up to where the readings of a device are not too many for one step: at least an hour.
async fn end_of_step(
    engine: &impl Engine,
    device: &str,
    (from, to): (i64, i64),
    work: &mut Work,
) -> Result<i64> {
    const SELECT: &str = "
        SELECT r.start, CAST(sum(r.count) AS bigint) FROM series s JOIN rollups r ON r.series = s.id
        WHERE s.device = $1 AND r.width = 3600 AND r.start >= $2 AND r.start < $3
        GROUP BY r.start ORDER BY r.start LIMIT $4";
    let params = [device.into(), clamped(from).into(), clamped(to).into(), at_most(MAX_HOURS + 1).into()];
    let read = |row: &Row<'_>| Ok((row.time(0)?.as_microsecond(), row.count(1)?));
    let hours = engine.query(Statement::new(DOING, SELECT, params), read).await?;
    for (number, (hour, readings)) in hours.into_iter().enumerate() {
        if number == MAX_HOURS || number > 0 && work.readings >= MAX_READINGS {
            return Ok(hour);
        }
        work.readings += readings as usize;
        work.hours += 1;
    }
    Ok(to)
}

/// Counts the readings of each hour.
async fn count_hours(
    engine: &impl Engine,
    device: &str,
    (from, to): (i64, i64),
    parts: &mut Parts,
) -> Result<()> {
    const SELECT: &str = "
        SELECT r.boot, r.seq, r.measured_at, r.received_at FROM series s JOIN readings r ON r.series = s.id
        WHERE s.device = $1 AND r.measured_at >= $2 AND r.measured_at < $3 AND r.boot >= 0 AND r.seq >= 0
        ORDER BY r.boot, r.seq";
    let params = [device.into(), clamped(from).into(), clamped(to).into()];
    let read = |row: &Row<'_>| {
        let (measured_at, received_at) = (row.time(2)?, row.time(3)?);
        let one = Counted::one(row.count(1)?, measured_at, is_delayed(measured_at, received_at));
        Ok(((Width::Hour.floor(measured_at.as_microsecond()), row.count(0)?), one))
    };
    for (key, one) in engine.query(Statement::new(DOING, SELECT, params), read).await? {
        parts.entry(key).and_modify(|counted: &mut Counted| counted.add(one.clone())).or_insert(one);
    }
    Ok(())
}

/// The hours of the days that a range touches.
async fn hours_of_days(engine: &impl Engine, device: &str, (from, to): (i64, i64)) -> Result<Parts> {
    const SELECT: &str = "
        SELECT device, boot, readings, delayed, oldest_at, newest_at, runs, start FROM ledger_rollups
        WHERE device = $1 AND width = 3600 AND start >= $2 AND start < $3";
    let days = [Width::Day.floor(from), Width::Day.ceil(to)].map(clamped);
    let read = |row: &Row<'_>| {
        let ((_, boot), counted) = count::read(row)?;
        Ok(((row.time(7)?.as_microsecond(), boot), counted))
    };
    let select = Statement::new(DOING, SELECT, [device.into(), days[0].into(), days[1].into()]);
    Ok(engine.query(select, read).await?.into_iter().collect())
}

/// What a day comes to, from its hours.
fn day_statements(device: &str, day: i64, hours: &Parts) -> Vec<Statement> {
    let end = day + Width::Day.micros();
    let mut boots = BTreeMap::new();
    let of_day = hours.range((day, 0)..(end, 0));
    add_all(&mut boots, of_day.map(|((_, boot), counted)| ((String::new(), *boot), counted.clone())));
    let insert =
        boots.into_iter().map(|((_, boot), counted)| insert(device, Width::Day, day, boot, &counted));
    [forget(device, Width::Day, day, end)].into_iter().chain(insert).collect()
}

fn insert(device: &str, width: Width, start: i64, boot: u64, counted: &Counted) -> Statement {
    const INSERT: &str = "
        INSERT INTO ledger_rollups (device, width, start, boot, readings, delayed, oldest_at, newest_at, runs)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let mut counted = counted.clone();
    counted.tidy();
    let params = [
        device.into(),
        width.seconds().into(),
        clamped(start).into(),
        (boot as i64).into(),
        (counted.readings as i64).into(),
        (counted.delayed as i64).into(),
        counted.oldest.into(),
        counted.newest.into(),
        encoded(&counted.runs).into(),
    ];
    Statement::new(DOING, INSERT, params)
}

fn forget(device: &str, width: Width, from: i64, to: i64) -> Statement {
    const DELETE: &str =
        "DELETE FROM ledger_rollups WHERE device = $1 AND width = $2 AND start >= $3 AND start < $4";
    let params = [device.into(), width.seconds().into(), clamped(from).into(), clamped(to).into()];
    Statement::new(DOING, DELETE, params)
}
