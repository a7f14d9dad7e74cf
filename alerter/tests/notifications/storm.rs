//! Thousands of incidents at once: what is looked at, and what comes of it.

use std::sync::Arc;
use std::time::Duration;

use alerter::{AlertingOutbox, Counters, MessageContext, Notifiers, Rules, Templates};
use jiff::Timestamp;
use service::Metrics;
use store::{
    Changes, Channel, Incident, Incidents, NotificationKind, Notifications, OutgoingMessage, Sqlite,
    Transition,
};
use tokio::sync::watch;

use crate::harness::{PAGE, at, incident, mail, opened, resolved, rules};
use crate::kept::Recorder;
use crate::wording::{absent, message, over, said_at};

struct Storm {
    store: Sqlite,
    outbox: AlertingOutbox,
    counters: Counters,
    recorder: Arc<Recorder>,
    look_at: Timestamp,
    _folder: tempfile::TempDir,
}

impl Storm {
    fn new(cap: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Sqlite::open_unsynced(&folder.path().join(store::FILE)).unwrap();
        let (counters, recorder) = (Counters::register(&Metrics::default()), Arc::new(Recorder::default()));
        let mut rules: Rules = rules("");
        rules.grouping.max_mails_per_hour = cap;
        let (_, rules) = watch::channel(Arc::new(rules));
        let notifiers = Notifiers::default().with(Channel::Mail, recorder.clone());
        let outbox =
            AlertingOutbox::new(Arc::new(store.clone()), rules, notifiers, counters.clone(), "one".into());
        Self { store, outbox, counters, recorder, look_at: Timestamp::MAX, _folder: folder }
    }

    async fn record(&mut self, transition: Transition, now: Timestamp) {
        self.pass_to(now).await;
        let changes = Changes { transitions: vec![transition], alert_states: Vec::new() };
        self.store.record(&changes).await.unwrap();
        self.look_at = self.outbox.step(now).await.unwrap();
    }

    async fn pass_to(&mut self, now: Timestamp) {
        while self.look_at <= now {
            let at = self.look_at;
            self.look_at = self.outbox.step(at).await.unwrap();
            assert!(self.look_at > at, "it would look again at once and for ever");
        }
    }
}

/// Opens incidents one by one, half of which end; returns how often a notification was read, and the mails.
async fn storm(incidents: u32, cap: u32) -> (u64, usize) {
    let mut storm = Storm::new(cap);
    for number in 0..incidents {
        let now = at(0) + Duration::from_millis(100) * number;
        let id = format!("site-{}/{number}", number % 9);
        let incident = Incident { judged_at: now, ..incident(&id, "high", &id) };
        storm.record(opened(incident, &[mail("ann@localhost")]), now).await;
        if number % 2 == 0 {
            storm
                .record(resolved(&id, now + Duration::from_millis(50)), now + Duration::from_millis(50))
                .await;
        }
    }
    storm.pass_to(at(24 * 3_600)).await;
    assert_eq!(storm.store.due_notifications(at(48 * 3_600), 10).await.unwrap().0, []);
    let notified: usize =
        storm.recorder.journal.lines().iter().map(|line| line.matches(" Opened ").count()).sum();
    assert_eq!(notified, incidents as usize, "every recipient is notified of every incident");
    (storm.counters.notifications_read.get(), storm.recorder.journal.lines().len())
}

#[tokio::test]
async fn a_notification_is_looked_at_a_few_times_whatever_waits_beside_it() {
    let mut before = None;
    for incidents in [300, 600, 1_200] {
        let (read, mails) = storm(incidents, 2).await;
        // An opening for each, and an end for every second one: once when it is new, once when its message is made.
        let notifications = u64::from(incidents + incidents / 2);
        assert!(read <= 3 * notifications, "{incidents} incidents: {read} reads");
        assert!(before.is_none_or(|before| read <= 3 * before), "{incidents} incidents: {read} reads");
        assert!(mails <= 6, "{mails} mails");
        before = Some(read);
    }
}

fn bytes(message: &OutgoingMessage) -> usize {
    let said = MessageContext::of(message, &rules(""), PAGE, at(800));
    let written = Templates::load(None).unwrap().write(&said, None).unwrap();
    written.html.len() + written.text.len() + written.subject.len()
}

#[test]
fn no_mail_is_long_however_many_series_there_are_and_whatever_they_are_called() {
    // As a transfer encoding makes it longer, and with the picture.
    const MOST: usize = 65_000;
    let opened = |device: String| (NotificationKind::Opened, absent(&device));
    let wide = "ü&".repeat(32);
    let deep = |number: usize| format!("{}/{number}", vec![wide.as_str(); 100].join("/"));
    let short = (0..10_000).map(|n| opened(format!("site-{}/rack-{}/{n}", n % 40, n % 900))).collect();
    let flat = (0..10_000).map(|n| opened(format!("{wide}{n}"))).collect();
    let long = (0..1_000).map(|n| opened(deep(n))).collect();
    let many_rules = (0..1_000)
        .map(|n| {
            let rule = format!("{}-{}", "r".repeat(60), n % 500);
            (
                NotificationKind::Opened,
                Incident { rule, severity: store::Severity::Critical, ..absent(&deep(n)) },
            )
        })
        .collect();
    for (name, changes) in [("short", short), ("flat", flat), ("long", long), ("rules", many_rules)] {
        let bytes = bytes(&message("ann@localhost", changes));
        assert!(bytes <= MOST, "{name}: {bytes} bytes");
    }
    for (kind, device) in [(NotificationKind::Opened, deep(1)), (NotificationKind::Resolved, deep(2))] {
        let bytes = bytes(&message("ann@localhost", vec![(kind, over(absent(&device), 21.0))]));
        assert!(bytes <= MOST, "one: {bytes} bytes");
    }
}

#[test]
fn a_long_list_is_summed_up_by_the_levels_that_names_share() {
    let site = |count: usize, site: &str| {
        (0..count)
            .map(|n| (NotificationKind::Opened, absent(&format!("{site}/rack-{}/{n}", n % 30))))
            .collect()
    };
    let lines = |changes: Vec<(NotificationKind, Incident)>| {
        let said = said_at(at(800), changes);
        let items: Vec<_> = said.sections.iter().flat_map(|section| section.items.clone()).collect();
        (items.iter().map(|item| format!("{} {}", item.device, item.text)).collect::<Vec<_>>(), said, items)
    };
    let all: Vec<Vec<_>> =
        vec![site(1_000, "site-1"), site(500, "site-2"), vec![(NotificationKind::Opened, absent("lab"))]];
    let (said, context, items) = lines(all.concat());
    assert_eq!(
        said,
        [
            "site-1/… 1000 devices, since 11:30:00",
            "site-2/… 500 devices, since 11:30:00",
            "lab 26.1 °C, since 11:30:00".replace("26.1 °C, ", "").as_str()
        ]
    );
    assert_eq!((context.more, context.count), (0, 1_501));
    assert_eq!(items[0].link, format!("{PAGE}/?topics=temperature/site-1/%23&alerting=yes"));
    assert_eq!(context.link, format!("{PAGE}/?topics=temperature/%23&alerting=yes"));
    // Names that share nothing are not summed up.
    let (said, context, _) =
        lines((0..100).map(|n| (NotificationKind::Opened, absent(&format!("d{n}")))).collect());
    assert_eq!((said.len(), context.more), (20, 80));
    // The same series again and again is one line.
    let again = |n: i64| Incident { id: n.to_string(), ..over(incident("x", "high", "lab"), 24.0) };
    let flapping =
        (0..50).flat_map(|n| [(NotificationKind::Opened, again(n)), (NotificationKind::Resolved, again(n))]);
    let mut changes: Vec<_> = flapping.collect();
    changes.push((NotificationKind::Opened, incident("b", "high", "hall")));
    let (said, context, _) = lines(changes);
    assert_eq!(said[0], "lab 50 times, last 26.1 °C, since 11:30:00");
    assert_eq!((said.len(), context.more), (2, 0));
}

#[test]
fn a_mail_leads_to_the_forms_of_its_incident() {
    let said =
        said_at(at(5), vec![(NotificationKind::Opened, incident("high/temperature/lab/1", "high", "lab"))]);
    let links: Vec<_> = said.actions.iter().map(|action| (action.text, action.link.as_str())).collect();
    let chart = format!("{PAGE}/?device=lab&metric=temperature");
    assert_eq!(
        links,
        [
            ("Acknowledge", format!("{chart}&acknowledge=high/temperature/lab/1").as_str()),
            ("Silence", format!("{chart}&silence=high/temperature/lab/1").as_str()),
        ]
    );
    let written = Templates::load(None).unwrap().write(&said, None).unwrap();
    assert!(written.text.contains("\nAcknowledge: https://") && written.html.contains(">Acknowledge</a>"));
    let over = over(incident("a", "high", "lab"), 24.0);
    assert!(
        said_at(at(800), vec![(NotificationKind::Resolved, over)]).actions.is_empty(),
        "there is nothing to do"
    );
}
