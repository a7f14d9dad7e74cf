//! A reading's journey: published, stored, judged, mailed, shown; and what stays after a restart.
#![allow(clippy::unwrap_used, reason = "a test that fails says so by a panic")]

use e2e::{Load, Millrace, SOON, Start, eventually};
use serde_json::Value;

fn fresh() -> (tempfile::TempDir, Millrace) {
    let folder = tempfile::tempdir().unwrap();
    let millrace = Start::new(&folder.path().join("data")).start();
    (folder, millrace)
}

fn mails(folder: &tempfile::TempDir) -> Vec<String> {
    let files = std::fs::read_dir(folder.path().join("data/mails")).unwrap();
    let paths = files.map(|file| file.unwrap().path()).filter(|path| path.extension().unwrap() == "eml");
    let mut mails: Vec<_> = paths.map(|path| std::fs::read_to_string(path).unwrap()).collect();
    mails.sort();
    mails
}

#[test]
fn a_bare_number_is_stored_judged_mailed_and_shown() {
    let (folder, millrace) = fresh();
    millrace.publish("temperature/lab", &["-m", "26.1"]);

    let readings = millrace.readings("device=lab&metric=temperature");
    assert_eq!(readings.len(), 1, "a PUBACK means stored");
    assert_eq!(readings[0]["value"], 26.1);
    assert_eq!(readings[0]["measured_at"], readings[0]["received_at"], "the broker's time");
    assert_eq!(readings[0]["seq"], Value::Null);

    let device = eventually(SOON, || millrace.rows("devices").pop().ok_or("no device"));
    assert_eq!(
        (&device["device"], &device["value"], &device["state"]),
        (&"lab".into(), &26.1.into(), &"fresh".into())
    );

    let alert = millrace.rows("alerts").pop().expect("a PUBACK means judged");
    assert_eq!((&alert["rule"], &alert["value"]), (&"temperature-high".into(), &26.1.into()));
    assert_eq!(alert["resolved_at"], Value::Null);
    eventually(SOON, || if mails(&folder).len() == 1 { Ok(()) } else { Err(mails(&folder)) });

    millrace.publish("temperature/lab", &["-m", "26.5"]);
    millrace.publish("temperature/lab", &["-m", "25"]);
    let mailed = || match mails(&folder) {
        mails if mails.len() == 2 => Ok(mails),
        mails => Err(mails),
    };
    let mails = eventually(SOON, mailed);
    assert!(
        mails.iter().any(|mail| mail.contains("Subject: Alert: lab: temperature is 26.1 (above 25)")),
        "{mails:?}"
    );
    assert!(mails.iter().any(|mail| mail.contains("In-Reply-To: <temperature-high.")), "{mails:?}");
    let alerts = millrace.rows("alerts");
    assert_eq!(alerts.len(), 1, "one incident: {alerts:?}");
    assert!(alerts[0]["resolved_at"].is_string());
    let sent = |alert: &Value| {
        alert["mails"].as_array().unwrap().iter().filter(|m| m["sent_at"].is_string()).count()
    };
    eventually(SOON, || match sent(&millrace.rows("alerts")[0]) {
        2 => Ok(()),
        sent => Err(sent),
    });
}

#[test]
fn a_batch_keeps_its_times_and_duplicates_add_nothing() {
    let (_folder, millrace) = fresh();
    let batch = r#"[{"value":21,"unit":"celsius","measured_at":"2026-01-15T10:30:00.25Z","boot":7,"seq":1},
                    {"value":22,"measured_at":1768473001000,"boot":7,"seq":2},
                    {"value":22,"measured_at":1768473001000,"boot":7,"seq":3}]"#;
    for _ in 0..3 {
        millrace.publish("temperature/site-a/rack-1", &["-m", batch]);
    }
    let readings = millrace.readings("device=site-a/rack-1");
    let times: Vec<_> =
        readings.iter().map(|r| (r["measured_at"].as_str().unwrap(), r["seq"].as_u64().unwrap())).collect();
    let second = "2026-01-15T10:30:01.000000Z";
    assert_eq!(times, [("2026-01-15T10:30:00.250000Z", 1), (second, 2), (second, 3)]);
    assert_eq!(readings[0]["unit"], "celsius");
    assert_eq!(millrace.metric("millrace_db_writer_duplicate_total"), 6.0);
    assert_eq!(millrace.metric("millrace_db_writer_received_total"), 9.0);
    let buckets = millrace.get("/api/readings?device=site-a/rack-1&metric=temperature&points=2");
    let counts: Vec<_> =
        buckets["buckets"].as_array().unwrap().iter().map(|b| b["count"].as_u64().unwrap()).collect();
    assert_eq!(counts, [1, 2]);
}

#[test]
fn a_late_reading_never_replaces_a_newer_one() {
    let (_folder, millrace) = fresh();
    millrace.publish("temperature/lab", &["-m", r#"{"value":2,"measured_at":"2026-01-15T10:30:00Z"}"#]);
    millrace.publish("temperature/lab", &["-m", r#"{"value":1,"measured_at":"2026-01-15T10:29:59Z"}"#]);
    assert_eq!(millrace.readings("device=lab").len(), 2);
    let devices = eventually(SOON, || Some(millrace.rows("devices")).filter(|d| !d.is_empty()).ok_or("none"));
    assert_eq!((&devices[0]["value"], &devices[0]["state"]), (&2.0.into(), &"offline".into()));
}

#[test]
fn the_next_start_has_its_history() {
    let (_folder, millrace) = fresh();
    millrace.publish("temperature/lab", &["-m", "26.1"]);
    millrace.publish("temperature/lab", &["-m", "bad"]);
    let (status, again) = millrace.terminate();
    assert!(status.success(), "{status}");
    let millrace = again.start();
    assert_eq!(millrace.readings("device=lab").len(), 1);
    assert_eq!(millrace.rows("rejected").len(), 1);
    eventually(SOON, || (millrace.rows("devices").len() == 1).then_some(()).ok_or("no device"));
    millrace.publish("temperature/lab", &["-m", "24"]);
    let alerts = millrace.rows("alerts");
    assert!(alerts.len() == 1 && alerts[0]["resolved_at"].is_string(), "the incident goes on: {alerts:?}");
}

#[test]
fn the_simulated_sensors_run_and_stop_with_everything_acked() {
    let folder = tempfile::tempdir().unwrap();
    let start = Start::new(&folder.path().join("data"));
    let millrace = start.set("SENSORS__COUNT", "3").set("SENSORS__INTERVAL", "20ms").start();
    let names =
        |devices: Vec<Value>| devices.iter().map(|d| d["device"].as_str().unwrap().to_owned()).collect();
    eventually(SOON, || {
        let names: Vec<String> = names(millrace.rows("devices"));
        if names == ["data_center_a1", "data_center_b1", "data_center_c1"] { Ok(()) } else { Err(names) }
    });
    eventually(SOON, || (millrace.readings("device=data_center_a1").len() > 20).then_some(()).ok_or("few"));
    let (status, _) = millrace.terminate();
    assert!(status.success(), "{status}");
}

#[test]
fn a_recorded_file_is_replayed_once_however_often() {
    let (folder, millrace) = fresh();
    let file = folder.path().join("machine.csv");
    let rows = "timestamp,value\n2014-04-01 00:00:00,73.97\n2014-04-01 00:05:00,74.94\n2014-04-01 00:05:00,74.94\n\
                2014-03-31 23:55:00,76.12\n";
    std::fs::write(&file, rows).unwrap();
    for _ in 0..2 {
        let load = Load::start(&millrace.mqtt, folder.path(), &["replay", file.to_str().unwrap()]);
        let (code, summary, _) = load.finish();
        assert_eq!((code, &summary["acked"]), (0, &4.into()), "{summary}");
    }
    let readings = millrace.readings("device=machine&metric=temperature");
    let told: Vec<_> =
        readings.iter().map(|r| (r["measured_at"].as_str().unwrap(), r["value"].as_f64().unwrap())).collect();
    assert_eq!(
        told,
        [
            ("2014-03-31T23:55:00.000000Z", 76.12),
            ("2014-04-01T00:00:00.000000Z", 73.97),
            ("2014-04-01T00:05:00.000000Z", 74.94),
            ("2014-04-01T00:05:00.000000Z", 74.94),
        ]
    );
}

#[test]
fn load_from_many_connections_is_stored_to_the_last_reading() {
    let (folder, millrace) = fresh();
    let load = Load::start(
        &millrace.mqtt,
        folder.path(),
        &["load", "--connections", "20", "--count", "20000", "--batch", "10"],
    );
    let (code, summary, acked) = load.finish();
    assert_eq!((code, acked.len()), (0, 20_000), "{summary}");
    assert_eq!(millrace.readings("metric=temperature").len(), 20_000);
    let metric = |name: &str| millrace.metric(&format!("millrace_db_writer_{name}"));
    assert_eq!(
        metric("received_total"),
        metric("stored_total") + metric("duplicate_total") + metric("in_flight")
    );
    assert_eq!(millrace.metric("millrace_alerter_judged_total"), 20_000.0);
}
