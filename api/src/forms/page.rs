//! A page of a list.

use serde::Serialize;

use super::text;

/// Bytes of a page's rows, at most: a page ends there as well as at its limit. One row always fits.
pub const MAX_PAGE_BYTES: usize = 1024 * 1024;

/// The rows of one answer, which become `{"<name>": [<rows>], "next": <cursor>}`.
pub struct Page {
    text: String,
    rows: usize,
    limit: usize,
    start: usize,
}

impl Page {
    /// A page without rows, which may get `limit` of them.
    #[must_use]
    pub fn new(name: &str, limit: usize) -> Self {
        let text = format!("{{{}:[", text(&name));
        Self { rows: 0, limit, start: text.len(), text }
    }

    /// Adds a row; false if the page is full, and the row belongs to the next one.
    #[must_use]
    pub fn push(&mut self, row: &impl Serialize) -> bool {
        let row = text(row);
        let bytes = self.text.len() - self.start + row.len();
        if self.rows == self.limit || (self.rows > 0 && bytes >= MAX_PAGE_BYTES) {
            return false;
        }
        if self.rows > 0 {
            self.text.push(',');
        }
        self.text.push_str(&row);
        self.rows += 1;
        true
    }

    /// How many rows may still be added, at most.
    #[must_use]
    pub fn room(&self) -> usize {
        self.limit - self.rows
    }

    /// The answer, with where the next page begins.
    #[must_use]
    pub fn end(mut self, next: Option<&str>) -> String {
        self.text.push_str(&format!("],\"next\":{}}}", text(&next)));
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_ends_at_its_limit() {
        let mut page = Page::new("rows", 2);
        assert!(page.push(&1) && page.push(&2) && !page.push(&3));
        assert_eq!(page.end(Some("2")), r#"{"rows":[1,2],"next":"2"}"#);
        assert_eq!(Page::new("rows", 2).end(None), r#"{"rows":[],"next":null}"#);
    }

    #[test]
    fn a_page_ends_at_its_bytes_and_has_one_row_at_least() {
        let mut page = Page::new("rows", 100_000);
        let row = "x".repeat(1_000);
        let rows = std::iter::from_fn(|| page.push(&row).then_some(())).count();
        assert_eq!(rows, MAX_PAGE_BYTES / 1_003);
        assert!(page.end(None).len() <= MAX_PAGE_BYTES + 100);
        let mut page = Page::new("rows", 100_000);
        assert!(page.push(&"x".repeat(2 * MAX_PAGE_BYTES)) && !page.push(&1));
    }
}
