//! The cloud's part: asks edges for numbers that do not arrive.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use service::Metrics;
use store::{Lease, Store, UplinkRun};
use telemetry::time::age;
use telemetry::{Clock, JournalRun, NumberSet};
use tokio::time::Instant;
use tracing::{debug, info};

use crate::ask::Ask;

/// How often it is looked what is missing.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// How long the lease outlives a process that is gone.
const LEASE: Duration = Duration::from_secs(30);

/// How long a number must be missing before it is asked for: until then it may be on its way.
const MISSING_FOR: Duration = Duration::from_secs(30);

/// The longest wait before the same numbers are asked for again.
const LONGEST: Duration = Duration::from_secs(600);

/// An edge that was not heard for this long is not asked.
const HEARD_WITHIN: Duration = Duration::from_secs(300);

/// Where edges are asked.
#[async_trait]
pub trait AskOutlet: Send + Sync {
    /// Hands a message to whoever subscribes to the topic. That nobody does is no error: it is asked again.
    async fn ask(&self, topic: String, payload: Bytes);
}

/// What is counted of what edges forwarded.
#[derive(Debug, Clone)]
pub struct AskerCounters {
    edges: Gauge,
    missing: Gauge,
    asks: Counter,
}

impl AskerCounters {
    /// Registers the counters as `millrace_edges_…`.
    #[must_use]
    pub fn register(metrics: &Metrics) -> Self {
        let metrics = metrics.of("edges");
        Self {
            edges: metrics.register("known", "Edges that have forwarded readings"),
            missing: metrics
                .register("missing", "Readings that edges stored and that neither arrived nor are gone"),
            asks: metrics.register("asks", "Messages that ask an edge for readings that do not arrive"),
        }
    }
}

/// Asks edges for numbers that have been missing for long, again until they arrive or are told as gone. Of several processes
/// the one that holds the lease does.
pub struct Asker {
    store: Arc<dyn Store>,
    outlet: Arc<dyn AskOutlet>,
    clock: Arc<dyn Clock>,
    name: String,
    counters: AskerCounters,
    holes: HashMap<(String, JournalRun), Holes>,
}

impl Asker {
    /// Asks by this outlet, once it is run. The name is that of this process.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store>,
        outlet: Arc<dyn AskOutlet>,
        clock: Arc<dyn Clock>,
        name: String,
        counters: AskerCounters,
    ) -> Self {
        Self { store, outlet, clock, name, counters, holes: HashMap::new() }
    }

    /// Never ends.
    pub async fn run(mut self) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            if let Err(e) = self.look().await {
                debug!("cannot look what edges forwarded: {e}");
            }
        }
    }

    async fn look(&mut self) -> store::Result<()> {
        if !self.store.acquire(Lease::Uplinks, &self.name, LEASE).await? {
            self.holes.clear();
            return Ok(());
        }
        let mut runs = self.store.uplink_runs().await?;
        // The run that was heard last comes first: only that one can answer.
        runs.dedup_by(|later, first| later.edge == first.edge);
        let missing: Vec<NumberSet> = runs.iter().map(UplinkRun::missing).collect();
        let count: u64 = missing.iter().map(NumberSet::count).sum();
        self.counters.edges.set(runs.len() as i64);
        self.counters.missing.set(i64::try_from(count).unwrap_or(i64::MAX));
        self.holes.retain(|(edge, run), _| runs.iter().any(|known| (&known.edge, &known.run) == (edge, run)));
        let now = Instant::now();
        for (run, missing) in runs.iter().zip(missing) {
            self.ask(now, run, missing).await;
        }
        Ok(())
    }

    async fn ask(&mut self, now: Instant, run: &UplinkRun, missing: NumberSet) {
        let holes = self.holes.entry((run.edge.clone(), run.run)).or_default();
        // What the edge itself says that it has still to send is not lost.
        let is_waiting = run.unsent >= missing.count();
        let Some(missing) = holes.look(now, missing) else { return };
        if is_waiting || age(self.clock.wall(), run.heard_at) > HEARD_WITHIN {
            return;
        }
        info!(
            edge = run.edge,
            readings = missing.count(),
            "an edge is asked for readings that do not arrive"
        );
        self.counters.asks.inc();
        let ask = Ask { run: run.run, missing };
        self.outlet.ask(Ask::topic(&run.edge), ask.to_payload().into()).await;
    }
}

/// The numbers of one run that do not arrive.
#[derive(Debug, Default)]
struct Holes {
    /// What was missing at a time.
    before: Option<(Instant, NumberSet)>,
    /// The lowest number that was asked for, and how long it takes until it is asked for again.
    asked: Option<(u64, Duration, Instant)>,
}

impl Holes {
    /// The numbers that are to be asked for now: they have been missing for long, and were not asked for just now.
    fn look(&mut self, now: Instant, missing: NumberSet) -> Option<NumberSet> {
        let (since, before) = self.before.get_or_insert_with(|| (now, missing.clone()));
        if now.duration_since(*since) < MISSING_FOR {
            return None;
        }
        let still = before.intersection(&missing);
        self.before = Some((now, missing));
        let lowest = *still.ranges().next()?.start();
        let wait = match self.asked {
            Some((number, _, until)) if number == lowest && now < until => return None,
            Some((number, wait, _)) if number == lowest => (wait * 2).min(LONGEST),
            _ => MISSING_FOR,
        };
        self.asked = Some((lowest, wait, now + wait));
        Some(still)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(range: std::ops::RangeInclusive<u64>) -> NumberSet {
        NumberSet::from_iter([range])
    }

    #[test]
    fn only_what_is_missing_for_long_is_asked_for_and_less_and_less_often() {
        let start = Instant::now();
        let mut holes = Holes::default();
        let mut look = |second, missing| holes.look(start + Duration::from_secs(second), missing);
        assert_eq!(look(0, set(1..=9)), None);
        assert_eq!(look(10, set(1..=12)), None);
        assert_eq!(look(30, set(5..=20)), Some(set(5..=9)));
        assert_eq!(look(40, set(5..=20)), None);
        let asked: Vec<u64> =
            (5..200).map(|n| n * 10).filter(|second| look(*second, set(5..=20)).is_some()).collect();
        let waits: Vec<u64> = asked.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(waits.is_sorted() && waits.last() <= Some(&630), "{asked:?}");
        assert!(asked[0] == 60 && asked.len() < 9, "{asked:?}");
        assert_eq!(look(2_100, NumberSet::default()), None);
    }
}
