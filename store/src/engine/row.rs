//! A row of either database.

use jiff::Timestamp;

use super::columns::{Number, Time, Word};
use crate::text_codec::TextCodec;

/// A row of either database, whose columns are read by their place.
pub(crate) enum Row<'a> {
    Sqlite(&'a rusqlite::Row<'a>),
    Postgres(&'a tokio_postgres::Row),
}

impl Row<'_> {
    /// The value of a column; an `Option` where it may be NULL.
    pub(crate) fn get<T>(&self, column: usize) -> anyhow::Result<T>
    where
        T: rusqlite::types::FromSql + for<'b> tokio_postgres::types::FromSql<'b>,
    {
        Ok(match self {
            Self::Sqlite(row) => row.get(column)?,
            Self::Postgres(row) => row.try_get(column)?,
        })
    }

    pub(crate) fn time(&self, column: usize) -> anyhow::Result<Timestamp> {
        self.get::<Time>(column).map(|time| time.0)
    }

    pub(crate) fn time_if_any(&self, column: usize) -> anyhow::Result<Option<Timestamp>> {
        self.get::<Option<Time>>(column).map(|time| time.map(|time| time.0))
    }

    pub(crate) fn word<T: TextCodec>(&self, column: usize) -> anyhow::Result<T> {
        self.get::<Word<T>>(column).map(|word| word.0)
    }

    pub(crate) fn word_if_any<T: TextCodec>(&self, column: usize) -> anyhow::Result<Option<T>> {
        self.get::<Option<Word<T>>>(column).map(|word| word.map(|word| word.0))
    }

    /// A `boot` or a `seq`.
    pub(crate) fn number(&self, column: usize) -> anyhow::Result<Option<u64>> {
        self.get::<Number>(column).map(|number| number.0)
    }

    /// What `count(*)` gives.
    pub(crate) fn count(&self, column: usize) -> anyhow::Result<u64> {
        self.get::<i64>(column).map(i64::unsigned_abs)
    }
}

/// All rows of a PostgreSQL query.
pub(crate) fn read_all<T>(
    rows: &[tokio_postgres::Row],
    read: impl Fn(&Row<'_>) -> anyhow::Result<T>,
) -> anyhow::Result<Vec<T>> {
    rows.iter().map(|row| read(&Row::Postgres(row))).collect()
}
