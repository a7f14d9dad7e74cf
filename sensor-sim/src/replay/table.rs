//! A CSV file: its header, its rows and where they stand.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use csv::{ByteRecord, Reader, ReaderBuilder};

/// An open file. Column numbers count from 0 here, from 1 where a person reads or writes them.
#[derive(Debug)]
pub(super) struct Table {
    reader: Reader<File>,
    header: Vec<String>,
    first: Option<Row>,
    given: bool,
}

/// One record; cells are trimmed.
#[derive(Debug, Clone)]
pub(super) struct Row {
    /// Where it begins, from 1.
    pub(super) line: u64,
    pub(super) cells: Vec<String>,
}

impl Table {
    pub(super) fn open(path: &Path, delimiter: Option<u8>) -> Result<Self> {
        let name = || format!("read {}", path.display());
        let delimiter = delimiter.map_or_else(|| guessed_delimiter(path), Ok).with_context(name)?;
        let file = File::open(path).with_context(name)?;
        let mut reader =
            ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(file);
        let header = next(&mut reader).with_context(name)?;
        let Some(Row { cells: mut header, .. }) = header else {
            bail!("{}: the file is empty", path.display())
        };
        let first = next(&mut reader).with_context(name)?;
        // R leaves the column of its row names without a header.
        if first.as_ref().is_some_and(|row| row.cells.len() == header.len() + 1) {
            header.insert(0, String::new());
        }
        Ok(Self { reader, header, first, given: false })
    }

    pub(super) fn header(&self) -> &[String] {
        &self.header
    }

    /// The first row of data, which is also given by [`Table::next_row`].
    pub(super) fn first_row(&self) -> Option<&Row> {
        self.first.as_ref()
    }

    /// The next row that is not blank.
    pub(super) fn next_row(&mut self) -> Result<Option<Row>> {
        if !std::mem::replace(&mut self.given, true)
            && let Some(first) = &self.first
            && !first.is_blank()
        {
            return Ok(Some(first.clone()));
        }
        while let Some(row) = next(&mut self.reader).context("read the next row")? {
            if !row.is_blank() {
                return Ok(Some(row));
            }
        }
        Ok(None)
    }

    /// A column by its name, by its name in other capitals, or by its number from 1.
    pub(super) fn column(&self, name: &str) -> Result<usize> {
        self.find(name).ok_or_else(|| anyhow!("there is no column {name:?}; there are: {}", self.columns()))
    }

    pub(super) fn find(&self, name: &str) -> Option<usize> {
        let exact = self.header.iter().position(|column| column == name);
        let number = || name.parse().ok().filter(|number| (1..=self.header.len()).contains(number));
        exact.or_else(|| self.find_named(name)).or_else(|| number().map(|number: usize| number - 1))
    }

    /// A column by its name in any capitals.
    pub(super) fn find_named(&self, name: &str) -> Option<usize> {
        self.header.iter().position(|column| column.eq_ignore_ascii_case(name))
    }

    /// All columns, for a message.
    pub(super) fn columns(&self) -> String {
        let named = |(index, name): (usize, &String)| match name.as_str() {
            "" => format!("{} (unnamed)", index + 1),
            name => format!("{} {name}", index + 1),
        };
        self.header.iter().enumerate().map(named).collect::<Vec<_>>().join(", ")
    }
}

impl Row {
    fn is_blank(&self) -> bool {
        self.cells.iter().all(String::is_empty)
    }

    /// A cell, or why there is none.
    pub(super) fn cell(&self, column: usize) -> Result<&str, String> {
        let short = || format!("the row has {} columns, not {}", self.cells.len(), column + 1);
        self.cells.get(column).map(String::as_str).ok_or_else(short)
    }
}

fn next(reader: &mut Reader<File>) -> Result<Option<Row>, csv::Error> {
    let mut record = ByteRecord::new();
    if !reader.read_byte_record(&mut record)? {
        return Ok(None);
    }
    let text = |cell: &[u8]| String::from_utf8_lossy(cell).trim_matches(is_padding).to_owned();
    let line = record.position().map_or(0, csv::Position::line);
    Ok(Some(Row { line, cells: record.iter().map(text).collect() }))
}

fn is_padding(c: char) -> bool {
    c.is_whitespace() || c == '\u{feff}'
}

/// The one of `,` `;` and tab that stands most often in the first line.
fn guessed_delimiter(path: &Path) -> std::io::Result<u8> {
    let mut line = Vec::new();
    BufReader::new(File::open(path)?).read_until(b'\n', &mut line)?;
    let count = |delimiter: &u8| line.iter().filter(|byte| *byte == delimiter).count();
    Ok([b'\t', b';', b','].into_iter().max_by_key(count).unwrap_or(b','))
}
