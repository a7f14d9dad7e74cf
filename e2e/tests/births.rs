//! What a Sparkplug device announced at its birth outlives the process that heard it.
#![allow(clippy::unwrap_used, reason = "a test that fails says so by a panic")]

use e2e::devices::publish;
use e2e::{Millrace, SOON, Shape, Start, eventually};
use serde_json::{Value, json};

e2e::on_both_shapes! {
    together: [data_from_before_its_birth_is_stored_and_judged_once_by_itself],
    alone: [data_after_a_restart_is_read_by_the_birth_before_it]
}

/// The metric `Speed` with alias 7 and the value 1, as protocol buffers.
const BIRTH: &str = "Eg0KBVNwZWVkEAcgA1AB";

/// A metric with alias 7 and the value 5.
const DATA: &str = "EgQQB1AF";

/// The metric `temperature` with alias 7 and the value 1, and a metric with alias 7 and the value 30.
const WARM: [&str; 2] = ["EhMKC3RlbXBlcmF0dXJlEAcgA1AB", "EgQQB1Ae"];

fn message(group: &str, kind: &str, payload: &str) -> Value {
    json!({ "topic": format!("spBv1.0/{group}/{kind}/edge/press"), "payload_base64": payload })
}

/// The rejections of data of this group. In the cluster a dot of a topic may have become a slash.
fn rejected(shape: &impl Shape, group: &str) -> Vec<Value> {
    let end = format!("/{group}/DDATA/edge/press");
    let mut rows = shape.rows("rejected");
    rows.retain(|row| row["topic"].as_str().is_some_and(|topic| topic.ends_with(&end)));
    rows
}

/// Waits until the message that was rejected of this group is resent.
fn until_resent(shape: &impl Shape, group: &str) {
    eventually(SOON, || match rejected(shape, group) {
        rows if rows.len() == 1 && rows[0]["resent_at"].is_string() => Ok(()),
        rows => Err(rows),
    });
}

/// The values of the device, oldest first.
fn values(shape: &impl Shape, group: &str, count: usize) -> Vec<f64> {
    let filter = format!("metric=Speed&device={group}/edge/press");
    let mut rows = shape.promised_rows(count, || shape.readings(&filter));
    rows.sort_by_key(|row| row["measured_at"].as_str().unwrap().to_owned());
    rows.iter().map(|row| row["value"].as_f64().unwrap()).collect()
}

fn data_from_before_its_birth_is_stored_and_judged_once_by_itself(shape: &mut impl Shape) {
    let (group, [birth, data]) = (shape.device("plant"), WARM);
    let device = format!("{group}/edge/press");
    publish(shape, &message(&group, "DDATA", data), None);
    let before = shape.promised_rows(1, || rejected(shape, &group)).remove(0);
    publish(shape, &message(&group, "DBIRTH", birth), None);

    until_resent(shape, &group);
    let mut rows = shape.promised_rows(2, || shape.readings(&format!("device={device}")));
    rows.sort_by_key(|row| row["measured_at"].as_str().unwrap().to_owned());
    assert_eq!((&rows[0]["value"], &rows[0]["measured_at"]), (&json!(30.0), &before["received_at"]));
    // The birth was judged before it: a reading that comes late opens nothing.
    assert_eq!(shape.rows_of("incidents", &device), Vec::<Value>::new());
    publish(shape, &message(&group, "DDATA", data), None);
    shape.promised_rows(1, || shape.rows_of("incidents", &device));
    assert_eq!(shape.readings(&format!("device={device}")).len(), 3);
}

#[test]
fn data_waits_for_its_birth_over_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let mut millrace: Millrace = Start::new(&folder.path().join("data")).start();
    publish(&millrace, &message("plant", "DDATA", DATA), None);
    publish(&millrace, &message("plant", "DBIRTH", BIRTH), None);
    // Whatever was resent until now, and marked or not.
    millrace = millrace.kill().start();
    until_resent(&millrace, "plant");
    assert_eq!(values(&millrace, "plant", 2), [5.0, 1.0], "once");
}

#[test]
fn data_after_a_kill_is_read_by_the_birth_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut millrace: Millrace = Start::new(&folder.path().join("data")).start();
    publish(&millrace, &message("plant", "DBIRTH", BIRTH), None);
    // The PUBACK says that it is stored.
    millrace = millrace.kill().start();
    publish(&millrace, &message("plant", "DDATA", DATA), None);
    assert_eq!(values(&millrace, "plant", 2), [1.0, 5.0]);
    assert_eq!(millrace.rows("rejected"), Vec::<Value>::new());
}

fn data_after_a_restart_is_read_by_the_birth_before_it(shape: &mut impl Shape) {
    let group = shape.device("plant");
    publish(shape, &message(&group, "DBIRTH", BIRTH), None);
    assert_eq!(values(shape, &group, 1), [1.0]);
    shape.restart();
    publish(shape, &message(&group, "DDATA", DATA), None);
    assert_eq!(values(shape, &group, 2), [1.0, 5.0]);
    assert_eq!(rejected(shape, &group), Vec::<Value>::new());
}
