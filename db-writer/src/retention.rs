//! Deletes readings that are older than the retention.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use prometheus_client::metrics::gauge::Gauge;
use serde::Deserialize;
use service::{Metrics, SettingError, Settings};
use store::{ReadingStore, RetentionClock};
use telemetry::Clock;
use telemetry::time::saturating_add;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

const EVERY: Duration = Duration::from_secs(10 * 60);

/// How long a reading stays stored, counted from `stored_at`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(transparent)]
pub struct Retention(#[serde(with = "humantime_serde")] Duration);

impl Retention {
    /// Reads the setting `store.retention` and checks its bounds.
    ///
    /// # Errors
    /// The setting is out of bounds.
    pub fn from_settings(settings: &Settings) -> Result<Self, SettingError> {
        let retention: Self = settings.get("store.retention")?;
        let bounds = Duration::from_secs(60 * 60)..=Duration::from_secs(36_500 * 24 * 60 * 60);
        if !bounds.contains(&retention.0) {
            return Err(SettingError::new("store.retention", "must be 1h to 36500days"));
        }
        Ok(retention)
    }
}

/// Deletes readings older than the retention, now and every ten minutes. A failure is tried again then.
///
/// What a jump of the clock makes old stays: see `next`.
pub async fn forget_old(
    Retention(age): Retention,
    store: Arc<dyn ReadingStore>,
    clock: Arc<dyn Clock>,
    metrics: Metrics,
    stop: CancellationToken,
) {
    let held = metrics.of("db_writer").register::<Gauge>(
        "retention_held_seconds",
        "By how much the clock jumped ahead; readings that only this makes old are not deleted",
    );
    let (mut ticks, mut last) = (tokio::time::interval(EVERY), clock.monotonic());
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        let now = clock.monotonic();
        match forget(age, store.as_ref(), clock.wall(), now - last, &held).await {
            Ok(removed) => {
                last = now;
                if removed > 0 {
                    info!(removed, ?age, "deleted readings older than store.retention");
                }
            }
            Err(e) => warn!("cannot delete old readings: {e}"),
        }
    }
}

async fn forget(
    age: Duration,
    store: &dyn ReadingStore,
    wall: Timestamp,
    passed: Duration,
    held: &Gauge,
) -> store::Result<u64> {
    let before = store.retention_clock().await?;
    let clock = next(before, wall, passed, age);
    let ahead = clock.held_since.map_or(0, |_| wall.duration_since(clock.at).as_secs());
    held.set(ahead);
    if clock.held_since.is_some() {
        warn!(
            seconds = ahead,
            "the clock jumped ahead: what only this makes old is not deleted; if the clock is right, run \
             millrace confirm-clock"
        );
    }
    let removed = store.purge(saturating_sub(clock.at.min(wall), age)).await?;
    store.set_retention_clock(clock).await?;
    Ok(removed)
}

/// Where the retention's clock stands after some time has `passed` in this process.
///
/// It follows the machine's clock. A jump ahead by more than a hundredth of the retention may be a wrong clock, or a time
/// in which the machine was off, which cannot be known. So the clock then goes on by the time that passes, until a person
/// confirms the jump, or until all that was stored before it is old by the time that passed. A clock that is behind
/// deletes less.
fn next(before: Option<RetentionClock>, wall: Timestamp, passed: Duration, age: Duration) -> RetentionClock {
    let Some(RetentionClock { at, held_since }) = before else {
        return RetentionClock { at: wall, held_since: None };
    };
    let expected = saturating_add(at, passed);
    let is_jump = wall > saturating_add(expected, age / 100);
    let is_over = held_since.is_some_and(|since| expected >= saturating_add(since, age));
    if is_jump && !is_over {
        return RetentionClock { at: expected, held_since: held_since.or(Some(at)) };
    }
    RetentionClock { at: expected.max(wall), held_since: None }
}

fn saturating_sub(at: Timestamp, age: Duration) -> Timestamp {
    at.checked_sub(age).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600;
    const DAY: u64 = 24 * HOUR;
    const AGE: Duration = Duration::from_secs(30 * DAY);

    fn at(seconds: u64) -> Timestamp {
        "2026-01-15T10:30:00Z".parse::<Timestamp>().unwrap() + Duration::from_secs(seconds)
    }

    fn following(seconds: u64) -> RetentionClock {
        RetentionClock { at: at(seconds), held_since: None }
    }

    #[test]
    fn it_follows_the_clock() {
        let mut clock = None;
        for minutes in [0, 10, 20, 30] {
            clock = Some(next(clock, at(minutes * 60), Duration::from_secs(600), AGE));
            assert_eq!(clock, Some(following(minutes * 60)));
        }
        // A restart, or a little drift.
        assert_eq!(next(clock, at(4 * HOUR), Duration::ZERO, AGE), following(4 * HOUR));
    }

    #[test]
    fn a_jump_ahead_is_not_followed_and_a_clock_that_is_set_right_is() {
        for jump in [12 * HOUR, DAY, 730 * DAY] {
            let mut clock = following(0);
            for tick in 1..=10 {
                clock = next(Some(clock), at(jump + tick * 600), Duration::from_secs(600), AGE);
                let held = RetentionClock { at: at(tick * 600), held_since: Some(at(0)) };
                assert_eq!(clock, held, "{jump}");
            }
            assert_eq!(next(Some(clock), at(6_600), Duration::from_secs(600), AGE), following(6_600));
        }
    }

    #[test]
    fn a_short_retention_follows_no_jump_of_an_hour() {
        let age = Duration::from_secs(HOUR);
        let clock = next(Some(following(0)), at(HOUR + 1), Duration::from_secs(1), age);
        assert_eq!(clock, RetentionClock { at: at(1), held_since: Some(at(0)) });
    }

    #[test]
    fn a_clock_that_is_behind_takes_nothing_back() {
        let behind = at(0).checked_sub(Duration::from_secs(1_000 * DAY)).unwrap();
        assert_eq!(next(Some(following(HOUR)), behind, Duration::from_secs(600), AGE), following(HOUR + 600));
    }

    #[test]
    fn a_jump_matters_no_longer_when_all_from_before_it_is_old() {
        let jump = 730 * DAY;
        let held = RetentionClock { at: at(30 * DAY - 1), held_since: Some(at(0)) };
        let wall = at(jump + 30 * DAY);
        assert_eq!(next(Some(held), wall, Duration::from_secs(1), AGE), following(jump + 30 * DAY));
    }
}
