//! Column types that both databases write and read.

use std::error::Error;
use std::fmt;

use bytes::BytesMut;
use jiff::Timestamp;
use rusqlite::types::{FromSqlError, FromSqlResult, ToSqlOutput, ValueRef};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use super::{postgres, sqlite};
use crate::text_codec::TextCodec;

type Failure = Box<dyn Error + Sync + Send>;

/// A time, to the microsecond, as it is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Time(pub(crate) Timestamp);

impl rusqlite::types::FromSql for Time {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        sqlite::columns::Micros::column_result(value).map(|micros| Self(micros.0))
    }
}

impl<'a> FromSql<'a> for Time {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Failure> {
        postgres::columns::Micros::from_sql(ty, raw).map(|micros| Self(micros.time()))
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::TIMESTAMPTZ
    }
}

/// A `boot` or a `seq`, as it is read: a key has no NULL, so that -1 stands for none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Number(pub(crate) Option<u64>);

impl rusqlite::types::FromSql for Number {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        sqlite::columns::Number::column_result(value).map(|number| Self(number.0))
    }
}

impl<'a> FromSql<'a> for Number {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Failure> {
        i64::from_sql(ty, raw).map(|number| Self(u64::try_from(number).ok()))
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::INT8
    }
}

/// An enum whose variants are words.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Word<T>(pub(crate) T);

impl<T: TextCodec> rusqlite::ToSql for Word<T> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.word().into())
    }
}

impl<T: TextCodec> rusqlite::types::FromSql for Word<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        T::read(value.as_str()?).map(Self).ok_or(FromSqlError::InvalidType)
    }
}

impl<T: TextCodec + fmt::Debug> ToSql for Word<T> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Failure> {
        self.0.word().to_sql(ty, out)
    }

    fn accepts(ty: &Type) -> bool {
        <&str as ToSql>::accepts(ty)
    }

    to_sql_checked!();
}

impl<'a, T: TextCodec> FromSql<'a> for Word<T> {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Failure> {
        let word = <&str as FromSql>::from_sql(ty, raw)?;
        T::read(word).map(Self).ok_or_else(|| format!("{word:?} is not known here").into())
    }

    fn accepts(ty: &Type) -> bool {
        <&str as FromSql>::accepts(ty)
    }
}

/// How many rows a query may give.
pub(crate) fn at_most(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}
