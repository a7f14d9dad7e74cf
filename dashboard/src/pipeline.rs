//! The monitor: how the stages are doing that a reading passes. It scrapes them every two seconds for
//! `GET /api/pipeline`.

mod openmetrics;
mod snapshot;
mod stages;
mod targets;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use api::Document;
use api::forms::{self, Time};
use serde::Serialize;
use telemetry::Clock;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use self::snapshot::Snapshot;
use self::stages::{Stage, stages};
use crate::live::Live;

pub use self::targets::ScrapeTargets;

/// The time between two snapshots.
const SNAPSHOT_EVERY: Duration = Duration::from_secs(2);

/// How many snapshots are kept: those of the last ten seconds, from which rates are computed.
const SNAPSHOTS: usize = 6;

/// How the stages are doing; clones share it.
#[derive(Debug, Clone)]
pub struct Pipeline {
    answer: Arc<Mutex<Option<Arc<str>>>>,
    clock: Arc<dyn Clock>,
}

#[derive(Serialize)]
struct Answer<'a> {
    at: Time,
    stages: &'a [Stage],
}

impl Pipeline {
    /// A pipeline of which nothing is known yet.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { answer: Arc::default(), clock }
    }

    /// Scrapes all stages every two seconds until the stop, and tells the live view how far the writer is behind.
    pub async fn follow(self, targets: ScrapeTargets, live: Live, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(SNAPSHOT_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (start, mut history) = (Instant::now(), VecDeque::with_capacity(SNAPSHOTS));
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            let snapshot = targets.snapshot(start.elapsed(), live.devices_by_state());
            let Some(snapshot) = stop.run_until_cancelled(snapshot).await else { return };
            live.set_behind(stages::behind(&snapshot));
            if history.len() == SNAPSHOTS {
                history.pop_front();
            }
            history.push_back(snapshot);
            self.set(history.make_contiguous());
        }
    }

    fn text(&self, stages: &[Stage]) -> String {
        forms::text(&Answer { at: self.clock.wall().into(), stages })
    }

    fn set(&self, history: &[Snapshot]) {
        let text = self.text(&stages(history)).into();
        *self.answer.lock().expect("no code panics while it holds the answer") = Some(text);
    }
}

impl Document for Pipeline {
    /// The answer of `GET /api/pipeline`, which has no stage until the first snapshot.
    fn json(&self) -> String {
        let text = self.answer.lock().expect("no code panics while it holds the answer").clone();
        text.map_or_else(|| self.text(&[]), |text| text.to_string())
    }
}
