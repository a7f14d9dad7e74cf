//! The wait before the next attempt.

use std::time::Duration;

use rand::RngExt;

/// Waits that double up to a longest one, with jitter, for ever. It has no clock: time is an argument.
#[derive(Debug, Clone)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl Backoff {
    /// How long a connection must have lasted before a new failure counts as the first.
    pub const STABLE: Duration = Duration::from_secs(10);

    /// Waits that begin with `first` and double up to `longest`.
    #[must_use]
    pub fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, next: first }
    }

    /// Waits from 0.1 s to 2 s: for calls that many depend on and that are cheap to repeat.
    #[must_use]
    pub fn short() -> Self {
        Self::new(Duration::from_millis(100), Duration::from_secs(2))
    }

    /// The wait after a failure: between half of the current step and all of it.
    ///
    /// `lasted` is how long the connection was good before the failure. A short one does not reset the steps: a broker
    /// that accepts and drops connections must not be asked in a hot loop.
    pub fn after(&mut self, lasted: Duration) -> Duration {
        if lasted >= Self::STABLE {
            self.next = self.first;
        }
        let step = self.next;
        self.next = (step * 2).min(self.longest);
        step.mul_f64(rand::rng().random_range(0.5..=1.0))
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self::new(Duration::from_millis(100), Duration::from_secs(10))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_restart_after_a_stable_while() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_millis(300));
        for step in [100, 200, 300, 300] {
            let wait = backoff.after(Duration::from_secs(9));
            assert!((step / 2..=step).contains(&(wait.as_millis() as u64)), "{wait:?} of {step}");
        }
        assert!(backoff.after(Backoff::STABLE) <= Duration::from_millis(100));
    }
}
