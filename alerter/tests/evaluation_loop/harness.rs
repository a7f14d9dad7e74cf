//! An alerter that runs, a broker that waits for its receipts, and a recipient of notifications.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use alerter::rules::{self, Known};
use alerter::{Alerter, Counters, Notifier, Notifiers, Rules, SendError};
use async_trait::async_trait;
use broker::{ConnectionStatus, Delivery, Outcome};
use bytes::Bytes;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use service::{Decoder, Health, Metrics};
use store::{Channel, NotificationKind};
use telemetry::{Decoded, Inputs, Message};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::journal::{BOUND, Journal};
use crate::store::Watched;

pub(crate) const LAB: &str = "temperature/lab";

/// One rule without hysteresis.
pub(crate) const HIGH: &str = "[[rules]]\nname = \"high\"\nabove = 25";

/// Second 0 of all that is not about now.
pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_768_473_000 + second).unwrap()
}

/// Messages are made at once.
pub(crate) fn rules(text: &str) -> Arc<Rules> {
    let known = Known {
        metrics: vec!["temperature".into()],
        mail_to: vec!["operator@localhost".into()],
        zone: TimeZone::UTC,
    };
    let text = if text.is_empty() { "rules = []" } else { text };
    Arc::new(rules::read(&format!("group_wait = \"0s\"\n{text}"), &known).unwrap_or_else(|e| panic!("{e}")))
}

pub(crate) fn measured(second: i64, value: f64) -> String {
    format!(r#"{{"value":{value},"measured_at":"{}","seq":{second}}}"#, at(second))
}

fn connection_status(connected: bool) -> ConnectionStatus {
    ConnectionStatus { connected, ..ConnectionStatus::default() }
}

pub(crate) struct Harness {
    broker: mpsc::Sender<Delivery<Arc<Decoded>>>,
    given: AtomicUsize,
    pub(crate) store: Arc<Watched>,
    pub(crate) rules: watch::Sender<Arc<Rules>>,
    status: watch::Sender<ConnectionStatus>,
    pub(crate) counters: Counters,
    pub(crate) health: Health,
    alerter: JoinHandle<()>,
}

impl Harness {
    /// With a connection to the broker.
    pub(crate) fn start(store: &Arc<Watched>, rules: &str) -> Self {
        Self::linked(store, rules, true)
    }

    pub(crate) fn linked(store: &Arc<Watched>, rules: &str, connected: bool) -> Self {
        let (counters, health) = (Counters::register(&Metrics::default()), Health::default());
        let rules = watch::Sender::new(self::rules(rules));
        let status = watch::Sender::new(connection_status(connected));
        let alerter = Alerter {
            rules: rules.subscribe(),
            store: store.clone(),
            counters: counters.clone(),
            name: "tested".into(),
            clock: Arc::clone(&store.clock),
            decoder: Decoder::new(Inputs::default(), &Metrics::default()),
        };
        let (broker, deliveries) = mpsc::channel(Semaphore::MAX_PERMITS);
        let notifiers = Notifiers::default().with(Channel::Mail, Arc::new(Person(store.journal.clone())));
        let run = alerter.run(deliveries.into(), status.subscribe(), notifiers, health.check("store"));
        let (alerter, store) = (tokio::spawn(run), store.clone());
        Self { broker, given: AtomicUsize::new(0), store, rules, status, counters, health, alerter }
    }

    pub(crate) fn connect(&self, connected: bool) {
        self.status.send_replace(connection_status(connected));
    }

    /// Publishes to [`LAB`], a second after the one before; how it was settled is noted as `<n> done`, from 0 on.
    pub(crate) fn give(&self, payload: &str) {
        self.give_from(LAB, payload, at(self.given.load(Ordering::Relaxed) as i64));
    }

    /// Gives a reading of a second of [`at`].
    pub(crate) fn give_measured(&self, second: i64, value: f64) {
        self.give_from(LAB, &measured(second, value), at(second));
    }

    pub(crate) fn give_from(&self, topic: &str, payload: &str, received_at: Timestamp) {
        let payload = Bytes::copy_from_slice(payload.as_bytes());
        self.give_decoded(Message { topic: topic.into(), payload, received_at }.decode());
    }

    pub(crate) fn give_decoded(&self, decoded: Decoded) {
        let number = self.given.fetch_add(1, Ordering::Relaxed);
        let (delivery, receipt) = Delivery::tracked(Arc::new(decoded));
        self.broker.try_send(delivery).unwrap();
        let (journal, counters) = (self.store.journal.clone(), self.counters.clone());
        tokio::spawn(async move {
            let outcome = receipt.outcome().await;
            check_conserved(&counters);
            journal.note(format!("{number} {}", if outcome == Outcome::Done { "done" } else { "not done" }));
        });
    }

    /// Waits until something holds.
    pub(crate) async fn until(&self, holds: impl Fn(&Self) -> bool) {
        let wait = async {
            while !holds(self) {
                check_conserved(&self.counters);
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(BOUND, wait).await.unwrap_or_else(|_| panic!("{:?}", self.store.journal.lines()));
    }

    /// Waits until all that was given, each with one reading, is judged and settled.
    pub(crate) async fn settled(&self) {
        let all =
            |harness: &Self| harness.counters.judged.get() >= harness.given.load(Ordering::Relaxed) as u64;
        self.until(all).await;
    }

    /// Waits until this is in a record.
    pub(crate) async fn sees(&self, word: &str) {
        self.until(|harness| harness.has_seen(word)).await;
    }

    pub(crate) fn has_seen(&self, word: &str) -> bool {
        let lines = self.store.journal.lines();
        lines.iter().filter_map(|line| line.strip_prefix("record ")).any(|line| line.contains(word))
    }

    /// Ends the stream and waits for the alerter.
    pub(crate) async fn end(self) -> Vec<String> {
        drop(self.broker);
        timeout(BOUND, self.alerter).await.expect("the alerter ends with its stream").unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
        check_conserved(&self.counters);
        assert_eq!(self.counters.in_flight.get(), 0);
        self.store.journal.lines()
    }

    /// Ends the alerter as a crash does, wherever it stands.
    pub(crate) async fn crash(self) {
        self.alerter.abort();
        assert!(self.alerter.await.unwrap_err().is_cancelled());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// The journal without the notifications.
pub(crate) fn judged(journal: Vec<String>) -> Vec<String> {
    journal.into_iter().filter(|line| !line.starts_with("notify")).collect()
}

fn check_conserved(Counters { received, judged, unreadable, in_flight, .. }: &Counters) {
    let in_flight = u64::try_from(in_flight.get()).unwrap();
    assert_eq!(received.get(), judged.get() + unreadable.get() + in_flight);
}

/// Accepts every message, and notes each notification as `notify <Message-ID> <opened or resolved> <incident>`.
struct Person(Journal);

#[async_trait]
impl Notifier for Person {
    async fn send(&self, message: &store::OutgoingMessage, _: &Rules) -> Result<Option<String>, SendError> {
        for (notification, incident) in &message.notifications {
            let kind = if notification.kind == NotificationKind::Opened { "opened" } else { "resolved" };
            self.0.note(format!("notify {} {kind} {}", message.message_id, incident.id));
        }
        Ok(None)
    }
}
