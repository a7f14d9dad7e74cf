//! The last values of a series: their running means, the smallest step, and whether there was a long pause.

use super::SCALES;
use super::transitions::LAG;

/// Values that are kept: the longest mean, and the value 20 ago.
const KEPT: usize = 50;

/// A pause that is longer than so many usual intervals empties the means.
const PAUSE: f64 = 50.0;

/// Values after which the sums are computed anew, so that rounding errors do not add up.
const RECOMPUTE_EVERY: u64 = 4_096;

/// The last values.
#[derive(Debug, Clone)]
pub(super) struct Recent {
    ring: [f64; KEPT],
    sums: [f64; SCALES.len()],
    seen: u64,
    /// Values since the last long pause.
    fresh: u64,
    /// The smallest change between neighbours; 0 before there was one.
    step: f64,
    last: Option<f64>,
    time: Option<f64>,
    /// The usual interval, in seconds.
    interval: f64,
}

impl Default for Recent {
    fn default() -> Self {
        Self {
            ring: [0.0; KEPT],
            sums: [0.0; SCALES.len()],
            seen: 0,
            fresh: 0,
            step: 0.0,
            last: None,
            time: None,
            interval: 0.0,
        }
    }
}

impl Recent {
    /// Notes the time of the next value. After a long pause the means begin anew; what was learnt stays.
    pub(super) fn begin(&mut self, seconds: f64) {
        let passed = self.time.map_or(0.0, |time| seconds - time);
        if passed > 0.0 {
            if self.interval > 0.0 && passed > PAUSE * self.interval {
                (self.fresh, self.sums) = (0, [0.0; SCALES.len()]);
            } else {
                self.interval += (passed - self.interval) / self.seen.clamp(1, 100) as f64;
            }
        }
        self.time = Some(seconds);
    }

    /// Adds a value; returns the value 20 before it, or itself where there is none.
    pub(super) fn push(&mut self, value: f64) -> f64 {
        if let Some(last) = self.last.replace(value) {
            let change = (value - last).abs();
            if change > 1e-9 * value.abs() && (self.step == 0.0 || change < self.step) {
                self.step = change;
            }
        }
        let lagged = if self.fresh >= LAG { self.before(LAG) } else { value };
        for (scale, length) in SCALES.into_iter().enumerate() {
            self.sums[scale] += value;
            if self.fresh >= length as u64 {
                self.sums[scale] -= self.before(length as u64);
            }
        }
        self.ring[(self.seen % KEPT as u64) as usize] = value;
        self.seen += 1;
        self.fresh += 1;
        if self.seen.is_multiple_of(RECOMPUTE_EVERY) {
            self.recompute();
        }
        lagged
    }

    /// The mean on a scale.
    pub(super) fn mean(&self, scale: usize) -> f64 {
        self.sums[scale] / self.fresh.min(SCALES[scale] as u64) as f64
    }

    pub(super) fn step(&self) -> f64 {
        self.step
    }

    /// Values so far.
    pub(super) fn seen(&self) -> u64 {
        self.seen
    }

    /// The value so many before the next one.
    fn before(&self, count: u64) -> f64 {
        self.ring[((self.seen - count) % KEPT as u64) as usize]
    }

    fn recompute(&mut self) {
        for (scale, length) in SCALES.into_iter().enumerate() {
            let count = self.fresh.min(length as u64);
            self.sums[scale] = (1..=count).map(|back| self.before(back)).sum();
        }
    }
}
