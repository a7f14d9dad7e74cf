//! How the stages on a reading's way are doing: asked every two seconds, told by `GET /api/pipeline`.

mod look;
mod openmetrics;
mod places;
mod stages;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use self::look::Look;
use self::stages::{Stage, stages};
use crate::{Live, json};

pub(crate) use self::look::Devices;
pub use self::places::Places;

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Looks that are kept: those of the last ten seconds, by which rates go.
const LOOKS: usize = 6;

/// What was seen last; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Pipeline {
    told: Arc<Mutex<Option<Arc<str>>>>,
}

#[derive(Serialize)]
struct Answer<'a> {
    at: String,
    stages: &'a [Stage],
}

impl Pipeline {
    /// Looks at all stages every two seconds until the stop, and tells the pages how far the writer is behind.
    pub async fn follow(self, places: Places, live: Live, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (start, mut history) = (Instant::now(), VecDeque::with_capacity(LOOKS));
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            let Some(look) =
                stop.run_until_cancelled(places.look(start.elapsed(), live.devices_by_age())).await
            else {
                return;
            };
            live.note_behind(stages::behind(&look));
            if history.len() == LOOKS {
                history.pop_front();
            }
            history.push_back(look);
            self.tell(history.make_contiguous());
        }
    }

    fn tell(&self, history: &[Look]) {
        let text = answer(&stages(history)).into();
        *self.told.lock().expect("no code panics while it holds the answer") = Some(text);
    }

    /// The answer of `GET /api/pipeline`; without a stage until the first look.
    pub(crate) fn text(&self) -> String {
        let told = self.told.lock().expect("no code panics while it holds the answer").clone();
        told.map_or_else(|| answer(&[]), |told| told.to_string())
    }
}

fn answer(stages: &[Stage]) -> String {
    json::text(&Answer { at: json::time(Timestamp::now()), stages })
}
