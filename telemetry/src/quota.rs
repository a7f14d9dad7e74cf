//! How many series there may be.

use std::collections::HashSet;

use crate::message::{Decoded, Message, Rejected};
use crate::series::Series;

/// The series that are known, and how many there may be in all: each costs memory and disk for as long as it is kept, and
/// anybody who may publish can name new ones.
#[derive(Debug)]
pub struct SeriesQuota {
    known: HashSet<Series>,
    max: usize,
}

impl SeriesQuota {
    /// Knows these series; all of them may stay, though they were more than `max`.
    #[must_use]
    pub fn new(max: usize, known: impl IntoIterator<Item = Series>) -> Self {
        Self { known: known.into_iter().collect(), max }
    }

    /// Whether readings of a series are taken: it is known, or there is room for one more, which is known from now on.
    pub fn admits(&mut self, series: &Series) -> bool {
        if self.known.contains(series) {
            return true;
        }
        let has_room = self.known.len() < self.max;
        if has_room {
            self.known.insert(series.clone());
        }
        has_room
    }

    /// How many series are known.
    #[must_use]
    pub fn count(&self) -> usize {
        self.known.len()
    }

    /// The most series that there may be.
    #[must_use]
    pub fn max(&self) -> usize {
        self.max
    }
}

impl Message {
    /// The message as one that holds nothing.
    #[must_use]
    pub fn without_readings(&self) -> Decoded {
        Decoded {
            received_at: self.received_at,
            payload_bytes: self.payload.len(),
            readings: Vec::new(),
            rejected: Vec::new(),
            metadata: None,
        }
    }

    /// The message as one rejection, for a reason that is not in its payload.
    #[must_use]
    pub fn rejected(self, reason: String) -> Decoded {
        let Self { topic, payload, received_at } = self;
        let payload_bytes = payload.len();
        Decoded {
            received_at,
            payload_bytes,
            readings: Vec::new(),
            rejected: vec![Rejected { topic, payload, reason, received_at }],
            metadata: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(device: &str) -> Series {
        Series::new("temperature", device).unwrap()
    }

    #[test]
    fn a_new_series_has_room_until_there_are_as_many_as_may_be() {
        let mut quota = SeriesQuota::new(2, [series("a")]);
        assert!(quota.admits(&series("a")) && quota.admits(&series("b")));
        assert!(!quota.admits(&series("c")), "there are two");
        assert!(quota.admits(&series("a")) && quota.admits(&series("b")), "known ones go on");
        assert_eq!((quota.count(), quota.max()), (2, 2));
        let mut quota = SeriesQuota::new(1, [series("a"), series("b")]);
        assert!(quota.admits(&series("b")) && !quota.admits(&series("c")));
    }
}
