//! Deliveries → newest → frames.

use std::sync::Arc;
use std::time::Duration;

use broker::{Deliveries, Delivery, Link, Outcome};
use service::Check;
use store::{History, Incidents};
use telemetry::Message;
use tokio::sync::watch;
use tracing::warn;

use crate::Live;

/// At most ten frames a second, however many readings come.
const FRAME_EVERY: Duration = Duration::from_millis(100);

/// Frames between two looks at ages.
const AGE_EVERY: u64 = 5;

/// Frames between two looks at alerts and rejections.
const LOOK_EVERY: u64 = 10;

/// Frames between two looks at the newest readings: what a gap hid may be stored only after we looked.
const RELOAD_EVERY: u64 = 300;

/// A page hears from us this often, in frames, even when nothing changes.
const HEARTBEAT_EVERY: u64 = 20;

/// Messages taken in one go.
const MAX_BATCH: usize = 1_000;

/// Incidents shown.
const ALERTS_SHOWN: usize = 100;

/// Shows deliveries until their stream ends.
///
/// Whenever messages may have been missed, and now and then, the newest readings are taken from the store again.
pub async fn relay(
    mut deliveries: Deliveries<Message>,
    mut link: watch::Receiver<Link>,
    live: Live,
    store: Arc<impl History + Incidents>,
    ready: Check,
) {
    let mut ticks = tokio::time::interval(FRAME_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut taken = Vec::new();
    let mut frame: u64 = 0;
    let mut gaps = None;
    loop {
        tokio::select! {
            count = deliveries.recv_many(&mut taken, MAX_BATCH) => match count {
                0 => return,
                _ => show(&mut taken, &live).await,
            },
            _ = ticks.tick() => {
                let gaps_now = link.borrow_and_update().gaps;
                if gaps != Some(gaps_now) || frame.is_multiple_of(RELOAD_EVERY) {
                    gaps = load(&live, store.as_ref(), &ready).await.then_some(gaps_now);
                }
                if frame.is_multiple_of(LOOK_EVERY) {
                    look(&live, store.as_ref(), &ready).await;
                }
                if frame.is_multiple_of(AGE_EVERY) {
                    live.age();
                }
                live.tell(frame.is_multiple_of(HEARTBEAT_EVERY));
                frame += 1;
            }
        }
    }
}

async fn show(taken: &mut Vec<Delivery<Message>>, live: &Live) {
    let mut readings = Vec::with_capacity(taken.len());
    for delivery in taken.drain(..) {
        let (message, debt) = delivery.split();
        readings.extend(message.decode().readings);
        // Nobody waits for a page: what could not be settled needs no second try.
        let _ = debt.settle(Outcome::Done).await;
    }
    live.observe(readings);
}

async fn load(live: &Live, store: &impl History, ready: &Check) -> bool {
    match store.latest().await {
        Ok(latest) => {
            live.observe(latest);
            true
        }
        Err(e) => {
            ready.fail(e.to_string());
            false
        }
    }
}

async fn look(live: &Live, store: &(impl History + Incidents), ready: &Check) {
    match tokio::try_join!(store.incidents(ALERTS_SHOWN), store.rejected_count()) {
        Ok((incidents, rejected)) => {
            live.note(&incidents, rejected);
            ready.pass();
        }
        Err(e) => {
            warn!("the page cannot show alerts: {e}");
            ready.fail(e.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Ages;
    use jiff::Timestamp;
    use store::{Batch, ReadingStore, Sqlite};
    use telemetry::{Reading, Topic};

    #[tokio::test]
    async fn what_was_stored_after_the_last_look_is_shown_within_half_a_minute() {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Sqlite::open(&folder.path().join(store::FILE)).unwrap());
        let live = Live::new(Ages { stale_after: FRAME_EVERY, offline_after: FRAME_EVERY });
        let (_broker, deliveries) = tokio::sync::mpsc::channel(1);
        let (link, health) = (watch::Sender::new(Link::default()), service::Health::default());
        let (subscribed, ready) = (link.subscribe(), health.check("store"));
        let relay = tokio::spawn(relay(deliveries, subscribed, live.clone(), store.clone(), ready));
        let is_ready = async {
            while !health.problems().is_empty() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), is_ready).await.unwrap();
        let (topic, now) = (Topic::parse("temperature/lab").unwrap(), Timestamp::now());
        let reading = Reading {
            topic,
            value: 1.0,
            unit: None,
            measured_at: now,
            received_at: now,
            boot: None,
            seq: None,
        };
        store.write(&Batch { readings: vec![reading], rejected: vec![] }).await.unwrap();
        // From here on waits cost nothing.
        tokio::time::pause();
        tokio::time::sleep(Duration::from_secs(31)).await;
        assert!(live.devices().contains("\"lab\""), "{}", live.devices());
        relay.abort();
    }
}
