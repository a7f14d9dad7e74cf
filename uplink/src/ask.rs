//! What the cloud asks an edge for: numbers that do not arrive.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use telemetry::{JournalRun, NumberSet};

/// Ranges in one message, at most: the lowest; the others are asked for later.
pub(crate) const MAX_ASKED: usize = 100;

/// Numbers that the cloud does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// Which journal they are of.
    pub run: JournalRun,
    /// The numbers.
    pub missing: NumberSet,
}

#[derive(Serialize, Deserialize)]
struct Wire {
    run: String,
    missing: Vec<(u64, u64)>,
}

impl Ask {
    /// The topic on which an edge is asked. It may subscribe to what lies below its commands, and no device has a `$`.
    #[must_use]
    pub fn topic(edge: &str) -> String {
        format!("commands/{edge}/$uplink")
    }

    /// The payload that asks for the lowest of the numbers: JSON.
    #[must_use]
    pub fn to_payload(&self) -> Vec<u8> {
        let pair = |range: RangeInclusive<u64>| (*range.start(), *range.end());
        let missing = self.missing.ranges().take(MAX_ASKED).map(pair).collect();
        let wire = Wire { run: self.run.to_string(), missing };
        serde_json::to_vec(&wire).expect("numbers and texts are JSON")
    }

    /// What a payload asks for. None of any other payload.
    #[must_use]
    pub fn read(payload: &[u8]) -> Option<Self> {
        let Wire { run, missing } = serde_json::from_slice(payload).ok()?;
        let missing = missing.into_iter().take(MAX_ASKED).map(|(first, last)| first..=last).collect();
        Some(Self { run: run.parse().ok()?, missing })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ask_comes_back_as_it_was() {
        let ask = Ask { run: JournalRun(255), missing: NumberSet::from_iter([3..=4, 9..=9]) };
        let payload = ask.to_payload();
        assert_eq!(payload, br#"{"run":"00000000000000ff","missing":[[3,4],[9,9]]}"#);
        assert_eq!(Ask::read(&payload), Some(ask));
        let many = Ask { run: JournalRun(1), missing: (0..500).map(|n| n * 2..=n * 2).collect() };
        assert_eq!(Ask::read(&many.to_payload()).unwrap().missing.count(), MAX_ASKED as u64);
        for other in [&b""[..], b"{}", b"[]", br#"{"run":"x","missing":[]}"#] {
            assert_eq!(Ask::read(other), None);
        }
    }
}
