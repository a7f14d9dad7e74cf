//! Rules, incidents and an outbox that runs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use alerter::{
    AlertingOutbox, Condition, Counters, Grouping, Mail, Mailer, Notifiers, Recipient, Rule, Rules, Secret,
    Templates,
};
use async_trait::async_trait;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use service::{Metrics, Settings};
use store::{
    Address, Bucket, Channel, ConditionKind, Decisions, End, History, Incident, Latest, NewMessage,
    NotificationKind, Page, ReadingQuery, Severity, TimeRange, Transition, Unavailable,
};
use telemetry::{Clock, Reading, Series, SystemClock};
use tempfile::TempDir;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::journal::BOUND;
use crate::store::FakeStore;

pub(crate) const PAGE: &str = "https://millrace.example.org";

/// The presets, and words for a hatch.
pub(crate) fn inputs() -> watch::Receiver<Arc<telemetry::Inputs>> {
    let rules =
        "[[rule]]\ntopic = \"x\"\ndevice = \"d\"\nmetric = \"hatch\"\nwords = { ajar = 0.5, shut = 0 }";
    let mappings = telemetry::Mappings::read(rules).unwrap();
    watch::channel(Arc::new(telemetry::Inputs::default().with_mappings(mappings))).1
}

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_768_473_000 + second).unwrap()
}

pub(crate) fn mail(to: &str) -> Address {
    Address { channel: Channel::Mail, to: to.into() }
}

pub(crate) fn rule(name: &str) -> Rule {
    Rule {
        name: name.into(),
        metric: None,
        device: telemetry::Filter::all(),
        condition: Condition::Above { limit: 25.0, clear_below: None },
        unit: None,
        pending_for: Duration::ZERO,
        keep_firing_for: Duration::ZERO,
        severity: Severity::Warning,
        to: vec![mail("ann@localhost")],
        repeat: None,
        active: None,
        expect: Vec::new(),
    }
}

/// Two rules, one of which reminds; Ann reads times in Berlin, and a webhook is where its URL says.
pub(crate) fn rules(webhook: &str) -> Rules {
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    let recipients = BTreeMap::from([
        ("ann".to_owned(), Recipient::Mail { address: "ann@localhost".into(), zone }),
        ("desk".to_owned(), Recipient::Webhook { url: Secret(webhook.into()) }),
        ("bus".to_owned(), Recipient::Mqtt),
    ]);
    let grouping = Grouping {
        group_wait: Duration::from_secs(5),
        group_max: Duration::from_secs(60),
        max_mails_per_hour: 20,
    };
    let repeats = Rule { repeat: Some(Duration::from_secs(4 * 3_600)), ..rule("repeats") };
    Rules { rules: vec![rule("high"), repeats], recipients, grouping, max_unusual: 0 }
}

/// Open since `at(0)`, judged then.
pub(crate) fn incident(id: &str, rule: &str, device: &str) -> Incident {
    Incident {
        id: id.into(),
        rule: rule.into(),
        severity: Severity::Warning,
        device: device.into(),
        metric: "temperature".into(),
        condition: store::Condition {
            kind: ConditionKind::Above,
            text: "above 25".into(),
            threshold: Some(25.0),
        },
        began_at: at(0),
        opened_at: at(0),
        judged_at: at(0),
        value: Some(26.1),
        unit: Some("celsius".into()),
        peak: Some(26.1),
        peak_at: Some(at(0)),
        resolved_at: None,
        resolved_value: None,
        end: None,
        acknowledged: None,
        late: false,
        notifications: Vec::new(),
    }
}

pub(crate) fn opened(incident: Incident, to: &[Address]) -> Transition {
    Transition::Opened(Box::new(incident), to.to_vec())
}

pub(crate) fn resolved(id: &str, at: Timestamp) -> Transition {
    Transition::Resolved { id: id.into(), at, judged_at: at, value: Some(24.0), end: End::Cleared }
}

impl FakeStore {
    /// As an earlier run left it: a message that is not sent yet.
    pub(crate) fn owe(&self, device: &str, to: Address) {
        let mut kept = self.kept.lock().unwrap();
        kept.apply(&opened(incident(device, "high", device), std::slice::from_ref(&to)));
        let number = kept.notifications.last().unwrap().0.number;
        assert_eq!(kept.notifications.last().unwrap().0.kind, NotificationKind::Opened);
        let message_id = format!("{device}@millrace");
        let message =
            NewMessage { message_id, address: to, made_at: Timestamp::now(), notifications: vec![number] };
        kept.decide(&Decisions { messages: vec![message], ..Decisions::default() });
    }
}

pub(crate) fn owing(devices: &[&str]) -> Arc<FakeStore> {
    let store = Arc::new(FakeStore::default());
    devices.iter().for_each(|device| store.owe(device, mail("ann@localhost")));
    store
}

/// An outbox that runs, and all that a test can see of it.
pub(crate) struct Harness {
    pub(crate) store: Arc<FakeStore>,
    pub(crate) counters: Counters,
    pub(crate) end: CancellationToken,
    /// Rules can be changed while this is there.
    _rules: watch::Sender<Arc<Rules>>,
    outbox: JoinHandle<()>,
}

impl Harness {
    pub(crate) fn start(store: &Arc<FakeStore>, notifiers: Notifiers) -> Self {
        Self::with_rules(store, notifiers, rules("http://localhost"))
    }

    pub(crate) fn with_rules(store: &Arc<FakeStore>, notifiers: Notifiers, rules: Rules) -> Self {
        Self::by(store, notifiers, rules, Arc::new(RuntimeClock::default()))
    }

    pub(crate) fn by(
        store: &Arc<FakeStore>,
        notifiers: Notifiers,
        rules: Rules,
        clock: Arc<RuntimeClock>,
    ) -> Self {
        let counters = Counters::register(&Metrics::default());
        let (sender, rules) = watch::channel(Arc::new(rules));
        let outbox = AlertingOutbox::new(store.clone(), rules, notifiers, counters.clone(), "tested".into());
        let outbox = outbox.with_clock(clock);
        let end = CancellationToken::new();
        let ends = end.clone();
        let outbox = tokio::spawn(async move { outbox.run(&Notify::new(), &ends).await });
        Self { store: store.clone(), counters, end, _rules: sender, outbox }
    }

    /// Waits until something holds.
    pub(crate) async fn until(&self, holds: impl Fn(&Self) -> bool) {
        let wait = async {
            while !holds(self) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(BOUND, wait).await.unwrap_or_else(|_| panic!("{:?}", self.store.journal.lines()));
    }

    /// Asks the outbox to end and waits for it.
    pub(crate) async fn end(self) -> Vec<String> {
        self.end.cancel();
        timeout(BOUND, self.outbox).await.expect("the outbox ends").unwrap();
        self.store.journal.lines()
    }

    /// Ends the outbox as a crash does, wherever it stands.
    pub(crate) async fn crash(self) {
        self.outbox.abort();
        assert!(self.outbox.await.unwrap_err().is_cancelled());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// A clock that goes with the runtime's: where a test pauses that, so is this.
#[derive(Debug)]
pub(crate) struct RuntimeClock {
    began: Mutex<Timestamp>,
    since: Instant,
}

impl Default for RuntimeClock {
    fn default() -> Self {
        Self { began: Mutex::new(Timestamp::now()), since: Instant::now() }
    }
}

impl RuntimeClock {
    /// Sets the time of day forward, or back.
    pub(crate) fn step(&self, by: SignedDuration) {
        *self.began.lock().unwrap() += by;
    }
}

impl Clock for RuntimeClock {
    fn wall(&self) -> Timestamp {
        *self.began.lock().unwrap() + self.since.elapsed()
    }

    fn monotonic(&self) -> Duration {
        self.since.elapsed()
    }
}

/// An outbox that a test drives step by step.
pub(crate) fn stepped(store: &Arc<FakeStore>, notifiers: Notifiers) -> (AlertingOutbox, Counters) {
    let counters = Counters::register(&Metrics::default());
    let (_, rules) = watch::channel(Arc::new(rules("http://localhost")));
    (AlertingOutbox::new(store.clone(), rules, notifiers, counters.clone(), "tested".into()), counters)
}

/// Mails go to this server, or into the folder.
pub(crate) fn mails(folder: &TempDir, url: &str) -> Notifiers {
    let notifier = Mail {
        mailer: mailer(folder, url),
        templates: Templates::load(None).unwrap(),
        history: Arc::new(Values(Vec::new())),
        inputs: watch::channel(Arc::new(telemetry::Inputs::default())).1,
        page: PAGE.into(),
        clock: Arc::new(SystemClock::default()),
    };
    Notifiers::default().with(Channel::Mail, Arc::new(notifier))
}

pub(crate) fn mailer(folder: &TempDir, url: &str) -> Mailer {
    let file = folder.path().join("settings.toml");
    let data_dir = folder.path().display();
    std::fs::write(&file, format!("data_dir = '{data_dir}'\n[smtp]\nurl = '{url}'")).unwrap();
    let settings = Settings::load(Some(&file)).unwrap();
    Mailer::from_settings(&settings).unwrap()
}

/// The files in the folder of mails.
pub(crate) fn files(folder: &TempDir) -> Vec<String> {
    let files = std::fs::read_dir(folder.path().join("mails")).unwrap();
    let mut names: Vec<_> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A history of one device's buckets, whatever is asked for.
pub(crate) struct Values(pub(crate) Vec<Bucket>);

/// A history that cannot be read now.
pub(crate) struct NoValues;

macro_rules! history {
    ($type:ty, $self:ident => $buckets:expr) => {
        #[async_trait]
        impl History for $type {
            async fn latest(&self) -> store::Result<Vec<Latest>> {
                unreachable!()
            }
            async fn readings(&self, _: ReadingQuery) -> store::Result<Page> {
                unreachable!()
            }
            async fn buckets(&$self, _: &str, _: &str, _: TimeRange, _: usize) -> store::Result<Vec<Bucket>> {
                $buckets
            }
            async fn last(&self, _: &Series, _: Timestamp, _: usize) -> store::Result<Vec<Reading>> {
                unreachable!()
            }
            async fn time_bounds(&self, _: &str, _: &str) -> store::Result<Option<(Timestamp, Timestamp)>> {
                unreachable!()
            }
        }
    };
}

history!(Values, self => Ok(self.0.clone()));
history!(NoValues, self => Err(Unavailable(std::io::Error::other("the disk is away").into())));
