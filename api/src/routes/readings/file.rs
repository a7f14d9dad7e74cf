//! The formats of files with readings.

use serde::Serialize;

use crate::forms::csv;

/// A format in which readings are kept outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileKind {
    /// A table for spreadsheets.
    Csv,
    /// A JSON object in each line, as programs for data read it.
    Lines,
}

impl FileKind {
    pub(super) fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Lines => "application/x-ndjson",
        }
    }

    pub(super) fn name(self, metric: Option<&str>, device: Option<&str>) -> String {
        let extension = match self {
            Self::Csv => "csv",
            Self::Lines => "ndjson",
        };
        csv::file_name(metric, device, extension)
    }

    /// Rows as text; the header is for a table that begins here.
    pub(super) fn text<Row: Serialize, Cells: Serialize + From<Row>>(
        self,
        header: &[&str],
        rows: impl Iterator<Item = Row>,
    ) -> String {
        match self {
            Self::Csv => csv::text(header, rows.map(Cells::from)),
            Self::Lines => rows.map(|row| crate::forms::text(&row) + "\n").collect(),
        }
    }
}
