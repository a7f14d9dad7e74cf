//! Whatever was acked is stored, once, however often `millrace` is killed.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test that fails says so by a panic")]

use std::time::Duration;

use e2e::{Load, SOON, Start, eventually, free_address, stored_once};

/// A seeded sequence of waits: the same test kills at the same moments.
struct Moments(u64);

impl Moments {
    fn next(&mut self) -> Duration {
        // Knuth's MMIX generator; only its upper bits are used.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Duration::from_millis((self.0 >> 33) % 400)
    }
}

/// Kills the process at random moments while 50 devices publish.
fn survive(kills: usize) {
    let folder = tempfile::tempdir().unwrap();
    let start = Start::new(&folder.path().join("data"));
    let mut millrace = start.set("MQTT__LISTEN", &free_address().to_string()).start();
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
        let again = millrace.kill();
        acked_before = load.acked().len();
        millrace = again.start();
    }
    load.interrupt();
    let (code, summary, acked) = load.finish();
    assert_eq!(code, 0, "sensor-sim ends with everything acked: {summary}");
    assert_eq!(summary["acked"], summary["sent"]);
    assert_eq!(acked.len() as u64, summary["acked"].as_u64().unwrap(), "each reading is acked once");

    println!("{kills} kills, {} readings acked", acked.len());
    stored_once(&acked, &millrace.readings("metric=temperature")).unwrap();
}

#[test]
fn fifty_kills_under_load_lose_nothing_and_double_nothing() {
    survive(50);
}
