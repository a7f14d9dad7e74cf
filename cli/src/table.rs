//! Tables for a terminal, and text that is safe to print there.

use std::fmt::Write;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use telemetry::text::visible;

/// A time in UTC, to the second.
pub(crate) fn time(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// Rows under a header, in columns as wide as their widest cell; an empty cell is `-`.
pub(crate) fn table<const N: usize>(header: [&str; N], rows: &[[String; N]]) -> String {
    let rows: Vec<[String; N]> = rows
        .iter()
        .map(|row| row.each_ref().map(|cell| plain(if cell.is_empty() { "-" } else { cell })))
        .collect();
    let mut widths = header.map(|name| name.chars().count());
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = line(&header.map(str::to_owned), &widths);
    for row in &rows {
        text.push('\n');
        text += &line(row, &widths);
    }
    text
}

fn line(cells: &[String], widths: &[usize]) -> String {
    let mut line = String::new();
    for (cell, width) in cells.iter().zip(widths) {
        let _ = write!(line, "{cell:width$}  ");
    }
    line.truncate(line.trim_end().len());
    line
}

/// The text without what cannot be seen: what a device sent must neither move the cursor of a terminal nor look like
/// something else.
pub(crate) fn plain(text: &str) -> String {
    visible(text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["1", "site-a/rack-1"], ["2", ""], ["3", "grün\x1b[2J"]];
        let rows = rows.map(|row| row.map(str::to_owned));
        let expected = "number  device\n1       site-a/rack-1\n2       -\n3       grün?[2J";
        assert_eq!(table(["number", "device"], &rows), expected);
    }

    #[test]
    fn a_time_is_in_utc_to_the_second() {
        let at: Timestamp = "2026-01-15T11:30:00.987654+01:00".parse().unwrap();
        assert_eq!(time(at), "2026-01-15 10:30:00");
    }
}
