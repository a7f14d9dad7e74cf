//! Mean and deviation of the last values, and the field's simple rule: what is more than two deviations away is an anomaly.

/// Values that mean and deviation are of.
pub const WINDOW: usize = 50;

/// Deviations from the mean beyond which a value is an anomaly.
pub const LIMIT: f64 = 2.0;

/// Values without which nothing is said: fewer have no deviation worth the name.
const FEWEST: usize = 10;

/// The last [`WINDOW`] values of a series.
#[derive(Debug, Clone)]
pub struct Rolling {
    values: [f64; WINDOW],
    /// How many there were so far.
    count: u64,
    /// Sums of the values' differences from `base`, and of their squares: small, so that little is lost by rounding.
    sum: f64,
    squares: f64,
    base: f64,
}

/// What a value looks like beside the last ones.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judged {
    /// The mean of the values before it; the value itself where it is the first.
    pub mean: f64,
    /// Their standard deviation (of a sample, with n - 1).
    pub deviation: f64,
    /// How many deviations the value is above the mean; 0 where nothing is known yet.
    pub z: f64,
    /// Whether it is further away than [`LIMIT`] deviations.
    pub is_anomaly: bool,
}

impl Default for Rolling {
    fn default() -> Self {
        Self { values: [0.0; WINDOW], count: 0, sum: 0.0, squares: 0.0, base: 0.0 }
    }
}

impl Rolling {
    /// Adds a value; what is no finite number is left out.
    pub fn add(&mut self, value: f64) {
        if !value.is_finite() {
            return;
        }
        let place = (self.count % WINDOW as u64) as usize;
        let left = std::mem::replace(&mut self.values[place], value);
        self.count += 1;
        if place == WINDOW - 1 || self.count == 1 {
            // Rounding errors do not add up beyond a window.
            return self.recompute();
        }
        let (new, old) = (value - self.base, left - self.base);
        self.sum += new;
        self.squares += new * new;
        if self.count > WINDOW as u64 {
            self.sum -= old;
            self.squares -= old * old;
        }
    }

    /// Judges a value by those before it, and adds it.
    pub fn judge(&mut self, value: f64) -> Judged {
        let judged = self.look_at(value);
        self.add(value);
        judged
    }

    /// The mean of the last values; 0 where there are none.
    #[must_use]
    pub fn mean(&self) -> f64 {
        if self.is_empty() { 0.0 } else { self.base + self.sum / self.len() as f64 }
    }

    /// Their standard deviation (of a sample, with n - 1); 0 for fewer than two.
    #[must_use]
    pub fn deviation(&self) -> f64 {
        let count = self.len() as f64;
        if count < 2.0 {
            return 0.0;
        }
        ((self.squares - self.sum * self.sum / count) / (count - 1.0)).max(0.0).sqrt()
    }

    /// How many values it is of.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count.min(WINDOW as u64) as usize
    }

    /// Whether there are none yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    fn look_at(&self, value: f64) -> Judged {
        let (mean, deviation) = (if self.is_empty() { value } else { self.mean() }, self.deviation());
        let is_known = self.len() >= FEWEST && value.is_finite();
        let z = match deviation > rounding(mean) {
            true if is_known => {
                Some((value - mean) / deviation).filter(|z| z.is_finite()).unwrap_or_default()
            }
            _ => 0.0,
        };
        Judged { mean, deviation, z, is_anomaly: z.abs() > LIMIT }
    }

    fn recompute(&mut self) {
        let values = &self.values[..self.len()];
        self.base = values.iter().sum::<f64>() / values.len() as f64;
        if !self.base.is_finite() {
            self.base = values[0];
        }
        self.sum = values.iter().map(|value| value - self.base).sum();
        self.squares = values.iter().map(|value| (value - self.base).powi(2)).sum();
    }
}

/// A deviation that is no more than rounding, for a series that stays the same.
fn rounding(mean: f64) -> f64 {
    mean.abs() * 1e-12
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Mean and deviation by their definition.
    fn expected(values: &[f64]) -> (f64, f64) {
        let last = &values[values.len().saturating_sub(WINDOW)..];
        let (count, mean) = (last.len() as f64, last.iter().sum::<f64>() / last.len() as f64);
        let squares: f64 = last.iter().map(|value| (value - mean).powi(2)).sum();
        (mean, if last.len() < 2 { 0.0 } else { (squares / (count - 1.0)).sqrt() })
    }

    proptest! {
        #[test]
        fn mean_and_deviation_are_those_of_the_last_values(
            offset in prop_oneof![Just(0.0), Just(1e6), Just(-1e9)],
            values in proptest::collection::vec(-100.0..100.0_f64, 1..300),
        ) {
            let values: Vec<f64> = values.into_iter().map(|value| value + offset).collect();
            let mut rolling = Rolling::default();
            for (at, value) in values.iter().enumerate() {
                rolling.add(*value);
                let (mean, deviation) = expected(&values[..=at]);
                prop_assert!((rolling.mean() - mean).abs() <= 1e-9 * (1.0 + offset.abs()), "{} {mean}", rolling.mean());
                prop_assert!((rolling.deviation() - deviation).abs() <= 1e-6 * (1.0 + deviation), "{} {deviation}", rolling.deviation());
            }
        }
    }

    #[test]
    fn what_is_far_away_is_an_anomaly() {
        let mut rolling = Rolling::default();
        (0..WINDOW).for_each(|at| rolling.add(20.0 + (at % 2) as f64));
        for (value, expected) in [(20.5, false), (21.5, false), (21.6, true), (19.4, true)] {
            let judged = rolling.clone().judge(value);
            assert_eq!(judged.is_anomaly, expected, "{judged:?}");
            assert!((judged.mean - 20.5).abs() < 1e-12);
        }
    }

    #[test]
    fn nothing_is_said_of_what_nothing_is_known_of() {
        let mut rolling = Rolling::default();
        assert_eq!(rolling.judge(5.0), Judged { mean: 5.0, deviation: 0.0, z: 0.0, is_anomaly: false });
        assert!(!rolling.judge(5_000.0).is_anomaly, "two values have no deviation worth the name");
        let mut flat = Rolling::default();
        (0..200).for_each(|_| flat.add(0.1));
        assert_eq!(flat.judge(0.1).z, 0.0);
        assert_eq!(flat.judge(7.0).z, 0.0, "a line that never moved says nothing of what is far");
        for missing in [f64::NAN, f64::INFINITY] {
            assert!(!flat.judge(missing).is_anomaly);
        }
        assert_eq!(flat.len(), WINDOW);
    }

    #[test]
    fn a_window_of_the_greatest_numbers_does_not_panic() {
        let mut rolling = Rolling::default();
        for _ in 0..120 {
            for value in [f64::MAX, f64::MIN] {
                assert!(rolling.judge(value).z.is_finite());
            }
        }
    }
}
