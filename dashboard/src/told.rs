//! Readings as text, a part at a time: whatever is asked for, a few thousand are held at once.

use std::sync::Arc;

use store::{Cursor, ReadingQuery, Store, StoredReading, Unavailable};

use crate::query::Format;
use crate::{json, table};

/// Readings of one part: few enough to hold, and enough to be worth the asking.
const PART: usize = 2_000;

/// The rest of an answer.
pub(crate) struct Told {
    store: Arc<dyn Store>,
    query: ReadingQuery,
    format: Format,
    is_first: bool,
    is_over: bool,
}

impl Told {
    pub(crate) fn new(store: Arc<dyn Store>, query: ReadingQuery, format: Format) -> Self {
        Self { store, query, format, is_first: true, is_over: false }
    }

    /// Whether all has been told.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over
    }

    /// The next part.
    ///
    /// # Errors
    /// The store cannot be read: what was told so far is no answer.
    pub(crate) async fn part(&mut self) -> Result<String, Unavailable> {
        let limit = self.query.limit.min(PART);
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
        for (place, reading) in readings.iter().enumerate() {
            if place > 0 || !self.is_first {
                text.push(',');
            }
            text.push_str(&json::text(&json::Reading::of(reading)));
        }
        if self.is_over {
            let next = json::text(&next.map(Cursor::to_string));
            text.push_str(&format!("],\"next\":{next}}}"));
        }
        text
    }

    fn csv(&self, readings: &[StoredReading]) -> String {
        let header = if self.is_first { table::READING } else { &[] };
        table::text(header, readings.iter().map(json::Reading::of))
    }
}
