//! Whatever was acked is stored, once, however often `millrace` is killed.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test that fails says so by a panic")]

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use e2e::{AckedReading, Load, Millrace, SOON, Start, eventually};

/// A seeded sequence of waits: the same test kills at the same moments.
struct Moments(u64);

impl Moments {
    fn next(&mut self) -> Duration {
        // Knuth's MMIX generator; only its upper bits are used.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Duration::from_millis((self.0 >> 33) % 400)
    }
}

fn stored(millrace: &Millrace) -> HashMap<AckedReading, usize> {
    let mut stored = HashMap::new();
    for reading in millrace.readings("metric=temperature") {
        let device = reading["device"].as_str().unwrap().to_owned();
        let name = (device, reading["boot"].as_u64().unwrap(), reading["seq"].as_u64().unwrap());
        *stored.entry(name).or_default() += 1;
    }
    stored
}

/// Kills the process at random moments while 50 devices publish.
fn survive(kills: usize) {
    let folder = tempfile::tempdir().unwrap();
    let start = Start::new(&folder.path().join("data"));
    let mut millrace = start.start();
    let start = |start: Start, mqtt: &str| start.set("MQTT__LISTEN", mqtt).start();
    let load = Load::start(
        &millrace.mqtt,
        folder.path(),
        &["load", "--connections", "50", "--rate", "5000", "--duration", "1h"],
    );
    let mut moments = Moments(42);
    let mut acked_before = 0;
    for _ in 0..kills {
        // A kill proves something only where readings are under way.
        eventually(SOON * 3, || (load.acked().len() > acked_before).then_some(()).ok_or("nothing is acked"));
        std::thread::sleep(moments.next());
        let mqtt = millrace.mqtt.clone();
        let again = millrace.kill();
        acked_before = load.acked().len();
        millrace = start(again, &mqtt);
    }
    load.interrupt();
    let (code, summary, acked) = load.finish();
    assert_eq!(code, 0, "sensor-sim ends with everything acked: {summary}");
    assert_eq!(summary["acked"], summary["sent"]);
    assert_eq!(acked.len() as u64, summary["acked"].as_u64().unwrap(), "each reading is acked once");

    let stored = stored(&millrace);
    let lost: HashSet<_> = acked.iter().filter(|reading| !stored.contains_key(*reading)).collect();
    let twice: Vec<_> = stored.iter().filter(|(_, count)| **count > 1).collect();
    println!("{kills} kills, {} readings acked, {} stored", acked.len(), stored.len());
    assert!(lost.is_empty(), "{} acked readings are lost: {lost:?}", lost.len());
    assert!(twice.is_empty(), "{} readings are stored twice: {twice:?}", twice.len());
}

#[test]
fn fifty_kills_under_load_lose_nothing_and_double_nothing() {
    survive(50);
}
