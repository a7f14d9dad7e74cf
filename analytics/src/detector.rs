//! How surprising a value is: a streaming detector without parameters for each series, and without a look ahead.
//!
//! The last value is looked at on five scales of time: as the mean of the last 1, 3, 10, 20 and 50 values. For each scale a
//! histogram of everything that was seen, which is slowly forgotten, says how rare the present mean is: its surprise is the
//! negative logarithm of the density, and 0 where the density is at least that of an even distribution. A coarse table of
//! the value 20 ago and the value now catches changes that are rare although both ends are common. The sum of surprises
//! (HBOS: Goldstein and Dengel 2012, here streaming and on several scales) is divided by the usual one of the series. What is
//! beyond a threshold is unusual; then there is silence for 100 values, unless it becomes three times worse, and for a few
//! thousand values a slightly higher threshold, so that a noisy series pays for its noise.
//!
//! Scale and offset of a series do not matter. Windows count values, not seconds: sample what comes more often than once a
//! minute down to that. Not found are values that stay the same for too long, and peaks that fail to come.

mod decision;
mod histogram;
mod recent;
mod transitions;

use self::decision::Decision;
use self::histogram::Histogram;
use self::recent::Recent;
use self::transitions::Transitions;

/// Lengths of the running means, in values.
pub const SCALES: [usize; 5] = [1, 3, 10, 20, 50];

/// Values without which nothing is said.
pub const WARM_UP: u64 = 100;

/// A value weighs `(1 - 1/MEMORY)^age`.
const MEMORY: f64 = 4_000.0;

/// Weights are scaled down when they have grown to this.
const HEAVIEST: f64 = 1e9;

/// Values between two looks at whether a range has become half empty.
const TRIM_EVERY: u64 = 256;

/// Greater values count as missing: sums of them would have no end.
const GREATEST: f64 = 1e300;

/// What the detector thinks of a value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Opinion {
    /// From 0 to 1; from 0.5 on the value is unusual.
    pub score: f64,
    /// The surprise on each of the [`SCALES`], and that of the change within the last 20 values.
    pub parts: [f64; SCALES.len() + 1],
}

impl Opinion {
    const NONE: Self = Self { score: 0.0, parts: [0.0; SCALES.len() + 1] };

    /// Whether the value is unusual.
    #[must_use]
    pub fn is_unusual(&self) -> bool {
        self.score >= 0.5
    }
}

/// What is known of a series: some 4 kB.
#[derive(Debug, Clone, Default)]
pub struct Detector {
    recent: Recent,
    histograms: Option<Box<[Histogram; SCALES.len()]>>,
    transitions: Transitions,
    decision: Decision,
    /// The mass of all values, scaled as those in the histograms.
    total: f64,
    weight: Weight,
}

/// The weight of the next value: it grows, so that those before it need not be touched to be forgotten.
#[derive(Debug, Clone, Copy)]
struct Weight(f64);

impl Default for Weight {
    fn default() -> Self {
        Self(1.0)
    }
}

impl Detector {
    /// Looks at a value that was measured at a time, in seconds; then learns it. What is no finite number counts as missing.
    pub fn observe(&mut self, value: f64, seconds: f64) -> Opinion {
        if !value.is_finite() || value.abs() > GREATEST {
            return Opinion::NONE;
        }
        self.recent.begin(seconds);
        let weight = self.next_weight();
        let lagged = self.recent.push(value);
        let step = self.recent.step();
        let histograms =
            self.histograms.get_or_insert_with(|| Box::new(std::array::from_fn(|_| Histogram::at(value))));
        let range_before = histograms[0].range();
        let mut parts = [0.0; SCALES.len() + 1];
        for (scale, histogram) in histograms.iter_mut().enumerate() {
            let mean = self.recent.mean(scale);
            parts[scale] = histogram.surprise(mean, weight, self.total);
            if let Some(range) = histogram.widened(mean, step) {
                if scale == 0 {
                    self.transitions.set_range(histogram.range(), range, self.total);
                }
                histogram.set_range(range, self.total);
            }
            histogram.learn(mean, weight);
        }
        parts[SCALES.len()] = self.transitions.observe(
            (lagged, value),
            (range_before, histograms[0].range()),
            weight,
            self.total,
        );
        self.total += weight;
        if self.recent.seen().is_multiple_of(TRIM_EVERY) {
            self.trim(weight, step);
        }
        let score = self.decision.judge(parts.iter().sum(), self.recent.seen());
        Opinion { score, parts }
    }

    /// Between which values most of what was seen lies: all but this share of it, half of that on either side. None before
    /// anything is known.
    #[must_use]
    pub fn usual(&self, but: f64) -> Option<(f64, f64)> {
        let histogram = self.histograms.as_ref().filter(|_| self.recent.seen() > WARM_UP)?;
        Some(histogram[0].but(but.clamp(0.0, 1.0) / 2.0))
    }

    fn trim(&mut self, weight: f64, step: f64) {
        let Some(histograms) = &mut self.histograms else { return };
        for (scale, histogram) in histograms.iter_mut().enumerate() {
            if let Some(range) = histogram.trimmed(weight, step) {
                if scale == 0 {
                    self.transitions.set_range(histogram.range(), range, self.total);
                }
                histogram.set_range(range, self.total);
            }
        }
    }

    fn next_weight(&mut self) -> f64 {
        self.weight.0 /= 1.0 - 1.0 / MEMORY;
        if self.weight.0 > HEAVIEST {
            let by = self.weight.0;
            self.histograms.iter_mut().flat_map(|all| all.iter_mut()).for_each(|one| one.divide(by));
            self.transitions.divide(by);
            self.total /= by;
            self.weight = Weight::default();
        }
        self.weight.0
    }
}

/// Where a value lies in a range that is divided into so many equal parts; what is outside is in the first or the last.
fn part_of(value: f64, (low, high): (f64, f64), parts: usize) -> usize {
    let at = (value - low) / (high - low) * parts as f64;
    // A negative number becomes 0.
    (at as usize).min(parts - 1)
}

/// Spreads masses over another range, in proportion to what overlaps.
fn spread<const N: usize>(
    masses: &[f64; N],
    (low, high): (f64, f64),
    (new_low, new_high): (f64, f64),
) -> [f64; N] {
    let (width, new_width) = ((high - low) / N as f64, (new_high - new_low) / N as f64);
    let mut spread = [0.0; N];
    for (at, mass) in masses.iter().enumerate().filter(|(_, mass)| **mass != 0.0) {
        let place = |edge: f64| ((low + edge * width - new_low) / new_width).clamp(0.0, N as f64);
        let (begin, end) = (place(at as f64), place(at as f64 + 1.0));
        if end <= begin {
            spread[(begin as usize).min(N - 1)] += mass;
            continue;
        }
        let mut part = begin as usize;
        while (part as f64) < end && part < N {
            let overlap = end.min(part as f64 + 1.0) - begin.max(part as f64);
            if overlap > 0.0 {
                spread[part] += mass * overlap / (end - begin);
            }
            part += 1;
        }
    }
    spread
}

#[cfg(test)]
mod tests;
