//! Feeds the live view: deliveries, and what only the store knows.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use broker::{ConnectionStatus, Deliveries, Delivery, Outcome};
use jiff::Timestamp;
use service::Check;
use store::{Alias, Incident, IncidentQuery, Silence, SilenceIndex, Store};
use telemetry::Decoded;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;
use tracing::{info, warn};

use super::alerting::OpenIncidents;
use super::counts::Counts;
use super::group::MAX_INCIDENTS;
use super::handle::{Arrivals, Live};

/// At most ten frames a second, however many readings come.
const FRAME_EVERY: Duration = Duration::from_millis(100);

/// How often incidents and rejections are read from the store.
const POLL_EVERY: Duration = Duration::from_secs(1);

/// Polls between two reloads of the newest readings: what a gap hid may be stored only after a reload.
const RELOAD_EVERY: u64 = 30;

/// Deliveries received at once, at most.
const MAX_BATCH: usize = 1_000;

/// Open incidents that are counted for the series that they concern, at most.
const OPEN_COUNTED: usize = 100_000;

/// Incidents from which each page picks those that it lists.
const INCIDENTS_LOADED: usize = 1_000;

/// Shows deliveries until their stream ends; a store that is slow or down delays none of them.
///
/// Whenever messages may have been missed, and now and then, the newest readings are loaded from the store again.
pub async fn relay(
    deliveries: Deliveries<Arc<Decoded>>,
    link: watch::Receiver<ConnectionStatus>,
    live: Live,
    store: Arc<dyn Store>,
    ready: Check,
) {
    tokio::select! {
        () = show(deliveries, &live) => {}
        never = poll(link, &live, store.as_ref(), &ready) => match never {},
    }
}

async fn show(mut deliveries: Deliveries<Arc<Decoded>>, live: &Live) {
    let mut ticks = tokio::time::interval(FRAME_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut taken, mut arrivals) = (Vec::new(), Arrivals::new());
    loop {
        tokio::select! {
            count = deliveries.recv_many(&mut taken, MAX_BATCH) => match count {
                0 => return,
                _ => observe(&mut taken, &mut arrivals, live).await,
            },
            _ = ticks.tick() => {
                live.tick();
                live.shown(&mut arrivals);
            }
        }
    }
}

async fn observe(taken: &mut Vec<Delivery<Arc<Decoded>>>, arrivals: &mut Arrivals, live: &Live) {
    let mut readings = Vec::with_capacity(taken.len());
    for delivery in taken.drain(..) {
        let (decoded, ack) = delivery.split();
        arrivals.push((decoded.received_at, decoded.readings.len() as u64));
        readings.extend(Arc::unwrap_or_clone(decoded).readings);
        // No ack waits for a page: a delivery that could not be settled needs no second try.
        let _ = ack.settle(Outcome::Done).await;
    }
    live.observe(readings);
}

/// Reads from the store what no delivery has.
async fn poll(
    mut link: watch::Receiver<ConnectionStatus>,
    live: &Live,
    store: &dyn Store,
    ready: &Check,
) -> Infallible {
    let mut ticks = tokio::time::interval(POLL_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut polls, mut missed, mut is_down, mut seen) = (0_u64, None, false, Seen::default());
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            Ok(()) = link.changed() => {}
        }
        let missed_now = Some(link.borrow_and_update().missed);
        let reload = missed != missed_now || polls.is_multiple_of(RELOAD_EVERY);
        match read(live, store, &mut seen, reload).await {
            Ok(()) => {
                missed = missed_now;
                ready.pass();
                if std::mem::take(&mut is_down) {
                    info!("the page shows incidents and history again");
                }
            }
            Err(e) => {
                missed = None;
                ready.fail(e.to_string());
                if !std::mem::replace(&mut is_down, true) {
                    warn!("the page cannot show incidents and history: {e}");
                }
            }
        }
        polls += 1;
    }
}

/// What was read at the last poll.
#[derive(Default)]
struct Seen {
    /// Changes of the registry.
    registry: Option<i64>,
    /// Names that devices had.
    aliases: Vec<Alias>,
    incidents: Option<SeenIncidents>,
}

/// What the list of incidents depends on.
#[derive(PartialEq)]
struct SeenIncidents {
    newest: Vec<Incident>,
    open: u64,
    silences: Vec<Silence>,
}

async fn read(live: &Live, store: &dyn Store, seen: &mut Seen, reload: bool) -> store::Result<()> {
    let reload = follow_registry(live, store, seen).await? || reload;
    if reload {
        live.load(store.latest().await?);
    }
    let now = live.now();
    let (newest, all_open) =
        (first(MAX_INCIDENTS), IncidentQuery { open: Some(true), ..first(OPEN_COUNTED) });
    let (newest, all_open, open, rejected, silences) = tokio::try_join!(
        store.incidents(&newest),
        store.incident_summaries(&all_open),
        store.open_count(),
        store.rejected_count(),
        store.silences(now),
    )?;
    let index = SilenceIndex::new(silences.clone());
    let alerting = OpenIncidents::of(&all_open, &index, now);
    let OpenIncidents { acknowledged, silenced, .. } = alerting;
    live.set_counts(Counts { open, acknowledged, silenced, rejected });
    live.set_alerting(alerting);
    let now_seen = SeenIncidents { newest, open, silences };
    if reload || seen.incidents.as_ref() != Some(&now_seen) {
        set_incidents(live, store, &now_seen.newest, &index, now).await?;
    }
    seen.incidents = Some(now_seen);
    Ok(())
}

/// Takes into account which devices were forgotten or renamed; returns whether there are series under other names.
async fn follow_registry(live: &Live, store: &dyn Store, seen: &mut Seen) -> store::Result<bool> {
    let registry = Some(store.registry_head().await?.revision);
    if seen.registry == registry {
        return Ok(false);
    }
    let (forgotten, aliases) = tokio::try_join!(store.forgotten_devices(), store.aliases())?;
    live.set_forgotten(forgotten, &aliases);
    let has_changed = aliases != seen.aliases;
    *seen = Seen { registry, aliases, incidents: seen.incidents.take() };
    Ok(has_changed)
}

/// Loads more than the newest only when these have changed, as that is expensive.
async fn set_incidents(
    live: &Live,
    store: &dyn Store,
    newest: &[Incident],
    silences: &SilenceIndex,
    now: Timestamp,
) -> store::Result<()> {
    if newest.len() < MAX_INCIDENTS {
        live.set_incidents(newest, silences, now);
    } else {
        live.set_incidents(&store.incidents(&first(INCIDENTS_LOADED)).await?, silences, now);
    }
    Ok(())
}

fn first(limit: usize) -> IncidentQuery {
    IncidentQuery { limit, ..IncidentQuery::default() }
}

#[cfg(test)]
mod tests {
    use super::super::ages::Ages;
    use super::*;
    use api::Newest as _;
    use store::{Batch, ReadingStore, Sqlite};
    use telemetry::{Reading, Series};

    #[tokio::test]
    async fn what_was_stored_after_the_last_poll_is_shown_within_half_a_minute() {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Sqlite::open(&folder.path().join(store::FILE)).unwrap());
        let live = Live::new(
            Ages { stale_after: FRAME_EVERY, offline_after: FRAME_EVERY },
            Arc::new(telemetry::SystemClock::default()),
        );
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
        store.write(&Batch { readings: vec![reading], ..Batch::default() }.into()).await.unwrap();
        // From here on waits cost nothing.
        tokio::time::pause();
        tokio::time::sleep(Duration::from_secs(31)).await;
        let series = live.page(&telemetry::Scope::all(), None, 10).unwrap();
        assert!(series.contains("\"lab\""), "{series}");
        relay.abort();
    }
}
