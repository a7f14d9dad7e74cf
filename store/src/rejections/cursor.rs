//! Where a page of rejections ends.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use super::Rejection;
use crate::readings::history::CursorError;

/// A position in the order of all rejections. Opaque to its user; stays valid while rejections come and go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RejectionCursor {
    pub(crate) received_at: Timestamp,
    pub(crate) id: i64,
}

impl RejectionCursor {
    /// The position before all rejections.
    pub(crate) const START: Self = Self { received_at: Timestamp::MAX, id: i64::MAX };

    /// The position just after this rejection.
    #[must_use]
    pub fn after(rejection: &Rejection) -> Self {
        Self { received_at: rejection.message.received_at, id: rejection.id }
    }

    /// Whether a rejection comes after this position.
    #[must_use]
    pub fn is_before(&self, rejection: &Rejection) -> bool {
        (rejection.message.received_at, rejection.id) < (self.received_at, self.id)
    }
}

/// Two numbers with a dot between them, as in a reading's cursor.
impl fmt::Display for RejectionCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.received_at.as_microsecond(), self.id)
    }
}

impl FromStr for RejectionCursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        let (micros, id) = text.split_once('.').ok_or(CursorError)?;
        let micros = micros.parse().map_err(|_| CursorError)?;
        let received_at = Timestamp::from_microsecond(micros).map_err(|_| CursorError)?;
        Ok(Self { received_at, id: id.parse().map_err(|_| CursorError)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_as_written_and_nothing_else_is_one() {
        for text in ["1768473000000000.17", "-1.1"] {
            assert_eq!(text.parse::<RejectionCursor>().unwrap().to_string(), text);
        }
        for text in ["", "17", "x.1", "1.x", "9223372036854775807.1", "1.99999999999999999999", "1.2.3"] {
            assert_eq!(text.parse::<RejectionCursor>(), Err(CursorError), "{text}");
        }
    }
}
