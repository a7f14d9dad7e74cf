//! Sums up the readings of each hour and day beside live writes, so that long ranges of time are read quickly.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use service::Metrics;
use store::ReadingStore;
use telemetry::Clock;
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// How often it is looked for something to sum up.
const EVERY: Duration = Duration::from_secs(10);

/// Between two steps, at least.
const LEAST_PAUSE: Duration = Duration::from_millis(10);

/// Sums up what has passed, and what has changed since it was, until the stop.
///
/// What there is much of, such as the history from before this was done, takes at most half of the time.
pub async fn keep_rollups(
    store: Arc<dyn ReadingStore>,
    clock: Arc<dyn Clock>,
    metrics: Metrics,
    stop: CancellationToken,
) {
    let hours = metrics.of("db_writer").register::<Counter>(
        "rolled_up",
        "Sums of the readings that a series has in an hour, made anew where these had changed",
    );
    let mut has_failed = false;
    loop {
        let began = clock.monotonic();
        let Some(done) = stop.run_until_cancelled(store.roll_up(clock.wall())).await else { return };
        let pause = match &done {
            Ok(done) if done.is_behind => (clock.monotonic() - began).max(LEAST_PAUSE),
            _ => EVERY,
        };
        let failed_before = std::mem::replace(&mut has_failed, done.is_err());
        match done {
            Ok(done) => drop(hours.inc_by(done.hours)),
            Err(e) if !failed_before => warn!("cannot sum up what was measured: {e}"),
            Err(_) => {}
        }
        if stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
            return;
        }
    }
}
