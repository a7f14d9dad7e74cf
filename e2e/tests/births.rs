//! What a Sparkplug device announced at its birth outlives the process that heard it.
#![allow(clippy::unwrap_used, reason = "a test that fails says so by a panic")]

use e2e::devices::publish;
use e2e::{Millrace, Shape, Start};
use serde_json::{Value, json};

e2e::on_both_shapes! {
    together: [],
    alone: [data_after_a_restart_is_read_by_the_birth_before_it]
}

/// The metric `Speed` with alias 7 and the value 1, as protocol buffers.
const BIRTH: &str = "Eg0KBVNwZWVkEAcgA1AB";

/// A metric with alias 7 and the value 5.
const DATA: &str = "EgQQB1AF";

fn message(group: &str, kind: &str, payload: &str) -> Value {
    json!({ "topic": format!("spBv1.0/{group}/{kind}/edge/press"), "payload_base64": payload })
}

/// The values of the device, oldest first.
fn values(shape: &impl Shape, group: &str, count: usize) -> Vec<f64> {
    let filter = format!("metric=Speed&device={group}/edge/press");
    let mut rows = shape.promised_rows(count, || shape.readings(&filter));
    rows.sort_by_key(|row| row["measured_at"].as_str().unwrap().to_owned());
    rows.iter().map(|row| row["value"].as_f64().unwrap()).collect()
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
    assert_eq!(shape.rows_of("rejected", &format!("{group}/DDATA/edge/press")), Vec::<Value>::new());
}
