//! A page of readings, of all series in one order.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use rusqlite::{Connection, params};
use telemetry::{Reading, Series};

use super::rows::{self, COLUMNS};
use crate::engine::columns::at_most;
use crate::engine::sqlite::columns::Number;
use crate::micros::micros_from;
use crate::readings::history::{Cursor, Page, ReadingQuery, StoredReading};
use crate::series::sqlite as series;

/// Merges the series, whose key gives each in order, keeping no more rows than one page and one.
///
/// Once the page is full its last reading bounds what the next series is asked for, so that the cost grows as the
/// number of series plus limit · ln(series), and not with the table: an index by time would double each write.
pub(crate) fn read(connection: &Connection, query: &ReadingQuery) -> rusqlite::Result<Page> {
    let mut first = First::new(query.limit.max(1));
    for (id, series) in series::matching(connection, query.device.as_deref(), query.metric.as_deref())? {
        read_series(connection, query, id, &series, &mut first)?;
    }
    Ok(first.into_page())
}

fn read_series(
    connection: &Connection,
    query: &ReadingQuery,
    id: i64,
    series: &Series,
    first: &mut First,
) -> rusqlite::Result<()> {
    let after = Place::before(query, series)?;
    let to = first.last().map_or(i64::MAX, |last| last.measured_at.as_microsecond() + 1);
    let to = to.min(micros_from(query.range.to));
    let mut select = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM readings
         WHERE series = ?1 AND (measured_at, boot, seq, value) > (?2, ?3, ?4, ?5) AND measured_at < ?6
         ORDER BY measured_at, boot, seq, value LIMIT ?7"
    ))?;
    let Place { micros, boot, seq, value } = after;
    let mut rows = select.query(params![id, micros, boot, seq, value, to, at_most(first.room)])?;
    while let Some(row) = rows.next()? {
        if !first.offer(rows::read(row, series)?) {
            break;
        }
    }
    Ok(())
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
}

/// The first readings of all that were offered: those of a page, and one that tells whether more follow.
struct First {
    heap: BinaryHeap<Ranked>,
    room: usize,
}

impl First {
    fn new(limit: usize) -> Self {
        Self { heap: BinaryHeap::new(), room: limit.saturating_add(1) }
    }

    /// Returns whether there was room for the reading: if not, there is none for any that comes after it.
    fn offer(&mut self, reading: StoredReading) -> bool {
        let reading = Ranked(reading);
        if self.heap.len() < self.room {
            self.heap.push(reading);
            return true;
        }
        match self.heap.peek_mut() {
            Some(mut last) if reading < *last => {
                *last = reading;
                true
            }
            _ => false,
        }
    }

    /// The last one, once there is no room for any that comes after it.
    fn last(&self) -> Option<&Reading> {
        self.heap.peek().filter(|_| self.heap.len() == self.room).map(|last| &last.0.reading)
    }

    fn into_page(self) -> Page {
        let more = self.heap.len() == self.room;
        let mut readings: Vec<_> = self.heap.into_sorted_vec().into_iter().map(|ranked| ranked.0).collect();
        if more {
            readings.pop();
        }
        let next = readings.last().filter(|_| more).map(|last| Cursor::after(&last.reading));
        Page { readings, next }
    }
}

/// Orders readings as a page does.
struct Ranked(StoredReading);

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> Ordering {
        let (a, b) = (&self.0.reading, &other.0.reading);
        (a.measured_at.cmp(&b.measured_at))
            .then_with(|| series_order(&a.series, &b.series))
            .then_with(|| (a.boot, a.seq).cmp(&(b.boot, b.seq)))
            .then_with(|| a.value.total_cmp(&b.value))
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Ranked {}

fn series_order(a: &Series, b: &Series) -> Ordering {
    (a.device(), a.metric()).cmp(&(b.device(), b.metric()))
}
