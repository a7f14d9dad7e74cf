//! Readings as text, a page at a time: however many are asked for, a few thousand are held in memory.

use std::sync::Arc;

use store::{Cursor, ReadingQuery, Store, StoredReading, Unavailable};

use super::query::Format;
use crate::forms::{self, csv};

/// Readings on one page: few enough to hold, and enough to be worth a query.
const PAGE: usize = 2_000;

/// The readings that are still to be read.
pub(super) struct Pages {
    store: Arc<dyn Store>,
    query: ReadingQuery,
    format: Format,
    is_first: bool,
    is_over: bool,
}

impl Pages {
    pub(super) fn new(store: Arc<dyn Store>, query: ReadingQuery, format: Format) -> Self {
        Self { store, query, format, is_first: true, is_over: false }
    }

    /// Whether every page has been read.
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    /// Reads the next page.
    ///
    /// # Errors
    /// The store cannot be read: the pages so far are no complete answer.
    pub(super) async fn next(&mut self) -> Result<String, Unavailable> {
        let limit = self.query.limit.min(PAGE);
        let page = self.store.readings(ReadingQuery { limit, ..self.query.clone() }).await?;
        self.query.limit -= limit;
        self.is_over = self.query.limit == 0 || page.next.is_none();
        let mut text = match self.format {
            Format::Json => self.json(&page.readings, page.next.as_ref()),
            Format::Csv => self.csv(&page.readings),
        };
        text.shrink_to_fit();
        self.is_first = false;
        self.query.after = page.next;
        Ok(text)
    }

    fn json(&self, readings: &[StoredReading], next: Option<&Cursor>) -> String {
        let mut text = String::from(if self.is_first { "{\"readings\":[" } else { "" });
        for (index, reading) in readings.iter().enumerate() {
            if index > 0 || !self.is_first {
                text.push(',');
            }
            text.push_str(&forms::text(&forms::Reading::from(reading)));
        }
        if self.is_over {
            let next = forms::text(&next.map(Cursor::to_string));
            text.push_str(&format!("],\"next\":{next}}}"));
        }
        text
    }

    fn csv(&self, readings: &[StoredReading]) -> String {
        let header = if self.is_first { csv::READING } else { &[] };
        csv::text(header, readings.iter().map(forms::Reading::from))
    }
}
