//! The journey of a reading: it is published, stored, judged, mailed and shown; and what remains after a restart.
#![allow(clippy::unwrap_used, reason = "a test that fails says so by a panic")]

use std::time::SystemTime;

use e2e::{Cluster, LONG, Load, Mail, SOON, Shape, Start, eventually, stored_once};
use serde_json::Value;

e2e::on_both_shapes! {
    together: [
        a_bare_number_is_stored_judged_mailed_and_shown,
        a_late_reading_never_replaces_a_newer_one,
        a_recorded_file_is_replayed_once_however_often,
        an_export_is_replayed_without_storing_a_row_twice,
    ],
    alone: [
        a_batch_keeps_its_times_and_duplicates_add_nothing,
        the_next_start_has_its_history,
        load_from_many_connections_is_stored_to_the_last_reading,
    ]
}

fn mailed(shape: &impl Shape, device: &str, count: usize) -> Vec<Mail> {
    eventually(SOON, || match shape.mails(device) {
        mails if mails.len() == count => Ok(mails),
        mails => Err(mails),
    })
}

/// Waits until this is the newest value of a series, and returns its row.
fn shown(shape: &impl Shape, device: &str, metric: &str, value: f64) -> Value {
    eventually(SOON, || {
        let rows = shape.rows_of("series", device);
        rows.iter().find(|row| row["metric"] == metric && row["value"] == value).cloned().ok_or(rows)
    })
}

fn a_bare_number_is_stored_judged_mailed_and_shown(shape: &mut impl Shape) {
    let device = shape.device("lab");
    let publish = |value| shape.publish(&format!("temperature/{device}"), &["-m", value]);
    publish("26.1");
    let filter = format!("device={device}&metric=temperature");
    let reading = shape.promised_rows(1, || shape.readings(&filter)).remove(0);
    assert_eq!(reading["value"], 26.1);
    assert_eq!(reading["measured_at"], reading["received_at"], "the broker's time");
    assert_eq!(reading["seq"], Value::Null);
    assert_eq!(shown(shape, &device, "temperature", 26.1)["state"], "fresh");

    let incident = shape.promised_rows(1, || shape.rows_of("incidents", &device)).remove(0);
    assert_eq!((&incident["rule"], &incident["value"]), (&"temperature-high".into(), &26.1.into()));
    assert_eq!(incident["resolved_at"], Value::Null);
    mailed(shape, &device, 1);

    publish("26.5");
    publish("24.6");
    publish("24");
    let mails = mailed(shape, &device, 2);
    let subject = format!("Alert: {device}: temperature 26.1, above 25 (temperature-high)");
    let opened = mails.iter().find(|mail| mail.subject == subject).unwrap_or_else(|| panic!("{mails:?}"));
    let resolved = mails.iter().find(|mail| mail.subject.starts_with("Resolved: ")).unwrap();
    assert_eq!(resolved.header("in-reply-to"), opened.header("message-id"));
    let incidents = shape.rows_of("incidents", &device);
    assert_eq!(incidents.len(), 1, "one incident: {incidents:?}");
    assert!(incidents[0]["resolved_at"].is_string());
    eventually(SOON, || {
        let incident = shape.rows_of("incidents", &device).remove(0);
        let sent =
            incident["notifications"].as_array().unwrap().iter().filter(|mail| mail["sent_at"].is_string());
        if sent.count() == 2 { Ok(()) } else { Err(incident) }
    });
}

fn a_batch_keeps_its_times_and_duplicates_add_nothing(shape: &mut impl Shape) {
    let device = shape.device("rack-1");
    let topic = format!("temperature/site-a/{device}");
    let of = |name| shape.metric_of("db-writer", name);
    let before = ["received_total", "stored_total", "duplicate_total"].map(of);
    let batch = r#"[{"value":21,"unit":"celsius","measured_at":"2026-01-15T10:30:00.25Z","boot":7,"seq":1},
                    {"value":22,"measured_at":1768473001000,"boot":7,"seq":2},
                    {"value":22,"measured_at":1768473001000,"boot":7,"seq":3}]"#;
    for _ in 0..3 {
        shape.publish(&topic, &["-m", batch]);
    }
    shape.promised(|| {
        let counts = ["received_total", "stored_total", "duplicate_total"].map(of);
        let new: Vec<f64> = counts.iter().zip(before).map(|(count, before)| count - before).collect();
        if new == [9.0, 3.0, 6.0] { Ok(()) } else { Err(new) }
    });
    let readings = shape.readings(&format!("device=site-a/{device}"));
    let times: Vec<_> =
        readings.iter().map(|r| (r["measured_at"].as_str().unwrap(), r["seq"].as_u64().unwrap())).collect();
    let second = "2026-01-15T10:30:01.000000Z";
    assert_eq!(times, [("2026-01-15T10:30:00.250000Z", 1), (second, 2), (second, 3)]);
    assert_eq!(readings[0]["unit"], "celsius");
    let buckets = shape.get(&format!("/api/readings?device=site-a/{device}&metric=temperature&points=2"));
    let counts: Vec<_> =
        buckets["buckets"].as_array().unwrap().iter().map(|b| b["count"].as_u64().unwrap()).collect();
    assert_eq!(counts, [1, 2]);
}

fn a_late_reading_never_replaces_a_newer_one(shape: &mut impl Shape) {
    let device = shape.device("lab");
    for (metric, value, minute) in [("temperature", 2, 30), ("temperature", 1, 29), ("humidity", 3, 30)] {
        let reading = format!(r#"{{"value":{value},"measured_at":"2026-01-15T10:{minute}:00Z"}}"#);
        shape.publish(&format!("{metric}/{device}"), &["-m", &reading]);
    }
    shape.promised_rows(3, || shape.readings(&format!("device={device}")));
    // What was published last is shown last.
    shown(shape, &device, "humidity", 3.0);
    assert_eq!(shown(shape, &device, "temperature", 2.0)["state"], "offline");
}

fn the_next_start_has_its_history(shape: &mut impl Shape) {
    let device = shape.device("lab");
    let topic = format!("temperature/{device}");
    shape.publish(&topic, &["-m", "26.1"]);
    shape.publish(&topic, &["-m", "bad"]);
    shape.restart();
    let filter = format!("device={device}");
    shape.promised_rows(1, || shape.readings(&filter));
    shape.promised_rows(1, || shape.rows_of("rejected", &device));
    shown(shape, &device, "temperature", 26.1);
    shape.publish(&topic, &["-m", "24"]);
    shape.promised(|| match shape.rows_of("incidents", &device).as_slice() {
        [incident] if incident["resolved_at"].is_string() => Ok(()),
        incidents => Err(format!("the incident goes on: {incidents:?}")),
    });
    mailed(shape, &device, 2);
}

fn a_recorded_file_is_replayed_once_however_often(shape: &mut impl Shape) {
    let (folder, device) = (tempfile::tempdir().unwrap(), shape.device("machine"));
    let file = folder.path().join("machine.csv");
    let rows = "timestamp,value\n2014-04-01 00:00:00,73.97\n2014-04-01 00:05:00,74.94\n2014-04-01 00:05:00,74.94\n\
                2014-03-31 23:55:00,76.12\n";
    std::fs::write(&file, rows).unwrap();
    let arguments = ["replay", "--device", &device, file.to_str().unwrap()];
    for _ in 0..2 {
        let (code, summary, _) = Load::start(&shape.device_url(), folder.path(), &arguments).finish();
        assert_eq!((code, &summary["acked"]), (0, &4.into()), "{summary}");
    }
    // Behind both replays.
    shape.publish(&format!("humidity/{device}"), &["-m", "1"]);
    let filter = format!("device={device}");
    shape.promised(|| {
        let readings = shape.readings(&filter);
        if readings.iter().any(|reading| reading["metric"] == "humidity") { Ok(()) } else { Err(readings) }
    });
    let readings = shape.readings(&format!("{filter}&metric=temperature"));
    let notified: Vec<_> =
        readings.iter().map(|r| (r["measured_at"].as_str().unwrap(), r["value"].as_f64().unwrap())).collect();
    assert_eq!(
        notified,
        [
            ("2014-03-31T23:55:00.000000Z", 76.12),
            ("2014-04-01T00:00:00.000000Z", 73.97),
            ("2014-04-01T00:05:00.000000Z", 74.94),
            ("2014-04-01T00:05:00.000000Z", 74.94),
        ]
    );
}

#[test]
fn a_replay_says_what_nobody_takes() {
    let folder = tempfile::tempdir().unwrap();
    let millrace = Start::new(&folder.path().join("data")).set("METRICS", "temperature").start();
    let file = folder.path().join("machine.csv");
    std::fs::write(&file, "timestamp,t,p\n2014-04-01 00:00:00,73.5,120\n2014-04-01 00:05:00,74,130\n")
        .unwrap();
    let mut replay = std::process::Command::new(e2e::binary("sensor-sim"));
    let columns = ["--value", "temperature=t", "--value", "vibration=p", "--device", "machine"];
    let replay =
        replay.args(["replay", "--json", "--broker", &millrace.device_url()]).args(columns).arg(&file);
    let replayed = replay.output().unwrap();
    let summary: Value = serde_json::from_slice(&replayed.stdout).unwrap();
    assert_eq!((&summary["acked"], &summary["not_taken"]), (&4.into(), &2.into()), "{summary}");
    let said = String::from_utf8_lossy(&replayed.stderr);
    assert!(
        said.contains("2 readings were acknowledged, but nobody takes them: 2 of vibration/machine."),
        "{said}"
    );
    assert_eq!(replayed.status.code(), Some(1));
    assert_eq!(millrace.readings("device=machine").len(), 2);
}

fn an_export_is_replayed_without_storing_a_row_twice(shape: &mut impl Shape) {
    let (folder, device) = (tempfile::tempdir().unwrap(), shape.device("exported"));
    let topic = format!("temperature/{device}");
    for payload in [
        "26.1",
        r#"{"value": -5, "unit": "=1+1", "measured_at": "2026-01-15T10:30:00.123456Z"}"#,
        r#"[{"value": 1e308, "unit": "°C", "boot": 7, "seq": 1}, {"value": 5e-324, "boot": 7, "seq": 2}]"#,
    ] {
        shape.publish(&topic, &["-m", payload]);
    }
    let filter = format!("device={device}");
    shape.promised_rows(4, || shape.readings(&filter));
    let before = shape.readings(&filter);
    let (status, table) = shape.ask(&format!("/api/readings?{filter}&format=csv"));
    assert!(status == 200 && table.starts_with('\u{feff}') && table.contains(",'=1+1,"), "{table}");
    let file = folder.path().join("readings.csv");
    std::fs::write(&file, table).unwrap();
    let broker = shape.device_url();
    let mut replay = std::process::Command::new(e2e::binary("sensor-sim"));
    let replayed = replay.args(["replay", "--json", "--broker", &broker]).arg(&file).output().unwrap();
    let summary: Value = serde_json::from_slice(&replayed.stdout).unwrap();
    assert_eq!((replayed.status.code(), &summary["acked"]), (Some(0), &4.into()), "{replayed:?}");
    // Behind the replay.
    shape.publish(&format!("humidity/{device}"), &["-m", "1"]);
    shape.promised_rows(5, || shape.readings(&filter));
    assert_eq!(shape.readings(&format!("{filter}&metric=temperature")), before);
}

fn load_from_many_connections_is_stored_to_the_last_reading(shape: &mut impl Shape) {
    let folder = tempfile::tempdir().unwrap();
    let judged = shape.metric_of("alerter", "judged_total");
    let start = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis();
    let arguments = ["load", "--connections", "20", "--count", "20000", "--batch", "10"];
    let (code, summary, acked) = Load::start(&shape.device_url(), folder.path(), &arguments).finish();
    assert_eq!((code, acked.len()), (0, 20_000), "{summary}");
    let filter = format!("metric=temperature&from={start}");
    shape.promised(|| stored_once(&acked, &shape.readings(&filter)));
    let of = |name| shape.metric_of("db-writer", name);
    let [received, stored, duplicate, rejected, in_flight] =
        ["received_total", "stored_total", "duplicate_total", "rejected_total", "in_flight"].map(of);
    assert_eq!(received, stored + duplicate + rejected + in_flight);
    shape.promised(|| match shape.metric_of("alerter", "judged_total") - judged {
        20_000.0 => Ok(()),
        other => Err(other),
    });
}

/// The names of the devices that the page shows.
fn devices(shape: &impl Shape) -> Vec<String> {
    shape.rows("series").iter().map(|row| row["device"].as_str().unwrap().to_owned()).collect()
}

const SENSORS: [&str; 3] = ["data_center_a1", "data_center_b1", "data_center_c1"];

fn more_than_twenty_readings(shape: &impl Shape) {
    eventually(LONG, || match shape.readings("device=data_center_a1").len() {
        few @ ..=20 => Err(few),
        _ => Ok(()),
    });
}

#[test]
fn the_simulated_sensors_run_and_stop_with_everything_acked() {
    let folder = tempfile::tempdir().unwrap();
    let start = Start::new(&folder.path().join("data"));
    let millrace = start.set("SENSORS__COUNT", "3").set("SENSORS__INTERVAL", "20ms").start();
    eventually(SOON, || match devices(&millrace) {
        names if names == SENSORS => Ok(()),
        names => Err(names),
    });
    more_than_twenty_readings(&millrace);
    let (status, _) = millrace.terminate();
    assert!(status.success(), "{status}");
}

#[test]
#[ignore = "needs a cluster: `make test`, or e2e/with-cluster"]
fn the_sensors_of_the_cluster_run_and_are_shown_as_offline_once_stopped() {
    let cluster = Cluster::alone();
    let containers = ["sensor1", "sensor2", "sensor3"];
    for sensor in containers {
        cluster.start(sensor);
    }
    eventually(SOON, || {
        let names = devices(&cluster);
        if SENSORS.iter().all(|sensor| names.iter().any(|name| name == sensor)) { Ok(()) } else { Err(names) }
    });
    more_than_twenty_readings(&cluster);
    for sensor in containers {
        cluster.remove(sensor);
    }
    eventually(LONG, || match cluster.rows_of("series", SENSORS[0]).remove(0) {
        row if row["state"] == "offline" => Ok(()),
        row => Err(row),
    });
}
