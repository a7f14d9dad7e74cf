//! A set of numbers that is kept as ranges.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// Numbers as ranges, of which no two overlap or touch. Its memory grows with the ranges, not with the numbers.
///
/// ```
/// use telemetry::NumberSet;
///
/// let mut set = NumberSet::default();
/// set.insert(5..=9);
/// set.insert(1..=4);
/// assert_eq!(set.ranges().collect::<Vec<_>>(), [1..=9]);
/// assert_eq!(set.gaps(1..=12).collect::<Vec<_>>(), [10..=12]);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NumberSet(BTreeMap<u64, u64>);

impl NumberSet {
    /// Adds the numbers of a range; an empty one adds none.
    pub fn insert(&mut self, range: RangeInclusive<u64>) {
        let (mut first, mut last) = range.into_inner();
        if first > last {
            return;
        }
        for touching in self.touching(first, last) {
            let end = self.0.remove(&touching).unwrap_or(touching);
            (first, last) = (first.min(touching), last.max(end));
        }
        self.0.insert(first, last);
    }

    /// Where ranges begin that overlap these numbers or touch them.
    fn touching(&self, first: u64, last: u64) -> Vec<u64> {
        let until = last.saturating_add(1);
        let reaches = |(_, end): &(&u64, &u64)| end.saturating_add(1) >= first;
        self.0.range(..=until).rev().take_while(reaches).map(|(start, _)| *start).collect()
    }

    /// Takes the numbers of a range out.
    pub fn remove(&mut self, range: RangeInclusive<u64>) {
        let (first, last) = range.into_inner();
        if first > last {
            return;
        }
        let reaches = |(_, end): &(&u64, &u64)| **end >= first;
        let overlapping: Vec<(u64, u64)> =
            self.0.range(..=last).rev().take_while(reaches).map(|(start, end)| (*start, *end)).collect();
        for (start, end) in overlapping {
            self.0.remove(&start);
            if start < first {
                self.0.insert(start, first - 1);
            }
            if end > last {
                self.0.insert(last + 1, end);
            }
        }
    }

    /// Adds all numbers of another set.
    pub fn extend(&mut self, other: &Self) {
        other.ranges().for_each(|range| self.insert(range));
    }

    /// Whether a number is in the set.
    #[must_use]
    pub fn contains(&self, number: u64) -> bool {
        self.0.range(..=number).next_back().is_some_and(|(_, end)| *end >= number)
    }

    /// How many numbers there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.iter().map(|(first, last)| (last - first).saturating_add(1)).fold(0, u64::saturating_add)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The highest number.
    #[must_use]
    pub fn last(&self) -> Option<u64> {
        self.0.last_key_value().map(|(_, last)| *last)
    }

    /// The ranges, lowest first.
    pub fn ranges(&self) -> impl DoubleEndedIterator<Item = RangeInclusive<u64>> + '_ {
        self.0.iter().map(|(first, last)| *first..=*last)
    }

    /// The ranges within a range that are not in the set, lowest first.
    pub fn gaps(&self, within: RangeInclusive<u64>) -> impl Iterator<Item = RangeInclusive<u64>> + '_ {
        let (first, last) = within.into_inner();
        let mut next = Some(first).filter(|first| *first <= last);
        let mut ranges = self.0.range(..=last).skip_while(move |(_, end)| **end < first);
        std::iter::from_fn(move || {
            loop {
                let start = next?;
                let Some((from, to)) = ranges.next() else {
                    next = None;
                    return Some(start..=last);
                };
                next = to.checked_add(1).filter(|after| *after <= last);
                if start < *from {
                    return Some(start..=from - 1);
                }
            }
        })
    }

    /// The numbers of this set that are in the other one, too.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let mut both = Self::default();
        for range in self.ranges() {
            let mut part = Self::default();
            part.insert(range.clone());
            other.gaps(range).for_each(|gap| part.remove(gap));
            both.extend(&part);
        }
        both
    }
}

impl FromIterator<RangeInclusive<u64>> for NumberSet {
    fn from_iter<T: IntoIterator<Item = RangeInclusive<u64>>>(ranges: T) -> Self {
        let mut set = Self::default();
        ranges.into_iter().for_each(|range| set.insert(range));
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn range() -> impl Strategy<Value = RangeInclusive<u64>> {
        (0_u64..60, 0_u64..8).prop_map(|(first, length)| first..=first + length)
    }

    fn model(set: &NumberSet) -> BTreeSet<u64> {
        set.ranges().flatten().collect()
    }

    proptest! {
        #[test]
        fn it_is_a_set_of_numbers(steps in prop::collection::vec((any::<bool>(), range()), 0..40), other in range()) {
            let (mut set, mut expected) = (NumberSet::default(), BTreeSet::new());
            for (is_insert, range) in steps {
                if is_insert {
                    expected.extend(range.clone());
                    set.insert(range);
                } else {
                    range.clone().for_each(|number| { expected.remove(&number); });
                    set.remove(range);
                }
                let ranges: Vec<_> = set.ranges().collect();
                prop_assert!(ranges.windows(2).all(|pair| pair[0].end() + 1 < *pair[1].start()));
            }
            prop_assert_eq!(model(&set), expected.clone());
            prop_assert_eq!(set.count(), expected.len() as u64);
            prop_assert_eq!(set.last(), expected.last().copied());
            prop_assert!((0..80).all(|number| set.contains(number) == expected.contains(&number)));
            let gaps: BTreeSet<u64> = set.gaps(5..=50).flatten().collect();
            prop_assert_eq!(gaps, (5..=50).filter(|number| !expected.contains(number)).collect());
            let both = set.intersection(&NumberSet::from_iter([other.clone()]));
            prop_assert_eq!(model(&both), other.filter(|number| expected.contains(number)).collect());
        }
    }

    #[test]
    fn the_largest_numbers_do_no_harm() {
        let mut set = NumberSet::from_iter([u64::MAX - 1..=u64::MAX, 0..=0]);
        assert_eq!(set.gaps(0..=u64::MAX).collect::<Vec<_>>(), [1..=u64::MAX - 2]);
        set.insert(0..=u64::MAX);
        assert_eq!((set.count(), set.contains(u64::MAX)), (u64::MAX, true));
        set.remove(u64::MAX..=u64::MAX);
        assert_eq!(set.last(), Some(u64::MAX - 1));
    }
}
