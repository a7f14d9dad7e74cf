//! The outbox on the real store: notifications outlive crashes, and two alerters send each once.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use alerter::{AlertingOutbox, Counters, Notifier, Notifiers, Rules, SendError};
use async_trait::async_trait;
use jiff::Timestamp;
use service::Metrics;
use store::{
    Acknowledgement, Address, Changes, Channel, DeliveryStatus, Incident, IncidentQuery, Incidents,
    NotificationKind, Notifications, OutgoingMessage, Silence, Silences, Sqlite, Transition,
};
use tempfile::TempDir;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::harness::{at, incident, mail, opened, resolved, rules};
use crate::journal::Journal;

/// Takes everything after it was away for some calls, and notes what it took.
#[derive(Default)]
pub(crate) struct Recorder {
    pub(crate) journal: Journal,
    pub(crate) away: AtomicUsize,
}

#[async_trait]
impl Notifier for Recorder {
    async fn send(&self, message: &OutgoingMessage, _: &Rules) -> Result<Option<String>, SendError> {
        let left = self.away.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        if left.is_ok() {
            return Err(SendError::Transient(anyhow::anyhow!("gone fishing")));
        }
        let notifications = message
            .notifications
            .iter()
            .map(|(notification, of)| format!(" {:?} {}", notification.kind, of.id));
        self.journal.note(format!("{}:{}", message.address.to, notifications.collect::<String>()));
        Ok(None)
    }
}

fn outbox(store: &Sqlite, recorder: &Arc<Recorder>, name: &str) -> (AlertingOutbox, Counters) {
    let channels = [Channel::Mail, Channel::Webhook, Channel::Mqtt];
    let notifiers =
        channels.into_iter().fold(Notifiers::default(), |all, channel| all.with(channel, recorder.clone()));
    let counters = Counters::register(&Metrics::default());
    let (_, rules) = watch::channel(Arc::new(rules("")));
    (AlertingOutbox::new(Arc::new(store.clone()), rules, notifiers, counters.clone(), name.into()), counters)
}

fn fresh() -> (TempDir, Sqlite) {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(&folder.path().join(store::FILE)).unwrap();
    (folder, store)
}

async fn record(store: &Sqlite, transitions: Vec<Transition>) {
    store.record(&Changes { transitions, alert_states: Vec::new() }).await.unwrap();
}

async fn kept(store: &Sqlite, id: &str) -> Incident {
    let query = IncidentQuery { id: Some(id.into()), limit: 1, ..IncidentQuery::default() };
    store.incidents(&query).await.unwrap().remove(0)
}

fn everybody() -> [Address; 3] {
    let to = |channel, to: &str| Address { channel, to: to.into() };
    [mail("ann"), to(Channel::Webhook, "desk"), to(Channel::Mqtt, "bus")]
}

#[tokio::test]
async fn recipients_are_notified_from_the_opening_to_the_end() {
    let ((_folder, store), recorder) = (fresh(), Arc::new(Recorder::default()));
    let (mut outbox, counters) = outbox(&store, &recorder, "one");
    record(&store, vec![opened(incident("a", "repeats", "lab"), &everybody())]).await;
    recorder.away.store(1, Ordering::Relaxed);
    let again = outbox.step(at(0)).await.unwrap();
    assert!(again > at(0) && again <= at(1), "MQTT was away: {again}");
    let mut now = at(0);
    while now < at(4 * 3_600 + 30) {
        let next = outbox.step(now).await.unwrap().max(now + Duration::from_millis(1));
        now = next.min(at(4 * 3_600 + 30));
    }
    let mut lines = recorder.journal.lines();
    lines[..3].sort();
    assert_eq!(lines[..3], ["ann: Opened a", "bus: Opened a", "desk: Opened a"]);
    lines[3..].sort();
    assert_eq!(lines[3..], ["ann: Reminder a", "bus: Reminder a", "desk: Reminder a"]);
    let acknowledgement = Acknowledgement { at: now, by: "ann".into(), note: String::new() };
    store.acknowledge(&["a".into()], &acknowledgement).await.unwrap();
    record(&store, vec![resolved("a", now)]).await;
    outbox.step(now + Duration::from_secs(5)).await.unwrap();
    let is = kept(&store, "a").await;
    let sent = |kind| {
        let sent =
            |status: &DeliveryStatus| matches!(status, DeliveryStatus::InMessage { sent_at: Some(_), .. });
        is.notifications
            .iter()
            .filter(|notification| notification.kind == kind && sent(&notification.status))
            .count()
    };
    assert_eq!(
        [NotificationKind::Opened, NotificationKind::Reminder, NotificationKind::Resolved].map(sent),
        [3, 3, 3]
    );
    assert_eq!(store.queued_count().await.unwrap(), 0);
    assert_eq!((counters.messages_sent.get(), counters.message_failures.get()), (9, 1));
    assert!(counters.notification_latency.count() >= 9);
    assert_eq!(counters.messages_waiting.get(), 0);
}

#[tokio::test]
async fn what_was_decided_before_a_crash_is_sent_after_it() {
    let ((_folder, store), recorder) = (fresh(), Arc::new(Recorder::default()));
    record(&store, vec![opened(incident("a", "high", "lab"), &[mail("ann")])]).await;
    recorder.away.store(1, Ordering::Relaxed);
    let (mut first, _) = outbox(&store, &recorder, "one");
    first.step(at(5)).await.unwrap();
    assert_eq!(store.queued_count().await.unwrap(), 1);
    drop(first);
    let (mut second, counters) = outbox(&store, &recorder, "two");
    second.step(at(60)).await.unwrap();
    assert_eq!(recorder.journal.lines(), ["ann: Opened a"]);
    second.step(at(61)).await.unwrap();
    assert_eq!(counters.messages_sent.get(), 1);
}

#[tokio::test]
async fn an_end_waits_for_its_opening_also_after_a_restart() {
    let ((_folder, store), recorder) = (fresh(), Arc::new(Recorder::default()));
    record(&store, vec![opened(incident("a", "high", "lab"), &[mail("ann")])]).await;
    recorder.away.store(6, Ordering::Relaxed);
    let (mut first, counters) = outbox(&store, &recorder, "one");
    for second in [5, 6, 8, 12, 20, 36] {
        first.step(at(second)).await.unwrap();
    }
    assert_eq!(counters.message_failures.get(), 6);
    drop(first);
    record(&store, vec![resolved("a", at(37))]).await;
    let (mut second, counters) = outbox(&store, &recorder, "two");
    // The opening is tried again after 16 s at the earliest.
    second.step(at(50)).await.unwrap();
    assert_eq!((counters.messages_sent.get(), store.queued_count().await.unwrap()), (0, 2));
    second.step(at(36 + 32)).await.unwrap();
    assert_eq!(recorder.journal.lines(), ["ann: Opened a", "ann: Resolved a"]);
}

#[tokio::test]
async fn five_hundred_incidents_are_one_mail() {
    let ((_folder, store), recorder) = (fresh(), Arc::new(Recorder::default()));
    let all = (0..500).map(|n| opened(incident(&format!("i{n}"), "high", &format!("d{n}")), &[mail("ann")]));
    record(&store, all.collect()).await;
    let (mut outbox, counters) = outbox(&store, &recorder, "one");
    outbox.step(at(5)).await.unwrap();
    let lines = recorder.journal.lines();
    assert_eq!((lines.len(), lines[0].matches("Opened").count()), (1, 500));
    assert_eq!(counters.messages_sent.get(), 1);
}

#[tokio::test]
async fn of_two_alerters_on_one_store_each_message_comes_once() {
    let ((_folder, store), recorder) = (fresh(), Arc::new(Recorder::default()));
    let end = CancellationToken::new();
    let running: Vec<_> = ["one", "two"]
        .map(|name| {
            let ((outbox, _), end) = (outbox(&store, &recorder, name), end.clone());
            tokio::spawn(async move { outbox.run(&Notify::new(), &end).await })
        })
        .into();
    for number in 0..20 {
        let it = Incident { judged_at: Timestamp::now(), ..incident(&format!("i{number}"), "high", "lab") };
        record(&store, vec![opened(it, &everybody()[2..])]).await;
    }
    let count = |lines: &[String]| lines.iter().map(|line| line.matches("Opened").count()).sum::<usize>();
    recorder.journal.until(|lines| count(lines) >= 20).await;
    end.cancel();
    for outbox in running {
        tokio::time::timeout(crate::journal::BOUND, outbox).await.unwrap().unwrap();
    }
    let lines = recorder.journal.lines();
    let opened: BTreeSet<_> = lines.iter().flat_map(|line| line.split(" Opened ").skip(1)).collect();
    assert_eq!((opened.len(), count(&lines)), (20, 20));
}

/// Ends in a bug, whatever it is given.
struct Buggy;

#[async_trait]
impl Notifier for Buggy {
    async fn send(&self, _: &OutgoingMessage, _: &Rules) -> Result<Option<String>, SendError> {
        panic!("a bug")
    }
}

#[tokio::test]
async fn a_channel_with_a_bug_holds_up_no_other_and_does_not_spin() {
    let ((_folder, store), recorder) = (fresh(), Arc::new(Recorder::default()));
    let (mut outbox, counters) = outbox(&store, &recorder, "one");
    outbox.notifiers = outbox.notifiers.clone().with(Channel::Mqtt, Arc::new(Buggy));
    record(&store, vec![opened(incident("a", "high", "lab"), &everybody())]).await;
    let again = outbox.step(at(10)).await.unwrap();
    assert_eq!((counters.messages_sent.get(), store.queued_count().await.unwrap()), (2, 1));
    assert!(again >= at(60), "{again}");
}

#[tokio::test]
async fn a_step_says_when_there_is_something_to_do_again() {
    let ((_folder, store), recorder) = (fresh(), Arc::new(Recorder::default()));
    let (mut outbox, _) = outbox(&store, &recorder, "one");
    assert_eq!(outbox.step(at(0)).await.unwrap(), Timestamp::MAX);
    record(&store, vec![opened(incident("a", "repeats", "lab"), &[mail("ann")])]).await;
    assert_eq!(outbox.step(at(0)).await.unwrap(), at(5), "for the group");
    assert_eq!(outbox.step(at(5)).await.unwrap(), at(5 + 4 * 3_600), "for the reminder");
    let silence = Silence {
        id: "s".into(),
        rule: None,
        metric: None,
        device: telemetry::Filter::all(),
        from: at(0),
        until: at(15_000),
        reason: "work".into(),
        by: "ann".into(),
    };
    store.add_silences(&[silence]).await.unwrap();
    assert_eq!(outbox.step(at(14_405)).await.unwrap(), at(14_465), "to see whether the silence still lasts");
    assert_eq!(outbox.step(at(14_980)).await.unwrap(), at(15_000), "for its end");
    assert_eq!(recorder.journal.lines(), ["ann: Opened a"]);
}
