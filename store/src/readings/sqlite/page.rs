//! A page of readings, of all series in one order.

mod merge;

use rusqlite::Connection;

use self::merge::Merge;
use crate::readings::history::{Cursor, Page, ReadingQuery, StoredReading};

pub(crate) fn read(connection: &Connection, query: &ReadingQuery) -> rusqlite::Result<Page> {
    let limit = query.limit.max(1);
    let mut merge = Merge::begin(connection, query)?;
    let mut readings: Vec<StoredReading> = Vec::new();
    // One more than the page shows that more follow.
    while let Some(reading) = merge.next(limit.saturating_add(1) - readings.len())? {
        if readings.len() == limit {
            let next = readings.last().map(|last| Cursor::after(&last.reading));
            return Ok(Page { readings, next });
        }
        readings.push(reading);
    }
    Ok(Page { readings, next: None })
}

#[cfg(test)]
mod tests;
