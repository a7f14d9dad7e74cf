//! Whose order it is: readings of one device and metric, in the order in which they were measured.

use std::cmp::Ordering;
use std::time::Duration;

use jiff::Timestamp;
use store::OrderKey;
use telemetry::{Reading, is_ahead};

/// Readings that are older than this when they come may be true no longer.
const FRESH: Duration = Duration::from_mins(1);

/// The order of a reading relative to the newest evaluated one of its series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReadingOrder {
    Newer,
    /// The newest itself.
    Same,
    /// Older, or an earlier one again.
    Older,
}

pub(super) fn of(reading: &Reading) -> OrderKey {
    let Reading { measured_at, boot, seq, value, .. } = *reading;
    OrderKey { measured_at, boot, seq, value }
}

/// By time, then boot, seq and value.
pub(super) fn order(one: &OrderKey, other: &OrderKey) -> Ordering {
    (one.measured_at, one.boot, one.seq)
        .cmp(&(other.measured_at, other.boot, other.seq))
        .then_with(|| one.value.total_cmp(&other.value))
}

/// The newest of some order keys, but for those from the future, seen from `now`: these only if there is no other.
pub(super) fn newest(keys: impl Iterator<Item = OrderKey>, now: Timestamp) -> Option<OrderKey> {
    let rank = |key: &OrderKey| !is_ahead(key.measured_at, now);
    keys.max_by(|one, other| rank(one).cmp(&rank(other)).then_with(|| order(one, other)))
}

/// The newest evaluated reading of a series.
#[derive(Debug, Clone, Copy)]
pub(super) struct Newest {
    pub(super) place: OrderKey,
    /// Or, after a start of ours, when that was: then it cannot be seen that it was from the future.
    pub(super) received_at: Timestamp,
}

impl Newest {
    pub(super) fn of(reading: &Reading) -> Self {
        Self { place: of(reading), received_at: reading.received_at }
    }

    /// A newest reading from the future holds back only others from the future, and what came before it.
    ///
    /// A device whose clock was ahead and is corrected is evaluated again at once; one that stays ahead keeps its order. So it
    /// is with the broker's clock, which gives a reading without a time its own: it was ahead if that is ahead of `now`.
    pub(super) fn order(&self, reading: &Reading, now: Timestamp) -> ReadingOrder {
        match order(&of(reading), &self.place) {
            Ordering::Greater => ReadingOrder::Newer,
            Ordering::Equal => ReadingOrder::Same,
            Ordering::Less => {
                let set_right = is_ahead(self.place.measured_at, self.received_at)
                    && !is_ahead(reading.measured_at, reading.received_at)
                    && reading.received_at >= self.received_at;
                let was_stamped_ahead = is_ahead(self.received_at, now)
                    && is_ahead(self.place.measured_at, now)
                    && !is_ahead(reading.measured_at, now);
                if set_right || was_stamped_ahead { ReadingOrder::Newer } else { ReadingOrder::Older }
            }
        }
    }

    /// Whether a reading was measured in the same microsecond.
    pub(super) fn is_same_instant(&self, reading: &Reading) -> bool {
        self.place.measured_at == reading.measured_at
    }

    /// Whether a reading comes as long after this as it was measured after it, or nearly.
    fn keeps_pace(&self, reading: &Reading) -> bool {
        let measured = reading.measured_at.duration_since(self.place.measured_at).as_secs_f64();
        let received = reading.received_at.duration_since(self.received_at).as_secs_f64();
        measured > 0.0 && (0.5..1.5).contains(&(received / measured))
    }
}

/// Whether a reading may be true no longer: it is old, and does not come at the pace at which it was measured.
///
/// A backlog comes faster than it was measured, and its first reading later; a clock that is behind keeps the pace.
pub(super) fn is_stale(reading: &Reading, before: Option<&Newest>) -> bool {
    let age = reading.received_at.duration_since(reading.measured_at);
    let old = Duration::try_from(age).is_ok_and(|age| age > FRESH);
    old && !before.is_some_and(|before| before.keeps_pace(reading))
}
