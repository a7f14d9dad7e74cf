//! The loop of the alerter: evaluates deliveries, records what changed, settles them; and looks for absent devices.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use broker::{AckGroup, ConnectionStatus, Deliveries, Delivery, Outcome};
use jiff::Timestamp;
use service::{Check, Decoder, Registered, RegistryView, Retry};
use store::{Changes, Lease, Store, Transition};
use telemetry::{Clock, Decoded, Publisher, Reading, Rejected, is_ahead};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tracing::{info, warn};

use crate::alerter::Alerter;
use crate::counters::Counters;
use crate::evaluation::{Evaluator, removed};
use crate::rules::Rules;

/// Messages evaluated before their changes are recorded, at most.
pub(crate) const MAX_BATCH: usize = 1_000;

/// How often absence is looked for while nothing comes.
const TICK: Duration = Duration::from_millis(250);

/// A message that the broker received this long ago when it comes is part of a backlog ...
const BEHIND: Duration = Duration::from_secs(2);

/// ... which is over when nothing has come for this long: until then a silent device may yet be heard in it.
const CAUGHT_UP: Duration = Duration::from_secs(5);

/// How often the store is probed while nothing comes.
const PROBE_EVERY: Duration = Duration::from_secs(5);

/// How often the store is asked for what devices announced, at most.
const ASK_EVERY: Duration = Duration::from_secs(5);

/// How long the lease for absence outlives an alerter that is gone.
const LEASE: Duration = Duration::from_secs(30);

/// How often the lease is renewed.
const RENEW_EVERY: Duration = Duration::from_secs(10);

/// Readings of a series that are learned for unusual ones to be told from them, at most: three days of one a minute.
pub(crate) const MAX_LEARNED: usize = 5_000;

/// The session of deliveries that come from this process itself.
const WITHIN: u64 = 0;

/// One stream of deliveries being evaluated.
pub(crate) struct EvaluationLoop<'a> {
    store: Arc<dyn Store>,
    counters: Counters,
    name: String,
    clock: Arc<dyn Clock>,
    decoder: Decoder,
    /// When the store was last asked for announcements that are lacking.
    asked_at: Option<Instant>,
    rules: watch::Receiver<Arc<Rules>>,
    connection: watch::Receiver<ConnectionStatus>,
    evaluator: Evaluator,
    /// The connection over which the newest delivery came; none while none has come over the present one.
    session: Option<u64>,
    connected: bool,
    /// Whether the store was read once: what it has from then on is of this run.
    has_resumed: bool,
    /// When the newest message of a backlog came.
    behind: Option<Instant>,
    lease_renewed_at: Option<Instant>,
    probed_at: Instant,
    queued: &'a Notify,
    retry: Retry,
    /// The registry of which it is taken into account which devices were forgotten.
    registered: Option<Arc<Registered>>,
    /// Indices of the rules in force that had a reading whose unit measures something else.
    incomparable: HashSet<u32>,
}

impl<'a> EvaluationLoop<'a> {
    pub(crate) fn new(
        alerter: Alerter,
        queued: &'a Notify,
        ready: &'a Check,
        connection: watch::Receiver<ConnectionStatus>,
    ) -> Self {
        let Alerter { rules, store, counters, name, clock, decoder } = alerter;
        let (mut evaluator, _) = Evaluator::resume(rules.borrow().clone(), Vec::new(), &[], clock.wall());
        evaluator.follow(clock.as_ref());
        let retry = Retry::new(counters.store_failures.clone()).with_readiness(ready.clone());
        let probed_at = Instant::now();
        Self {
            store,
            counters,
            name,
            clock,
            decoder,
            asked_at: None,
            rules,
            connection,
            evaluator,
            session: None,
            connected: false,
            has_resumed: false,
            behind: None,
            lease_renewed_at: None,
            probed_at,
            queued,
            retry,
            registered: None,
            incomparable: HashSet::new(),
        }
    }

    pub(crate) async fn run(mut self, mut deliveries: Deliveries<Arc<Decoded>>) {
        self.resume().await;
        let mut taken = Vec::new();
        loop {
            tokio::select! {
                biased;
                Ok(()) = self.rules.changed() => self.adopt().await,
                count = deliveries.recv_many(&mut taken, MAX_BATCH) => match count {
                    0 => break,
                    _ => self.evaluate_all(&mut taken).await,
                },
                () = tokio::time::sleep(TICK) => self.idle().await,
            }
        }
        if let Err(e) = self.store.release(Lease::Absence, &self.name).await {
            warn!("lease not released: the next alerter reports absence after up to {LEASE:?}: {e}");
        }
    }

    async fn evaluate_all(&mut self, taken: &mut Vec<Delivery<Arc<Decoded>>>) {
        let mut rest = taken.drain(..).peekable();
        while let Some(first) = rest.peek().map(Delivery::session) {
            // Before this connection another alerter may have evaluated; within this process there is none.
            if first != WITHIN && self.session != Some(first) {
                self.session = Some(first);
                self.resume().await;
            }
            self.session = Some(first);
            let of_one_session = std::iter::from_fn(|| rest.next_if(|next| next.session() == first));
            self.evaluate_some(of_one_session.collect()).await;
        }
    }

    /// Reads once more what lacks an announcement that another alerter has heard, or db-writer.
    async fn complete(&mut self, taken: &mut [Delivery<Arc<Decoded>>]) {
        let lacks = |delivery: &Delivery<Arc<Decoded>>| {
            delivery.item.rejected.iter().any(Rejected::lacks_announcement)
        };
        let was_asked = self.asked_at.is_some_and(|at| at.elapsed() < ASK_EVERY);
        if was_asked || !taken.iter().any(lacks) {
            return;
        }
        self.asked_at = Some(Instant::now());
        let (decoder, store) = (&self.decoder, self.store.as_ref());
        self.retry.call(|| decoder.load(store)).await;
        for delivery in taken.iter_mut().filter(|delivery| lacks(delivery)) {
            self.read_again(Arc::make_mut(&mut delivery.item));
        }
    }

    fn read_again(&self, decoded: &mut Decoded) {
        for rejected in std::mem::take(&mut decoded.rejected) {
            match self.decoder.decode(&rejected.message(), Publisher::default()) {
                Some(again) if rejected.lacks_announcement() && again.rejected.is_empty() => {
                    decoded.readings.extend(again.readings);
                }
                _ => decoded.rejected.push(rejected),
            }
        }
    }

    /// What devices announced is stored before it is settled: db-writer may be behind, and the next alerter needs it.
    async fn announce(&self, taken: &[Delivery<Arc<Decoded>>]) {
        let metadata = taken.iter().filter_map(|delivery| delivery.item.metadata.as_ref());
        let announced: Vec<_> = metadata.flat_map(|metadata| &metadata.announcements).cloned().collect();
        if !announced.is_empty() {
            let store = &self.store;
            self.retry.call(|| store.announce(&announced)).await;
        }
    }

    async fn evaluate_some(&mut self, mut taken: Vec<Delivery<Arc<Decoded>>>) {
        self.complete(&mut taken).await;
        self.announce(&taken).await;
        self.forget().await;
        let (mut changes, judged_at) = (Changes::default(), self.now());
        let mut clock = Timestamp::MIN;
        for Delivery { item: decoded, .. } in &taken {
            clock = clock.max(self.evaluator.steady_at(decoded.received_at));
            self.counters.took(decoded);
            let evaluated = if decoded.is_forwarded() { &[][..] } else { &decoded.readings };
            for reading in evaluated {
                if self.is_unwatched(reading) {
                    continue;
                }
                let observed = self.evaluator.observe(reading, judged_at, &mut changes);
                self.counters.anomalies.inc_by(observed.is_anomaly.into());
                if let Some(rule) = observed.incomparable {
                    self.note_incomparable(rule, reading);
                }
            }
        }
        self.keep_absence().await;
        let lag = telemetry::time::age(self.evaluator.steady_now(judged_at), clock);
        self.behind = (lag > BEHIND).then(Instant::now);
        // Absence goes by the time up to which the broker has delivered, however far behind the alerter is.
        self.evaluator.advance(clock, judged_at, &mut changes);
        self.record(changes).await;
        self.settle(taken).await;
    }

    fn is_unwatched(&self, reading: &Reading) -> bool {
        let known = self.registered.as_ref();
        known.is_some_and(|known| known.is_unwatched(reading.series.device(), reading.received_at))
    }

    /// Forgets the devices that people have forgotten since the last time.
    async fn forget(&mut self) {
        let Some(known) = self.decoder.registry().map(RegistryView::known) else { return };
        if self.registered.as_ref().is_some_and(|before| Arc::ptr_eq(before, &known)) {
            return;
        }
        if self.registered.as_ref().is_some_and(|before| !before.has_names_of(&known)) {
            // What is stored has the new names already.
            return Box::pin(self.resume()).await;
        }
        let (mut changes, now) = (Changes::default(), self.now());
        self.evaluator.forget(|device| known.unwatched_until(device), now, &mut changes);
        self.registered = Some(known);
        if changes != Changes::default() && self.is_in_charge().await {
            self.record(changes).await;
        }
    }

    /// Counts a reading that a rule cannot evaluate; the first one for each rule is worth a line.
    fn note_incomparable(&mut self, rule: u32, reading: &Reading) {
        self.counters.incomparable.inc();
        if self.incomparable.insert(rule) {
            let (rule, series) = (self.evaluator.rule(rule), &reading.series);
            let (unit, of) =
                (reading.unit.as_deref().unwrap_or_default(), rule.unit.map_or("", |unit| unit.name));
            warn!(rule = rule.name, %series, unit, "the rule is in {of}, which readings in this unit are not compared with");
        }
    }

    /// Nothing comes: if there is a connection, everything published until now has been evaluated.
    async fn idle(&mut self) {
        let connected = self.connection.borrow().connected;
        if connected && !self.connected {
            // No reading could come meanwhile, and another alerter may have got the readings.
            self.session = None;
            self.resume().await;
        }
        self.connected = connected;
        if self.probed_at.elapsed() >= PROBE_EVERY {
            self.probed_at = Instant::now();
            self.retry.probe(self.store.probe()).await;
        }
        if connected && self.behind.is_none_or(|since| since.elapsed() >= CAUGHT_UP) {
            self.look_for_absence().await;
        }
    }

    /// The wall clock's time; a step of it is logged once.
    fn now(&mut self) -> Timestamp {
        if let Some(by) = self.evaluator.follow(self.clock.as_ref()) {
            warn!(seconds = by.as_secs(), "the clock was stepped: absence goes on by the time that passes");
        }
        self.clock.wall()
    }

    async fn look_for_absence(&mut self) {
        self.forget().await;
        self.keep_absence().await;
        let now = self.now();
        let clock = self.evaluator.steady_now(now);
        if !self.evaluator.overdue(clock) || !self.may_call_absent().await {
            return;
        }
        let mut changes = Changes::default();
        self.evaluator.advance(clock, now, &mut changes);
        self.record(changes).await;
    }

    /// The alerter that gets the readings knows best which devices are silent.
    async fn keep_absence(&mut self) {
        let is_fresh = self.lease_renewed_at.is_some_and(|at| at.elapsed() < RENEW_EVERY);
        if self.session.is_none() || is_fresh {
            return;
        }
        self.lease_renewed_at = Some(Instant::now());
        let Self { store, name, .. } = self;
        if let Err(e) = store.take_over(Lease::Absence, name, LEASE).await {
            warn!("cannot take over the lease for absence: {e}");
        }
    }

    /// An alerter that gets no readings may be one of two: then it reports no absence while the other is there, and reads
    /// the store before it does.
    async fn may_call_absent(&mut self) -> bool {
        if self.session.is_some() {
            return true;
        }
        if !self.hold_absence().await {
            return false;
        }
        let Ok(latest) = latest_evaluated(self.store.as_ref()).await else { return false };
        for reading in &latest {
            self.evaluator.heard(&reading.series, reading.received_at);
        }
        true
    }

    async fn hold_absence(&self) -> bool {
        let Self { store, name, .. } = self;
        self.retry.call(|| store.acquire(Lease::Absence, name, LEASE)).await
    }

    /// Goes on from what the store knows.
    async fn resume(&mut self) {
        // What is evaluated from now on may not be in the store yet: once for each connection is enough.
        self.connected = self.connection.borrow().connected;
        let store = &self.store;
        let alert_states = self.retry.call(|| store.alert_states()).await;
        let latest = self.retry.call(|| latest_evaluated(store.as_ref())).await;
        let rules = self.rules.borrow_and_update().clone();
        let now = self.now();
        let mut steady = self.evaluator.steady_clock().clone();
        if !std::mem::replace(&mut self.has_resumed, true) {
            let known = latest.iter().map(|reading| reading.received_at).filter(|at| !is_ahead(*at, now));
            steady.started_after(known.max().unwrap_or(now));
        }
        let (evaluator, changes) = Evaluator::resume_by(steady, rules, alert_states, &latest, now);
        self.evaluator = evaluator;
        self.record_if_in_charge(changes).await;
        self.learn().await;
        self.forget_anew().await;
    }

    /// Learns from the store what the series do otherwise that rules watch for unusual values.
    async fn learn(&mut self) {
        let (before, store) = (self.now(), &self.store);
        let series = self.evaluator.to_learn();
        for one in &series {
            let readings = self.retry.call(|| store.last(one, before, MAX_LEARNED)).await;
            self.evaluator.learn(one, &readings);
        }
        if !series.is_empty() {
            info!(series = series.len(), "learned from the store what is usual");
        }
    }

    /// What is expected by rules, or was not yet ended when it was stored, may be of forgotten devices.
    async fn forget_anew(&mut self) {
        self.registered = None;
        self.forget().await;
    }

    async fn adopt(&mut self) {
        let rules = self.rules.borrow_and_update().clone();
        let now = self.now();
        let changes = self.evaluator.adopt(rules, now);
        self.incomparable.clear();
        self.record_if_in_charge(changes).await;
        self.learn().await;
        self.forget_anew().await;
    }

    /// An alerter that waits for another to die must not end incidents of rules that only the other has.
    async fn record_if_in_charge(&mut self, changes: Changes) {
        if changes != Changes::default() && self.is_in_charge().await {
            for (rule, incidents) in removed(&changes) {
                warn!(rule, incidents, "rule removed or changed: its open incidents end");
            }
            self.record(changes).await;
        }
    }

    async fn is_in_charge(&self) -> bool {
        self.session.is_some() || self.hold_absence().await
    }

    async fn record(&mut self, changes: Changes) {
        if changes == Changes::default() {
            return;
        }
        let store = &self.store;
        self.retry.call(|| store.record(&changes)).await;
        self.tell(&changes.transitions);
        self.queued.notify_one();
    }

    fn tell(&self, transitions: &[Transition]) {
        for transition in transitions {
            match transition {
                Transition::Opened(opened, _) => {
                    self.counters.opened.inc();
                    self.counters.late.inc_by(u64::from(opened.late));
                    info!(incident = opened.id, value = opened.value, "incident opened");
                }
                Transition::Resolved { id, value, .. } => {
                    self.counters.resolved.inc();
                    info!(incident = id, value, "incident resolved");
                }
                Transition::Announced { .. } | Transition::Peaked { .. } => {}
            }
        }
    }

    async fn settle(&self, evaluated: Vec<Delivery<Arc<Decoded>>>) {
        let (mut acks, now) = (AckGroup::default(), self.clock.wall());
        for delivery in evaluated {
            let (decoded, ack) = delivery.split();
            self.counters.judged(&decoded, now);
            acks.push(ack);
        }
        self.counters.unsettled.inc_by(acks.settle(Outcome::Done).await);
    }
}

/// The newest reading of each series that is evaluated here: edges evaluate what they forward.
async fn latest_evaluated(store: &dyn Store) -> store::Result<Vec<Reading>> {
    let (mut latest, runs) = (store.latest().await?, store.uplink_runs().await?);
    let is_of =
        |device: &str, edge: &str| device.strip_prefix(edge).is_some_and(|rest| rest.starts_with('/'));
    latest.retain(|reading| !runs.iter().any(|run| is_of(reading.series.device(), &run.edge)));
    Ok(latest)
}
