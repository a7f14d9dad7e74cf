//! Histograms that cost two atomic additions: readings pass them by the thousand.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::exemplar::Exemplar;
use prometheus_client::metrics::{MetricType, TypedMetric};

/// The upper bounds of all histograms of durations, in microseconds: 1 ms to 60 s. One set, so that they can be compared.
const DURATION_BOUNDS: &[u64] = &[
    1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000,
    10_000_000, 30_000_000, 60_000_000,
];

const MICROSECONDS: f64 = 1_000_000.0;

/// The upper bounds of all histograms of sizes.
const SIZE_BOUNDS: &[u64] = &[1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 100_000];

/// How long something took, as a histogram in seconds. Clones share it.
#[derive(Debug, Clone)]
pub struct Durations(Arc<Buckets>);

/// How many things were in something, as a histogram. Clones share it.
#[derive(Debug, Clone)]
pub struct Sizes(Arc<Buckets>);

#[derive(Debug)]
struct Buckets {
    bounds: &'static [u64],
    /// The counts of values up to each bound, and of those above all.
    counts: Box<[AtomicU64]>,
    sum: AtomicU64,
    /// What a value is divided by, to be in the metric's unit.
    per_unit: f64,
}

impl Default for Durations {
    fn default() -> Self {
        Self(Arc::new(Buckets::new(DURATION_BOUNDS, MICROSECONDS)))
    }
}

impl Default for Sizes {
    fn default() -> Self {
        Self(Arc::new(Buckets::new(SIZE_BOUNDS, 1.0)))
    }
}

impl Durations {
    /// Adds one that took so long.
    pub fn observe(&self, took: Duration) {
        self.observe_many(took, 1);
    }

    /// Adds as many that took so long.
    pub fn observe_many(&self, took: Duration, count: u64) {
        self.0.observe(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), count);
    }

    /// How many were added.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.count()
    }
}

impl Sizes {
    /// Adds one of this size.
    pub fn observe(&self, size: usize) {
        self.0.observe(size as u64, 1);
    }

    /// How many were added.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.count()
    }
}

impl Buckets {
    fn new(bounds: &'static [u64], per_unit: f64) -> Self {
        let counts = (0..=bounds.len()).map(|_| AtomicU64::default()).collect();
        Self { bounds, counts, sum: AtomicU64::default(), per_unit }
    }

    fn observe(&self, value: u64, count: u64) {
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        self.counts[bucket].fetch_add(count, Ordering::Relaxed);
        self.sum.fetch_add(value.saturating_mul(count), Ordering::Relaxed);
    }

    fn count(&self) -> u64 {
        self.counts.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }

    fn encode(&self, encoder: &mut MetricEncoder<'_>) -> fmt::Result {
        let bounds = self.bounds.iter().map(|bound| *bound as f64 / self.per_unit).chain([f64::INFINITY]);
        let counts = self.counts.iter().map(|count| count.load(Ordering::Relaxed));
        let buckets: Vec<_> = bounds.zip(counts).collect();
        let count = buckets.iter().map(|(_, count)| count).sum();
        let sum = self.sum.load(Ordering::Relaxed) as f64 / self.per_unit;
        encoder.encode_histogram(sum, count, &buckets, None::<&HashMap<usize, Exemplar<NoLabelSet, f64>>>)
    }
}

impl EncodeMetric for Durations {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        self.0.encode(&mut encoder)
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

impl TypedMetric for Durations {
    const TYPE: MetricType = MetricType::Histogram;
}

impl EncodeMetric for Sizes {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        self.0.encode(&mut encoder)
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

impl TypedMetric for Sizes {
    const TYPE: MetricType = MetricType::Histogram;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Metrics;

    #[test]
    fn durations_are_counted_up_to_their_bounds_in_seconds() {
        let metrics = Metrics::default();
        let took: Durations = metrics.of("x").register("latency_seconds", "Time");
        took.observe(Duration::from_millis(1));
        took.observe_many(Duration::from_micros(1_001), 3);
        took.observe(Duration::from_secs(3_600));
        let text = metrics.text();
        for line in [
            "# TYPE millrace_x_latency_seconds histogram",
            "millrace_x_latency_seconds_bucket{le=\"0.001\"} 1",
            "millrace_x_latency_seconds_bucket{le=\"0.0025\"} 4",
            "millrace_x_latency_seconds_bucket{le=\"60.0\"} 4",
            "millrace_x_latency_seconds_bucket{le=\"+Inf\"} 5",
            "millrace_x_latency_seconds_count 5",
            "millrace_x_latency_seconds_sum 3600.004003",
        ] {
            assert!(text.contains(&format!("{line}\n")), "{line} is not in {text}");
        }
    }

    #[test]
    fn sizes_have_bounds_of_their_own() {
        let metrics = Metrics::default();
        let sizes: Sizes = metrics.of("x").register("batch", "Size");
        sizes.observe(1);
        sizes.observe(7);
        let text = metrics.text();
        assert!(
            text.contains("_bucket{le=\"1.0\"} 1\n") && text.contains("_bucket{le=\"10.0\"} 2\n"),
            "{text}"
        );
    }

    #[test]
    fn what_takes_longer_than_can_be_counted_is_above_all_bounds() {
        let took = Durations::default();
        took.observe_many(Duration::MAX, 2);
        assert_eq!(took.0.counts.last().unwrap().load(Ordering::Relaxed), 2);
    }
}
