//! Keeps in the store when the clock was stepped, so that stamps of a wrong clock are known.

use std::sync::Arc;
use std::time::Duration;

use store::ClockHistory;
use telemetry::ClockRun;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::hub::Hub;

/// How often both clocks are compared where nothing is published.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How often it is noted up to when the clock has gone on without a step: after a crash so much is not known.
const EXTEND_EVERY: Duration = Duration::from_secs(60);

/// What is stored of the clock's runs.
#[derive(Default)]
struct Kept {
    runs: Vec<ClockRun>,
    extended_at: Option<Instant>,
}

/// Follows the clock until the stop. A store that does not answer is asked again a second later.
pub(crate) async fn follow(hub: Arc<Hub>, store: Arc<dyn ClockHistory>, stop: CancellationToken) {
    let (mut ticks, mut kept) = (interval(LOOK_EVERY), Kept::default());
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut is_last = false;
    while !is_last {
        is_last = stop.run_until_cancelled(ticks.tick()).await.is_none();
        if let Err(e) = look(&hub, store.as_ref(), &mut kept, is_last).await {
            debug!("cannot store when the clock was stepped: {e}");
        }
    }
}

async fn look(hub: &Hub, store: &dyn ClockHistory, kept: &mut Kept, is_last: bool) -> store::Result<()> {
    if !hub.stamps().remembers() {
        hub.stamps().remember(store.clock_runs().await?);
    }
    let runs = hub.stamps().runs();
    let Some(last) = runs.last() else { return Ok(()) };
    if !is_same(&kept.runs, &runs) {
        store.set_clock_runs(&runs).await?;
    } else if is_last || kept.extended_at.is_none_or(|at| at.elapsed() >= EXTEND_EVERY) {
        store.extend_clock_run(last.to).await?;
    } else {
        return Ok(());
    }
    *kept = Kept { runs, extended_at: Some(Instant::now()) };
    Ok(())
}

/// Whether nothing is different but how long the last run has lasted.
fn is_same(kept: &[ClockRun], runs: &[ClockRun]) -> bool {
    let known = |run: &ClockRun| (run.process, run.from, run.shift, run.lane, run.wrong_by);
    kept.len() == runs.len() && kept.iter().zip(runs).all(|(kept, run)| known(kept) == known(run))
}
