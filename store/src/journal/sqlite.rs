//! The journal as rows, each with the keys of consecutive readings.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use async_trait::async_trait;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};
use telemetry::{JournalRun, NumberSet, Reading, Series};

use super::keys::{self, Key};
use super::{Journal, JournalProgress, Journaled};
use crate::engine::sqlite::Sqlite;
use crate::engine::sqlite::columns::{Micros, Number};
use crate::engine::sqlite::writer::Tables;
use crate::micros::micros_from;
use crate::readings::sqlite::rows::{self, COLUMNS};
use crate::series::sqlite as series;
use crate::unavailable::Result;

/// Keys in one row, at most.
const MAX_KEYS: usize = 1_000;

/// Bytes of a row, up to which further keys are added to it: readings that come one at a time share their rows.
const MAX_GROWN_BYTES: usize = 2 * 1024;

/// The keys of new readings, gathered until their batch is written.
pub(crate) struct NewKeys(Vec<Key>);

impl NewKeys {
    /// None where no numbers are given.
    pub(crate) fn begin(tables: &Tables<'_>) -> rusqlite::Result<Option<Self>> {
        const SELECT: &str = "SELECT EXISTS (SELECT 1 FROM journal_run WHERE is_on = 1)";
        let is_on = tables.connection.prepare_cached(SELECT)?.query_row([], |row| row.get(0))?;
        Ok(if is_on { Some(Self(Vec::new())) } else { None })
    }

    pub(crate) fn push(&mut self, series: i64, reading: &Reading) -> rusqlite::Result<()> {
        let (boot, seq) = (Number(reading.boot).column()?, Number(reading.seq).column()?);
        let measured_at = reading.measured_at.as_microsecond();
        self.0.push(Key { series, measured_at, boot, seq, value: reading.value });
        Ok(())
    }

    /// Gives the keys the next numbers.
    pub(crate) fn write(self, tables: &Tables<'_>) -> rusqlite::Result<()> {
        let mut rest = &self.0[..];
        if rest.is_empty() {
            return Ok(());
        }
        let newest = newest(tables.connection)?;
        let mut next = newest.as_ref().map_or(1, |row| row.first + row.count);
        if let Some(row) = newest.filter(|row| row.keys.len() < MAX_GROWN_BYTES) {
            let (some, others) = rest.split_at(rest.len().min(MAX_KEYS));
            grow(tables, row, some)?;
            next += some.len() as i64;
            rest = others;
        }
        for some in rest.chunks(MAX_KEYS) {
            insert(tables, next, some)?;
            next += some.len() as i64;
        }
        Ok(())
    }
}

struct JournalRow {
    first: i64,
    count: i64,
    keys: Vec<u8>,
}

fn read(row: &Row<'_>) -> rusqlite::Result<JournalRow> {
    Ok(JournalRow { first: row.get(0)?, count: row.get(1)?, keys: row.get(2)? })
}

fn newest(connection: &Connection) -> rusqlite::Result<Option<JournalRow>> {
    const SELECT: &str = "SELECT first, count, keys FROM journal ORDER BY first DESC LIMIT 1";
    connection.prepare_cached(SELECT)?.query_row([], read).optional()
}

fn grow(tables: &Tables<'_>, mut row: JournalRow, keys: &[Key]) -> rusqlite::Result<()> {
    const UPDATE: &str = "UPDATE journal SET count = ?2, keys = ?3, stored_at = ?4 WHERE first = ?1";
    keys::put(&mut row.keys, keys);
    let count = row.count + keys.len() as i64;
    let params = params![row.first, count, row.keys, Micros(tables.stored_at)];
    tables.connection.prepare_cached(UPDATE)?.execute(params).map(drop)
}

fn insert(tables: &Tables<'_>, first: i64, keys: &[Key]) -> rusqlite::Result<()> {
    const INSERT: &str = "INSERT INTO journal (first, count, keys, stored_at) VALUES (?1, ?2, ?3, ?4)";
    let mut packed = Vec::new();
    keys::put(&mut packed, keys);
    let params = params![first, keys.len() as i64, packed, Micros(tables.stored_at)];
    tables.connection.prepare_cached(INSERT)?.execute(params).map(drop)
}

/// Forgets the keys of readings that retention has deleted. The newest row stays: the next number follows from it.
pub(crate) fn purge(tables: &Tables<'_>, older_than: jiff::Timestamp) -> rusqlite::Result<()> {
    const DELETE: &str = "
        DELETE FROM journal WHERE first < coalesce(
            (SELECT first FROM journal WHERE stored_at >= ?1 ORDER BY first LIMIT 1),
            (SELECT max(first) FROM journal))";
    tables.connection.prepare_cached(DELETE)?.execute([micros_from(older_than)]).map(drop)
}

#[async_trait]
impl Journal for Sqlite {
    async fn start_journal(&self) -> Result<JournalRun> {
        self.writer.change("start the journal", 1, |tables| start(tables.connection)).await
    }

    async fn stop_journal(&self) -> Result<()> {
        const UPDATE: &str = "UPDATE journal_run SET is_on = 0 WHERE is_on = 1";
        let stop = |tables: &mut Tables<'_>| tables.connection.prepare_cached(UPDATE)?.execute([]).map(drop);
        self.writer.change("stop the journal", 1, stop).await
    }

    async fn last_number(&self) -> Result<u64> {
        const SELECT: &str = "SELECT first + count - 1 FROM journal ORDER BY first DESC LIMIT 1";
        let last = |connection: &Connection| -> rusqlite::Result<u64> {
            let last = connection.prepare_cached(SELECT)?.query_row([], |row| row.get::<_, i64>(0));
            Ok(last.optional()?.map_or(0, i64::unsigned_abs))
        };
        self.readers.read("read the journal", last).await
    }

    async fn journaled(&self, numbers: RangeInclusive<u64>) -> Result<Journaled> {
        self.readers.read("read the journal", move |connection| journaled(connection, numbers)).await
    }

    async fn journal_progress(&self) -> Result<JournalProgress> {
        self.readers.read("read the uplink's progress", progress).await
    }

    async fn set_journal_progress(&self, progress: JournalProgress) -> Result<()> {
        let rows = progress.done.ranges().count() + progress.gone.ranges().count();
        let set = move |tables: &mut Tables<'_>| set_progress(tables.connection, &progress);
        self.writer.change("note the uplink's progress", rows, set).await
    }
}

fn start(connection: &Connection) -> rusqlite::Result<JournalRun> {
    const UPSERT: &str = "
        INSERT INTO journal_run (id, run, is_on) VALUES (1, ?1, 1)
        ON CONFLICT (id) DO UPDATE SET is_on = 1 RETURNING run";
    // As random as an id of SQLite's is: two databases never have the same.
    let random: i64 = connection.query_row("SELECT random()", [], |row| row.get(0))?;
    let new = JournalRun(random as u64).to_string();
    let run: String = connection.prepare_cached(UPSERT)?.query_row([new], |row| row.get(0))?;
    run.parse().map_err(|e| rusqlite::Error::FromSqlConversionFailure(0, Type::Text, Box::new(e)))
}

fn journaled(connection: &Connection, numbers: RangeInclusive<u64>) -> rusqlite::Result<Journaled> {
    const SELECT: &str = "
        SELECT first, count, keys FROM journal
        WHERE first >= coalesce((SELECT max(first) FROM journal WHERE first <= ?1), ?1) AND first <= ?2
        ORDER BY first";
    let ends = [*numbers.start(), *numbers.end()].map(|number| i64::try_from(number).unwrap_or(i64::MAX));
    let mut found = Journaled { deleted: NumberSet::from_iter([numbers.clone()]), ..Journaled::default() };
    let mut readings = Readings { connection, names: HashMap::new() };
    let mut select = connection.prepare_cached(SELECT)?;
    for row in select.query_map(ends, read)? {
        let row = row?;
        let keys = keys::read(&row.keys)
            .map_err(|e| rusqlite::Error::FromSqlConversionFailure(2, Type::Blob, Box::new(e)))?;
        for (number, key) in (row.first.unsigned_abs()..).zip(keys) {
            if numbers.contains(&number)
                && let Some(reading) = readings.get(&key)?
            {
                found.readings.push((number, reading));
            }
        }
    }
    found.readings.chunk_by(|(a, _), (b, _)| a + 1 == *b).for_each(|run| {
        if let ([(first, _), ..], [.., (last, _)]) = (run, run) {
            found.deleted.remove(*first..=*last);
        }
    });
    Ok(found)
}

/// Looks readings up by their keys.
struct Readings<'a> {
    connection: &'a Connection,
    /// The series of a number, and the number that it has now: a device may have got another name.
    names: HashMap<i64, Option<(Series, Option<i64>)>>,
}

impl Readings<'_> {
    fn get(&mut self, key: &Key) -> rusqlite::Result<Option<Reading>> {
        let Some((series, moved)) = self.name(key.series)? else { return Ok(None) };
        if let Some(reading) = find(self.connection, key, key.series, &series)? {
            return Ok(Some(reading));
        }
        let Some(moved) = moved else { return Ok(None) };
        let series = series::by_id(self.connection, moved)?;
        find(self.connection, key, moved, &series)
    }

    fn name(&mut self, id: i64) -> rusqlite::Result<Option<(Series, Option<i64>)>> {
        if let Some(known) = self.names.get(&id) {
            return Ok(known.clone());
        }
        let named = match series::by_id(self.connection, id).optional()? {
            Some(series) => {
                let moved = moved_to(self.connection, &series)?;
                Some((series, moved))
            }
            None => None,
        };
        self.names.insert(id, named.clone());
        Ok(named)
    }
}

/// The series that has the readings now, of a device that got another name.
fn moved_to(connection: &Connection, series: &Series) -> rusqlite::Result<Option<i64>> {
    const SELECT: &str = "
        SELECT s.id FROM device_aliases a JOIN series s ON s.device = a.device AND s.metric = ?2 WHERE a.old = ?1";
    let params = [series.device(), series.metric()];
    connection.prepare_cached(SELECT)?.query_row(params, |row| row.get(0)).optional()
}

fn find(connection: &Connection, key: &Key, id: i64, series: &Series) -> rusqlite::Result<Option<Reading>> {
    let select = format!(
        "SELECT {COLUMNS} FROM readings
         WHERE series = ?1 AND measured_at = ?2 AND boot = ?3 AND seq = ?4 AND value = ?5"
    );
    let params = params![id, key.measured_at, key.boot, key.seq, key.value];
    let read = |row: &Row<'_>| Ok(rows::read(row, series)?.reading);
    connection.prepare_cached(&select)?.query_row(params, read).optional()
}

/// How a state of progress is written in its column.
const STATES: [&str; 2] = ["done", "gone"];

fn progress(connection: &Connection) -> rusqlite::Result<JournalProgress> {
    const SELECT: &str = "SELECT first, last FROM journal_progress WHERE state = ?1";
    let set = |state: &str| -> rusqlite::Result<NumberSet> {
        let range =
            |row: &Row<'_>| Ok(row.get::<_, i64>(0)?.unsigned_abs()..=row.get::<_, i64>(1)?.unsigned_abs());
        connection.prepare_cached(SELECT)?.query_map([state], range)?.collect()
    };
    let [done, gone] = STATES;
    Ok(JournalProgress { done: set(done)?, gone: set(gone)? })
}

/// Ranges are few: what is forwarded in order is one.
fn set_progress(connection: &Connection, progress: &JournalProgress) -> rusqlite::Result<()> {
    const INSERT: &str = "INSERT INTO journal_progress (state, first, last) VALUES (?1, ?2, ?3)";
    connection.prepare_cached("DELETE FROM journal_progress")?.execute([])?;
    let mut insert = connection.prepare_cached(INSERT)?;
    for (state, numbers) in STATES.into_iter().zip([&progress.done, &progress.gone]) {
        for range in numbers.ranges() {
            insert.execute(params![state, *range.start() as i64, *range.end() as i64])?;
        }
    }
    Ok(())
}
