//! What happens again and again is said at once, and then once a minute with its count.

use std::time::{Duration, Instant};

const SAY_EVERY: Duration = Duration::from_secs(60);

/// Counts one kind of event between two log lines.
#[derive(Debug, Default)]
pub struct OncePerMinute {
    last: Option<Instant>,
    unsaid: u64,
}

impl OncePerMinute {
    /// Notes one more; `Some` if it is time for a line, with how often it happened since the line before.
    pub fn note(&mut self, now: Instant) -> Option<u64> {
        self.unsaid += 1;
        if self.last.is_some_and(|last| now.saturating_duration_since(last) < SAY_EVERY) {
            return None;
        }
        self.last = Some(now);
        Some(std::mem::take(&mut self.unsaid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_events_in_two_minutes_are_three_lines() {
        let (mut said, start) = (OncePerMinute::default(), Instant::now());
        let lines: Vec<u64> =
            (0..1_000_000).filter_map(|n| said.note(start + Duration::from_micros(n * 121))).collect();
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert_eq!(lines[0], 1);
    }
}
