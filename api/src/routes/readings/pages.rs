//! Readings as text. However many are asked for, few are held in memory.

use std::sync::Arc;

use store::{Cursor, ReadingQuery, Store};

use super::file::FileKind;
use crate::error::ApiError;
use crate::forms::csv::{self, ReadingCells};
use crate::forms::{self, MAX_PAGE_BYTES, Page};
use crate::guards::Limits;

/// Readings that a JSON page has room for, at most: each has more bytes than this.
const MAX_ROWS: usize = MAX_PAGE_BYTES / 200;

/// Readings of a table that are read at once: few enough to hold, and enough to be worth a query.
const PART: usize = 10_000;

/// A page as JSON, which ends at its limit or at its bytes.
///
/// # Errors
/// The store cannot be read, or not in time.
pub(super) async fn json(store: &dyn Store, limits: Limits, query: ReadingQuery) -> Result<String, ApiError> {
    let limit = query.limit.min(MAX_ROWS);
    let found = limits.within(store.readings(ReadingQuery { limit, ..query })).await?;
    let runs = limits.within(store.clock_runs()).await?;
    let mut page = Page::new("readings", limit);
    let mut last = None;
    for reading in &found.readings {
        if !page.push(&forms::Reading::stamped(reading, &runs)) {
            return Ok(page.end(last.map(|last| Cursor::after(last).to_string()).as_deref()));
        }
        last = Some(&reading.reading);
    }
    Ok(page.end(found.next.map(|next| next.to_string()).as_deref()))
}

/// The readings of a table that are still to be read.
pub(super) struct Parts {
    store: Arc<dyn Store>,
    limits: Limits,
    query: ReadingQuery,
    kind: FileKind,
    is_first: bool,
    is_over: bool,
}

impl Parts {
    pub(super) fn new(store: Arc<dyn Store>, limits: Limits, query: ReadingQuery, kind: FileKind) -> Self {
        Self { store, limits, query, kind, is_first: true, is_over: false }
    }

    pub(super) fn kind(&self) -> FileKind {
        self.kind
    }

    /// Whether every part has been read.
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    /// Reads the next part.
    ///
    /// # Errors
    /// The store cannot be read, or not in time: the parts so far are no complete answer.
    pub(super) async fn next(&mut self) -> Result<String, ApiError> {
        let limit = self.query.limit.min(PART);
        let query = ReadingQuery { limit, ..self.query.clone() };
        let page = self.limits.within(self.store.readings(query)).await?;
        self.query.limit -= limit;
        self.is_over = self.query.limit == 0 || page.next.is_none();
        let header = if self.is_first { csv::READING } else { &[] };
        let mut text =
            self.kind.text::<_, ReadingCells<'_>>(header, page.readings.iter().map(forms::Reading::from));
        text.shrink_to_fit();
        self.is_first = false;
        self.query.after = page.next;
        Ok(text)
    }
}
