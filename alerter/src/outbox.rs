//! Puts notifications into messages and sends these, each way by itself, until they are taken.

mod retry;
mod sending;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use broker::Backoff;
use jiff::Timestamp;
use store::{Alerting, Decisions, DueQuery, Known, Lease, OutgoingMessage, SilenceIndex};
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
use crate::plan::{CAPPED, MAX_PLANNED, MadeMails, Plan, PlanInput, Ready, WaitingSet, plan, sort};
use crate::rules::Rules;

/// Notifications read in one go.
const NOTIFICATIONS: usize = MAX_PLANNED;

/// Decisions at one time, at most; the rest a little later.
const ROUNDS: usize = 100;

/// Messages looked at in one go; more where none of these can be sent now.
const MESSAGES: [usize; 4] = [20, 200, 2_000, 20_000];

/// How long the right to tell people outlives an alerter that has ended without giving it back.
const LEASE: Duration = Duration::from_secs(30);

/// How often the right is renewed, and how often to look for what nobody announced.
const RENEW_EVERY: Duration = Duration::from_secs(10);

/// How often to ask for the right while another alerter has it.
const ASK_EVERY: Duration = Duration::from_secs(5);

/// What is known of notifications that are not in a message yet, while nobody else decides on them.
#[derive(Debug, Default)]
struct Queue {
    /// Up to where notifications were looked at.
    known: Known,
    waiting: WaitingSet,
    made: MadeMails,
    /// When what was decided on in this look is due again.
    due_again: Option<Timestamp>,
}

/// What time it is.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Tells people what is queued to them, while no other alerter does.
///
/// A message is marked only after it was taken: a crash in between repeats it once, with the same Message-ID.
pub struct AlertingOutbox {
    /// Where notifications and messages are stored.
    pub store: Arc<dyn Alerting>,
    /// The rules in force.
    pub rules: watch::Receiver<Arc<Rules>>,
    /// The channels that are set up.
    pub notifiers: Notifiers,
    /// What it counts.
    pub counters: Counters,
    /// Tells it apart from others that share the store.
    pub name: String,
    clock: Clock,
    retries: RetrySchedule,
    /// What is known of the queue; none before it was read, and after another process may have changed it.
    queue: Option<Queue>,
    in_flight: JoinSet<Finished>,
    /// With the task that sends.
    busy: HashMap<Destination, Id>,
    /// Messages that may have been taken, though nobody said so.
    unsure: HashSet<String>,
    renewed: Option<Instant>,
}

impl AlertingOutbox {
    /// An outbox that has not looked at anything yet.
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
            queue: None,
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
            (self.retries, self.queue) = (RetrySchedule::default(), None);
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
        let mut queue = match self.queue.take() {
            Some(queue) => queue,
            None => self.load(now).await?,
        };
        // After a call that failed the queue is read again.
        let planned = self.plan(now, &mut queue).await?;
        self.queue = Some(queue);
        self.begin(now, end).await?;
        self.counters.messages_waiting.set(self.store.queued_count().await?.try_into().unwrap_or(i64::MAX));
        let soonest = [planned, self.retries.next(now)];
        Ok(soonest.into_iter().flatten().min().unwrap_or(Timestamp::MAX))
    }

    async fn load(&mut self, now: Timestamp) -> store::Result<Queue> {
        let postponed = self.store.postponed_messages(now).await?;
        self.retries.remember(postponed, now);
        let made = self.store.messages_since(now.checked_sub(CAPPED).unwrap_or(now)).await?;
        Ok(Queue { made: MadeMails::new(made), ..Queue::default() })
    }

    /// Decides until there is nothing more to decide now; returns when there will be.
    async fn plan(&self, now: Timestamp, queue: &mut Queue) -> store::Result<Option<Timestamp>> {
        queue.due_again = None;
        let rules = Arc::clone(&self.rules.borrow());
        let silences = SilenceIndex::new(self.store.silences(now).await?);
        let next_due = self.read_new(now, queue, &rules, &silences).await?;
        for _ in 0..ROUNDS {
            let Ready { numbers, next } = queue.waiting.ready(now, &rules, &queue.made);
            if numbers.is_empty() {
                return Ok([next, next_due, queue.due_again].into_iter().flatten().min());
            }
            let due = self.store.waiting_notifications(&numbers).await?;
            self.counters.notifications_read.inc_by(due.len() as u64);
            let input = PlanInput { rules: &rules, silences: &silences, made: &queue.made };
            let Plan { decisions, look_again, waiting } = plan(now, &due, &input);
            queue.waiting.replace(&numbers, waiting);
            if decisions == Decisions::default() && !due.is_empty() {
                let again = look_again.unwrap_or_else(|| saturating_add(now, ASK_EVERY));
                return Ok([Some(again), next, next_due, queue.due_again].into_iter().flatten().min());
            }
            self.decide(&decisions, queue).await?;
        }
        Ok(Some(saturating_add(now, ASK_EVERY)))
    }

    /// Reads what nobody has looked at yet; what waits with its group or for room is not read again before that is over.
    async fn read_new(
        &self,
        now: Timestamp,
        queue: &mut Queue,
        rules: &Rules,
        silences: &SilenceIndex,
    ) -> store::Result<Option<Timestamp>> {
        let mut query = DueQuery { now, known: queue.known, after: 0, limit: NOTIFICATIONS };
        loop {
            let (new, next) = self.store.notifications_due(&query).await?;
            self.counters.notifications_read.inc_by(new.len() as u64);
            let Plan { decisions, waiting, .. } =
                sort(now, &new, &PlanInput { rules, silences, made: &queue.made });
            queue.waiting.add(waiting);
            self.decide(&decisions, queue).await?;
            let last = new.last().map_or(0, |(notification, _)| notification.number);
            query.after = query.after.max(last);
            queue.known.number = queue.known.number.max(last);
            if new.len() < query.limit {
                queue.known.at = now;
                return Ok(next);
            }
        }
    }

    async fn decide(&self, decisions: &Decisions, queue: &mut Queue) -> store::Result<()> {
        if *decisions == Decisions::default() {
            return Ok(());
        }
        self.store.decide(decisions).await?;
        decisions.messages.iter().for_each(|message| queue.made.add(&message.address, message.made_at));
        let held = decisions.held.iter().map(|deferral| deferral.until);
        let reminders = decisions.reminders.iter().map(|reminder| reminder.due_at);
        queue.due_again = held.chain(reminders).chain(queue.due_again).min();
        self.counters.notifications_dropped.inc_by(decisions.dropped.len() as u64);
        Ok(())
    }

    /// Begins to send the oldest message of every destination that is free.
    async fn begin(&mut self, now: Timestamp, end: &CancellationToken) -> store::Result<()> {
        for size in MESSAGES {
            let queued = self.store.queued_heads(now, size).await?;
            let (all, mut begun) = (queued.len() < size, false);
            for head in queued {
                let destination = Destination::of(&head.address);
                if end.is_cancelled() {
                    return Ok(());
                }
                if !self.busy.contains_key(&destination)
                    && self.retries.may_try(&destination, &head, now)
                    && let Some(message) = self.store.outgoing_message(&head.message_id).await?
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

/// Not `service::Retry`: that repeats one call until the store answers. The outbox begins anew with each look, as what is
/// due changes meanwhile, and an attempt is recorded while others go on.
fn backoff() -> Backoff {
    Backoff::new(Duration::from_secs(1), Duration::from_secs(60))
}
