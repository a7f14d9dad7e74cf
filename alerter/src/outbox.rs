//! Puts notifications into messages and sends these, each way by itself, until they are taken.

mod retry;
mod sending;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use broker::Backoff;
use jiff::Timestamp;
use store::{Alerting, Decisions, Lease, OutgoingMessage, SilenceIndex};
use telemetry::time::saturating_add;
use tokio::sync::{Notify, watch};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use self::retry::{Destination, RetrySchedule};
use self::sending::Finished;
use crate::counters::Counters;
use crate::notifier::Notifiers;
use crate::plan::{Plan, PlanInput, plan};
use crate::rules::Rules;

/// Notifications looked at in one go; more where nothing can be decided about these now.
const NOTIFICATIONS: usize = 10_000;

/// Decisions at one time, at most; the rest a little later.
const ROUNDS: usize = 100;

/// Messages looked at in one go; more where none of these can be sent now.
const MESSAGES: [usize; 4] = [20, 200, 2_000, 20_000];

/// The cap on mails is one within this time.
const CAPPED: Duration = Duration::from_secs(60 * 60);

/// How long the right to tell people outlives an alerter that has ended without giving it back.
const LEASE: Duration = Duration::from_secs(30);

/// How often the right is renewed, and how often to look for what nobody announced.
const RENEW_EVERY: Duration = Duration::from_secs(10);

/// How often to ask for the right while another alerter has it.
const ASK_EVERY: Duration = Duration::from_secs(5);

/// What time it is.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Tells people what is queued to them, while no other alerter does.
///
/// A message is marked only after it was taken: a crash in between repeats it once, with the same Message-ID.
pub struct Outbox {
    pub store: Arc<dyn Alerting>,
    pub rules: watch::Receiver<Arc<Rules>>,
    pub notifiers: Notifiers,
    pub counters: Counters,
    /// Tells it apart from others that share the store.
    pub name: String,
    clock: Clock,
    retries: RetrySchedule,
    /// It is known what was tried in vain before, by another or an earlier process.
    is_loaded: bool,
    in_flight: JoinSet<Finished>,
    /// With the task that sends.
    busy: HashMap<Destination, Id>,
    /// Messages that may have been taken, though nobody said so.
    unsure: HashSet<String>,
    renewed: Option<Instant>,
}

impl Outbox {
    #[must_use]
    pub fn new(
        store: Arc<dyn Alerting>,
        rules: watch::Receiver<Arc<Rules>>,
        notifiers: Notifiers,
        counters: Counters,
        name: String,
    ) -> Self {
        Self {
            store,
            rules,
            notifiers,
            counters,
            name,
            clock: Arc::new(Timestamp::now),
            retries: RetrySchedule::default(),
            is_loaded: false,
            in_flight: JoinSet::new(),
            busy: HashMap::new(),
            unsure: HashSet::new(),
            renewed: None,
        }
    }

    /// Goes by another clock than the machine's.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Tells now and whenever `queued` says so; after the `end` no further message is begun.
    ///
    /// Returns when what was under way at the end has ended: bound that, a mail server may take its time.
    pub async fn run(mut self, queued: &Notify, end: &CancellationToken) {
        let mut backoff = backoff();
        while !end.is_cancelled() {
            match self.go_on(end).await {
                Ok(wait) => {
                    backoff = self::backoff();
                    self.wait(wait, queued, end).await;
                }
                Err(e) => {
                    let wait = backoff.after(Duration::ZERO);
                    self.counters.store_failures.inc();
                    warn!(retry_in = ?wait, "notifications paused: store unavailable: {e:#}");
                    end.run_until_cancelled(tokio::time::sleep(wait)).await;
                }
            }
        }
        while let Some(ended) = self.in_flight.join_next().await {
            self.ended(ended, (self.clock)()).await;
        }
        if let Err(e) = self.store.release(Lease::Outbox, &self.name).await {
            warn!("lease not released: the next alerter waits up to {LEASE:?}: {e}");
        }
    }

    /// Does all that is to be done at a time, without asking for the right to; returns when to look again: at the end
    /// of time where only something new can make a difference.
    ///
    /// # Errors
    /// The store is away: repeat the step.
    pub async fn step(&mut self, now: Timestamp) -> anyhow::Result<Timestamp> {
        let never = CancellationToken::new();
        loop {
            let look_again = self.plan_and_send(now, &never).await?;
            match self.in_flight.join_next().await {
                Some(ended) => self.ended(ended, now).await,
                None => return Ok(look_again),
            }
        }
    }

    /// Returns how long there is nothing to do, unless something comes or ends.
    async fn go_on(&mut self, end: &CancellationToken) -> anyhow::Result<Duration> {
        if !self.acquire_lease().await? {
            // Whoever tells people now counts what is queued, and knows what was tried.
            self.counters.messages_waiting.set(0);
            (self.retries, self.is_loaded) = (RetrySchedule::default(), false);
            return Ok(ASK_EVERY);
        }
        let now = (self.clock)();
        let look_again = self.plan_and_send(now, end).await?;
        let wait = look_again.duration_since((self.clock)());
        Ok(Duration::try_from(wait).unwrap_or_default().min(RENEW_EVERY))
    }

    async fn wait(&mut self, wait: Duration, queued: &Notify, end: &CancellationToken) {
        tokio::select! {
            () = queued.notified() => {}
            () = tokio::time::sleep(wait) => {}
            () = end.cancelled() => {}
            Some(ended) = self.in_flight.join_next() => self.ended(ended, (self.clock)()).await,
        }
    }

    /// Takes or renews the right to tell people; false while another alerter has it.
    async fn acquire_lease(&mut self) -> store::Result<bool> {
        if self.renewed.is_some_and(|at| at.elapsed() < RENEW_EVERY) {
            return Ok(true);
        }
        let held = self.store.acquire(Lease::Outbox, &self.name, LEASE).await?;
        self.renewed = held.then(Instant::now);
        Ok(held)
    }

    /// Makes messages of what is due and begins to send what is queued; returns when to look again.
    async fn plan_and_send(&mut self, now: Timestamp, end: &CancellationToken) -> anyhow::Result<Timestamp> {
        self.load_postponed(now).await?;
        let planned = self.plan(now).await?;
        self.begin(now, end).await?;
        self.counters.messages_waiting.set(self.store.queued_count().await?.try_into().unwrap_or(i64::MAX));
        let soonest = [planned, self.retries.next(now)];
        Ok(soonest.into_iter().flatten().min().unwrap_or(Timestamp::MAX))
    }

    async fn load_postponed(&mut self, now: Timestamp) -> store::Result<()> {
        if !self.is_loaded {
            let postponed = self.store.postponed_messages(now).await?;
            self.retries.remember(postponed, now);
            self.is_loaded = true;
        }
        Ok(())
    }

    /// Decides until there is nothing more to decide now; returns when there will be.
    async fn plan(&self, now: Timestamp) -> store::Result<Option<Timestamp>> {
        let mut size = NOTIFICATIONS;
        for _ in 0..ROUNDS {
            let (due, next) = self.store.due_notifications(now, size).await?;
            if due.is_empty() {
                return Ok(next);
            }
            let Plan { decisions, look_again } = self.planned(now, &due).await?;
            if decisions != Decisions::default() {
                self.store.decide(&decisions).await?;
                self.counters.notifications_dropped.inc_by(decisions.dropped.len() as u64);
            } else if due.len() < size {
                return Ok([look_again, next].into_iter().flatten().min());
            } else {
                size = size.saturating_mul(4);
            }
        }
        Ok(Some(saturating_add(now, ASK_EVERY)))
    }

    async fn planned(
        &self,
        now: Timestamp,
        due: &[(store::Notification, store::Incident)],
    ) -> store::Result<Plan> {
        let made = self.store.messages_since(now.checked_sub(CAPPED).unwrap_or(now)).await?;
        let silences = SilenceIndex::new(self.store.silences(now).await?);
        let rules = Arc::clone(&self.rules.borrow());
        Ok(plan(now, due, &PlanInput { rules: &rules, silences: &silences, made: &made }))
    }

    /// Begins to send the oldest message of every destination that is free.
    async fn begin(&mut self, now: Timestamp, end: &CancellationToken) -> store::Result<()> {
        for size in MESSAGES {
            let queued = self.store.queued_messages(now, size).await?;
            let (all, mut begun) = (queued.len() < size, false);
            for message in queued {
                let destination = Destination::of(&message.address);
                if end.is_cancelled() {
                    return Ok(());
                }
                if !self.busy.contains_key(&destination) && self.retries.may_try(&destination, &message, now)
                {
                    self.send(destination, message);
                    begun = true;
                }
            }
            if all || begun {
                break;
            }
        }
        Ok(())
    }

    fn send(&mut self, destination: Destination, message: OutgoingMessage) {
        let notifier = self.notifiers.of(message.address.channel);
        let rules = Arc::clone(&self.rules.borrow());
        let sent_on = destination.clone();
        let task = self.in_flight.spawn(async move {
            let outcome = notifier.send(&message, &rules).await;
            Finished { destination: sent_on, message, outcome }
        });
        self.busy.insert(destination, task.id());
    }

    async fn ended(&mut self, ended: Result<Finished, JoinError>, now: Timestamp) {
        match ended {
            Ok(ended) => self.finish(ended, now).await,
            Err(e) => {
                error!("notifier panicked: {e}");
                let failed = self.busy.extract_if(|_, task| *task == e.id());
                failed.for_each(|(destination, _)| self.retries.failed(destination, now));
            }
        }
    }
}

fn backoff() -> Backoff {
    Backoff::new(Duration::from_secs(1), Duration::from_secs(60))
}
