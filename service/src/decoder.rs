//! Turns messages into readings: the one place where a payload is decoded, at the edge and in the cluster.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use store::Store;
use telemetry::{
    Announcement, Announcements, Clock, Decoded, Inputs, Learned, Mapped, Message, Publisher, Rejected,
    RuleName, SystemClock, Unmapped, UnmappedGroup,
};
use tokio::sync::watch;
use tracing::{debug, error, info, warn};

use crate::{
    AddRuleError, Context, MappingsFile, Metrics, OncePerMinute, RegistryView, SettingError, Settings,
};

/// How often the store is asked for announcements that are lacking, at most.
pub(crate) const ASK_EVERY: Duration = Duration::from_secs(5);

/// Decodes messages by the settings `metrics` and `inputs.mappings`. Clones share the rules.
#[derive(Debug, Clone)]
pub struct Decoder(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    file: MappingsFile,
    inputs: watch::Sender<Arc<Inputs>>,
    clock: Arc<dyn Clock>,
    status: Mutex<RulesStatus>,
    /// Held while a rule is added.
    adding: Mutex<()>,
    /// Whether a message lacked an announcement since those of the store were last read.
    lacking: AtomicBool,
    unmapped: Mutex<Unmapped>,
    /// When the log last said that there is no room for an announcement.
    refused: Mutex<OncePerMinute>,
    /// How many messages were ignored by each rule that is in force.
    ignored: Mutex<HashMap<RuleName, u64>>,
    counters: Counters,
    /// Which devices are known, where that matters.
    registry: Option<RegistryView>,
}

/// Since when the rules are in force, and why those in the file are not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RulesStatus {
    /// When the rules in force were read.
    pub since: Timestamp,
    /// What is wrong with the file as it is now: the rules from before it stay in force.
    pub error: Option<String>,
}

#[derive(Debug)]
struct Counters {
    ignored: Counter,
    unmapped: Counter,
    announcements_refused: Counter,
    info: Family<[(&'static str, String); 1], Gauge>,
    rules_loaded: Gauge,
    rules_refused: Counter,
}

impl Counters {
    fn register(metrics: &Metrics) -> Self {
        let metrics = metrics.of("inputs");
        Self {
            ignored: metrics.register("ignored", "Messages that a rule says to ignore"),
            unmapped: metrics.register("unmapped", "Messages that no rule reads"),
            announcements_refused: metrics.register(
                "announcements_refused",
                "Announcements of devices, such as births, that max_announced_bytes has no room for",
            ),
            info: metrics.register("info", "The hash of the rules by which messages are read"),
            rules_loaded: metrics
                .register("rules_loaded", "Whether the rules in force are those in the file of mappings"),
            rules_refused: metrics.register("rules_refused", "Files of mappings refused"),
        }
    }

    fn show(&self, inputs: &Inputs) {
        self.info.clear();
        self.info.get_or_create(&[("hash", hash_of(inputs))]).set(1);
        self.rules_loaded.set(1);
    }
}

/// The hash of the rules as it is shown: services with equal ones read messages alike.
fn hash_of(inputs: &Inputs) -> String {
    format!("{:016x}", inputs.hash())
}

impl Decoder {
    /// Decodes as the settings of a service that runs as a process of its own say.
    ///
    /// # Errors
    /// A setting is wrong, or the file of mappings is invalid.
    pub fn of_service(context: &Context) -> Result<Self, SettingError> {
        let Context { settings, metrics, clock, .. } = context;
        Self::from_settings(settings, MappingsFile::from_settings(settings)?, metrics, clock.clone())
    }

    /// Decodes as the settings and this file say, and counts what holds no readings.
    ///
    /// # Errors
    /// A setting is wrong, or the file of mappings is invalid.
    pub fn from_settings(
        settings: &Settings,
        file: MappingsFile,
        metrics: &Metrics,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SettingError> {
        let announcements = Announcements::new(settings.get("inputs.max_announced_bytes")?);
        let inputs =
            Inputs::new(settings.get("metrics")?, file.read()?).with_announcements(announcements.into());
        let registry = RegistryView::from_settings(settings, metrics)?;
        Ok(Self::with_file(file, inputs, metrics, clock, Some(registry)))
    }

    /// Decodes by these inputs.
    #[must_use]
    pub fn new(inputs: Inputs, metrics: &Metrics) -> Self {
        Self::with_file(MappingsFile::default(), inputs, metrics, Arc::new(SystemClock::default()), None)
    }

    fn with_file(
        file: MappingsFile,
        inputs: Inputs,
        metrics: &Metrics,
        clock: Arc<dyn Clock>,
        registry: Option<RegistryView>,
    ) -> Self {
        let counters = Counters::register(metrics);
        counters.show(&inputs);
        Self(Arc::new(Inner {
            file,
            inputs: watch::Sender::new(Arc::new(inputs)),
            status: Mutex::new(RulesStatus { since: clock.wall(), error: None }),
            clock,
            adding: Mutex::default(),
            lacking: AtomicBool::new(false),
            unmapped: Mutex::default(),
            refused: Mutex::default(),
            ignored: Mutex::default(),
            counters,
            registry,
        }))
    }

    /// Follows the file of mappings: what it says holds for all messages that are decoded from then on. A file that is
    /// wrong is refused whole, and the rules before it stay in force. Never ends.
    pub async fn follow(&self) {
        self.0.file.follow(|text| self.replace(text)).await;
    }

    fn replace(&self, text: Result<String, String>) {
        match text.and_then(|text| self.0.file.parse(&text)) {
            Ok(mappings) => {
                let inputs = Arc::new(self.0.inputs.borrow().with_mappings(mappings));
                lock(&self.0.status).error = None;
                self.0.counters.rules_loaded.set(1);
                if self.0.inputs.borrow().hash() != inputs.hash() {
                    self.put_in_force(inputs);
                }
            }
            Err(e) => {
                self.0.counters.rules_loaded.set(0);
                let mut status = lock(&self.0.status);
                if status.error.as_ref() != Some(&e) {
                    self.0.counters.rules_refused.inc();
                    error!("the old rules of mappings stay in force: {e}");
                    status.error = Some(e);
                }
            }
        }
    }

    fn put_in_force(&self, inputs: Arc<Inputs>) {
        let (own, hash) = (inputs.mappings().own_topics().count(), hash_of(&inputs));
        self.0.counters.show(&inputs);
        lock(&self.0.status).since = self.0.clock.wall();
        self.samples().forget(|group| inputs.mappings().rule(&group.topic).is_some());
        lock(&self.0.ignored).retain(|rule, _| inputs.mappings().has(rule));
        self.0.inputs.send_replace(inputs);
        info!(own, hash, "the mappings were read again");
    }

    /// Adds rules at the end of the file of mappings; they are in force when it returns. Says how many there were.
    ///
    /// # Errors
    /// The file cannot be changed, or the rules are wrong: nothing has changed.
    pub fn add_rules(&self, rules: &str) -> Result<usize, AddRuleError> {
        let _one_at_a_time = lock(&self.0.adding);
        let (text, added) = self.0.file.add(rules)?;
        self.replace(Ok(text));
        Ok(added)
    }

    /// Whether rules can be added here.
    ///
    /// # Errors
    /// They cannot: why, for a person.
    pub fn can_add_rules(&self) -> Result<(), String> {
        self.0.file.can_add()?;
        match self.rules_status().error {
            Some(_) => Err("the file of mappings is wrong: correct it first".into()),
            None => Ok(()),
        }
    }

    /// Since when the rules are in force, and why those in the file are not.
    #[must_use]
    pub fn rules_status(&self) -> RulesStatus {
        lock(&self.0.status).clone()
    }

    /// Where the file of mappings is, or will be looked for.
    #[must_use]
    pub fn rules_file(&self) -> Option<&Path> {
        self.0.file.path()
    }

    /// The hash of the rules in force: services with equal ones read messages alike.
    #[must_use]
    pub fn rules_hash(&self) -> String {
        hash_of(&self.0.inputs.borrow())
    }

    /// Whether messages on this topic may hold readings. Others need not be decoded.
    #[must_use]
    pub fn may_hold_readings(&self, topic: &str) -> bool {
        self.0.inputs.borrow().may_hold_readings(topic)
    }

    /// The readings and rejections in a message, all by the same rules. None of a message that a rule says to ignore, nor
    /// of one that no rule reads: a sample of that is kept.
    #[must_use]
    pub fn decode(&self, message: &Message, publisher: Publisher<'_>) -> Option<Decoded> {
        let mapped = self.0.inputs.borrow().decode(message, publisher);
        match mapped {
            Mapped::Read(mut decoded) => {
                if let Some(registry) = &self.0.registry {
                    registry.rename(&mut decoded);
                    registry.check(&mut decoded, message);
                }
                if let Some(metadata) = &decoded.metadata {
                    self.note_refused(message, metadata.refused_announcements);
                }
                if decoded.rejected.iter().any(Rejected::lacks_announcement) {
                    self.0.lacking.store(true, Ordering::Relaxed);
                }
                return Some(decoded);
            }
            Mapped::Ignored(rule) => self.count_ignored(rule),
            Mapped::Unmapped => self.keep_sample(message),
        }
        None
    }

    fn note_refused(&self, message: &Message, refused: usize) {
        if refused == 0 {
            return;
        }
        self.0.counters.announcements_refused.inc_by(refused as u64);
        if let Some(times) = lock(&self.0.refused).note(Instant::now()) {
            warn!(
                topic = cut(&message.topic),
                times, "what devices announce is not kept: inputs.max_announced_bytes has no room for it"
            );
        }
    }

    /// Knows what devices announced before: messages are read by it from now on.
    pub fn remember(&self, announcements: &[Announcement]) {
        let inputs = Arc::clone(&self.0.inputs.borrow());
        let refused = announcements
            .iter()
            .filter(|announcement| inputs.announcements().learn(announcement) == Learned::Refused);
        self.0.counters.announcements_refused.inc_by(refused.count() as u64);
    }

    /// Knows what the store has of what devices announced.
    ///
    /// # Errors
    /// The store does not answer: what is known stays.
    pub async fn load(&self, store: &dyn Store) -> store::Result<()> {
        self.0.lacking.store(false, Ordering::Relaxed);
        let loaded = store.announcements().await.map(|announcements| self.remember(&announcements));
        if loaded.is_err() {
            self.0.lacking.store(true, Ordering::Relaxed);
        }
        loaded
    }

    /// Whether a message lacked what a device announced, since the store was last asked for it.
    #[must_use]
    pub fn lacks_announcements(&self) -> bool {
        self.0.lacking.load(Ordering::Relaxed)
    }

    /// Asks the store for what devices announced whenever that is lacking: another process may have heard it. Never ends.
    pub async fn keep_up(&self, store: &dyn Store) {
        loop {
            tokio::time::sleep(ASK_EVERY).await;
            if self.lacks_announcements()
                && let Err(e) = self.load(store).await
            {
                debug!("cannot read what devices announced: {e}");
            }
        }
    }

    fn count_ignored(&self, rule: Option<RuleName>) {
        self.0.counters.ignored.inc();
        if let Some(rule) = rule {
            *lock(&self.0.ignored).entry(rule).or_default() += 1;
        }
    }

    fn keep_sample(&self, message: &Message) {
        self.0.counters.unmapped.inc();
        let Message { topic, payload, received_at } = message;
        if self.samples().add(topic, payload, *received_at) {
            info!(topic = cut(topic), "no rule reads this topic: millrace mappings suggest may find one");
        }
    }

    /// What no rule reads, by the first two levels of its topics, and how many messages are in none of these groups.
    #[must_use]
    pub fn unmapped(&self) -> (Vec<UnmappedGroup>, u64) {
        let samples = self.samples();
        (samples.groups(), samples.others())
    }

    /// How many messages each rule in force has ignored, the most first. Rules that have ignored none are left out.
    #[must_use]
    pub fn ignored(&self) -> Vec<(RuleName, u64)> {
        let mut ignored: Vec<_> = lock(&self.0.ignored).clone().into_iter().collect();
        ignored.sort_by(|(a, x), (b, y)| y.cmp(x).then_with(|| a.cmp(b)));
        ignored
    }

    /// How many groups of topics no rule reads.
    #[must_use]
    pub fn unmapped_groups(&self) -> usize {
        self.samples().len()
    }

    /// Follows the registry, by which devices are recognised. Never ends.
    pub async fn follow_registry(&self, store: &dyn Store) {
        let Some(registry) = &self.0.registry else { return std::future::pending().await };
        let mut seen = None;
        loop {
            seen = Some(registry.changed(store, Duration::ZERO, seen).await.1);
        }
    }

    /// The registry by which readings are checked, of a decoder with settings.
    #[must_use]
    pub fn registry(&self) -> Option<&RegistryView> {
        self.0.registry.as_ref()
    }

    /// The rules in force, which may change at any time.
    #[must_use]
    pub fn inputs(&self) -> watch::Receiver<Arc<Inputs>> {
        self.0.inputs.subscribe()
    }

    fn samples(&self) -> MutexGuard<'_, Unmapped> {
        lock(&self.0.unmapped)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A topic may have 65,535 bytes, which is too much for a line.
fn cut(topic: &str) -> &str {
    &topic[..topic.floor_char_boundary(128)]
}
