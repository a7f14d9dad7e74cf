//! When each command of a group may be sent.

use std::time::Duration;

use jiff::Timestamp;
use telemetry::time::saturating_add;

const MINUTE: Duration = Duration::from_secs(60);

/// From when on each of so many commands may be sent: all at once, or so many within a minute.
pub fn release_times(from: Timestamp, per_minute: Option<u32>) -> impl Iterator<Item = Timestamp> {
    (0_u32..).map(move |place| match per_minute {
        Some(rate) if rate > 0 => saturating_add(from, MINUTE.saturating_mul(place) / rate),
        _ => from,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_spread_over_the_minutes() {
        let start = Timestamp::UNIX_EPOCH;
        let seconds = |rate| release_times(start, rate).take(4).map(Timestamp::as_second).collect::<Vec<_>>();
        assert_eq!(seconds(Some(60)), [0, 1, 2, 3]);
        assert_eq!(seconds(Some(2)), [0, 30, 60, 90]);
        assert_eq!(seconds(None), [0, 0, 0, 0]);
        for rate in [1, 7, 60, 6_000] {
            let last = release_times(start, Some(rate)).nth(rate as usize).unwrap();
            assert_eq!(last.as_second(), 60, "no minute has more than {rate}");
        }
    }
}
