//! What values come to.

use std::collections::BTreeMap;

use super::width::Width;
use crate::readings::time_bucket::Reduced;

/// Values in the order in which they were measured, summed up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rollup {
    pub(crate) reduced: Reduced,
    /// The sum of the squares of the distances from the mean, at most [`f64::MAX`].
    pub(crate) squares: f64,
    pub(crate) first: f64,
    pub(crate) last: f64,
}

impl Rollup {
    fn of(value: f64) -> Self {
        let reduced = Reduced::new(1, (value, value), Some(value));
        Self { reduced, squares: 0.0, first: value, last: value }
    }

    /// Adds a later value (Welford's method: B. P. Welford, Technometrics 4, 1962).
    fn add(&mut self, value: f64) {
        let Reduced { count, min, max, mean } = self.reduced;
        let count = count + 1;
        // Halves, because the distance of two huge values is more than a number can be.
        let next = mean + (value / 2.0 - mean / 2.0) / count as f64 * 2.0;
        self.squares = bounded(self.squares + (value - mean) * (value - next));
        self.reduced = Reduced::new(count, (min.min(value), max.max(value)), Some(next));
        self.last = value;
    }

    /// Of all values of both, of which the other's were measured later (T. F. Chan, G. H. Golub, R. J. LeVeque, 1979).
    fn merged(self, later: Self) -> Self {
        let reduced = self.reduced.merged(later.reduced);
        let (mine, others) = (self.reduced.count as f64, later.reduced.count as f64);
        let distance = later.reduced.mean - self.reduced.mean;
        let between = distance * distance * (mine * others / (mine + others));
        let squares = bounded(self.squares + later.squares + between);
        Self { reduced, squares, first: self.first, last: later.last }
    }
}

fn bounded(squares: f64) -> f64 {
    if squares.is_finite() { squares } else { f64::MAX }
}

/// Sums up values in the order in which they were measured. None for no values.
pub(crate) fn of_values(values: impl IntoIterator<Item = f64>) -> Option<Rollup> {
    let mut values = values.into_iter();
    let mut rollup = Rollup::of(values.next()?);
    values.for_each(|value| rollup.add(value));
    Some(rollup)
}

/// Sums up what was measured at which time, in order of time, by each stretch of a width.
pub(crate) fn by_width(values: impl IntoIterator<Item = (i64, f64)>, width: Width) -> BTreeMap<i64, Rollup> {
    let mut rollups = BTreeMap::new();
    for (at, value) in values {
        let rollup = rollups.entry(width.floor(at));
        rollup.and_modify(|rollup: &mut Rollup| rollup.add(value)).or_insert_with(|| Rollup::of(value));
    }
    rollups
}

/// Sums up what is summed up already, in order of time; none where there is none.
pub(crate) fn all(rollups: impl IntoIterator<Item = Rollup>) -> Option<Rollup> {
    rollups.into_iter().reduce(Rollup::merged)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(values: &[f64]) -> Rollup {
        let values = values.iter().map(|value| (0, *value));
        by_width(values, Width::Day).remove(&Width::Day.floor(0)).unwrap()
    }

    #[test]
    fn values_are_summed_up() {
        let rollup = of(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]);
        assert_eq!(rollup.reduced, Reduced { count: 8, min: 2.0, max: 9.0, mean: 5.0 });
        assert_eq!((rollup.squares, rollup.first, rollup.last), (32.0, 2.0, 9.0));
    }

    #[test]
    fn huge_values_stay_finite() {
        let rollup = of(&[f64::MAX, f64::MIN, f64::MAX, f64::MIN]);
        assert_eq!(rollup.squares, f64::MAX);
        assert!(rollup.reduced.mean.abs() < f64::MAX);
        let both = all([of(&[f64::MAX]), of(&[f64::MIN])]).unwrap();
        assert_eq!((both.squares, both.reduced.mean), (f64::MAX, 0.0));
    }

    proptest! {
        #[test]
        fn parts_come_to_the_same_as_the_whole(
            values in prop::collection::vec(-1e6..1e6, 2..50), cut in 0.0..1.0,
        ) {
            let cut = 1 + (cut * (values.len() - 1) as f64) as usize;
            let (whole, parts) = (of(&values), all([of(&values[..cut]), of(&values[cut..])]).unwrap());
            prop_assert_eq!((whole.reduced.count, whole.first, whole.last), (parts.reduced.count, parts.first, parts.last));
            prop_assert_eq!((whole.reduced.min, whole.reduced.max), (parts.reduced.min, parts.reduced.max));
            prop_assert!((whole.reduced.mean - parts.reduced.mean).abs() < 1e-6);
            prop_assert!((whole.squares - parts.squares).abs() <= whole.squares * 1e-9 + 1e-6);
        }
    }
}
