//! Deliveries → newest → frames.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use broker::{ConnectionStatus, Deliveries, Delivery, Outcome};
use service::Check;
use store::{Incident, IncidentQuery, Store};
use telemetry::Decoded;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;
use tracing::{info, warn};

use crate::Live;
use crate::audience::ALERTS_LISTED;

/// At most ten frames a second, however many readings come.
const FRAME_EVERY: Duration = Duration::from_millis(100);

/// How often alerts and rejections are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Looks between two looks at the newest readings: what a gap hid may be stored only after we looked.
const RELOAD_EVERY: u64 = 30;

/// Messages taken in one go.
const MAX_BATCH: usize = 1_000;

/// Alerts from which each page picks those that it lists.
const ALERTS_KEPT: usize = 1_000;

/// Shows deliveries until their stream ends; a store that is slow or away holds up none of them.
///
/// Whenever messages may have been missed, and now and then, the newest readings are taken from the store again.
pub async fn relay(
    deliveries: Deliveries<Arc<Decoded>>,
    link: watch::Receiver<ConnectionStatus>,
    live: Live,
    store: Arc<dyn Store>,
    ready: Check,
) {
    tokio::select! {
        () = show(deliveries, &live) => {}
        never = look_back(link, &live, store.as_ref(), &ready) => match never {},
    }
}

async fn show(mut deliveries: Deliveries<Arc<Decoded>>, live: &Live) {
    let mut ticks = tokio::time::interval(FRAME_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut taken = Vec::new();
    loop {
        tokio::select! {
            count = deliveries.recv_many(&mut taken, MAX_BATCH) => match count {
                0 => return,
                _ => observe(&mut taken, live).await,
            },
            _ = ticks.tick() => live.tick(),
        }
    }
}

async fn observe(taken: &mut Vec<Delivery<Arc<Decoded>>>, live: &Live) {
    let mut readings = Vec::with_capacity(taken.len());
    for delivery in taken.drain(..) {
        let (decoded, debt) = delivery.split();
        readings.extend(Arc::unwrap_or_clone(decoded).readings);
        // Nobody waits for a page: what could not be settled needs no second try.
        let _ = debt.settle(Outcome::Done).await;
    }
    live.observe(readings);
}

/// Takes from the store what no delivery tells.
async fn look_back(
    mut link: watch::Receiver<ConnectionStatus>,
    live: &Live,
    store: &dyn Store,
    ready: &Check,
) -> Infallible {
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut looks, mut gaps, mut away, mut seen) = (0_u64, None, false, None);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            Ok(()) = link.changed() => {}
        }
        let missed_now = Some(link.borrow_and_update().missed);
        let reload = gaps != missed_now || looks.is_multiple_of(RELOAD_EVERY);
        match look(live, store, &mut seen, reload).await {
            Ok(()) => {
                gaps = missed_now;
                ready.pass();
                if std::mem::take(&mut away) {
                    info!("the page shows alerts and history again");
                }
            }
            Err(e) => {
                gaps = None;
                ready.fail(e.to_string());
                if !std::mem::replace(&mut away, true) {
                    warn!("the page cannot show alerts and history: {e}");
                }
            }
        }
        looks += 1;
    }
}

/// The newest alerts and the number of open ones, as they were at the last look.
type Seen = (Vec<Incident>, u64);

async fn look(live: &Live, store: &dyn Store, seen: &mut Option<Seen>, reload: bool) -> store::Result<()> {
    if reload {
        live.observe(store.latest().await?);
    }
    let newest = first(ALERTS_LISTED);
    let (newest, open, rejected) =
        tokio::try_join!(store.incidents(&newest), store.open_count(), store.rejected_count())?;
    live.note_counts(open, rejected);
    let now_seen = (newest, open);
    if reload || seen.as_ref() != Some(&now_seen) {
        note_alerts(live, store, &now_seen.0).await?;
    }
    *seen = Some(now_seen);
    Ok(())
}

/// Looks further than the newest only when these have changed, as that is dear.
async fn note_alerts(live: &Live, store: &dyn Store, newest: &[Incident]) -> store::Result<()> {
    if newest.len() < ALERTS_LISTED {
        live.note_alerts(newest);
    } else {
        live.note_alerts(&store.incidents(&first(ALERTS_KEPT)).await?);
    }
    Ok(())
}

fn first(limit: usize) -> IncidentQuery {
    IncidentQuery { limit, ..IncidentQuery::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Ages;
    use jiff::Timestamp;
    use store::{Batch, ReadingStore, Sqlite};
    use telemetry::{Reading, Series};

    #[tokio::test]
    async fn what_was_stored_after_the_last_look_is_shown_within_half_a_minute() {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Sqlite::open(&folder.path().join(store::FILE)).unwrap());
        let live = Live::new(Ages { stale_after: FRAME_EVERY, offline_after: FRAME_EVERY });
        let (_broker, deliveries) = tokio::sync::mpsc::channel(1);
        let (link, health) = (watch::Sender::new(ConnectionStatus::default()), service::Health::default());
        let (subscribed, ready) = (link.subscribe(), health.check("store"));
        let relay = tokio::spawn(relay(deliveries.into(), subscribed, live.clone(), store.clone(), ready));
        let is_ready = async {
            while !health.problems().is_empty() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), is_ready).await.unwrap();
        let (topic, now) = (Series::parse("temperature/lab").unwrap(), Timestamp::now());
        let reading = Reading {
            series: topic,
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
        assert!(live.series().contains("\"lab\""), "{}", live.series());
        relay.abort();
    }
}
