//! The alerting outbox: puts notifications into messages and sends these, each channel by itself, until they are accepted.

mod queue;
mod retry;
mod sending;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use broker::Backoff;
use jiff::Timestamp;
use store::{Alerting, Lease};
use telemetry::{Clock, SteadyClock, SystemClock};
use tokio::sync::{Notify, watch};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use self::queue::Queue;
use self::retry::{Destination, LONGEST, RetrySchedule};
use self::sending::{Finished, REFUSED_AGAIN};
use crate::counters::Counters;
use crate::notifier::Notifiers;
use crate::rules::Rules;

/// How long the lease outlives an alerter that has ended without releasing it.
const LEASE: Duration = Duration::from_secs(30);

/// How often the lease is renewed, and how often to look for notifications that no call announced.
const RENEW_EVERY: Duration = Duration::from_secs(10);

/// How often to ask for the lease while another alerter holds it.
const ASK_EVERY: Duration = Duration::from_secs(5);

/// Sends queued notifications, while no other alerter that shares the store does.
///
/// A message is recorded as sent only after it was accepted: a crash in between repeats it once, with the same Message-ID.
pub struct AlertingOutbox {
    /// Where notifications and messages are stored.
    pub store: Arc<dyn Alerting>,
    /// The rules in force.
    pub rules: watch::Receiver<Arc<Rules>>,
    /// The channels that are set up.
    pub notifiers: Notifiers,
    /// The alerter's counters.
    pub counters: Counters,
    /// This alerter's name among those that share the store.
    pub name: String,
    clock: Arc<dyn Clock>,
    steady: SteadyClock,
    /// A message that waits for longer was put off by a clock that was ahead.
    longest_wait: Duration,
    retries: RetrySchedule,
    /// What is known of the queue; none before it was read, and once another process may have changed it.
    queue: Option<Queue>,
    in_flight: JoinSet<Finished>,
    /// The destinations that are being sent to, each with the task that sends.
    busy: HashMap<Destination, Id>,
    /// Messages that may have been accepted, though no reply said so.
    unsure: HashSet<String>,
    renewed: Option<Instant>,
}

impl AlertingOutbox {
    /// An outbox that has read nothing yet.
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
            clock: Arc::new(SystemClock::default()),
            steady: SteadyClock::default(),
            longest_wait: REFUSED_AGAIN,
            retries: RetrySchedule::default(),
            queue: None,
            in_flight: JoinSet::new(),
            busy: HashMap::new(),
            unsure: HashSet::new(),
            renewed: None,
        }
    }

    /// Uses another clock than the machine's.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sends what is due now and whenever `queued` is notified; after the `end` no further message is begun.
    ///
    /// Returns once the attempts under way at the end have ended. The caller limits that time: a mail server may be slow.
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
            self.ended(ended, self.clock.wall()).await;
        }
        if let Err(e) = self.store.release(Lease::Outbox, &self.name).await {
            warn!("lease not released: the next alerter waits up to {LEASE:?}: {e}");
        }
    }

    /// Plans and sends all that is due at a time, without asking for the lease; returns when to do so again: at the end of
    /// time where only a new notification can change anything.
    ///
    /// # Errors
    /// The store is unavailable: repeat the step.
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

    /// Does one step if this alerter holds the lease; returns how long there is nothing more to do, unless a notification
    /// is queued or an attempt ends.
    async fn go_on(&mut self, end: &CancellationToken) -> anyhow::Result<Duration> {
        if !self.acquire_lease().await? {
            // The alerter that holds the lease counts what is queued, and knows what was attempted.
            self.counters.messages_waiting.set(0);
            (self.retries, self.queue) = (RetrySchedule::default(), None);
            return Ok(ASK_EVERY);
        }
        let now = self.follow_clock();
        let look_again = self.plan_and_send(now, end).await?;
        let wait = look_again.duration_since(self.clock.wall());
        Ok(Duration::try_from(wait).unwrap_or_default().min(RENEW_EVERY))
    }

    /// What time it is. Where the clock was stepped, waits go on by the time that passes.
    fn follow_clock(&mut self) -> Timestamp {
        if let Some(step) = self.steady.follow(self.clock.as_ref()) {
            self.retries.shift(step);
            // It was planned by the clock as it was.
            self.queue = None;
            if step.is_negative() {
                self.longest_wait = LONGEST;
            }
        }
        self.clock.wall()
    }

    async fn wait(&mut self, wait: Duration, queued: &Notify, end: &CancellationToken) {
        tokio::select! {
            () = queued.notified() => {}
            () = tokio::time::sleep(wait) => {}
            () = end.cancelled() => {}
            Some(ended) = self.in_flight.join_next() => self.ended(ended, self.clock.wall()).await,
        }
    }

    /// Acquires or renews the lease; false while another alerter holds it.
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
        let mut queue = match self.queue.take() {
            Some(queue) => queue,
            None => self.load(now).await?,
        };
        // If a call fails, the queue is read again.
        let planned = self.plan(now, &mut queue).await?;
        self.queue = Some(queue);
        self.begin(now, end).await?;
        self.counters.messages_waiting.set(self.store.queued_count().await?.try_into().unwrap_or(i64::MAX));
        let soonest = [planned, self.retries.next(now)];
        Ok(soonest.into_iter().flatten().min().unwrap_or(Timestamp::MAX))
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

/// The pauses of [`AlertingOutbox::run`] while the store is unavailable. `service::Retry` repeats one call until it
/// succeeds; the outbox instead begins a new step, as what is due changes meanwhile.
fn backoff() -> Backoff {
    Backoff::new(Duration::from_secs(1), Duration::from_secs(60))
}
