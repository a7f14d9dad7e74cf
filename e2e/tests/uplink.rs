//! An edge forwards what it stored to a cloud, and the cloud proves that nothing is missing.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test that fails says so by a panic")]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use e2e::{LONG, Load, Millrace, Mosquitto, SOON, Shape, Start, StartService, eventually, free_address};
use rusqlite::Connection;
use serde_json::Value;

/// A cloud that can be started again at the same address.
fn cloud(folder: &Path) -> Millrace {
    Start::new(&folder.join("cloud")).set("MQTT__LISTEN", &free_address().to_string()).start()
}

/// An edge that forwards to the cloud's broker at this address.
fn edge(folder: &Path, cloud: &str) -> Millrace {
    let start = Start::new(&folder.join("edge")).set("MQTT__LISTEN", &free_address().to_string());
    let start = start.set("UPLINK__URL", &format!("mqtt://{cloud}"));
    start.set("UPLINK__EDGE", "site-a").set("UPLINK__EVERY", "100ms").start()
}

/// All readings, by what makes each unique; how often each is there.
fn readings(millrace: &Millrace, prefix: &str) -> BTreeMap<String, usize> {
    let mut all = BTreeMap::new();
    for row in millrace.readings("metric=temperature") {
        let device = row["device"].as_str().unwrap().strip_prefix(prefix).unwrap_or("another edge");
        let parts =
            ["metric", "value", "unit", "measured_at", "received_at", "boot", "seq"].map(|name| &row[name]);
        *all.entry(format!("{device} {parts:?}")).or_default() += 1;
    }
    all
}

fn row(cloud: &Millrace) -> Value {
    cloud.get("/api/edges")["edges"][0].clone()
}

/// Waits until all that the edge stored is in the cloud, once.
fn all_arrived_once(edge: &Millrace, cloud: &Millrace) {
    let stored = readings(edge, "");
    eventually(LONG, || {
        let row = row(cloud);
        let is_done = row["arrived"] == stored.len() && row["missing"] == 0 && row["stored"] == stored.len();
        is_done.then_some(()).ok_or(format!("{} stored at the edge: {row}", stored.len()))
    });
    let arrived = readings(cloud, "site-a/");
    assert!(arrived.values().all(|count| *count == 1), "a reading is there twice");
    let missing: Vec<_> = stored.keys().filter(|reading| !arrived.contains_key(*reading)).take(3).collect();
    assert!(
        missing.is_empty() && arrived.len() == stored.len(),
        "{} and {}: {missing:?}",
        stored.len(),
        arrived.len()
    );
}

fn until_more_arrived(cloud: &Millrace, before: u64) -> u64 {
    eventually(SOON * 3, || {
        let arrived = row(cloud)["arrived"].as_u64().unwrap_or(0);
        (arrived > before).then_some(arrived).ok_or("nothing arrives")
    })
}

#[test]
fn an_edge_that_is_killed_while_it_forwards_loses_nothing_and_doubles_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let cloud = cloud(folder.path());
    let mut edge = edge(folder.path(), &cloud.mqtt);
    let arguments = ["load", "--connections", "20", "--rate", "1000", "--duration", "1h"];
    let load = Load::start(&edge.device_url(), folder.path(), &arguments);
    let mut arrived = 0;
    for number in 0..12_u64 {
        arrived = until_more_arrived(&cloud, arrived);
        // At another moment between two flushes each time.
        std::thread::sleep(Duration::from_millis(number * 37 % 110));
        edge = edge.kill().start();
    }
    load.interrupt();
    let (code, summary, _) = load.finish();
    assert_eq!(code, 0, "{summary}");
    all_arrived_once(&edge, &cloud);
    assert_eq!(edge.metric("millrace_uplink_journal"), edge.metric("millrace_uplink_sent"));
    println!("{}", row(&cloud));
}

#[test]
fn a_cloud_that_was_away_gets_the_newest_first_and_then_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let cloud = cloud(folder.path());
    let edge = edge(folder.path(), &cloud.mqtt);
    let (status, again) = cloud.terminate();
    assert!(status.success());
    let arguments = ["load", "--connections", "20", "--rate", "20000", "--duration", "4s"];
    let load = Load::start(&edge.device_url(), folder.path(), &arguments);
    let (code, summary, _) = load.finish();
    assert_eq!(code, 0, "{summary}");
    // To read them all takes memory of its own.
    assert!(readings(&edge, "").len() > 10_000);
    let resident = edge.resident_bytes();
    let cloud = again.start();
    all_arrived_once(&edge, &cloud);
    let more = edge.resident_bytes().saturating_sub(resident) / 1024;
    println!("{} readings, {more} KiB more at the edge", row(&cloud)["arrived"]);
    let bytes = edge.metric("millrace_uplink_bytes_total") / edge.metric("millrace_uplink_sent");
    println!("{bytes:.1} bytes a reading");
    assert!(bytes < 16.0, "{bytes} bytes a reading");
}

/// With the log, if it is not tidied away.
fn copy_database(from: &Path, to: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        let [from, to] = [from, to].map(|path| format!("{}{suffix}", path.display()));
        let _ = std::fs::remove_file(&to);
        if Path::new(&from).exists() {
            std::fs::copy(from, to).unwrap();
        }
    }
}

#[test]
fn a_cloud_that_lost_its_last_hours_asks_for_them() {
    let folder = tempfile::tempdir().unwrap();
    let cloud = cloud(folder.path());
    let edge = edge(folder.path(), &cloud.mqtt);
    let publish = |count: usize| {
        for number in 0..count {
            let value = number.to_string();
            edge.publish("temperature/lab", &["-m", &value]);
        }
    };
    publish(3);
    all_arrived_once(&edge, &cloud);
    let (_, again) = cloud.terminate();
    let (data, backup) = (folder.path().join("cloud/millrace.db"), folder.path().join("backup.db"));
    copy_database(&data, &backup);
    let cloud = again.start();
    publish(3);
    all_arrived_once(&edge, &cloud);
    let (_, again) = cloud.terminate();
    copy_database(&backup, &data);
    let cloud = again.start();
    // It tells how far the journal is.
    publish(1);
    eventually(SOON * 3, || (row(&cloud)["missing"] == 3).then_some(()).ok_or(row(&cloud)));
    all_arrived_once(&edge, &cloud);
}

#[test]
fn only_what_somebody_takes_counts_as_sent() {
    let folder = tempfile::tempdir().unwrap();
    let mosquitto = Mosquitto::start(folder.path());
    let edge = edge(folder.path(), &mosquitto.address.to_string());
    (0..20).for_each(|number| edge.publish("temperature/lab", &["-m", &number.to_string()]));
    let counts = || {
        ["journal", "sent", "unsent", "not_taken_total"]
            .map(|name| edge.metric(&format!("millrace_uplink_{name}")))
    };
    // mosquitto says that nobody subscribes.
    eventually(LONG, || match counts() {
        [20.0, 0.0, 20.0, not_taken] if not_taken > 0.0 => Ok(()),
        other => Err(format!("{other:?}")),
    });
    let writer =
        StartService::new("db-writer", folder.path(), &format!("mqtt://{}", mosquitto.address)).start();
    writer.until_ready();
    eventually(LONG, || match counts() {
        [20.0, 20.0, 0.0, _] => Ok(()),
        other => Err(format!("{other:?}")),
    });
    let database = Connection::open(folder.path().join("data/millrace.db")).unwrap();
    let arrived = || {
        let one = |query: &str| database.query_row(query, [], |row| row.get::<_, i64>(0)).unwrap_or(0);
        let numbers = one(
            "SELECT sum(last - first + 1) FROM uplink_ranges WHERE edge = 'site-a' AND state = 'arrived'",
        );
        (one("SELECT count(*) FROM readings"), numbers)
    };
    eventually(LONG, || if arrived() == (20, 20) { Ok(()) } else { Err(format!("{:?}", arrived())) });
}
