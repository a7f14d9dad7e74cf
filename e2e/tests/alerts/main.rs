//! Notifications that people trust: none is missing, there is no flood, and rules can be changed and tried.
#![allow(clippy::unwrap_used, reason = "a test that fails says so by a panic")]

mod channels;
mod commands;
mod harness;
mod rules;

use std::collections::HashSet;
use std::time::Duration;

use e2e::{LONG, Load, SOON, Shape, eventually};
use serde_json::{Value, json};

use self::harness::{AT_ONCE, Harness};

e2e::on_both_shapes! {
    together: [a_silenced_device_sends_no_notification_and_an_acknowledged_incident_is_marked],
    alone: []
}

fn time(incident: &Value, name: &str) -> jiff::Timestamp {
    incident[name].as_str().unwrap_or_else(|| panic!("{name} in {incident}")).parse().unwrap()
}

const ABSENT: &str = "[[rules]]\nname = \"silent\"\nabsent_for = \"3s\"\n";

#[test]
fn a_device_that_falls_silent_has_an_incident_within_a_second_of_its_time_limit() {
    let harness = Harness::start(&format!("{AT_ONCE}{ABSENT}"));
    harness.publish("lab", "21");
    let incident = eventually(SOON, || harness.incidents("rule=silent").pop().ok_or("no incident"));
    let silent_for = time(&incident, "judged_at").duration_since(time(&incident, "began_at"));
    // One second is what is promised, the other is for the tests beside this one.
    assert!((3_000..=5_000).contains(&silent_for.as_millis()), "{silent_for:?}: {incident}");
    assert_eq!(incident["value"], 21.0, "its last value");
    harness.mailed("lab", 1);
    harness.publish("lab", "21.5");
    assert!(harness.mailed("lab", 2).iter().any(|mail| mail.subject.starts_with("Resolved")));
    assert!(harness.incidents("rule=silent")[0]["resolved_at"].is_string());
}

#[test]
fn a_device_that_died_before_a_restart_or_never_sent_anything_has_an_incident_after_it() {
    let expected = "metric = \"temperature\"\nexpect = [\"cellar\"]\n";
    let mut harness = Harness::start(&format!("{AT_ONCE}{ABSENT}{expected}"));
    harness.publish("lab", "21");
    harness.millrace.restart();
    harness.mailed("lab", 1);
    harness.mailed("cellar", 1);
    let cellar = harness.incidents("device=cellar").remove(0);
    assert_eq!(cellar["value"], Value::Null, "it never sent anything");
    harness.millrace.restart();
    harness.publish("other", "1");
    harness.mailed("other", 1);
    assert_eq!(harness.incidents("").len(), 3, "and each once: {:?}", harness.incidents(""));
}

#[test]
fn five_hundred_devices_that_go_dark_are_one_mail() {
    let harness = Harness::start("[[rules]]\nname = \"silent\"\nabsent_for = \"4s\"\n");
    let arguments = ["load", "--connections", "50", "--devices", "500", "--rate", "500", "--duration", "4s"];
    let load = Load::start(&harness.millrace.device_url(), harness.folder.path(), &arguments);
    let (code, summary, _) = load.finish();
    assert_eq!(code, 0, "{summary}");
    let mail = harness.mailed("500 devices", 1).remove(0);
    assert!(mail.subject.starts_with("Alert: 500 devices"), "{}", mail.subject);
    let listed = mail.text.lines().filter(|line| line.starts_with("- ") && line.contains(": since ")).count();
    assert!(listed == 20 && mail.text.contains("\nand 480 more\n"), "{}", mail.text);
    assert_eq!(harness.millrace.mails("").len(), 1, "{:?}", harness.millrace.mails(""));
    assert_eq!(harness.incidents("state=open&limit=1000").len(), 500);
}

#[test]
fn a_flood_ends_in_a_digest() {
    let hot = "[[rules]]\nname = \"hot\"\nmetric = \"temperature\"\nabove = 25.0\n";
    let harness = Harness::start(&format!("{AT_ONCE}max_mails_per_hour = 3\n{hot}"));
    for device in ["a", "b"] {
        harness.publish(device, "26");
        harness.mailed(&format!("{device}: "), 1);
    }
    for device in ["c", "d", "e", "f"] {
        harness.publish(device, "26");
    }
    harness.mailed("", 3);
    eventually(SOON, || match harness.incidents("state=open").len() {
        6 => Ok(()),
        open => Err(open),
    });
    let waiting = harness
        .incidents("state=open")
        .into_iter()
        .filter(|incident| incident["notifications"][0]["sent_at"].is_null());
    assert!((1..=4).contains(&waiting.count()), "what is over the cap waits");
    assert_eq!(harness.millrace.mails("").len(), 3);
}

fn a_silenced_device_sends_no_notification_and_an_acknowledged_incident_is_marked(shape: &mut impl Shape) {
    let (quiet, loud) = (shape.device("quiet"), shape.device("loud"));
    let silence = json!({"device": quiet, "for": "1h", "reason": "it is being moved", "by": "ann"});
    let (status, silence) = shape.post("/api/silences", &silence);
    assert_eq!(status, 201, "{silence}");
    shape.publish(&format!("temperature/{quiet}"), &["-m", "26"]);
    shape.publish(&format!("temperature/{loud}"), &["-m", "26"]);
    eventually(LONG, || match shape.mails(&loud).len() {
        1 => Ok(()),
        mails => Err(mails),
    });
    let incident = shape.promised_rows(1, || shape.rows_of("incidents", &quiet)).remove(0);
    eventually(SOON, || {
        let incident = shape.rows_of("incidents", &quiet).remove(0);
        if incident["notifications"][0]["state"] == "held" { Ok(()) } else { Err(incident) }
    });
    assert_eq!(shape.mails(&quiet).len(), 0);
    let said = json!({"incident": incident["id"], "by": "ann", "note": "on my way"});
    let (status, acknowledged) = shape.post("/api/acknowledgements", &said);
    assert_eq!((status, &acknowledged["acknowledged"]["by"]), (200, &json!("ann")), "{acknowledged}");
    shape.publish(&format!("temperature/{quiet}"), &["-m", "20"]);
    eventually(SOON, || {
        let incident = shape.rows_of("incidents", &quiet).remove(0);
        if incident["notifications"][0]["state"] == "dropped" { Ok(()) } else { Err(incident) }
    });
    assert_eq!(shape.mails(&quiet).len(), 0, "the incident resolved before the notification was due");
}

#[test]
fn killed_over_and_over_it_notifies_of_each_incident_once() {
    let mut harness = Harness::start(&format!(
        "{AT_ONCE}[[rules]]\nname = \"hot\"\nmetric = \"temperature\"\nabove = 25.0\nclear_below = 24.5\n"
    ));
    for round in 0..10 {
        let value = if round % 2 == 0 { "26" } else { "20" };
        harness.publish("lab", value);
        std::thread::sleep(Duration::from_millis(7 * round));
        harness.millrace = harness.millrace.kill().start();
    }
    let sent = eventually(LONG, || {
        let incidents = harness.incidents("rule=hot");
        let all = incidents.iter().flat_map(|incident| incident["notifications"].as_array().unwrap());
        let sent: Vec<Value> = all.filter(|notification| notification["state"] == "sent").cloned().collect();
        if incidents.len() == 5 && sent.len() == 10 { Ok(sent) } else { Err(incidents) }
    });
    // An opening and its end may share a mail, which has one Message-ID.
    let sent: HashSet<String> =
        sent.iter().map(|sent| format!("<{}>", sent["message_id"].as_str().unwrap())).collect();
    let mails = harness.millrace.mails("lab");
    let mailed: Vec<_> = mails.iter().filter_map(|mail| mail.header("message-id")).collect();
    assert_eq!(mailed.len(), sent.len(), "each once: {mailed:?} for {sent:?}");
    assert!(mailed.iter().all(|id| sent.contains(*id)), "{mailed:?} for {sent:?}");
}
