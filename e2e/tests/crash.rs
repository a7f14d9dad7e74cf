//! Every acknowledged reading is stored once, however often the process that stores it is killed.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test that fails says so by a panic")]

use std::time::Duration;

use e2e::mqtt::{Endpoint, Version};
use e2e::{Cluster, LONG, Load, Qos2Device, SOON, Shape, Start, eventually, free_address, stored_once};

/// A seeded sequence of waits: the same test kills at the same moments.
struct Moments(u64);

impl Moments {
    fn next(&mut self) -> Duration {
        // Knuth's MMIX generator; only its upper bits are used.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Duration::from_millis((self.0 >> 33) % 400)
    }
}

/// Waits for more acknowledgements: a kill proves something only while readings are in flight.
fn until_more_is_acked(load: &Load, before: usize) {
    eventually(SOON * 3, || (load.acked().len() > before).then_some(()).ok_or("nothing is acked"));
}

/// Ends the load, with all readings acknowledged, and expects each to be stored once within this time.
fn all_is_stored_once(load: Load, shape: &impl Shape, within: Duration) {
    load.interrupt();
    let (code, summary, acked) = load.finish();
    assert_eq!(code, 0, "sensor-sim ends with everything acked: {summary}");
    assert_eq!(summary["acked"], summary["sent"]);
    assert_eq!(acked.len() as u64, summary["acked"].as_u64().unwrap(), "each reading is acked once");
    println!("{} readings acked", acked.len());
    eventually(within, || stored_once(&acked, &shape.readings("metric=temperature")));
}

#[test]
fn fifty_kills_under_load_lose_nothing_and_double_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let start = Start::new(&folder.path().join("data"));
    let mut millrace = start.set("MQTT__LISTEN", &free_address().to_string()).start();
    // Every reading is read back, so the rate has a limit.
    let arguments = ["load", "--connections", "50", "--rate", "1500", "--duration", "1h"];
    let load = Load::start(&millrace.device_url(), folder.path(), &arguments);
    // sensor-sim pipelines at QoS 1; these do so at QoS 2, in a session that outlives each kill.
    let address = millrace.mqtt.parse().unwrap();
    let at_qos2 = [Version::V311, Version::V5].map(|version| {
        Qos2Device::start(Endpoint { address, version }, &format!("qos2-{}", version as u8), 1)
    });
    let mut moments = Moments(42);
    let mut acked_before = 0;
    for _ in 0..50 {
        until_more_is_acked(&load, acked_before);
        std::thread::sleep(moments.next());
        let again = millrace.kill();
        acked_before = load.acked().len();
        millrace = again.start();
    }
    all_is_stored_once(load, &millrace, Duration::ZERO);
    for device in at_qos2 {
        let acked = device.finish();
        assert!(acked.len() > 100, "only {} readings are acked at QoS 2", acked.len());
        stored_once(&acked, &millrace.readings("metric=temperature")).unwrap();
    }
}

#[test]
#[ignore = "needs a cluster: `make test`, or e2e/with-cluster"]
fn kills_of_each_service_of_the_cluster_under_load_lose_nothing_and_double_nothing() {
    let cluster = Cluster::alone();
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["load", "--connections", "20", "--rate", "1000", "--duration", "1h"];
    let load = Load::start(&cluster.device_url(), folder.path(), &arguments);
    let mut moments = Moments(7);
    for service in ["db-writer", "timescaledb", "alerter", "db-writer", "rabbitmq2", "db-writer"] {
        until_more_is_acked(&load, load.acked().len());
        std::thread::sleep(moments.next());
        cluster.kill(service);
        until_more_is_acked(&load, load.acked().len() + 500);
        cluster.start(service);
    }
    all_is_stored_once(load, &cluster, LONG);
}
