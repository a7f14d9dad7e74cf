//! How a value stands in its column.

use std::borrow::Cow;
use std::error::Error;

use bytes::{BufMut, BytesMut};
use jiff::Timestamp;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use crate::micros::micros_from;

/// 2000-01-01 in microseconds since 1970: PostgreSQL counts from there.
const EPOCH: i64 = 946_684_800_000_000;

/// The first time that PostgreSQL has, in microseconds since 1970; what is before it is `-infinity`.
pub(crate) const FIRST_MICROS: i64 = EPOCH - 211_813_488_000_000_000;

/// A time, to the microsecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Micros(pub(crate) i64);

impl Micros {
    /// `-infinity`, as it is read.
    pub(crate) const BEFORE_ALL: Self = Self(i64::MIN + EPOCH);

    pub(crate) fn of(time: Timestamp) -> Self {
        Self(time.as_microsecond())
    }

    /// What compares to a column as `time` itself does.
    pub(crate) fn bound(time: Timestamp) -> Self {
        Self(micros_from(time))
    }

    /// As PostgreSQL sends it.
    pub(crate) fn column(self) -> i64 {
        match self.0 {
            ..FIRST_MICROS => i64::MIN,
            i64::MAX => i64::MAX,
            micros => micros - EPOCH,
        }
    }

    pub(crate) fn time(self) -> Timestamp {
        let end = if self.0 < 0 { Timestamp::MIN } else { Timestamp::MAX };
        Timestamp::from_microsecond(self.0).unwrap_or(end)
    }
}

impl ToSql for Micros {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.put_i64(self.column());
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::TIMESTAMPTZ
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Micros {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        // Infinity stays the greatest of all.
        Ok(Self(i64::from_be_bytes(raw.try_into()?).saturating_add(EPOCH)))
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::TIMESTAMPTZ
    }
}

/// A length of time, in microseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span(pub(crate) i64);

impl ToSql for Span {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.put_i64(self.0);
        // Neither days nor months, whose length varies.
        out.put_i64(0);
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::INTERVAL
    }

    to_sql_checked!();
}

/// A parameter of a statement, with its type in the database.
pub(crate) type Param<'a> = (&'a (dyn ToSql + Sync), Type);

/// The column of a `boot` or a `seq`: a key has no NULL, so that -1 stands for none.
pub(crate) fn number_column(number: Option<u64>) -> i64 {
    // A number above MAX_SEQ is not read from any payload.
    number.map_or(-1, |number| i64::try_from(number).unwrap_or(i64::MAX))
}

pub(crate) fn number(column: i64) -> Option<u64> {
    u64::try_from(column).ok()
}

/// A text for a column: PostgreSQL stores every character but NUL.
pub(crate) fn text(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { text.replace('\0', "\u{fffd}").into() } else { text.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_stand_in_their_column_as_they_are() {
        for (micros, column) in [
            (0, -EPOCH),
            (EPOCH, 0),
            (FIRST_MICROS, -211_813_488_000_000_000),
            (FIRST_MICROS - 1, i64::MIN),
            (i64::MAX, i64::MAX),
            (Timestamp::MAX.as_microsecond(), Timestamp::MAX.as_microsecond() - EPOCH),
        ] {
            let mut out = BytesMut::new();
            Micros(micros).to_sql(&Type::TIMESTAMPTZ, &mut out).unwrap();
            assert_eq!(out[..], column.to_be_bytes(), "{micros}");
            let back = Micros::from_sql(&Type::TIMESTAMPTZ, &out).unwrap();
            assert_eq!(back, if column == i64::MIN { Micros::BEFORE_ALL } else { Micros(micros) });
        }
        assert_eq!(Micros::BEFORE_ALL.time(), Timestamp::MIN);
        assert_eq!(Micros(i64::MAX).time(), Timestamp::MAX);
    }

    #[test]
    fn a_text_has_no_nul() {
        assert_eq!(text("a\0b"), "a\u{fffd}b");
        assert!(matches!(text("°C"), Cow::Borrowed("°C")));
    }
}
