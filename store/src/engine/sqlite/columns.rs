//! How a value stands in its column.

use jiff::Timestamp;
use rusqlite::ToSql;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef};

/// A time: whole microseconds since 1970.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Micros(pub(crate) Timestamp);

impl ToSql for Micros {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.as_microsecond().into())
    }
}

impl FromSql for Micros {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let micros = i64::column_result(value)?;
        Timestamp::from_microsecond(micros).map(Self).map_err(FromSqlError::other)
    }
}

/// Numbers as one parameter, which `json_each` parts again.
pub(crate) fn list(numbers: impl IntoIterator<Item = i64>) -> String {
    let numbers: Vec<_> = numbers.into_iter().map(|number| number.to_string()).collect();
    format!("[{}]", numbers.join(","))
}

/// A `boot` or a `seq`: a key has no NULL, so that -1 stands for none, here and nowhere else.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Number(pub(crate) Option<u64>);

impl Number {
    const NONE: i64 = -1;

    pub(crate) fn column(self) -> rusqlite::Result<i64> {
        let number = self.0.map(i64::try_from).transpose();
        let number = number.map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        Ok(number.unwrap_or(Self::NONE))
    }
}

impl ToSql for Number {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        self.column().map(Into::into)
    }
}

impl FromSql for Number {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match i64::column_result(value)? {
            Self::NONE => Ok(Self(None)),
            number => {
                u64::try_from(number).map(|n| Self(Some(n))).map_err(|_| FromSqlError::OutOfRange(number))
            }
        }
    }
}
