//! Gives equal messages of one millisecond different timestamps.

use std::collections::HashMap;
use std::hash::BuildHasher;

use foldhash::quality::RandomState;

/// Messages in one generation; two are remembered.
const GENERATION: usize = 65_536;

/// The largest offset: less than the millisecond that RabbitMQ stamps.
const MAX_OFFSET_MICROS: u16 = 999;

/// Counts the equal messages of one connection.
///
/// RabbitMQ stamps messages with whole milliseconds, and two bare numbers with the same topic, time and value are one
/// reading. So the k-th of n equal messages of a millisecond gets k microseconds more, from 0 on. RabbitMQ raises a
/// message's acquisition count with each delivery, and only deliveries with the same count are compared: each message is
/// among them once. So every offset is below n, whatever is delivered again and to whom, and there are never more times
/// than messages. There are exactly n if one consumer gets all of them and nothing is delivered again. Messages that were
/// forgotten count from 0 again, which makes offsets smaller, never greater.
#[derive(Debug, Default)]
pub(super) struct TimestampDeduplicator {
    hasher: RandomState,
    seen: HashMap<u64, u16, RandomState>,
    seen_before: HashMap<u64, u16, RandomState>,
}

impl TimestampDeduplicator {
    /// The microseconds to add to the millisecond of this message.
    pub(super) fn offset_micros(&mut self, topic: &str, payload: &[u8], ms: i64, acquisitions: i64) -> u16 {
        if self.seen.len() >= GENERATION {
            self.seen_before = std::mem::take(&mut self.seen);
        }
        let message = self.hasher.hash_one((topic, payload, ms, acquisitions));
        let before = || self.seen_before.get(&message).copied().unwrap_or_default();
        let count = self.seen.entry(message).or_insert_with(before);
        let offset = *count;
        *count = (offset + 1).min(MAX_OFFSET_MICROS);
        offset
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn equal_messages_of_a_millisecond_are_counted() {
        let mut dedup = TimestampDeduplicator::default();
        for (topic, payload, ms, acquisitions, offset) in [
            ("temperature/lab", "1", 7, 0, 0),
            ("temperature/lab", "1", 7, 0, 1),
            ("temperature/lab", "2", 7, 0, 0),
            ("temperature/hall", "1", 7, 0, 0),
            ("temperature/lab", "1", 8, 0, 0),
            ("temperature/lab", "1", 7, 1, 0),
            ("temperature/lab", "1", 7, 0, 2),
        ] {
            let said = (topic, payload, ms, acquisitions);
            assert_eq!(dedup.offset_micros(topic, payload.as_bytes(), ms, acquisitions), offset, "{said:?}");
        }
    }

    #[test]
    fn an_offset_stays_within_its_millisecond() {
        let mut dedup = TimestampDeduplicator::default();
        let offsets: BTreeSet<u16> = (0..2_000).map(|_| dedup.offset_micros("t/a", b"1", 7, 0)).collect();
        assert_eq!((offsets.len(), offsets.last()), (1_000, Some(&999)));
    }

    #[test]
    fn memory_is_bounded_and_the_newest_are_remembered() {
        let mut dedup = TimestampDeduplicator::default();
        for ms in 0..4 * GENERATION as i64 {
            dedup.offset_micros("t/a", b"1", ms, 0);
        }
        assert!(dedup.seen.len() + dedup.seen_before.len() <= 2 * GENERATION);
        let recent = 4 * GENERATION as i64 - GENERATION as i64 / 2;
        assert_eq!(dedup.offset_micros("t/a", b"1", recent, 0), 1);
        assert_eq!(dedup.offset_micros("t/a", b"1", 0, 0), 0, "forgotten");
    }

    proptest! {
        /// Up to four messages are equal; deliveries choose a message and whether the connection is a new one.
        #[test]
        fn there_are_never_more_times_than_messages(
            equal in 1..=4_usize,
            deliveries in prop::collection::vec((0..4_usize, prop::bool::weighted(0.1)), 0..40),
        ) {
            let mut dedup = TimestampDeduplicator::default();
            let mut acquisitions = [0; 4];
            for (message, new_connection) in deliveries {
                if new_connection {
                    dedup = TimestampDeduplicator::default();
                }
                let message = message % equal;
                let offset = dedup.offset_micros("t/a", b"1", 7, acquisitions[message]);
                acquisitions[message] += 1;
                prop_assert!(usize::from(offset) < equal);
            }
        }
    }
}
