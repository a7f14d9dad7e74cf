//! Values summed up, and the anomalies among them.

use crate::{Judged, Rolling};

/// Values summed up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// How many values there are; at least 1.
    pub count: usize,
    /// The lowest value.
    pub min: f64,
    /// The highest value.
    pub max: f64,
    /// The mean.
    pub mean: f64,
    /// The standard deviation (of a sample, with n - 1); 0 for one value.
    pub deviation: f64,
    /// What half of the values are below.
    pub p50: f64,
    /// What 95 % of the values are below.
    pub p95: f64,
    /// What 99 % of the values are below.
    pub p99: f64,
}

impl Summary {
    /// Sums up values in any order; what is no finite number is left out. None where there are none.
    #[must_use]
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let (mean, deviation) = mean_and_deviation(&sorted, min.abs().max(max.abs()));
        let [p50, p95, p99] = [0.5, 0.95, 0.99].map(|share| quantile(&sorted, share).unwrap_or(mean));
        Some(Self { count: sorted.len(), min, max, mean, deviation, p50, p95, p99 })
    }
}

/// The anomalies among values in their order, with their places: those that [`Rolling`] judges so by the values before.
pub fn anomalies(values: impl IntoIterator<Item = f64>) -> impl Iterator<Item = (usize, Judged)> {
    let mut rolling = Rolling::default();
    let judged = values.into_iter().map(move |value| rolling.judge(value));
    judged.enumerate().filter(|(_, judged)| judged.is_anomaly)
}

/// In units of the greatest value, so that squares of huge ones do not overflow.
fn mean_and_deviation(values: &[f64], greatest: f64) -> (f64, f64) {
    if greatest == 0.0 {
        return (0.0, 0.0);
    }
    let count = values.len() as f64;
    let mean = values.iter().map(|value| value / greatest / count).sum::<f64>();
    let squares = values.iter().map(|value| (value / greatest - mean).powi(2)).sum::<f64>();
    let deviation = (squares / (count - 1.0).max(1.0)).sqrt() * greatest;
    (mean * greatest, deviation.min(f64::MAX))
}

/// What a share of the values, from 0 to 1, is below: between the two nearest ones (type 7 of Hyndman and Fan 1996). None
/// where there are none.
#[must_use]
pub fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let place = share * sorted.len().checked_sub(1)? as f64;
    let (low, high) = (sorted.get(place.floor() as usize)?, sorted.get(place.ceil() as usize)?);
    let part = place.fract();
    Some(low * (1.0 - part) + high * part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_summed_up() {
        let Summary { count, min, max, mean, deviation, p50, p95, .. } =
            Summary::of([4.0, 1.0, f64::NAN, 3.0, 2.0]).unwrap();
        assert_eq!((count, min, max, mean, p50), (4, 1.0, 4.0, 2.5, 2.5));
        assert!((deviation - 1.290_994).abs() < 1e-6 && (p95 - 3.85).abs() < 1e-9, "{deviation} {p95}");
    }

    #[test]
    fn one_value_none_and_huge_ones_have_finite_answers() {
        assert_eq!(Summary::of([]), None);
        assert_eq!(Summary::of([f64::INFINITY]), None);
        let one = Summary::of([7.0]).unwrap();
        assert_eq!((one.mean, one.deviation, one.p50, one.p99), (7.0, 0.0, 7.0, 7.0));
        let huge = Summary::of([f64::MAX, f64::MIN, f64::MAX]).unwrap();
        assert!(huge.mean.is_finite() && huge.deviation.is_finite() && huge.p95.is_finite(), "{huge:?}");
        assert_eq!(Summary::of([0.0, 0.0]).unwrap().deviation, 0.0);
    }

    #[test]
    fn anomalies_have_their_places() {
        let mut values: Vec<f64> = (0..60).map(|at| f64::from(at % 3)).collect();
        values[55] = 40.0;
        let found: Vec<_> = anomalies(values).map(|(place, _)| place).collect();
        assert_eq!(found, [55]);
    }
}
