//! From the sum of surprises to a score.

use super::WARM_UP;

/// Added to the usual surprise before it divides.
const USUAL: f64 = 8.0;

/// The usual surprise is a mean over so many values.
const MEMORY: f64 = 4_000.0;

/// From this ratio on a value is unusual.
const THRESHOLD: f64 = 1.05;

/// Values of silence after an unusual one ...
const HOLD: u64 = 100;

/// ... unless the ratio is so many times that one's.
const WORSE: f64 = 3.0;

/// By how much each unusual value raises the threshold for some time.
const WEARY: f64 = 0.2;

/// What was decided so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Decision {
    /// The usual sum of surprises.
    usual: f64,
    /// The ratio of the unusual value after which there is silence; 0 when there is none.
    top: f64,
    unusual_at: Option<u64>,
    /// A fading count of unusual values.
    weary: f64,
}

impl Decision {
    /// The score of a value with this surprise, of which there were so many.
    pub(super) fn judge(&mut self, surprise: f64, seen: u64) -> f64 {
        self.weary *= (-1.0 / MEMORY).exp();
        if seen <= WARM_UP {
            return 0.0;
        }
        let ratio = surprise / (USUAL + self.usual);
        self.usual += (surprise - self.usual) * (1.0 / seen as f64).max(1.0 / MEMORY);
        if self.unusual_at.is_some_and(|at| seen - at >= HOLD) {
            self.top = 0.0;
        }
        if ratio <= WORSE * self.top {
            return 0.0;
        }
        let effective = ratio / (1.0 + WEARY * self.weary);
        if effective >= THRESHOLD {
            if self.top == 0.0 {
                self.weary += 1.0;
            }
            (self.top, self.unusual_at) = (ratio, Some(seen));
        }
        effective / (effective + THRESHOLD)
    }
}
