//! Plays stored history through rules, the same judge and the same outbox, as if it happened once more.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::Timestamp;
use store::{
    Changes, Channel, History, Incident, IncidentQuery, Incidents, OutgoingMessage, ReadingQuery, Sqlite,
    TimeRange,
};
use telemetry::Reading;
use tempfile::TempDir;
use tokio::sync::watch;

use crate::counters::Counters;
use crate::judge::Judge;
use crate::notifier::{Notifier, Notifiers, SendError};
use crate::outbox::Outbox;
use crate::rules::Rules;

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

/// Plays a stretch of history to several sets of rules at once; returns how many readings there were.
///
/// Each reading is taken to have arrived when it was measured. Nothing before the stretch is known.
///
/// # Errors
/// The history cannot be read, or there is no room for what happens.
pub async fn dry_run(
    history: &dyn History,
    range: TimeRange,
    all_rules: Vec<Rules>,
) -> anyhow::Result<(u64, Vec<DryRunResult>)> {
    let mut dry_runs = Vec::new();
    for rules in all_rules {
        dry_runs.push(DryRun::start(rules, range.from).await?);
    }
    let (mut readings, mut after) = (0, None);
    loop {
        let query = ReadingQuery { device: None, metric: None, range, limit: PAGE, after };
        let page = history.readings(query).await?;
        readings += page.readings.len() as u64;
        for stored in page.readings {
            let reading = Reading { received_at: stored.reading.measured_at, ..stored.reading };
            for dry_run in &mut dry_runs {
                dry_run.play(&reading).await?;
            }
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

/// One set of rules, a store of its own, and nobody to tell.
struct DryRun {
    judge: Judge,
    store: Arc<Sqlite>,
    outbox: Outbox,
    told: Told,
    /// When the outbox is to be looked at.
    look_at: Timestamp,
    _folder: TempDir,
}

impl DryRun {
    async fn start(rules: Rules, from: Timestamp) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let store = Arc::new(Sqlite::open(&folder.path().join(store::FILE))?);
        let rules = Arc::new(rules);
        let (judge, changes) = Judge::resume(rules.clone(), Vec::new(), &[], from);
        store.record(&changes).await?;
        let told = Told::default();
        let notifiers = [Channel::Mail, Channel::Webhook, Channel::Mqtt]
            .into_iter()
            .fold(Notifiers::default(), |all, channel| all.with(channel, Arc::new(told.clone())));
        let counters = Counters::register(&service::Metrics::default());
        let (_, rules) = watch::channel(rules);
        let outbox = Outbox::new(store.clone(), rules, notifiers, counters, "dry_run".into());
        Ok(Self { judge, store, outbox, told, look_at: Timestamp::MAX, _folder: folder })
    }

    async fn play(&mut self, reading: &Reading) -> anyhow::Result<()> {
        self.pass_to(reading.measured_at).await?;
        let mut changes = Changes::default();
        self.judge.observe(reading, reading.measured_at, &mut changes);
        self.record(&changes, reading.measured_at).await
    }

    /// Lets time pass: devices fall silent, and messages are made.
    async fn pass_to(&mut self, now: Timestamp) -> anyhow::Result<()> {
        loop {
            let deadline = self.judge.next_deadline().unwrap_or(Timestamp::MAX);
            let next = deadline.min(self.look_at);
            if next > now || next == Timestamp::MAX {
                return Ok(());
            }
            if deadline == next {
                let mut changes = Changes::default();
                self.judge.advance(next, next, &mut changes);
                self.record(&changes, next).await?;
            }
            if self.look_at <= next {
                self.look_at = self.outbox.step(next).await?;
            }
        }
    }

    async fn record(&mut self, changes: &Changes, now: Timestamp) -> anyhow::Result<()> {
        if *changes != Changes::default() {
            self.store.record(changes).await?;
            self.look_at = self.outbox.step(now).await?;
        }
        Ok(())
    }

    async fn finish(mut self, to: Timestamp) -> anyhow::Result<DryRunResult> {
        self.pass_to(to).await?;
        let query = IncidentQuery { limit: usize::MAX, ..IncidentQuery::default() };
        let mut incidents = self.store.incidents(&query).await?;
        incidents.sort_by(|a, b| (a.opened_at, &a.id).cmp(&(b.opened_at, &b.id)));
        Ok(DryRunResult { incidents, messages: self.told.taken() })
    }
}

/// Takes every message and tells nobody.
#[derive(Debug, Clone, Default)]
struct Told(Arc<Mutex<Vec<OutgoingMessage>>>);

impl Told {
    fn taken(&self) -> Vec<OutgoingMessage> {
        std::mem::take(&mut *self.0.lock().expect("nothing panics while it is held"))
    }
}

#[async_trait]
impl Notifier for Told {
    async fn send(&self, message: &OutgoingMessage, _: &Rules) -> Result<Option<String>, SendError> {
        self.0.lock().expect("nothing panics while it is held").push(message.clone());
        Ok(None)
    }
}
