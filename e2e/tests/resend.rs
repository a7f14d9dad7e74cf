//! A rejected payload that is fixed and resent is a reading like any other, once.
#![allow(clippy::unwrap_used, reason = "a test that fails says so by a panic")]

use e2e::{Shape, Start};
use rusqlite::Connection;
use serde_json::{Value, json};

e2e::on_both_shapes! {
    together: [
        a_fixed_payload_is_stored_with_its_time_judged_and_marked,
        a_fixed_element_is_stored_with_the_others_of_its_array,
        what_still_cannot_be_read_changes_nothing,
    ],
    alone: []
}

/// The one payload of a device that was rejected.
fn rejected(shape: &impl Shape, device: &str, payload: &str) -> Value {
    shape.publish(&format!("temperature/{device}"), &["-m", payload]);
    shape.promised_rows(1, || shape.rows_of("rejected", device)).remove(0)
}

fn path(row: &Value) -> String {
    format!("/api/rejected/{}/resend", row["id"].as_str().unwrap())
}

fn a_fixed_payload_is_stored_with_its_time_judged_and_marked(shape: &mut impl Shape) {
    let device = shape.device("lab");
    let row = rejected(shape, &device, "26,5");
    assert_eq!(row["resent_at"], Value::Null);
    let (status, said) = shape.post(&path(&row), &json!({ "payload": "26.5" }));
    assert_eq!((status, &said["readings"]), (200, &json!(1)), "{said}");
    let filter = format!("device={device}");
    let reading = shape.promised_rows(1, || shape.readings(&filter)).remove(0);
    assert_eq!((&reading["value"], &reading["measured_at"]), (&json!(26.5), &row["received_at"]));
    let incident = shape.promised_rows(1, || shape.rows_of("incidents", &device)).remove(0);
    assert_eq!((&incident["value"], &incident["began_at"]), (&json!(26.5), &row["received_at"]));
    let marked = shape.rows_of("rejected", &device).remove(0);
    assert_eq!((&marked["resent_at"], &marked["payload"]), (&said["resent_at"], &json!("26,5")));

    let (status, said) = shape.post(&path(&row), &json!({ "payload": "26.6" }));
    assert_eq!(status, 409, "{said}");
    assert!(said["error"].as_str().unwrap().contains("it was resent at"), "{said}");
    assert_eq!(shape.readings(&filter).len(), 1);
}

fn a_fixed_element_is_stored_with_the_others_of_its_array(shape: &mut impl Shape) {
    let device = shape.device("batch");
    let row = rejected(shape, &device, r#"[{"value":21,"boot":7,"seq":1},{"val":21,"boot":7,"seq":2}]"#);
    assert_eq!(row["payload"], r#"{"val":21,"boot":7,"seq":2}"#);
    let (status, said) = shape.post(&path(&row), &json!({ "payload": r#"{"value":21,"boot":7,"seq":2}"# }));
    assert_eq!(status, 200, "{said}");
    let readings = shape.promised_rows(2, || shape.readings(&format!("device={device}")));
    let micros = |row: &Value| {
        row["measured_at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_microsecond()
    };
    assert_eq!(micros(&readings[1]) - micros(&readings[0]), 1, "{readings:?}");
    let ledger = shape.get(&format!("/api/completeness?device={device}"))["completeness"][0].clone();
    assert_eq!((&ledger["missing"], &ledger["stored"]), (&json!(0), &json!(2)), "{ledger}");
}

fn what_still_cannot_be_read_changes_nothing(shape: &mut impl Shape) {
    let device = shape.device("lab");
    let row = rejected(shape, &device, "warm");
    for (body, status, expected) in [
        (json!({}), 422, "the payload is not JSON"),
        (json!({ "payload": "[{\"value\":21},{}]" }), 422, "reading 2 of 2: there is no value"),
        (json!({ "payload": "21", "topic": "commands/lab" }), 422, "is not collected"),
        (json!({ "payload": 21 }), 400, "the body cannot be read"),
    ] {
        let (answered, said) = shape.post(&path(&row), &body);
        assert_eq!(answered, status, "{body}: {said}");
        assert!(said["error"].as_str().unwrap().contains(expected), "{body}: {said}");
    }
    let (status, said) = shape.post("/api/rejected/999999999999/resend", &json!({ "payload": "21" }));
    assert_eq!(status, 404, "{said}");
    assert_eq!(shape.rows_of("rejected", &device), [row]);
    assert_eq!(shape.readings(&format!("device={device}")), Vec::<Value>::new());
}

#[test]
fn a_topic_that_names_no_device_is_fixed_too() {
    let folder = tempfile::tempdir().unwrap();
    let millrace = Start::new(&folder.path().join("data")).start();
    millrace.publish("temperature/lab.1", &["-m", "21"]);
    let row = millrace.rows("rejected").remove(0);
    assert_eq!(millrace.post(&path(&row), &json!({})).0, 422);
    assert_eq!(millrace.post(&path(&row), &json!({ "topic": "temperature/lab-1" })).0, 200);
    assert_eq!(millrace.readings("")[0]["device"], "lab-1");
}

#[test]
fn killed_between_the_puback_and_the_mark_it_is_resent_again_and_stored_once() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let millrace = Start::new(&data).start();
    let row = rejected(&millrace, "lab", "26,5");
    let database = Connection::open(data.join("millrace.db")).unwrap();
    let no_mark =
        "CREATE TRIGGER no_mark BEFORE UPDATE OF resent_at ON rejected BEGIN SELECT RAISE(ABORT, 'no'); END";
    database.execute_batch(no_mark).unwrap();
    let fixed = json!({ "payload": "26.5" });
    let (status, said) = millrace.post(&path(&row), &fixed);
    assert_eq!(status, 503, "{said}");
    assert_eq!((millrace.readings("").len(), millrace.rows("rejected")), (1, vec![row.clone()]));

    let start = millrace.kill();
    database.execute_batch("DROP TRIGGER no_mark").unwrap();
    let millrace = start.start();
    let (status, said) = millrace.post(&path(&row), &fixed);
    assert_eq!(status, 200, "{said}");
    assert_eq!((millrace.readings("").len(), millrace.rows("incidents").len()), (1, 1));
    assert_eq!(millrace.metric("millrace_db_writer_duplicate_total"), 1.0);
    assert_eq!(millrace.rows("rejected")[0]["resent_at"], said["resent_at"]);
}
