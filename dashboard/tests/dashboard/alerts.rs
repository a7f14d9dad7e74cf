//! How alerts are listed, and which.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use store::{Condition, ConditionKind, End, Incident, Incidents, Severity, Transition};

use crate::harness::{Harness, Wanted};

/// When the device's condition first held.
const BEGAN: &str = "2026-01-15T10:30:00Z";

/// An alert that has just opened, of a rule, metric and device that tests may change.
pub(crate) fn alert(device: &str) -> Incident {
    let began_at: Timestamp = BEGAN.parse().unwrap();
    let opened_at = began_at + SignedDuration::from_secs(30);
    Incident {
        id: format!("temperature-high/temperature/{device}/{}", opened_at.as_microsecond()),
        rule: "temperature-high".into(),
        severity: Severity::Warning,
        device: device.into(),
        metric: "temperature".into(),
        condition: Condition { kind: ConditionKind::Above, text: "above 25".into(), threshold: Some(25.0) },
        began_at,
        opened_at,
        judged_at: opened_at + SignedDuration::from_millis(5),
        value: Some(26.5),
        unit: Some("celsius".into()),
        peak: Some(26.5),
        peak_at: Some(opened_at),
        resolved_at: None,
        resolved_value: None,
        end: None,
        acknowledged: None,
        late: false,
        notifications: vec![],
    }
}

fn resolved(incident: &Incident, value: f64) -> Transition {
    let at = incident.opened_at + SignedDuration::from_mins(5);
    Transition::Resolved { id: incident.id.clone(), at, judged_at: at, value: Some(value), end: End::Cleared }
}

async fn alerts(harness: &Harness, query: &str) -> Vec<Value> {
    let answer = harness.ask("GET", &format!("/api/incidents{query}")).await;
    assert_eq!(answer.status, 200, "{query}: {answer:?}");
    answer.json()["incidents"].as_array().unwrap().clone()
}

#[tokio::test]
async fn an_incident_says_what_is_wrong_since_when_and_who_is_notified() {
    let harness = Harness::start(Wanted::default()).await;
    harness.open(alert("lab")).await;
    let peak = Transition::Peaked {
        id: alert("lab").id,
        at: alert("lab").opened_at + SignedDuration::from_secs(1),
        value: 27.0,
    };
    harness.change(peak).await;
    harness.change(resolved(&alert("lab"), 24.0)).await;
    let mail = |kind, asked_at| {
        json!({
            "kind": kind, "channel": "mail", "to": "operator@example.org", "asked_at": asked_at, "sent_at": null,
            "message_id": null, "state": "waiting", "why": null, "problem": null,
        })
    };
    let expected = json!({
        "id": "temperature-high/temperature/lab/1768473030000000", "rule": "temperature-high",
        "severity": "warning", "device": "lab", "metric": "temperature",
        "kind": "above", "condition": "above 25", "threshold": 25.0,
        "began_at": "2026-01-15T10:30:00.000000Z", "opened_at": "2026-01-15T10:30:30.000000Z",
        "judged_at": "2026-01-15T10:30:30.005000Z",
        "resolved_at": "2026-01-15T10:35:30.000000Z", "end": "cleared",
        "value": 26.5, "unit": "celsius", "peak": 27.0, "peak_at": "2026-01-15T10:30:31.000000Z",
        "resolved_value": 24.0, "acknowledged": null, "silenced_until": null, "late": false,
        "notifications": [
            mail("opened", "2026-01-15T10:30:30.005000Z"),
            mail("resolved", "2026-01-15T10:35:30.000000Z"),
        ],
    });
    assert_eq!(alerts(&harness, "").await, [expected]);
}

#[tokio::test]
async fn a_device_that_never_spoke_has_no_value() {
    let harness = Harness::start(Wanted::default()).await;
    let condition = Condition { kind: ConditionKind::Absent, text: "absent for 2m".into(), threshold: None };
    let silent = Incident { condition, value: None, unit: None, peak: None, peak_at: None, ..alert("lab") };
    harness.open(silent).await;
    let alert = &alerts(&harness, "").await[0];
    assert_eq!((&alert["value"], &alert["threshold"]), (&Value::Null, &Value::Null));
    assert_eq!((&alert["kind"], &alert["condition"]), (&json!("absent"), &json!("absent for 2m")));
}

#[tokio::test]
async fn alerts_are_listed_by_what_tells_them_apart() {
    let harness = Harness::start(Wanted::default()).await;
    let lab = alert("site-a/lab");
    let hall = Incident { rule: "dry".into(), metric: "humidity".into(), ..alert("site-a/hall") };
    let over = Incident { severity: Severity::Critical, ..alert("site-b/lab") };
    for incident in [&lab, &hall, &over] {
        harness.open(incident.clone()).await;
    }
    harness.change(resolved(&over, 20.0)).await;
    let said = api::acknowledgement(lab.opened_at, "ann".into(), String::new()).unwrap();
    assert_eq!(harness.store.acknowledge(std::slice::from_ref(&hall.id), &said).await.unwrap(), 1);
    let id = format!("?id={}", lab.id);
    for (query, mut expected) in [
        ("", vec![&lab, &hall, &over]),
        ("?state=open", vec![&lab, &hall]),
        ("?state=resolved", vec![&over]),
        ("?device=site-a/%23", vec![&lab, &hall]),
        ("?device=%2B/lab&state=open", vec![&lab]),
        ("?metric=humidity", vec![&hall]),
        ("?rule=temperature-high", vec![&lab, &over]),
        ("?severity=critical", vec![&over]),
        ("?severity=info", vec![]),
        ("?acknowledged=true", vec![&hall]),
        ("?acknowledged=false&state=open", vec![&lab]),
        (id.as_str(), vec![&lab]),
        ("?from=2026-01-15T10:35:30Z", vec![&lab, &hall]),
        ("?to=2026-01-15T10:30:30Z", vec![]),
    ] {
        let mut ids: Vec<String> =
            alerts(&harness, query).await.iter().map(|a| a["id"].as_str().unwrap().to_owned()).collect();
        ids.sort();
        expected.sort_by(|a, b| a.id.cmp(&b.id));
        assert_eq!(ids, expected.iter().map(|i| i.id.clone()).collect::<Vec<_>>(), "{query}");
    }
    assert_eq!(alerts(&harness, "?limit=1").await.len(), 1);
    assert_eq!(alerts(&harness, "").await[2]["id"], over.id, "open ones come first");
}
