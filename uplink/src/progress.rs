//! Which numbers are sent next, and which were: pure, and of a size that does not grow with the backlog.

use std::ops::RangeInclusive;

use store::JournalProgress;
use telemetry::NumberSet;

/// Ranges in one batch, at most: each is read for itself.
const MAX_RANGES: usize = 100;

/// How many of the newest numbers go first after a start.
const NEWEST: u64 = 500;

/// How far the uplink has come, and what is on its way.
#[derive(Debug)]
pub(crate) struct Progress {
    stored: JournalProgress,
    /// The highest number of the journal.
    last: u64,
    /// From here on numbers are new: they go before the backlog.
    live_from: u64,
    in_flight: NumberSet,
    /// Halves of batches that were refused: they go before everything.
    parts: Vec<NumberSet>,
    /// Numbers that the broker refuses, to be told of.
    refused: NumberSet,
}

/// `journal = sent + unsent + gone`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) journal: u64,
    pub(crate) sent: u64,
    pub(crate) unsent: u64,
    pub(crate) gone: u64,
}

impl Progress {
    /// Goes on where it stopped.
    pub(crate) fn resume(stored: JournalProgress, last: u64) -> Self {
        Self {
            stored,
            last,
            live_from: last.saturating_sub(NEWEST - 1).max(1),
            in_flight: NumberSet::default(),
            parts: Vec::new(),
            refused: NumberSet::default(),
        }
    }

    /// What is to be noted in the store.
    pub(crate) fn stored(&self) -> &JournalProgress {
        &self.stored
    }

    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    /// Numbers were given up to this one.
    pub(crate) fn grown_to(&mut self, last: u64) {
        self.last = self.last.max(last);
    }

    pub(crate) fn counts(&self) -> Counts {
        let (done, gone) = (self.stored.done.count(), self.stored.gone.count());
        Counts { journal: self.last, sent: done - gone, unsent: self.last.saturating_sub(done), gone }
    }

    /// Of these numbers, those that are told of as refused.
    pub(crate) fn refused(&self, numbers: &NumberSet) -> NumberSet {
        self.refused.intersection(numbers)
    }

    /// The next numbers to send, at most `limit`: halves of refused batches first, then new ones, then the oldest. They are in
    /// flight from now on.
    pub(crate) fn next(&mut self, limit: u64) -> Option<NumberSet> {
        let numbers = self.parts.pop().unwrap_or_else(|| self.choose(limit));
        self.in_flight.extend(&numbers);
        Some(numbers).filter(|numbers| !numbers.is_empty())
    }

    fn choose(&mut self, limit: u64) -> NumberSet {
        let mut taken = self.stored.done.clone();
        taken.extend(&self.in_flight);
        self.parts.iter().for_each(|part| taken.extend(part));
        let mut chosen = newest(&taken, self.live_from..=self.last, limit);
        self.live_from = self.last + 1;
        for range in taken.gaps(1..=self.last).take(MAX_RANGES) {
            let left = limit - chosen.count();
            if left == 0 {
                break;
            }
            let mut some = NumberSet::from_iter([range]);
            chosen.ranges().for_each(|range| some.remove(range));
            if let Some(range) = some.ranges().next() {
                chosen.insert(first(range, left));
            }
        }
        chosen
    }

    /// These are acknowledged, and some of them will never arrive.
    pub(crate) fn acked(&mut self, numbers: &NumberSet, gone: &NumberSet) {
        self.landed(numbers);
        self.stored.done.extend(numbers);
        numbers.ranges().for_each(|range| {
            self.stored.gone.remove(range.clone());
            self.refused.remove(range);
        });
        self.stored.gone.extend(gone);
    }

    /// These were not taken now: they are sent again.
    pub(crate) fn put_back(&mut self, numbers: &NumberSet) {
        self.landed(numbers);
    }

    /// These were refused: each half is sent for itself, and a single one is told of as refused. Whether they were halved.
    pub(crate) fn refuse(&mut self, numbers: &NumberSet) -> bool {
        self.landed(numbers);
        let halves = halves(numbers);
        if halves.is_none() {
            self.refused.extend(numbers);
        }
        self.add_parts(halves)
    }

    /// These are too many for one message: each half is sent for itself. Whether they could be halved.
    pub(crate) fn halve(&mut self, numbers: &NumberSet) -> bool {
        self.landed(numbers);
        self.add_parts(halves(numbers))
    }

    fn add_parts(&mut self, halves: Option<[NumberSet; 2]>) -> bool {
        let Some([low, high]) = halves else { return false };
        self.parts.extend([high, low]);
        true
    }

    /// The cloud does not have these: as far as they were acknowledged, they are sent again. Returns how many those are.
    pub(crate) fn ask(&mut self, missing: &NumberSet) -> u64 {
        let mut again = self.stored.done.intersection(missing);
        self.in_flight.ranges().for_each(|range| again.remove(range));
        for range in again.ranges() {
            self.stored.done.remove(range.clone());
            self.stored.gone.remove(range);
        }
        again.count()
    }

    fn landed(&mut self, numbers: &NumberSet) {
        numbers.ranges().for_each(|range| self.in_flight.remove(range));
    }
}

/// The newest numbers of a range that are not taken, at most `limit`.
fn newest(taken: &NumberSet, within: RangeInclusive<u64>, limit: u64) -> NumberSet {
    let mut newest = NumberSet::default();
    let gaps: Vec<_> = taken.gaps(within).collect();
    for range in gaps.into_iter().rev().take(MAX_RANGES) {
        let left = limit - newest.count();
        if left == 0 {
            break;
        }
        let (start, end) = range.into_inner();
        newest.insert(start.max(end.saturating_sub(left - 1))..=end);
    }
    newest
}

fn first(range: RangeInclusive<u64>, count: u64) -> RangeInclusive<u64> {
    let (start, end) = range.into_inner();
    start..=end.min(start.saturating_add(count - 1))
}

/// None of a single number, or of none.
fn halves(numbers: &NumberSet) -> Option<[NumberSet; 2]> {
    let half = numbers.count() / 2;
    if half == 0 {
        return None;
    }
    let (mut low, mut high) = (NumberSet::default(), NumberSet::default());
    for range in numbers.ranges() {
        let left = half - low.count();
        if left == 0 {
            high.insert(range);
            continue;
        }
        let begin = first(range.clone(), left);
        high.insert(begin.end() + 1..=*range.end());
        low.insert(begin);
    }
    Some([low, high])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn ranges(numbers: &NumberSet) -> Vec<RangeInclusive<u64>> {
        numbers.ranges().collect()
    }

    #[test]
    fn new_numbers_go_before_the_backlog() {
        let mut progress = Progress::resume(JournalProgress::default(), 10_000);
        assert_eq!(ranges(&progress.next(1_000).unwrap()), [1..=500, 9_501..=10_000]);
        assert_eq!(ranges(&progress.next(1_000).unwrap()), [501..=1_500]);
        progress.grown_to(10_010);
        assert_eq!(ranges(&progress.next(1_000).unwrap()), [1_501..=2_490, 10_001..=10_010]);
        progress.grown_to(20_000);
        assert_eq!(
            ranges(&progress.next(1_000).unwrap()),
            [19_001..=20_000],
            "of too many new ones the newest"
        );
        assert_eq!(progress.counts(), Counts { journal: 20_000, sent: 0, unsent: 20_000, gone: 0 });
    }

    #[test]
    fn a_poison_reading_is_found_by_halving_and_told() {
        let mut progress = Progress::resume(JournalProgress::default(), 400);
        let (mut sent, mut told) = (0, Vec::new());
        while let Some(numbers) = progress.next(1_000) {
            let refused = progress.refused(&numbers);
            sent += 1;
            if numbers.contains(137) && !refused.contains(137) {
                progress.refuse(&numbers);
            } else {
                told.extend(refused.ranges());
                progress.acked(&numbers, &refused);
            }
        }
        assert!(sent < 25, "{sent}");
        assert_eq!(told, [137..=137]);
        assert_eq!(progress.counts(), Counts { journal: 400, sent: 399, unsent: 0, gone: 1 });
    }

    #[test]
    fn only_what_was_acknowledged_is_sent_again() {
        let mut progress = Progress::resume(JournalProgress::default(), 30);
        let first = progress.next(10).unwrap();
        progress.acked(&first, &NumberSet::from_iter([21..=22]));
        let in_flight = progress.next(10).unwrap();
        assert_eq!((ranges(&first), ranges(&in_flight)), (vec![21..=30], vec![1..=10]));
        assert_eq!(progress.ask(&NumberSet::from_iter([5..=22])), 2);
        assert_eq!(progress.counts(), Counts { journal: 30, sent: 8, unsent: 22, gone: 0 });
        progress.acked(&in_flight, &NumberSet::default());
        assert_eq!(ranges(&progress.next(100).unwrap()), [11..=22]);
    }

    proptest! {
        /// Whatever becomes of batches, each number is in flight at most once, all are done in the end, and the counts add up.
        #[test]
        fn every_number_is_done_in_the_end(
            growth in prop::collection::vec(0_u64..50, 1..10),
            outcomes in prop::collection::vec(0_u8..5, 0..60),
            poison in prop::collection::btree_set(1_u64..200, 0..4),
        ) {
            let mut progress = Progress::resume(JournalProgress::default(), 20);
            let mut outcomes = outcomes.into_iter();
            let (mut growth, mut waiting) = (growth.into_iter(), Vec::<NumberSet>::new());
            for _ in 0..2_000 {
                progress.grown_to(progress.last() + growth.next().unwrap_or(0));
                if let Some(numbers) = progress.next(40) {
                    for other in &waiting {
                        prop_assert!(other.intersection(&numbers).is_empty());
                    }
                    waiting.push(numbers);
                }
                let outcome = outcomes.next().unwrap_or(0);
                if outcome == 4 { continue }
                let Some(numbers) = waiting.pop() else { continue };
                let refused = progress.refused(&numbers);
                let is_poison = |number: &u64| numbers.contains(*number) && !refused.contains(*number);
                match outcome {
                    _ if poison.iter().any(is_poison) => { progress.refuse(&numbers); }
                    1 => progress.put_back(&numbers),
                    2 => { progress.halve(&numbers); }
                    3 => { progress.ask(&NumberSet::from_iter([1..=30])); waiting.push(numbers); }
                    _ => progress.acked(&numbers, &refused),
                }
                let Counts { journal, sent, unsent, gone } = progress.counts();
                prop_assert_eq!(journal, sent + unsent + gone);
            }
            prop_assert_eq!(progress.counts().unsent, 0);
            let gone: BTreeSet<u64> = progress.stored().gone.ranges().flatten().collect();
            prop_assert_eq!(gone, poison.into_iter().filter(|number| *number <= progress.last()).collect());
        }
    }
}
