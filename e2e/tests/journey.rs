//! A reading's journey: published, stored, judged, mailed, shown; and what stays after a restart.
#![allow(clippy::unwrap_used, reason = "a test that fails says so by a panic")]

use std::time::SystemTime;

use e2e::{Cluster, LONG, Load, Mail, SOON, Shape, Start, eventually, stored_once};
use serde_json::Value;

e2e::on_both_shapes! {
    together: [
        a_bare_number_is_stored_judged_mailed_and_shown,
        a_late_reading_never_replaces_a_newer_one,
        a_recorded_file_is_replayed_once_however_often,
    ],
    alone: [
        a_batch_keeps_its_times_and_duplicates_add_nothing,
        the_next_start_has_its_history,
        load_from_many_connections_is_stored_to_the_last_reading,
    ]
}

fn mailed(plant: &impl Shape, device: &str, count: usize) -> Vec<Mail> {
    eventually(SOON, || match plant.mails(device) {
        mails if mails.len() == count => Ok(mails),
        mails => Err(mails),
    })
}

/// The newest value of a device and metric, once it is this one: its row.
fn shown(plant: &impl Shape, device: &str, metric: &str, value: f64) -> Value {
    eventually(SOON, || {
        let rows = plant.rows_of("series", device);
        rows.iter().find(|row| row["metric"] == metric && row["value"] == value).cloned().ok_or(rows)
    })
}

fn a_bare_number_is_stored_judged_mailed_and_shown(plant: &mut impl Shape) {
    let device = plant.device("lab");
    let publish = |value| plant.publish(&format!("temperature/{device}"), &["-m", value]);
    publish("26.1");
    let filter = format!("device={device}&metric=temperature");
    let reading = plant.promised_rows(1, || plant.readings(&filter)).remove(0);
    assert_eq!(reading["value"], 26.1);
    assert_eq!(reading["measured_at"], reading["received_at"], "the broker's time");
    assert_eq!(reading["seq"], Value::Null);
    assert_eq!(shown(plant, &device, "temperature", 26.1)["state"], "fresh");

    let alert = plant.promised_rows(1, || plant.rows_of("incidents", &device)).remove(0);
    assert_eq!((&alert["rule"], &alert["value"]), (&"temperature-high".into(), &26.1.into()));
    assert_eq!(alert["resolved_at"], Value::Null);
    mailed(plant, &device, 1);

    publish("26.5");
    publish("24.6");
    publish("24");
    let mails = mailed(plant, &device, 2);
    let subject = format!("Alert: {device}: temperature 26.1, above 25 (temperature-high)");
    let opened = mails.iter().find(|mail| mail.subject == subject).unwrap_or_else(|| panic!("{mails:?}"));
    let resolved = mails.iter().find(|mail| mail.subject.starts_with("Resolved: ")).unwrap();
    assert_eq!(resolved.header("in-reply-to"), opened.header("message-id"));
    let alerts = plant.rows_of("incidents", &device);
    assert_eq!(alerts.len(), 1, "one incident: {alerts:?}");
    assert!(alerts[0]["resolved_at"].is_string());
    eventually(SOON, || {
        let alert = plant.rows_of("incidents", &device).remove(0);
        let sent =
            alert["notifications"].as_array().unwrap().iter().filter(|mail| mail["sent_at"].is_string());
        if sent.count() == 2 { Ok(()) } else { Err(alert) }
    });
}

fn a_batch_keeps_its_times_and_duplicates_add_nothing(plant: &mut impl Shape) {
    let device = plant.device("rack-1");
    let topic = format!("temperature/site-a/{device}");
    let of = |name| plant.metric_of("db-writer", name);
    let before = ["received_total", "stored_total", "duplicate_total"].map(of);
    let batch = r#"[{"value":21,"unit":"celsius","measured_at":"2026-01-15T10:30:00.25Z","boot":7,"seq":1},
                    {"value":22,"measured_at":1768473001000,"boot":7,"seq":2},
                    {"value":22,"measured_at":1768473001000,"boot":7,"seq":3}]"#;
    for _ in 0..3 {
        plant.publish(&topic, &["-m", batch]);
    }
    plant.promised(|| {
        let counts = ["received_total", "stored_total", "duplicate_total"].map(of);
        let new: Vec<f64> = counts.iter().zip(before).map(|(count, before)| count - before).collect();
        if new == [9.0, 3.0, 6.0] { Ok(()) } else { Err(new) }
    });
    let readings = plant.readings(&format!("device=site-a/{device}"));
    let times: Vec<_> =
        readings.iter().map(|r| (r["measured_at"].as_str().unwrap(), r["seq"].as_u64().unwrap())).collect();
    let second = "2026-01-15T10:30:01.000000Z";
    assert_eq!(times, [("2026-01-15T10:30:00.250000Z", 1), (second, 2), (second, 3)]);
    assert_eq!(readings[0]["unit"], "celsius");
    let buckets = plant.get(&format!("/api/readings?device=site-a/{device}&metric=temperature&points=2"));
    let counts: Vec<_> =
        buckets["buckets"].as_array().unwrap().iter().map(|b| b["count"].as_u64().unwrap()).collect();
    assert_eq!(counts, [1, 2]);
}

fn a_late_reading_never_replaces_a_newer_one(plant: &mut impl Shape) {
    let device = plant.device("lab");
    for (metric, value, minute) in [("temperature", 2, 30), ("temperature", 1, 29), ("humidity", 3, 30)] {
        let reading = format!(r#"{{"value":{value},"measured_at":"2026-01-15T10:{minute}:00Z"}}"#);
        plant.publish(&format!("{metric}/{device}"), &["-m", &reading]);
    }
    plant.promised_rows(3, || plant.readings(&format!("device={device}")));
    // What was published last is shown last.
    shown(plant, &device, "humidity", 3.0);
    assert_eq!(shown(plant, &device, "temperature", 2.0)["state"], "offline");
}

fn the_next_start_has_its_history(plant: &mut impl Shape) {
    let device = plant.device("lab");
    let topic = format!("temperature/{device}");
    plant.publish(&topic, &["-m", "26.1"]);
    plant.publish(&topic, &["-m", "bad"]);
    plant.restart();
    let filter = format!("device={device}");
    plant.promised_rows(1, || plant.readings(&filter));
    plant.promised_rows(1, || plant.rows_of("rejected", &device));
    shown(plant, &device, "temperature", 26.1);
    plant.publish(&topic, &["-m", "24"]);
    plant.promised(|| match plant.rows_of("incidents", &device).as_slice() {
        [alert] if alert["resolved_at"].is_string() => Ok(()),
        alerts => Err(format!("the incident goes on: {alerts:?}")),
    });
    mailed(plant, &device, 2);
}

fn a_recorded_file_is_replayed_once_however_often(plant: &mut impl Shape) {
    let (folder, device) = (tempfile::tempdir().unwrap(), plant.device("machine"));
    let file = folder.path().join("machine.csv");
    let rows = "timestamp,value\n2014-04-01 00:00:00,73.97\n2014-04-01 00:05:00,74.94\n2014-04-01 00:05:00,74.94\n\
                2014-03-31 23:55:00,76.12\n";
    std::fs::write(&file, rows).unwrap();
    let arguments = ["replay", "--device", &device, file.to_str().unwrap()];
    for _ in 0..2 {
        let (code, summary, _) = Load::start(&plant.device_url(), folder.path(), &arguments).finish();
        assert_eq!((code, &summary["acked"]), (0, &4.into()), "{summary}");
    }
    // Behind both replays.
    plant.publish(&format!("humidity/{device}"), &["-m", "1"]);
    let filter = format!("device={device}");
    plant.promised(|| {
        let readings = plant.readings(&filter);
        if readings.iter().any(|reading| reading["metric"] == "humidity") { Ok(()) } else { Err(readings) }
    });
    let readings = plant.readings(&format!("{filter}&metric=temperature"));
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

fn load_from_many_connections_is_stored_to_the_last_reading(plant: &mut impl Shape) {
    let folder = tempfile::tempdir().unwrap();
    let judged = plant.metric_of("alerter", "judged_total");
    let start = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis();
    let arguments = ["load", "--connections", "20", "--count", "20000", "--batch", "10"];
    let (code, summary, acked) = Load::start(&plant.device_url(), folder.path(), &arguments).finish();
    assert_eq!((code, acked.len()), (0, 20_000), "{summary}");
    let filter = format!("metric=temperature&from={start}");
    plant.promised(|| stored_once(&acked, &plant.readings(&filter)));
    let of = |name| plant.metric_of("db-writer", name);
    let [received, stored, duplicate, rejected, in_flight] =
        ["received_total", "stored_total", "duplicate_total", "rejected_total", "in_flight"].map(of);
    assert_eq!(received, stored + duplicate + rejected + in_flight);
    plant.promised(|| match plant.metric_of("alerter", "judged_total") - judged {
        20_000.0 => Ok(()),
        other => Err(other),
    });
}

/// The names of what the page shows.
fn devices(plant: &impl Shape) -> Vec<String> {
    plant.rows("series").iter().map(|row| row["device"].as_str().unwrap().to_owned()).collect()
}

const SENSORS: [&str; 3] = ["data_center_a1", "data_center_b1", "data_center_c1"];

fn more_than_twenty_readings(plant: &impl Shape) {
    eventually(LONG, || match plant.readings("device=data_center_a1").len() {
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
fn the_sensors_of_the_cluster_run_and_are_seen_to_be_gone() {
    let Some(cluster) = Cluster::alone() else { return };
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
