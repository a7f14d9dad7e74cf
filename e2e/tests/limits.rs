//! Whatever a peer floods it with, the process stays within bounds, goes on for everybody else, and gives back what it took.
#![allow(clippy::unwrap_used, reason = "a test that fails says so by a panic")]

use std::time::Duration;

use e2e::floods::{FLOODS, Flooded, KEPT_FILES, flood};

const MIB: u64 = 1024 * 1024;

/// What a flood may add; a steady device must not wait longer than this for one PUBACK in a hundred.
const MEMORY: u64 = 300 * MIB;
const DISK: u64 = 100 * MIB;
const LOG: u64 = 64 * 1024;
const PUBACK: Duration = Duration::from_secs(2);

fn is_bounded(name: &str) {
    let this = FLOODS.iter().find(|flood| flood.name == name).unwrap();
    let Flooded { before, during, after } = flood(this);
    let seen = format!("{}: {before:#?} {during:#?} {after:#?}", this.what);
    assert!(during.memory_bytes < before.memory_bytes + MEMORY, "memory: {seen}");
    assert!(during.disk_bytes.max(after.disk_bytes) < before.disk_bytes + DISK, "disk: {seen}");
    assert!(after.log_bytes < before.log_bytes + LOG, "log: {seen}");
    let open_files = before.open_files + KEPT_FILES + this.most_connections();
    assert!(during.open_files <= open_files, "open files: {seen}");
    assert!(during.puback_p99 < PUBACK && after.puback_p99 < PUBACK, "PUBACK: {seen}");
}

macro_rules! bounded {
    ($($flood:ident)*) => {
        $(#[test]
        fn $flood() {
            is_bounded(stringify!($flood));
        })*

        #[test]
        fn every_flood_has_a_test() {
            let names: Vec<&str> = FLOODS.iter().map(|flood| flood.name).collect();
            assert_eq!(names, [$(stringify!($flood)),*]);
        }
    };
}

bounded! {
    silent halves qos2 sessions wills filters one_packet names retained slow_subscriber unread rejected malformed
    idle_askers pages tables rejected_lists
}
