//! Numbers of readings, counted.

use std::collections::BTreeMap;

use anyhow::Context as _;
use jiff::Timestamp;
use telemetry::packing::{Unpacker, put_varint};

use super::{Boot, MAX_MISSING_RANGES};

/// By device and boot.
pub(crate) type CountedBoots = BTreeMap<(String, u64), Counted>;

/// What was counted of one boot of a device, or of a part of its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) readings: u64,
    pub(crate) delayed: u64,
    pub(crate) oldest: Timestamp,
    pub(crate) newest: Timestamp,
    /// The first and the last of numbers without a gap. In any order until [`Counted::tidy`].
    pub(crate) runs: Vec<(u64, u64)>,
}

impl Counted {
    pub(crate) fn one(seq: u64, measured_at: Timestamp, is_delayed: bool) -> Self {
        let (oldest, newest) = (measured_at, measured_at);
        Self { readings: 1, delayed: is_delayed.into(), oldest, newest, runs: vec![(seq, seq)] }
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.readings += other.readings;
        self.delayed += other.delayed;
        self.oldest = self.oldest.min(other.oldest);
        self.newest = self.newest.max(other.newest);
        for run in other.runs {
            match self.runs.last_mut() {
                // What comes in order stays short.
                Some(last) if last.0 <= run.0 && run.0 <= last.1.saturating_add(1) => {
                    last.1 = last.1.max(run.1);
                }
                _ => self.runs.push(run),
            }
        }
    }

    /// Puts the runs in order, and makes one of those without a gap between them.
    pub(crate) fn tidy(&mut self) {
        self.runs.sort_unstable();
        self.runs.dedup_by(|next, run| {
            let is_next = next.0 <= run.1.saturating_add(1);
            if is_next {
                run.1 = run.1.max(next.1);
            }
            is_next
        });
    }

    pub(crate) fn boot(mut self, (device, boot): (String, u64)) -> Boot {
        self.tidy();
        let (first, last) =
            (self.runs.first().map_or(0, |run| run.0), self.runs.last().map_or(0, |run| run.1));
        let stored = self.runs.iter().map(|(first, last)| last - first + 1).sum();
        let gaps = self.runs.windows(2).map(|runs| runs[0].1 + 1..=runs[1].0 - 1);
        Boot {
            device,
            boot,
            first,
            last,
            stored,
            repeated: self.readings - stored,
            delayed: self.delayed,
            missing: last - first + 1 - stored,
            missing_ranges: gaps.take(MAX_MISSING_RANGES).collect(),
            oldest_measured_at: self.oldest,
            newest_measured_at: self.newest,
        }
    }
}

/// Adds to what was counted of each boot.
pub(crate) fn add_all(boots: &mut CountedBoots, more: impl IntoIterator<Item = ((String, u64), Counted)>) {
    for (boot, counted) in more {
        match boots.entry(boot) {
            std::collections::btree_map::Entry::Occupied(mut entry) => entry.get_mut().add(counted),
            std::collections::btree_map::Entry::Vacant(entry) => drop(entry.insert(counted)),
        }
    }
}

/// Tidy runs as bytes: of each how far it begins behind the one before it, and how many numbers follow its first, in LEB128.
pub(crate) fn encoded(runs: &[(u64, u64)]) -> Vec<u8> {
    let (mut bytes, mut before) = (Vec::new(), 0);
    for (first, last) in runs {
        put_varint(&mut bytes, first - before);
        put_varint(&mut bytes, last - first);
        before = *last;
    }
    bytes
}

/// # Errors
/// The bytes are damaged.
pub(crate) fn decoded(bytes: &[u8]) -> anyhow::Result<Vec<(u64, u64)>> {
    let runs = unpacked(&mut Unpacker::new(bytes)).filter(|runs| !runs.is_empty());
    runs.context("a row of ledger_rollups is damaged: `millrace verify --full` counts without them")
}

fn unpacked(bytes: &mut Unpacker<'_>) -> Option<Vec<(u64, u64)>> {
    let (mut runs, mut before) = (Vec::new(), 0_u64);
    while !bytes.is_empty() {
        let first = before.checked_add(bytes.varint().ok()?)?;
        let last = first.checked_add(bytes.varint().ok()?)?;
        runs.push((first, last));
        before = last;
    }
    Some(runs)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use telemetry::MAX_SEQ;

    use super::*;

    fn counted(seqs: impl IntoIterator<Item = u64>) -> Counted {
        let one = |seq| Counted::one(seq, Timestamp::UNIX_EPOCH, false);
        let all = seqs.into_iter().map(one).reduce(|mut all, one| {
            all.add(one);
            all
        });
        all.unwrap()
    }

    fn boot(seqs: impl IntoIterator<Item = u64>) -> Boot {
        counted(seqs).boot(("a".into(), 7))
    }

    #[test]
    fn gaps_and_repetitions_are_counted() {
        for (seqs, (first, last, stored, repeated), gaps) in [
            (&[5][..], (5, 5, 1, 0), &[][..]),
            (&[0, 1, 2], (0, 2, 3, 0), &[]),
            (&[2, 0, 1], (0, 2, 3, 0), &[]),
            (&[1, 1, 2, 2, 2], (1, 2, 2, 3), &[]),
            (&[1, 3], (1, 3, 2, 0), &[2..=2]),
            (&[9, 1, 5, 10, 5], (1, 10, 4, 1), &[2..=4, 6..=8]),
            (&[0, MAX_SEQ], (0, MAX_SEQ, 2, 0), &[1..=MAX_SEQ - 1]),
        ] {
            let boot = boot(seqs.iter().copied());
            assert_eq!((boot.first, boot.last, boot.stored, boot.repeated), (first, last, stored, repeated));
            assert_eq!(boot.missing_ranges, gaps, "{seqs:?}");
            assert_eq!(boot.stored + boot.missing, boot.expected(), "{seqs:?}");
        }
    }

    #[test]
    fn the_first_gaps_are_named_and_all_are_counted() {
        let gappy = boot((0..500).map(|i| i * 3));
        assert_eq!((gappy.missing, gappy.missing_ranges.len()), (499 * 2, MAX_MISSING_RANGES));
        assert_eq!(gappy.missing_ranges[..2], [1..=2, 4..=5]);
        assert!(gappy.holds(0) && gappy.holds(297));
        assert!(!gappy.holds(1) && !gappy.holds(303) && !gappy.holds(1500), "missing, not known, never seen");
        assert!(boot([1, 5]).holds(5));
    }

    #[test]
    fn damaged_bytes_are_no_runs() {
        for bytes in [&[][..], &[1], &[0x80], &[1, 0x80], &[0xff; 11], &[0, 1, 7]] {
            assert!(decoded(bytes).is_err(), "{bytes:?}");
        }
        assert!(decoded(&[&[0xff; 9][..], &[1, 1]].concat()).is_err(), "more than a number can be");
    }

    proptest! {
        #[test]
        fn runs_are_read_back(seqs in prop::collection::vec(0..=MAX_SEQ, 1..50)) {
            let near = seqs.iter().map(|seq| seq % 100);
            let mut counted = counted(seqs.iter().copied().chain(near));
            counted.tidy();
            prop_assert_eq!(decoded(&encoded(&counted.runs)).unwrap(), counted.runs);
        }
    }
}
