//! The ends of the alerter: a broker that waits for its receipts, and a store that does as it is told.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use alerter::{Alerter, Config, Counters, Mailer, Rule};
use async_trait::async_trait;
use broker::{Delivery, Outcome};
use bytes::Bytes;
use jiff::Timestamp;
use service::{Health, Metrics, Settings};
use store::{Incident, Incidents, Mail, MailKind, Opened, Resolved, Transition, Unavailable};
use telemetry::Message;
use tempfile::TempDir;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

pub(crate) const BOUND: Duration = Duration::from_secs(60);

/// What happened, in order.
#[derive(Clone, Default)]
pub(crate) struct Journal(watch::Sender<Vec<String>>);

impl Journal {
    pub(crate) fn note(&self, line: impl Into<String>) {
        self.0.send_modify(|lines| lines.push(line.into()));
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.borrow().clone()
    }

    /// Waits until something is there.
    pub(crate) async fn until(&self, holds: impl Fn(&[String]) -> bool) -> Vec<String> {
        let mut lines = self.0.subscribe();
        let held = timeout(BOUND, lines.wait_for(|lines| holds(lines))).await;
        held.unwrap_or_else(|_| panic!("{:?}", self.lines())).unwrap().clone()
    }

    pub(crate) async fn has(&self, line: &str) -> Vec<String> {
        self.until(|lines| lines.iter().any(|there| there == line)).await
    }

    pub(crate) async fn is_long(&self, length: usize) -> Vec<String> {
        self.until(|lines| lines.len() >= length).await
    }
}

/// Incidents in memory; fails as often as it is told to.
#[derive(Default)]
pub(crate) struct FakeStore {
    pub(crate) journal: Journal,
    pub(crate) reads_fail: AtomicUsize,
    pub(crate) records_fail: AtomicUsize,
    pub(crate) marks_fail: AtomicUsize,
    kept: Mutex<Vec<Incident>>,
    /// Another alerter that sends mails.
    pub(crate) other: Mutex<Option<String>>,
    pub(crate) asked_to_hold: AtomicUsize,
}

pub(crate) fn fail_next(calls: &AtomicUsize, times: usize) {
    calls.store(times, Ordering::Relaxed);
}

fn fails(calls: &AtomicUsize) -> store::Result<()> {
    match calls.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)) {
        Ok(_) => Err(Unavailable(std::io::Error::other("the disk is full").into())),
        Err(_) => Ok(()),
    }
}

impl FakeStore {
    /// As an earlier run left it: an incident about which a mail is owed.
    pub(crate) fn owe(&self, device: &str, recipients: &str) {
        let mail = Mail {
            message_id: format!("{device}@millrace"),
            incident: device.into(),
            kind: MailKind::Opened,
            recipients: recipients.into(),
            sent_at: None,
        };
        let at = Timestamp::from_second(1_768_473_000).unwrap();
        self.open(&Opened {
            id: device.into(),
            rule: "high".into(),
            device: device.into(),
            metric: "temperature".into(),
            at,
            value: 26.0,
            unit: None,
            mail: Some(mail),
        });
    }

    pub(crate) fn incidents(&self) -> Vec<Incident> {
        self.kept.lock().unwrap().clone()
    }

    /// What is told apart of incidents: `26–24 opened resolved`.
    pub(crate) fn told(&self) -> Vec<String> {
        let words = |incident: &Incident| {
            let end = incident.resolved_value.map(|end| end.to_string()).unwrap_or_default();
            let mails: Vec<_> = incident
                .mails
                .iter()
                .map(|mail| mail.message_id.split(['.', '@']).rev().nth(1).unwrap())
                .collect();
            format!("{}–{end} {}", incident.value, mails.join(" "))
        };
        self.incidents().iter().map(words).collect()
    }

    fn open(&self, opened: &Opened) {
        let mut kept = self.kept.lock().unwrap();
        if kept.iter().any(|incident| incident.id == opened.id) {
            return;
        }
        let Opened { id, rule, device, metric, at, value, unit, mail } = opened.clone();
        kept.push(Incident {
            id,
            rule,
            device,
            metric,
            opened_at: at,
            value,
            unit,
            resolved_at: None,
            resolved_value: None,
            mails: mail.into_iter().collect(),
        });
    }

    fn resolve(&self, resolved: &Resolved) {
        let mut kept = self.kept.lock().unwrap();
        let open = |incident: &&mut Incident| incident.id == resolved.id && incident.resolved_at.is_none();
        if let Some(incident) = kept.iter_mut().find(open) {
            incident.resolved_at = Some(resolved.at);
            incident.resolved_value = Some(resolved.value);
            incident.mails.extend(resolved.mail.clone());
        }
    }
}

#[async_trait]
impl Incidents for FakeStore {
    async fn record(&self, transitions: &[Transition]) -> store::Result<()> {
        fails(&self.records_fail).inspect_err(|_| self.journal.note("fail record"))?;
        let words: Vec<_> = transitions
            .iter()
            .map(|transition| match transition {
                Transition::Opened(opened) => {
                    self.open(opened);
                    format!("^{}", opened.value)
                }
                Transition::Resolved(resolved) => {
                    self.resolve(resolved);
                    format!("v{}", resolved.value)
                }
            })
            .collect();
        // Here a crash finds it kept and nobody told.
        tokio::time::sleep(Duration::from_millis(1)).await;
        self.journal.note(format!("record {}", words.join(" ")));
        Ok(())
    }

    async fn newest_per_subject(&self) -> store::Result<Vec<Incident>> {
        fails(&self.reads_fail)?;
        let mut newest: Vec<Incident> = Vec::new();
        for incident in self.incidents() {
            newest.retain(|older| (&older.rule, &older.device) != (&incident.rule, &incident.device));
            newest.push(incident);
        }
        Ok(newest)
    }

    async fn incidents(&self, _: usize) -> store::Result<Vec<Incident>> {
        unreachable!("the alerter shows nothing")
    }

    async fn owed_mails(&self, limit: usize) -> store::Result<Vec<(Mail, Incident)>> {
        let owed = |incident: Incident| {
            let mails: Vec<_> =
                incident.mails.iter().filter(|mail| mail.sent_at.is_none()).cloned().collect();
            mails.into_iter().map(move |mail| (mail, incident.clone()))
        };
        Ok(self.incidents().into_iter().flat_map(owed).take(limit).collect())
    }

    async fn hold_outbox(&self, holder: &str, _: Duration) -> store::Result<bool> {
        self.asked_to_hold.fetch_add(1, Ordering::Relaxed);
        Ok(self.other.lock().unwrap().as_ref().is_none_or(|other| other == holder))
    }

    async fn release_outbox(&self, _: &str) -> store::Result<()> {
        Ok(())
    }

    async fn mail_sent(&self, message_id: &str, at: Timestamp) -> store::Result<()> {
        fails(&self.marks_fail).inspect_err(|_| self.journal.note("fail mark"))?;
        let mut kept = self.kept.lock().unwrap();
        let mut mails = kept.iter_mut().flat_map(|incident| &mut incident.mails);
        mails.find(|mail| mail.message_id == message_id).unwrap().sent_at = Some(at);
        self.journal.note(format!("mark {message_id}"));
        Ok(())
    }
}

/// An alerter that runs, and all that a test can see of it.
pub(crate) struct Bench {
    broker: mpsc::Sender<Delivery<Message>>,
    given: AtomicUsize,
    pub(crate) store: Arc<FakeStore>,
    pub(crate) counters: Counters,
    pub(crate) health: Health,
    alerter: JoinHandle<()>,
}

impl Bench {
    pub(crate) fn start(store: &Arc<FakeStore>, mailer: Mailer) -> Self {
        let counters = Counters::register(&Metrics::default());
        let health = Health::default();
        let rules = vec![Rule { name: "high".into(), metric: "temperature".into(), above: 25.0 }];
        let config = Config { rules, recipients: "ann@localhost, ben@localhost".into() };
        let name = "tested".into();
        let alerter = Alerter { config, store: store.clone(), counters: counters.clone(), name };
        let (broker, deliveries) = mpsc::channel(Semaphore::MAX_PERMITS);
        let alerter = tokio::spawn(alerter.run(deliveries, mailer, health.check("store")));
        Self { broker, given: AtomicUsize::new(0), store: store.clone(), counters, health, alerter }
    }

    /// Publishes to `temperature/lab`; how it was settled is noted as `<n> done`, from 0 on.
    pub(crate) fn give(&self, payload: &str) {
        let number = self.given.fetch_add(1, Ordering::Relaxed);
        let message = Message {
            topic: "temperature/lab".into(),
            payload: Bytes::copy_from_slice(payload.as_bytes()),
            received_at: Timestamp::from_second(1_768_473_000 + number as i64).unwrap(),
        };
        let (delivery, receipt) = Delivery::tracked(message);
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

fn check_conserved(Counters { received, judged, unreadable, in_flight, .. }: &Counters) {
    let in_flight = u64::try_from(in_flight.get()).unwrap();
    assert_eq!(received.get(), judged.get() + unreadable.get() + in_flight);
}

/// Mails go to this server, or into the folder.
pub(crate) fn mailer(folder: &TempDir, url: &str) -> Mailer {
    let file = folder.path().join("settings.toml");
    let data_dir = folder.path().display();
    std::fs::write(&file, format!("data_dir = '{data_dir}'\n[smtp]\nurl = '{url}'")).unwrap();
    let settings = Settings::load(Some(&file)).unwrap();
    Mailer::from_settings(&settings, "http://localhost:8080".into()).unwrap()
}

/// The files in the folder of mails.
pub(crate) fn files(folder: &TempDir) -> Vec<String> {
    let files = std::fs::read_dir(folder.path().join("mails")).unwrap();
    let mut names: Vec<_> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
