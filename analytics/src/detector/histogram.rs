//! A histogram of equal bins whose range grows to hold every value, and shrinks when it is half empty.

use super::{part_of, spread};

/// Bins of a histogram.
pub(super) const BINS: usize = 50;

/// What each bin holds before anything was seen.
const PRIOR: f64 = 0.5;

/// The share that either neighbour of a bin has in its density.
const BLUR: f64 = 0.1;

/// Surprise for each width of the range that a value lies beyond it, up to one width.
const BEYOND: f64 = 10.0;

/// One value widens a range by so many of its widths, at most: further out it counts in the outermost bin.
const GROW: f64 = 4.0;

/// A bin is never narrower than this share of the smallest step: else each flicker of the last digit were a surprise.
const STEP: f64 = 0.5;

/// A range shrinks only if it becomes shorter than this share.
const SHORTER: f64 = 0.75;

/// Masses in equal bins. They are scaled by the weight of the newest value.
#[derive(Debug, Clone)]
pub(super) struct Histogram {
    low: f64,
    high: f64,
    masses: [f64; BINS],
}

impl Histogram {
    /// Of which one value is known.
    pub(super) fn at(value: f64) -> Self {
        Self { low: value, high: value, masses: [0.0; BINS] }
    }

    pub(super) fn range(&self) -> (f64, f64) {
        (self.low, self.high)
    }

    /// How much less dense it is at a value than if all were even, as a logarithm; 0 where it is denser.
    pub(super) fn surprise(&self, value: f64, weight: f64, total: f64) -> f64 {
        let width = self.high - self.low;
        if width <= 0.0 {
            return 0.0;
        }
        let excess = (self.low - value).max(value - self.high) / width;
        let mass = if excess <= 0.0 { self.mass_around(part_of(value, self.range(), BINS)) } else { 0.0 };
        let density = (mass / weight + PRIOR) / (total / weight + BINS as f64 * PRIOR) * BINS as f64;
        (-density.ln()).max(0.0) + BEYOND * excess.clamp(0.0, 1.0)
    }

    pub(super) fn learn(&mut self, value: f64, weight: f64) {
        if self.high > self.low {
            self.masses[part_of(value, self.range(), BINS)] += weight;
        }
    }

    /// The range that holds a value, too, if it must change.
    pub(super) fn widened(&self, value: f64, step: f64) -> Option<(f64, f64)> {
        if (self.low..=self.high).contains(&value) {
            return None;
        }
        let (mut low, mut high, width) = (self.low.min(value), self.high.max(value), self.high - self.low);
        if width > 0.0 {
            (low, high) = (low.max(self.low - GROW * width), high.min(self.high + GROW * width));
        }
        Some(at_least_wide((low, high), step))
    }

    /// The range without outer bins that hold next to nothing, where it is at most half as wide.
    pub(super) fn trimmed(&self, weight: f64, step: f64) -> Option<(f64, f64)> {
        if self.high <= self.low {
            return None;
        }
        let emptied = |masses: &mut dyn Iterator<Item = &f64>| {
            let mut sum = 0.0;
            masses
                .take_while(|mass| {
                    sum += **mass;
                    sum < 0.5 * weight
                })
                .count()
        };
        let first = emptied(&mut self.masses.iter());
        let left = BINS - first;
        let last = BINS - emptied(&mut self.masses.iter().rev()).min(left.saturating_sub(1));
        if last.saturating_sub(first) > BINS / 2 {
            return None;
        }
        let width = (self.high - self.low) / BINS as f64;
        let edge = |bin: usize| self.low + bin as f64 * width;
        let (low, high) = at_least_wide((edge(first), edge(last)), step);
        (high - low < SHORTER * (self.high - self.low)).then_some((low, high))
    }

    pub(super) fn set_range(&mut self, range: (f64, f64), total: f64) {
        if self.high > self.low {
            self.masses = spread(&self.masses, self.range(), range);
        } else {
            // Only one value was seen so far.
            self.masses[part_of(self.low, range, BINS)] += total;
        }
        (self.low, self.high) = range;
    }

    pub(super) fn divide(&mut self, by: f64) {
        self.masses.iter_mut().for_each(|mass| *mass /= by);
    }

    /// The range without this share of the mass at either end.
    pub(super) fn but(&self, share: f64) -> (f64, f64) {
        let outside = self.masses.iter().sum::<f64>() * share;
        let width = (self.high - self.low) / BINS as f64;
        let inside = |masses: &mut dyn Iterator<Item = &f64>| {
            let (mut sum, mut bins) = (0.0, 0.0);
            for mass in masses {
                if sum + mass > outside {
                    return bins + if *mass > 0.0 { (outside - sum) / mass } else { 0.0 };
                }
                sum += mass;
                bins += 1.0;
            }
            bins
        };
        let (first, last) = (inside(&mut self.masses.iter()), inside(&mut self.masses.iter().rev()));
        (self.low + first * width, (self.high - last * width).max(self.low + first * width))
    }

    fn mass_around(&self, bin: usize) -> f64 {
        let neighbour =
            |bin: Option<usize>| bin.and_then(|bin| self.masses.get(bin)).copied().unwrap_or_default();
        let both = BLUR * neighbour(bin.checked_sub(1)) + BLUR * neighbour(Some(bin + 1));
        self.masses[bin] * (1.0 - 2.0 * BLUR) + both
    }
}

fn at_least_wide((low, high): (f64, f64), step: f64) -> (f64, f64) {
    let needed = BINS as f64 * step * STEP;
    let pad = ((needed - (high - low)) / 2.0).max(0.0);
    (low - pad, high + pad)
}
