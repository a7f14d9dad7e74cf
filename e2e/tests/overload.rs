//! Whoever publishes while the store is away takes no more than its share.
#![allow(clippy::unwrap_used, reason = "a test that fails says so by a panic")]

use std::thread;

use e2e::mqtt::{Client, Endpoint, Publish, Version};
use e2e::{LONG, Start, usage};
use rusqlite::Connection;

/// Who publishes while the store is away.
const CLIENTS: usize = 40;

/// What all of them may fill: `mqtt.limits.in_flight_bytes_total`, and as much for all else.
const MOST_BYTES: u64 = 128 * 1024 * 1024;

/// Publishes readings without waiting for acknowledgements, until nobody takes any more.
fn publishes_all_it_can(endpoint: Endpoint, number: usize) -> Client {
    let reading = Publish::new("temperature/flood", format!("21.5{}", " ".repeat(60_000)));
    let all: Vec<u8> =
        (1..=200).flat_map(|id| reading.clone().qos(1, id).written(endpoint.version)).collect();
    let mut client = endpoint.connect(&format!("flood-{number}"));
    client.send_some(&all);
    client
}

#[test]
fn while_the_store_is_away_what_waits_is_bounded_by_its_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let millrace = Start::new(&folder.path().join("data")).start();
    let endpoint = Endpoint { address: millrace.mqtt.parse().unwrap(), version: Version::V311 };
    let mut device = endpoint.connect("device");
    let reading = Publish::new("temperature/lab", "21.5").qos(1, 0);
    device.publish(&reading);
    let before = millrace.resident_bytes();
    let somebody = Connection::open(folder.path().join("data").join("millrace.db")).unwrap();
    somebody.busy_timeout(LONG).unwrap();
    somebody.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let clients: Vec<_> = thread::scope(|scope| {
        let send = |number| scope.spawn(move || publishes_all_it_can(endpoint, number));
        let all: Vec<_> = (0..CLIENTS).map(send).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let growth = usage::peak_bytes(millrace.id()).saturating_sub(before);
    assert!(growth < MOST_BYTES, "{growth} bytes for {CLIENTS} clients with 12 MB each");
    somebody.execute_batch("ROLLBACK").unwrap();
    drop(clients);
    assert_eq!(device.publish(&reading), 0, "it goes on");
}
