//! Merges the series, whose key gives each in order of time.

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, VecDeque};

use rusqlite::{Connection, params};
use telemetry::{Reading, Series};

use crate::engine::columns::at_most;
use crate::engine::sqlite::columns::Number;
use crate::micros::micros_from;
use crate::readings::history::{Cursor, ReadingQuery, StoredReading};
use crate::readings::sqlite::rows::{self, COLUMNS};
use crate::series::sqlite as series;

/// Rows of a series that are read at once, at most.
const MAX_CHUNK: usize = 1_000;

/// Where each series goes on, by device and metric.
pub(super) const HEADS: &str = "
    SELECT s.id, (
        SELECT r.measured_at FROM readings r
        WHERE r.series = s.id AND r.measured_at >= ?3 AND r.measured_at < ?4 ORDER BY r.measured_at LIMIT 1
    ), s.device FROM series s
    WHERE (?1 IS NULL OR s.device = ?1) AND (?2 IS NULL OR s.metric = ?2) ORDER BY s.device, s.metric";

/// The next rows of a series.
pub(super) fn rows_sql() -> String {
    format!(
        "SELECT {COLUMNS} FROM readings
         WHERE series = ?1 AND (measured_at, boot, seq, value) > (?2, ?3, ?4, ?5) AND measured_at < ?6
         ORDER BY measured_at, boot, seq, value LIMIT ?7"
    )
}

/// The readings of several series in one order.
///
/// One statement finds where each series goes on. Then a series is read, a few rows at a time, when its next reading may
/// be the next of all. So the cost grows as the number of series plus the rows that are taken, and not with the table: an
/// index by time would double each write.
pub(super) struct Merge<'a> {
    connection: &'a Connection,
    query: &'a ReadingQuery,
    sources: Vec<Source>,
    /// The earliest time at which a source can go on, and its place in `sources`, which is the order of series.
    heads: BinaryHeap<Reverse<(i64, usize)>>,
}

/// One series.
struct Source {
    id: i64,
    /// Known once its rows are read.
    series: Option<Series>,
    /// Rows that were read and not taken yet.
    rows: VecDeque<StoredReading>,
    /// Behind the last row that was read.
    place: Option<Place>,
    /// Whether more rows may follow.
    may_go_on: bool,
}

impl<'a> Merge<'a> {
    pub(super) fn begin(connection: &'a Connection, query: &'a ReadingQuery) -> rusqlite::Result<Self> {
        let mut merge = Self { connection, query, sources: Vec::new(), heads: BinaryHeap::new() };
        let from =
            query.after.as_ref().map_or(query.range.from, |after| after.measured_at.max(query.range.from));
        let mut select = connection.prepare_cached(HEADS)?;
        let wanted = params![query.device, query.metric, micros_from(from), micros_from(query.range.to)];
        let mut rows = select.query(wanted)?;
        while let Some(row) = rows.next()? {
            if let Some(micros) = row.get(1)?
                && query.scope.holds(row.get_ref(2)?.as_str()?)
            {
                merge.heads.push(Reverse((micros, merge.sources.len())));
                merge.sources.push(Source::new(row.get(0)?));
            }
        }
        drop(rows);
        drop(select);
        Ok(merge)
    }

    /// The next reading; `wanted` is how many the caller takes in all from here on, at most.
    pub(super) fn next(&mut self, wanted: usize) -> rusqlite::Result<Option<StoredReading>> {
        while let Some(Reverse((micros, place))) = self.heads.pop() {
            let source = &mut self.sources[place];
            let taken = source.rows.pop_front();
            if taken.is_none() {
                // As many as each series gives if all publish alike, and one that shows where it goes on.
                let chunk = (wanted / (self.heads.len() + 1) + 1).clamp(2, MAX_CHUNK);
                source.read(self.connection, self.query, chunk)?;
            }
            match source.rows.front() {
                Some(next) => self.heads.push(Reverse((next.reading.measured_at.as_microsecond(), place))),
                None if source.may_go_on => self.heads.push(Reverse((micros, place))),
                None => {}
            }
            if taken.is_some() {
                return Ok(taken);
            }
        }
        Ok(None)
    }
}

impl Source {
    fn new(id: i64) -> Self {
        Self { id, series: None, rows: VecDeque::new(), place: None, may_go_on: true }
    }

    fn read(&mut self, connection: &Connection, query: &ReadingQuery, chunk: usize) -> rusqlite::Result<()> {
        let series = match self.series.take() {
            Some(series) => series,
            None => series::by_id(connection, self.id)?,
        };
        let place = match self.place.take() {
            Some(place) => place,
            None => Place::before(query, &series)?,
        };
        let mut select = connection.prepare_cached(&rows_sql())?;
        let to = micros_from(query.range.to);
        let Place { micros, boot, seq, value } = place;
        let mut rows = select.query(params![self.id, micros, boot, seq, value, to, at_most(chunk)])?;
        while let Some(row) = rows.next()? {
            self.rows.push_back(rows::read(row, &series)?);
        }
        self.may_go_on = self.rows.len() == chunk;
        self.place = self.rows.back().map(|last| Place::of(&last.reading)).transpose()?;
        self.series = Some(series);
        Ok(())
    }
}

/// A place in the order of one series, as its key's columns.
struct Place {
    micros: i64,
    boot: i64,
    seq: i64,
    value: f64,
}

impl Place {
    /// The place in this series behind which the page begins.
    fn before(query: &ReadingQuery, series: &Series) -> rusqlite::Result<Self> {
        let from = Self::at_start_of(micros_from(query.range.from));
        let Some(cursor) = &query.after else { return Ok(from) };
        let after = Self::after(cursor, series)?;
        Ok(if after.micros < from.micros { from } else { after })
    }

    fn after(cursor: &Cursor, series: &Series) -> rusqlite::Result<Self> {
        let micros = cursor.measured_at.as_microsecond();
        Ok(match series_order(series, &cursor.series) {
            Ordering::Less => Self { micros, boot: i64::MAX, seq: i64::MAX, value: f64::INFINITY },
            Ordering::Greater => Self::at_start_of(micros),
            Ordering::Equal => Self {
                micros,
                boot: Number(cursor.boot).column()?,
                seq: Number(cursor.seq).column()?,
                value: cursor.value,
            },
        })
    }

    fn at_start_of(micros: i64) -> Self {
        Self { micros, boot: i64::MIN, seq: i64::MIN, value: f64::NEG_INFINITY }
    }

    fn of(reading: &Reading) -> rusqlite::Result<Self> {
        Ok(Self {
            micros: reading.measured_at.as_microsecond(),
            boot: Number(reading.boot).column()?,
            seq: Number(reading.seq).column()?,
            value: reading.value,
        })
    }
}

fn series_order(a: &Series, b: &Series) -> Ordering {
    (a.device(), a.metric()).cmp(&(b.device(), b.metric()))
}
