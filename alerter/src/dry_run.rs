//! A dry run: runs stored history through rules, with the same evaluator and the same outbox, as if it happened once more.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use store::{
    Address, Changes, Channel, History, Incident, IncidentQuery, Incidents, OutgoingMessage, ReadingQuery,
    Sqlite, TimeRange, Transition,
};
use telemetry::Reading;
use telemetry::time::saturating_add;
use tempfile::TempDir;
use tokio::sync::watch;

use crate::counters::Counters;
use crate::evaluation::Evaluator;
use crate::evaluation_loop::MAX_LEARNED;
use crate::notifier::{Notifier, Notifiers, SendError};
use crate::outbox::AlertingOutbox;
use crate::rules::{Grouping, Rules};

/// Readings taken from the store at a time.
const PAGE: usize = 10_000;

/// What would have happened.
#[derive(Debug)]
pub struct DryRunResult {
    /// By opening.
    pub incidents: Vec<Incident>,
    /// As they would have been made.
    pub messages: Vec<OutgoingMessage>,
}

/// How far a dry run is.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// Readings evaluated so far.
    pub readings: u64,
    /// The time up to which they were.
    pub at: Timestamp,
    /// Incidents that the first set of rules has opened so far.
    pub incidents: usize,
}

/// Runs a range of history through several sets of rules at once; returns how many readings there were.
///
/// Each reading is taken to have arrived when it was measured. Nothing before the range is known, but what is usual of a series. `progress` is called
/// after each page of readings.
///
/// # Errors
/// The history cannot be read, or there is no room for what happens.
pub async fn dry_run(
    history: &dyn History,
    range: TimeRange,
    all_rules: Vec<Rules>,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> anyhow::Result<(u64, Vec<DryRunResult>)> {
    let mut dry_runs = Vec::new();
    for rules in all_rules {
        dry_runs.push(DryRun::start(rules, range.from).await?);
    }
    learn(history, range.from, &mut dry_runs).await?;
    let (mut readings, mut after) = (0, None);
    loop {
        let query = ReadingQuery {
            device: None,
            metric: None,
            range,
            limit: PAGE,
            after,
            scope: telemetry::Scope::all(),
        };
        let page = history.readings(query).await?;
        readings += page.readings.len() as u64;
        let at = page.readings.last().map(|last| last.reading.measured_at);
        for stored in page.readings {
            let reading = Reading { received_at: stored.reading.measured_at, ..stored.reading };
            for dry_run in &mut dry_runs {
                dry_run.play(&reading).await?;
            }
        }
        if let Some(at) = at {
            progress(Progress { readings, at, incidents: dry_runs.first().map_or(0, |first| first.opened) });
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let mut results = Vec::new();
    for dry_run in dry_runs {
        results.push(dry_run.finish(range.to).await?);
    }
    Ok((readings, results))
}

/// What series did before the range, for unusual values to be told from it.
async fn learn(history: &dyn History, before: Timestamp, dry_runs: &mut [DryRun]) -> anyhow::Result<()> {
    for Reading { series, .. } in history.latest().await? {
        let mut watching =
            dry_runs.iter_mut().filter(|dry_run| dry_run.rules.watch_for_unusual(&series)).peekable();
        if watching.peek().is_some() {
            let readings = history.last(&series, before, MAX_LEARNED).await?;
            watching.for_each(|dry_run| dry_run.evaluator.learn(&series, &readings));
        }
    }
    Ok(())
}

/// Changes that wait to be recorded, at most.
const MAX_PENDING: usize = 10_000;

/// One set of rules with a store of its own, and no channel.
struct DryRun {
    rules: Arc<Rules>,
    evaluator: Evaluator,
    store: Arc<Sqlite>,
    outbox: AlertingOutbox,
    sent: Sent,
    /// Changes that are not recorded yet: nothing depends on them before `look_at`.
    pending: Vec<Transition>,
    /// How long after a change nothing can be decided about it.
    undecided_for: Duration,
    /// When the outbox is to be looked at.
    look_at: Timestamp,
    opened: usize,
    _folder: TempDir,
}

impl DryRun {
    async fn start(rules: Rules, from: Timestamp) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let store = Arc::new(Sqlite::open_unsynced(&folder.path().join(store::FILE))?);
        let undecided_for = undecided_for(&rules);
        let rules = Arc::new(rules);
        let (evaluator, changes) = Evaluator::resume(rules.clone(), Vec::new(), &[], from);
        let sent = Sent::default();
        let notifiers = [Channel::Mail, Channel::Webhook, Channel::Mqtt]
            .into_iter()
            .fold(Notifiers::default(), |all, channel| all.with(channel, Arc::new(sent.clone())));
        let counters = Counters::register(&service::Metrics::default());
        let (_, followed) = watch::channel(rules.clone());
        let outbox = AlertingOutbox::new(store.clone(), followed, notifiers, counters, "dry_run".into());
        let (pending, look_at) = (changes.transitions, Timestamp::MAX);
        Ok(Self {
            rules,
            evaluator,
            store,
            outbox,
            sent,
            pending,
            undecided_for,
            look_at,
            opened: 0,
            _folder: folder,
        })
    }

    async fn play(&mut self, reading: &Reading) -> anyhow::Result<()> {
        self.pass_to(reading.measured_at).await?;
        let mut changes = Changes::default();
        self.evaluator.observe(reading, reading.measured_at, &mut changes);
        self.note(changes, reading.measured_at).await
    }

    /// Lets time pass: devices fall silent, and messages are made.
    async fn pass_to(&mut self, now: Timestamp) -> anyhow::Result<()> {
        loop {
            let deadline = self.evaluator.next_deadline().unwrap_or(Timestamp::MAX);
            let next = deadline.min(self.look_at);
            if next > now || next == Timestamp::MAX {
                return Ok(());
            }
            if deadline == next {
                let mut changes = Changes::default();
                self.evaluator.advance(next, next, &mut changes);
                self.note(changes, next).await?;
            }
            if self.look_at <= next {
                self.record().await?;
                self.look_at = self.outbox.step(next).await?;
            }
        }
    }

    /// Alert states are left out: nothing reads those of a dry run.
    async fn note(&mut self, changes: Changes, now: Timestamp) -> anyhow::Result<()> {
        if changes.transitions.is_empty() {
            return Ok(());
        }
        let opened = |change: &&Transition| matches!(change, Transition::Opened(..));
        self.opened += changes.transitions.iter().filter(opened).count();
        self.pending.extend(changes.transitions);
        self.look_at = self.look_at.min(saturating_add(now, self.undecided_for));
        if self.pending.len() > MAX_PENDING { self.record().await } else { Ok(()) }
    }

    async fn record(&mut self) -> anyhow::Result<()> {
        let transitions = std::mem::take(&mut self.pending);
        Ok(self.store.record(&Changes { transitions, alert_states: Vec::new() }).await?)
    }

    async fn finish(mut self, to: Timestamp) -> anyhow::Result<DryRunResult> {
        self.pass_to(to).await?;
        self.record().await?;
        let query = IncidentQuery { limit: usize::MAX, ..IncidentQuery::default() };
        let mut incidents = self.store.incidents(&query).await?;
        incidents.sort_by(|a, b| (a.opened_at, &a.id).cmp(&(b.opened_at, &b.id)));
        Ok(DryRunResult { incidents, messages: self.sent.take() })
    }
}

/// Mails and webhooks wait for their group; MQTT does not.
fn undecided_for(rules: &Rules) -> Duration {
    let addresses = rules.rules.iter().flat_map(|rule| &rule.to);
    let Grouping { group_wait, group_max, .. } = rules.grouping;
    let wait = |address: &Address| {
        if address.channel == Channel::Mqtt { Duration::ZERO } else { group_wait.min(group_max) }
    };
    addresses.map(wait).min().unwrap_or(group_max)
}

/// Accepts every message, and sends none.
#[derive(Debug, Clone, Default)]
struct Sent(Arc<Mutex<Vec<OutgoingMessage>>>);

impl Sent {
    fn take(&self) -> Vec<OutgoingMessage> {
        std::mem::take(&mut *self.0.lock().expect("nothing panics while it is held"))
    }
}

#[async_trait]
impl Notifier for Sent {
    async fn send(&self, message: &OutgoingMessage, _: &Rules) -> Result<Option<String>, SendError> {
        let mut message = message.clone();
        // A message of thousands of incidents is kept until the end: without what each of them knows of all others.
        message.notifications.iter_mut().for_each(|(_, incident)| incident.notifications = Vec::new());
        self.0.lock().expect("nothing panics while it is held").push(message);
        Ok(None)
    }
}
