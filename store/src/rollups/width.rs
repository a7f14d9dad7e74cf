//! Minutes, hours and days.

/// Of what length of time something is summed up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Width {
    Minute,
    Hour,
    /// In UTC.
    Day,
}

/// The first day that PostgreSQL has, a Monday, in microseconds since 1970. Lengths of time are counted from here.
const FIRST_DAY: i64 = -210_866_803_200_000_000;

impl Width {
    /// The longest one that fits into a length of time.
    pub(crate) fn of(micros: i64) -> Option<Self> {
        [Self::Day, Self::Hour, Self::Minute].into_iter().find(|width| width.micros() <= micros)
    }

    pub(crate) const fn shorter(self) -> Option<Self> {
        match self {
            Self::Minute => None,
            Self::Hour => Some(Self::Minute),
            Self::Day => Some(Self::Hour),
        }
    }

    pub(crate) const fn micros(self) -> i64 {
        self.seconds() * 1_000_000
    }

    /// As it stands in the tables.
    pub(crate) const fn seconds(self) -> i64 {
        match self {
            Self::Minute => 60,
            Self::Hour => 3_600,
            Self::Day => 86_400,
        }
    }

    /// The start of the one that a time is in.
    pub(crate) fn floor(self, micros: i64) -> i64 {
        floor(micros, self.micros())
    }

    /// The first start at a time or after it.
    pub(crate) fn ceil(self, micros: i64) -> i64 {
        let floor = self.floor(micros);
        if floor == micros { micros } else { floor + self.micros() }
    }
}

/// The last multiple of a length of time that is not after a time.
pub(crate) fn floor(micros: i64, length: i64) -> i64 {
    micros - (micros - FIRST_DAY).rem_euclid(length)
}
