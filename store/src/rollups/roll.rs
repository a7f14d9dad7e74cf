//! Sums up the readings of each hour and day that has passed, and again where they have changed since.
//!
//! A reading is never left out. Who writes one marks its hour if that lies before `marked_until`. That time is moved on
//! first; once every transaction has ended that may have seen the old one, all readings before it are there to be seen, and
//! their series are marked, too. From then on marks are worked off: a mark is read before the readings that it is about,
//! so that one that comes later has a mark of its own, which stays. Two processes may do this at once: the one that
//! finds that `version` has changed gives its work up.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use super::cover::whole_hours;
use super::marks::mark;
use super::minutes;
use super::rollup::{Rollup, all, by_width};
use super::values::MAX_READINGS;
use super::width::Width;
use super::{rows, values};
use crate::engine::columns::at_most;
use crate::engine::row::Row;
use crate::engine::statement::{Engine, Statement};
use crate::ledger;
use crate::micros::clamped;
use crate::unavailable::Result;

/// Readings of an hour that come later than this after it cost a second look at it.
const SETTLED_AFTER: Duration = Duration::from_secs(5 * 60);

/// Readings in an hour from which on its minutes are summed up, too: four in a minute.
const MANY_READINGS: u64 = 240;

/// Marks that are looked at together.
pub(crate) const MAX_MARKS: usize = 1_000;

/// Hours that are changed in one step, about.
pub(crate) const MAX_HOURS: usize = 500;

/// Rows that are deleted in one step where readings went with their partition.
const MAX_CLEARED: usize = 10_000;

/// What one step has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RolledUp {
    /// Hours of series that were summed up.
    pub hours: u64,
    /// Whether there is more to do at once.
    pub is_behind: bool,
}

struct Progress {
    rolled_until: Timestamp,
    marked_until: Timestamp,
    version: i64,
}

/// A range of a series, or of all, that is to be summed up again.
struct Mark {
    id: i64,
    series: Option<i64>,
    from: i64,
    to: i64,
}

/// Makes one step; `now` says which hours have passed.
pub(crate) async fn roll_up(engine: &impl Engine, now: Timestamp) -> Result<RolledUp> {
    let settled = now.checked_sub(SETTLED_AFTER).unwrap_or(Timestamp::MIN);
    let until = clamped(Width::Hour.floor(settled.as_microsecond()));
    let Progress { version, .. } = advance(engine, until).await?;
    let marks = marks(engine, until).await?;
    match marks.first() {
        None => ledger::roll::step(engine, version).await,
        Some(Mark { id, series: None, from, to }) => clear(engine, version, *id, (*from, *to)).await,
        Some(_) => step(engine, version, &marks).await,
    }
}

async fn progress(engine: &impl Engine) -> Result<Progress> {
    const SELECT: &str = "SELECT rolled_until, marked_until, version FROM rollup_progress";
    let read = |row: &Row<'_>| {
        Ok(Progress { rolled_until: row.time(0)?, marked_until: row.time(1)?, version: row.get(2)? })
    };
    let rows = engine.query(Statement::new("read how far rollups are", SELECT, []), read).await?;
    Ok(rows.into_iter().next().ok_or_else(|| anyhow::anyhow!("the table rollup_progress is empty"))?)
}

/// Takes the hours that have passed among those that are summed up.
async fn advance(engine: &impl Engine, until: Timestamp) -> Result<Progress> {
    const MARK_UNTIL: &str = "UPDATE rollup_progress SET marked_until = $1 WHERE marked_until < $1";
    let doing = "move rollups on";
    let before = progress(engine).await?;
    if before.marked_until < until {
        engine.execute(Statement::new(doing, MARK_UNTIL, [until.into()])).await?;
    }
    if before.marked_until > until {
        drop_repeated_marks(engine, until).await?;
    }
    if before.rolled_until < until && engine.outlast_writers().await? {
        mark_all(engine, before.rolled_until, until).await?;
    }
    progress(engine).await
}

/// Marks every series that has readings from `from` to `until`, and notes that what was measured before `until` is marked.
async fn mark_all(engine: &impl Engine, from: Timestamp, until: Timestamp) -> Result<()> {
    const MARK: &str = "
        INSERT INTO rollup_marks (series, from_at, to_at)
        SELECT id, $1, $2 FROM series WHERE EXISTS (
            SELECT 1 FROM readings WHERE series = series.id AND measured_at >= $1 AND measured_at < $2)";
    const ROLL_UNTIL: &str = "UPDATE rollup_progress SET rolled_until = $2 WHERE rolled_until = $1";
    let doing = "mark what is to be summed up";
    let statement = |sql| Statement::new(doing, sql, [from.into(), until.into()]);
    let statements = vec![statement(ROLL_UNTIL).required(), statement(MARK).changing(MAX_MARKS)];
    engine.execute_all(doing, statements).await.map(drop)
}

/// Where the clock was ahead, hours that have not passed are marked with each batch: of equal marks one is enough.
async fn drop_repeated_marks(engine: &impl Engine, until: Timestamp) -> Result<()> {
    const DELETE: &str = "
        DELETE FROM rollup_marks WHERE to_at > $1 AND EXISTS (
            SELECT 1 FROM rollup_marks o
            WHERE o.id < rollup_marks.id AND o.series = rollup_marks.series
                AND o.from_at = rollup_marks.from_at AND o.to_at = rollup_marks.to_at)";
    let delete = Statement::new("drop repeated marks", DELETE, [until.into()]);
    engine.execute(delete.changing(MAX_MARKS)).await.map(drop)
}

/// Of hours that have passed, the oldest first.
async fn marks(engine: &impl Engine, until: Timestamp) -> Result<Vec<Mark>> {
    const SELECT: &str = "
        SELECT id, CAST(series AS bigint), from_at, to_at FROM rollup_marks
        WHERE to_at <= $1 OR series IS NULL ORDER BY id LIMIT $2";
    let read = |row: &Row<'_>| {
        let (from, to) = (row.time(2)?.as_microsecond(), row.time(3)?.as_microsecond());
        Ok(Mark { id: row.get(0)?, series: row.get(1)?, from, to })
    };
    let select =
        Statement::new("read what is to be summed up", SELECT, [until.into(), at_most(MAX_MARKS).into()]);
    engine.query(select, read).await
}

/// Works off marks of series, up to one of all series.
async fn step(engine: &impl Engine, version: i64, marks: &[Mark]) -> Result<RolledUp> {
    let mut of_series: BTreeMap<i64, Vec<&Mark>> = BTreeMap::new();
    for mark in marks.iter().take_while(|mark| mark.series.is_some()) {
        of_series.entry(mark.series.unwrap_or_default()).or_default().push(mark);
    }
    let mut work = Work::default();
    let mut statements = vec![take_turn(version)];
    for (series, marks) in of_series {
        if work.is_enough() {
            break;
        }
        statements.extend(marks.iter().map(|mark| unmark(mark.id)));
        let ranges: Vec<_> = marks.iter().map(|mark| (mark.from, mark.to)).collect();
        statements.extend(sum_up(engine, series, &ranges, &mut work).await?);
    }
    if engine.execute_all("write rollups", statements).await?.is_none() {
        return Ok(RolledUp::default());
    }
    // Their devices are to be counted.
    Ok(RolledUp { hours: work.hours as u64, is_behind: true })
}

/// Stands only if no other process has changed rollups since the version was read.
pub(crate) fn take_turn(version: i64) -> Statement {
    const TAKE: &str = "UPDATE rollup_progress SET version = version + 1 WHERE version = $1";
    Statement::new("write rollups", TAKE, [version.into()]).required()
}

fn unmark(id: i64) -> Statement {
    Statement::new("write rollups", "DELETE FROM rollup_marks WHERE id = $1", [id.into()])
}

/// What one step has read so far.
#[derive(Default)]
pub(crate) struct Work {
    pub(crate) readings: usize,
    pub(crate) hours: usize,
}

impl Work {
    pub(crate) fn is_enough(&self) -> bool {
        self.readings >= MAX_READINGS || self.hours >= MAX_HOURS
    }
}

/// An hour of a series, summed up.
struct Hour {
    rollup: Rollup,
    minutes: Option<Vec<u8>>,
}

/// The statements that bring the ranges of a series up to date; what is too much for one step is marked again.
async fn sum_up(
    engine: &impl Engine,
    series: i64,
    ranges: &[(i64, i64)],
    work: &mut Work,
) -> Result<Vec<Statement>> {
    let (mut statements, mut hours, mut days, mut done) =
        (Vec::new(), BTreeMap::new(), Days::default(), Vec::new());
    for (from, to) in whole_hours(ranges) {
        let range = (from, to);
        let done_to =
            if work.is_enough() { from } else { read_hours(engine, series, range, work, &mut hours).await? };
        if done_to < to {
            statements.push(mark(series, clamped(done_to), clamped(to)));
        }
        if done_to > from {
            days.read(engine, series, (from, done_to)).await?;
            statements.extend(rows::forget_hours(series, from, done_to));
            statements.push(ledger::roll::mark_device_of(series, from, done_to));
            done.push((from, done_to));
        }
    }
    done.into_iter().for_each(|range| days.clear(range));
    for (start, hour) in &hours {
        days.set(*start, hour.rollup);
        statements.push(rows::insert(series, Width::Hour, *start, &hour.rollup));
        statements.extend(hour.minutes.clone().map(|minutes| rows::insert_minutes(series, *start, minutes)));
    }
    statements.extend(days.statements(series));
    Ok(statements)
}

/// Sums up the hours of a range, and returns up to where.
async fn read_hours(
    engine: &impl Engine,
    series: i64,
    (from, to): (i64, i64),
    work: &mut Work,
    hours: &mut BTreeMap<i64, Hour>,
) -> Result<i64> {
    let (values, done_to) = values::up_to_an_hour(engine, series, (from, to)).await?;
    let hour_of = |value: &(i64, f64)| Width::Hour.floor(value.0);
    for (number, hour) in values.chunk_by(|a, b| hour_of(a) == hour_of(b)).enumerate() {
        let start = hour_of(&hour[0]);
        if number == MAX_HOURS {
            return Ok(start);
        }
        work.readings += hour.len();
        work.hours += 1;
        hours.extend(summed_up(hour));
    }
    Ok(done_to)
}

/// Of the readings of one hour.
fn summed_up(values: &[(i64, f64)]) -> Option<(i64, Hour)> {
    let (start, rollup) = by_width(values.iter().copied(), Width::Hour).pop_first()?;
    let has_many = rollup.reduced.count >= MANY_READINGS;
    let minutes = has_many.then(|| minutes::encoded(start, &by_width(values.iter().copied(), Width::Minute)));
    Some((start, Hour { rollup, minutes }))
}

/// The hours of the days that change.
#[derive(Default)]
struct Days {
    hours: BTreeMap<i64, Rollup>,
    changed: BTreeSet<i64>,
}

impl Days {
    /// Reads the hours of the days that a range touches.
    async fn read(&mut self, engine: &impl Engine, series: i64, (from, to): (i64, i64)) -> Result<()> {
        let days = (Width::Day.floor(from), Width::Day.ceil(to));
        self.hours.extend(rows::select(engine, series, Width::Hour, days).await?);
        Ok(())
    }

    /// Forgets the hours of a range, which are to be set anew.
    fn clear(&mut self, (from, to): (i64, i64)) {
        let old = self.hours.extract_if(from..to, |_, _| true);
        self.changed.extend(old.map(|(start, _)| Width::Day.floor(start)));
    }

    fn set(&mut self, start: i64, rollup: Rollup) {
        self.changed.insert(Width::Day.floor(start));
        self.hours.insert(start, rollup);
    }

    fn statements(&self, series: i64) -> Vec<Statement> {
        let of_day = |day: &i64| {
            let hours = self.hours.range(*day..*day + Width::Day.micros()).map(|(_, rollup)| *rollup);
            let insert = all(hours).map(|rollup| rows::insert(series, Width::Day, *day, &rollup));
            [Some(rows::forget_day(series, *day)), insert]
        };
        self.changed.iter().flat_map(of_day).flatten().collect()
    }
}

/// Deletes the rollups of a range of which all readings went at once; the mark goes when none is left.
///
/// It begins and ends at midnight in UTC, as partitions and chunks do: no day is only in part in it.
async fn clear(engine: &impl Engine, version: i64, mark: i64, (from, to): (i64, i64)) -> Result<RolledUp> {
    const ROLLUPS: &str = "
        DELETE FROM rollups WHERE (series, width, start) IN (
            SELECT series, width, start FROM rollups WHERE start >= $1 AND start < $2 LIMIT $3)";
    const MINUTES: &str = "
        DELETE FROM minute_rollups WHERE (series, start) IN (
            SELECT series, start FROM minute_rollups WHERE start >= $1 AND start < $2 LIMIT $3)";
    const LEDGER: &str = "
        DELETE FROM ledger_rollups WHERE (width, start, device, boot) IN (
            SELECT width, start, device, boot FROM ledger_rollups WHERE start >= $1 AND start < $2 LIMIT $3)";
    let doing = "delete rollups";
    let delete = |sql| {
        let params = [clamped(from).into(), clamped(to).into(), at_most(MAX_CLEARED).into()];
        Statement::new(doing, sql, params).changing(MAX_CLEARED)
    };
    let statements = vec![take_turn(version), delete(ROLLUPS), delete(MINUTES), delete(LEDGER)];
    // The turn itself is one.
    if engine.execute_all(doing, statements).await? == Some(1) {
        engine.execute(unmark(mark)).await?;
    }
    Ok(RolledUp { hours: 0, is_behind: true })
}
