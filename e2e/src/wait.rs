//! Bounded waits: a test never sleeps for a fixed time and never hangs.

use std::fmt::Debug;
use std::time::{Duration, Instant};

/// The limit for what takes milliseconds if nothing is wrong.
pub const SOON: Duration = Duration::from_secs(10);

/// The limit for what takes seconds if nothing is wrong.
pub const LONG: Duration = Duration::from_secs(120);

const ASK_EVERY: Duration = Duration::from_millis(20);

/// Asks until the answer is `Ok`.
///
/// # Panics
/// With the last answer, once the time is over.
pub fn eventually<T, E: Debug>(within: Duration, mut ask: impl FnMut() -> Result<T, E>) -> T {
    let start = Instant::now();
    loop {
        match ask() {
            Ok(answer) => return answer,
            Err(e) if start.elapsed() > within => panic!("not within {within:?}: {e:?}"),
            Err(_) => std::thread::sleep(ASK_EVERY),
        }
    }
}
