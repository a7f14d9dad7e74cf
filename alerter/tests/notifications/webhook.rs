//! A webhook gets what Alertmanager would send, until it takes it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use alerter::{Notifier, Notifiers, SendError, Webhook};
use jiff::Timestamp;
use serde_json::{Value, json};
use store::{
    Address, Channel, DeliveryStatus, End, Incident, Notification, NotificationKind, OutgoingMessage,
    Severity,
};
use warp::Filter;
use warp::http::{HeaderMap, StatusCode};

use crate::harness::{Harness, PAGE, at, incident, inputs, mail, mails, owing, rules};
use crate::journal::{Journal, said};

/// Answers one call after the other as a test wants, and 200 after that; 0 is no answer.
struct Desk {
    address: SocketAddr,
    calls: Arc<Mutex<Vec<(HeaderMap, Value)>>>,
}

impl Desk {
    async fn start(journal: &Journal, answers: &'static [u16]) -> Self {
        let calls: Arc<Mutex<Vec<(HeaderMap, Value)>>> = Arc::default();
        let (kept, journal) = (calls.clone(), journal.clone());
        let route =
            warp::post().and(warp::path!("hook")).and(warp::header::headers_cloned()).and(warp::body::json());
        let route = route.then(move |headers: HeaderMap, body: Value| {
            let (kept, journal) = (kept.clone(), journal.clone());
            async move {
                let number = {
                    let mut kept = kept.lock().unwrap();
                    kept.push((headers, body));
                    kept.len() - 1
                };
                journal.note(format!("call {number}"));
                let code = answers.get(number).copied().unwrap_or(200);
                if code == 0 {
                    std::future::pending::<()>().await;
                }
                StatusCode::from_u16(code).unwrap()
            }
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(warp::serve(route).incoming(listener).run());
        Self { address, calls }
    }

    fn url(&self) -> String {
        format!("http://ann:s%40cret@{}/hook", self.address)
    }

    fn calls(&self) -> Vec<(HeaderMap, Value)> {
        self.calls.lock().unwrap().clone()
    }
}

fn desk() -> Address {
    Address { channel: Channel::Webhook, to: "desk".into() }
}

fn notification(number: i64, kind: NotificationKind, incident: Incident) -> (Notification, Incident) {
    let status = DeliveryStatus::Waiting { held: None };
    (Notification { number, kind, address: desk(), asked_at: at(0), due_at: at(0), status }, incident)
}

fn message(notifications: Vec<(Notification, Incident)>) -> OutgoingMessage {
    OutgoingMessage {
        message_id: "one@millrace".into(),
        address: desk(),
        made_at: at(0),
        tries: 0,
        notifications,
    }
}

fn notifiers() -> Notifiers {
    Notifiers::default().with(Channel::Webhook, Arc::new(Webhook::new(PAGE.into(), inputs()).unwrap()))
}

#[tokio::test]
async fn the_body_is_alertmanagers_version_4() {
    let server = Desk::start(&Journal::default(), &[]).await;
    let over = Incident {
        severity: Severity::Critical,
        resolved_at: Some(at(60)),
        resolved_value: Some(24.0),
        end: Some(End::Cleared),
        ..incident("high/temperature/site-a/rack-1/1", "high", "site-a/rack-1")
    };
    let open = Incident { severity: Severity::Critical, ..incident("high/temperature/lab/1", "high", "lab") };
    let notifications = vec![
        notification(1, NotificationKind::Opened, over.clone()),
        notification(2, NotificationKind::Opened, open),
        notification(3, NotificationKind::Resolved, over),
    ];
    let rules = rules(&server.url());
    let webhook = Webhook::new(PAGE.into(), inputs()).unwrap();
    assert_eq!(webhook.send(&message(notifications), &rules).await.unwrap(), None);
    let [(headers, body)] = &server.calls()[..] else { panic!() };
    // The base64 of "ann:s@cret".
    assert_eq!(headers["authorization"], "Basic YW5uOnNAY3JldA==");
    assert_eq!(headers["content-type"], "application/json");
    let common = json!({
        "condition": "above 25 °C", "value": "26.1", "threshold": "25", "unit": "celsius", "peak": "26.1",
        "began_at": "2026-01-15T10:30:00Z", "judged_at": "2026-01-15T10:30:00Z",
    });
    let annotated = |device: &str, incident: &str, resolved: Option<&str>| {
        let mut all = common.clone();
        all["summary"] = json!(format!("{device}: temperature 26.1 °C, above 25 °C"));
        all["incident"] = json!(incident);
        resolved.into_iter().for_each(|value| all["resolved_value"] = json!(value));
        all
    };
    let labels = |device: &str| json!({"alertname": "high", "device": device, "metric": "temperature", "severity": "critical"});
    let alert = |index: usize| {
        let print = body["alerts"][index]["fingerprint"].as_str().unwrap().to_owned();
        assert!(print.len() == 16 && u64::from_str_radix(&print, 16).is_ok(), "{print}");
        print
    };
    assert_ne!(alert(0), alert(1));
    let expected = json!({
        "version": "4",
        "groupKey": "{}:{alertname=\"high\"}",
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "desk",
        "groupLabels": {"alertname": "high"},
        "commonLabels": {"alertname": "high", "metric": "temperature", "severity": "critical"},
        "commonAnnotations": common,
        "externalURL": PAGE,
        "alerts": [
            {
                "status": "resolved",
                "labels": labels("site-a/rack-1"),
                "annotations": annotated("site-a/rack-1", "high/temperature/site-a/rack-1/1", Some("24")),
                "startsAt": "2026-01-15T10:30:00Z",
                "endsAt": "2026-01-15T10:31:00Z",
                "generatorURL": format!("{PAGE}/?device=site-a/rack-1&metric=temperature"),
                "fingerprint": alert(0),
            },
            {
                "status": "firing",
                "labels": labels("lab"),
                "annotations": annotated("lab", "high/temperature/lab/1", None),
                "startsAt": "2026-01-15T10:30:00Z",
                "endsAt": "0001-01-01T00:00:00Z",
                "generatorURL": format!("{PAGE}/?device=lab&metric=temperature"),
                "fingerprint": alert(1),
            },
        ],
    });
    assert_eq!(*body, expected);
}

#[tokio::test]
async fn a_number_that_has_a_word_comes_with_it() {
    let server = Desk::start(&Journal::default(), &[]).await;
    let mut hatch = Incident {
        metric: "hatch".into(),
        unit: None,
        value: Some(0.5),
        peak: Some(0.75),
        ..incident("i", "open", "barn")
    };
    hatch.condition.text = "above 0".into();
    hatch.condition.threshold = Some(0.0);
    let webhook = Webhook::new(PAGE.into(), inputs()).unwrap();
    let message = message(vec![notification(1, NotificationKind::Opened, hatch)]);
    webhook.send(&message, &rules(&server.url())).await.unwrap();
    let [(_, body)] = &server.calls()[..] else { panic!() };
    let expected = json!({
        "summary": "barn: hatch ajar, above shut", "condition": "above shut", "value": "0.5", "value_word": "ajar",
        "threshold": "0", "threshold_word": "shut", "peak": "0.75",
        "began_at": "2026-01-15T10:30:00Z", "judged_at": "2026-01-15T10:30:00Z", "incident": "i",
    });
    assert_eq!(body["alerts"][0]["annotations"], expected);
    assert_eq!(body["commonAnnotations"], expected);
}

#[tokio::test]
async fn what_it_answers_says_whether_to_try_again() {
    const ANSWERS: [(u16, char); 9] = [
        (200, 't'),
        (202, 't'),
        (400, 'r'),
        (404, 'r'),
        (408, 'a'),
        (429, 'a'),
        (500, 'a'),
        (503, 'a'),
        (302, 'a'),
    ];
    static CODES: [u16; 9] = [200, 202, 400, 404, 408, 429, 500, 503, 302];
    let server = Desk::start(&Journal::default(), &CODES).await;
    let (rules, webhook) = (rules(&server.url()), Webhook::new(PAGE.into(), inputs()).unwrap());
    for (code, meant) in ANSWERS {
        let message = message(vec![notification(1, NotificationKind::Opened, incident("i", "high", "lab"))]);
        let is = match webhook.send(&message, &rules).await {
            Ok(_) => 't',
            Err(SendError::Permanent(_)) => 'r',
            Err(SendError::Transient(_)) => 'a',
        };
        assert_eq!(is, meant, "{code}");
    }
}

#[tokio::test]
async fn a_webhook_that_fails_is_called_again_and_one_that_is_refused_an_hour_later() {
    let store = owing(&[]);
    store.owe("one", desk());
    let server = Desk::start(&store.journal, &[500, 200, 400]).await;
    let harness = Harness::with_rules(&store, notifiers(), rules(&server.url()));
    let journal = store.journal.has("mark one@millrace").await;
    assert_eq!(journal, ["call 0", "later one@millrace", "call 1", "mark one@millrace"]);
    assert_eq!(harness.counters.message_failures.get(), 1);
    harness.end().await;
    store.owe("two", desk());
    let harness = Harness::with_rules(&store, notifiers(), rules(&server.url()));
    store.journal.has("later two@millrace").await;
    assert_eq!(harness.counters.messages_refused.get(), 1);
    let made = store.kept.lock().unwrap().messages[1].clone();
    assert!(made.again_at.unwrap() > Timestamp::now() + Duration::from_secs(3_500));
    assert!(!made.problem.unwrap().contains("cret"));
}

#[tokio::test]
async fn a_webhook_that_does_not_answer_is_left_and_counted_as_perhaps_called_twice() {
    let store = owing(&[]);
    store.owe("one", desk());
    let server = Desk::start(&store.journal, &[0]).await;
    let harness = Harness::with_rules(&store, notifiers(), rules(&server.url()));
    store.journal.has("call 0").await;
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(11)).await;
    tokio::time::resume();
    store.journal.has("mark one@millrace").await;
    assert_eq!((harness.counters.message_failures.get(), harness.counters.messages_repeated.get()), (1, 1));
}

#[tokio::test]
async fn a_webhook_or_a_mail_server_that_is_away_keeps_nobody_else_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let store = owing(&[]);
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for number in 0..300 {
        store.owe(&format!("m{number}"), mail("ann@localhost"));
    }
    store.owe("gone", Address { channel: Channel::Webhook, to: "nowhere".into() });
    store.owe("last", desk());
    let server = Desk::start(&store.journal, &[]).await;
    let both = mails(&folder, &format!("smtp://{unused}"))
        .with(Channel::Webhook, Arc::new(Webhook::new(PAGE.into(), inputs()).unwrap()));
    let harness = Harness::with_rules(&store, both, rules(&server.url()));
    let journal = store.journal.has("mark last@millrace").await;
    assert_eq!(said(&journal, "mark"), ["last@millrace"]);
    harness.until(|harness| harness.counters.messages_refused.get() == 1).await;
}

#[tokio::test]
async fn a_way_that_is_not_set_up_says_what_to_set() {
    let store = owing(&["one"]);
    let _bench = Harness::start(&store, Notifiers::default());
    store.journal.has("later one@millrace").await;
    let problem = store.kept.lock().unwrap().messages[0].problem.clone().unwrap();
    assert!(problem.contains("smtp.url"), "{problem}");
}
