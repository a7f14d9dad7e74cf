//! What `millrace` does when the disk, the database or the machine lets it down.
#![allow(clippy::unwrap_used, reason = "a test that fails says so by a panic")]

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use e2e::mqtt::{Client, Connect, Endpoint, Packet, Publish, Version, pingreq};
use e2e::{LONG, Load, Millrace, SOON, Shape, Start, eventually, free_address, stored_once};
use rusqlite::Connection;
use tempfile::TempDir;

/// As fast as readings are acknowledged, until it is interrupted.
/// Every reading is read back and checked, so the rate has a limit.
const LOAD: [&str; 7] = ["load", "--connections", "20", "--rate", "2000", "--duration", "1h"];

fn goes_on(load: &Load) {
    let before = load.acked().len();
    eventually(LONG, || (load.acked().len() > before + 100).then_some(()).ok_or("nothing is acked"));
}

/// Waits until it is not ready, for this reason.
fn refuses(millrace: &Millrace, reason: &str) {
    eventually(LONG, || match millrace.ask("/readyz") {
        (503, said) if said.contains(reason) => Ok(()),
        other => Err(other),
    });
}

fn is_ready_again(millrace: &Millrace) {
    eventually(LONG, || match millrace.ask("/readyz") {
        (200, _) => Ok(()),
        other => Err(other),
    });
}

/// Checks that a PUBACK means stored at any moment: all readings that are acknowledged now are stored.
fn acked_is_stored(millrace: &Millrace, load: &Load) {
    let acked = load.acked();
    stored_once(&acked, &millrace.readings("")).unwrap();
}

/// Ends the load, and expects all readings to be acknowledged and stored once.
fn ends_well(millrace: &Millrace, load: Load) {
    load.interrupt();
    let (code, summary, acked) = load.finish();
    assert_eq!((code, &summary["sent"]), (0, &acked.len().into()), "{summary}");
    stored_once(&acked, &millrace.readings("")).unwrap();
}

/// A file system so small that it fills; unmounted when dropped.
struct SmallDisk {
    path: PathBuf,
    _folder: TempDir,
}

impl SmallDisk {
    fn new(mebibytes: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let disk = Self { path: folder.path().to_owned(), _folder: folder };
        mount(&["-t", "tmpfs", "-o", &format!("size={mebibytes}m"), "tmpfs"], &disk.path);
        disk
    }

    /// Leaves no room, and returns the file that takes it.
    fn fill(&self) -> PathBuf {
        let path = self.path.join("filled");
        let mut file = File::create(&path).unwrap();
        while file.write_all(&[0; 4096]).is_ok() {}
        path
    }

    fn grow(&self, mebibytes: u32) {
        mount(&["-o", &format!("remount,size={mebibytes}m")], &self.path);
    }
}

fn mount(arguments: &[&str], path: &Path) {
    let mount = Command::new("mount").args(arguments).arg(path).output().expect("run mount");
    let said = String::from_utf8_lossy(&mount.stderr);
    assert!(
        mount.status.success(),
        "this test needs a small file system and the right to mount it, as root: {said}"
    );
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // A folder that stays mounted is left to the person who sees this fail.
        let _ = Command::new("umount").arg("--lazy").arg(&self.path).status();
    }
}

#[test]
fn a_full_disk_stops_the_acks_until_there_is_room() {
    let disk = SmallDisk::new(8);
    // The log lies on the full disk, too: what cannot be logged must not stop anything.
    let millrace = Start::new(&disk.path.join("data")).start();
    let folder = tempfile::tempdir().unwrap();
    let mut load = Load::start(&millrace.device_url(), folder.path(), &LOAD);
    refuses(&millrace, "db-writer: the store is not available");
    let (_, said) = millrace.ask("/readyz");
    assert!(said.contains("full"), "{said}");
    acked_is_stored(&millrace, &load);
    assert!(load.is_running(), "devices wait");

    disk.grow(256);
    is_ready_again(&millrace);
    goes_on(&load);
    ends_well(&millrace, load);
    let (status, _) = millrace.terminate();
    assert!(status.success(), "{status}");
}

/// Ready means that a device gets its PUBACK, not only that it may connect.
#[test]
fn on_a_full_disk_devices_connect_and_readiness_says_that_nothing_is_stored() {
    let disk = SmallDisk::new(8);
    let millrace = Start::new(&disk.path.join("data")).start();
    let endpoint = Endpoint { address: millrace.mqtt.parse().unwrap(), version: Version::V311 };
    is_ready_again(&millrace);
    let filled = disk.fill();
    let mut device = endpoint.connect_as(&Connect::new(endpoint.version, "device").lasting(600));
    device.send(&Publish::new("temperature/lab", "21.5").qos(1, 7).written(endpoint.version));
    refuses(&millrace, "full");
    std::fs::remove_file(filled).unwrap();
    let ack = device.next_within(LONG);
    assert!(matches!(&ack, Ok(Packet::Ack(ack)) if ack.id == 7), "{ack:?}");
    is_ready_again(&millrace);
}

#[test]
fn sigterm_under_load_ends_in_time_with_everything_acked_stored() {
    let folder = tempfile::tempdir().unwrap();
    let start = Start::new(&folder.path().join("data"));
    let mut millrace = start.set("MQTT__LISTEN", &free_address().to_string()).start();
    let load = Load::start(&millrace.device_url(), folder.path(), &LOAD);
    for _ in 0..3 {
        goes_on(&load);
        // It fails where the stop takes longer than the setting `grace`.
        let (status, again) = millrace.terminate();
        assert!(status.success(), "{status}");
        millrace = again.start();
        acked_is_stored(&millrace, &load);
    }
    goes_on(&load);
    ends_well(&millrace, load);
}

/// SIGSTOP under load, for so long, and SIGCONT.
fn loses_nothing_while_it_stands_still(seconds: u64) {
    let folder = tempfile::tempdir().unwrap();
    let millrace = Start::new(&folder.path().join("data")).start();
    let load = Load::start(&millrace.device_url(), folder.path(), &LOAD);
    goes_on(&load);
    millrace.signal("STOP");
    std::thread::sleep(Duration::from_secs(seconds));
    millrace.signal("CONT");
    goes_on(&load);
    is_ready_again(&millrace);
    ends_well(&millrace, load);
}

#[test]
fn a_process_that_stands_still_for_a_moment_loses_nothing() {
    loses_nothing_while_it_stands_still(1);
}

/// Devices with a keep-alive of 1 s, which go on with their pings while the process does not run.
#[test]
fn a_process_that_stands_still_cuts_no_device_off() {
    let folder = tempfile::tempdir().unwrap();
    let millrace = Start::new(&folder.path().join("data")).start();
    let versions = [Version::V31, Version::V311, Version::V5];
    let device = |number: usize| {
        let version = versions[number % versions.len()];
        let endpoint = Endpoint { address: millrace.mqtt.parse().unwrap(), version };
        endpoint.connect_as(&Connect { keep_alive: 1, ..Connect::new(version, &format!("pings-{number}")) })
    };
    let mut devices: Vec<_> = (0..30).map(device).collect();
    let mut ping_for = |time: Duration| {
        let begun = Instant::now();
        while begun.elapsed() < time {
            devices.iter_mut().for_each(|device| device.send(&pingreq()));
            std::thread::sleep(Duration::from_millis(250));
        }
    };
    for stands_still_for in [2_000, 2_400, 3_000] {
        ping_for(Duration::from_millis(500));
        millrace.signal("STOP");
        ping_for(Duration::from_millis(stands_still_for));
        millrace.signal("CONT");
    }
    ping_for(Duration::from_millis(500));
    let cut_off = devices.iter_mut().filter_map(other_than_pingresp).collect::<Vec<_>>();
    assert!(cut_off.is_empty(), "{cut_off:?}");
}

/// What comes beside answers to pings: `Err` is the end of the connection.
fn other_than_pingresp(device: &mut Client) -> Option<Result<Packet, bool>> {
    loop {
        match device.next_within(Duration::from_millis(1)) {
            Ok(Packet::Pingresp) => {}
            Err(false) => return None,
            other => return Some(other),
        }
    }
}

mod takes_long {
    #[test]
    #[ignore = "takes half a minute: `make drill` runs it"]
    fn a_process_that_stands_still_until_devices_connect_anew_loses_nothing() {
        // Devices wait twice their keep-alive of 10 s for an answer.
        super::loses_nothing_while_it_stands_still(25);
    }
}

#[test]
fn a_database_that_somebody_else_locks_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let millrace = Start::new(&folder.path().join("data")).start();
    let load = Load::start(&millrace.device_url(), folder.path(), &LOAD);
    goes_on(&load);
    let somebody = Connection::open(folder.path().join("data/millrace.db")).unwrap();
    somebody.busy_timeout(SOON).unwrap();
    somebody.execute_batch("BEGIN EXCLUSIVE").unwrap();
    refuses(&millrace, "locked");
    acked_is_stored(&millrace, &load);
    somebody.execute_batch("ROLLBACK").unwrap();
    is_ready_again(&millrace);
    goes_on(&load);
    ends_well(&millrace, load);
}
