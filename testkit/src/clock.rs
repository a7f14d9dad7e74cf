//! Clocks for tests: one that stands until it is moved, and one that follows the runtime's time.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use telemetry::Clock;
use tokio::time::Instant;

/// A clock that stands until a test moves it.
#[derive(Debug)]
pub struct FakeClock(Mutex<Hands>);

#[derive(Debug)]
struct Hands {
    wall: Timestamp,
    monotonic: Duration,
}

impl FakeClock {
    /// A clock that shows this time.
    #[must_use]
    pub fn showing(wall: Timestamp) -> Self {
        Self(Mutex::new(Hands { wall, monotonic: Duration::ZERO }))
    }

    /// Lets time pass.
    pub fn pass(&self, time: Duration) {
        let mut hands = self.hands();
        hands.wall += time;
        hands.monotonic += time;
    }

    /// Sets the wall clock forward, or back, while no time passes.
    pub fn step(&self, by: SignedDuration) {
        self.hands().wall += by;
    }

    fn hands(&self) -> MutexGuard<'_, Hands> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for FakeClock {
    fn wall(&self) -> Timestamp {
        self.hands().wall
    }

    fn monotonic(&self) -> Duration {
        self.hands().monotonic
    }
}

/// A clock that follows the runtime's time, which passes at once where a test has paused it.
#[derive(Debug)]
pub struct PausableClock {
    start: Timestamp,
    since: Instant,
}

/// Shows the machine's time, and goes on from there.
impl Default for PausableClock {
    fn default() -> Self {
        Self { start: Timestamp::now(), since: Instant::now() }
    }
}

impl Clock for PausableClock {
    fn wall(&self) -> Timestamp {
        self.start + self.since.elapsed()
    }

    fn monotonic(&self) -> Duration {
        self.since.elapsed()
    }
}
