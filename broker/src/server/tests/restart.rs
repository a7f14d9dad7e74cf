//! What outlives a restart, and what a kill may cost.

use std::path::Path;

use super::storage::{Moment, start_at};
use super::*;

/// A fresh folder, and the path of a file of sessions in it.
fn folder(name: &str) -> (PathBuf, PathBuf) {
    let folder = std::env::temp_dir().join(format!("millrace-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("sessions");
    (folder, path)
}

/// A process that is killed does not write the last record, that of the end.
fn as_if_killed(path: &Path) {
    let closed = std::fs::read(path).unwrap();
    std::fs::write(path, &closed[..closed.len() - 13]).unwrap();
}

#[tokio::test]
async fn a_session_and_retained_messages_outlive_a_restart() {
    let (folder, path) = folder("server");
    let before = Harness::with(Limits::default(), Some(path.clone()));
    let persistent = connect(4, 0, &[], "s", &[]);
    let mut subscriber = before.open();
    subscriber.send(&persistent).await;
    subscriber.expect(&[0x20, 2, 0, 0]).await;
    subscriber.send(&subscribe(4, &[("x/#", 2)])).await;
    subscriber.expect(&[0x90, 3, 0, 9, 2]).await;
    subscriber.send(&publish(4, 0x34, 7, "t/a", "once")).await;
    subscriber.expect(&[0x50, 2, 0, 7]).await;
    drop(subscriber);
    let mut publisher = before.v311("p").await;
    publisher.send(&publish(4, 0x33, 1, "x/1", "kept")).await;
    publisher.expect(&[0x40, 2, 0, 1]).await;
    before.server.stop(SOON).await;

    let after = Harness::with(Limits::default(), Some(path));
    let mut subscriber = after.open();
    subscriber.send(&persistent).await;
    subscriber.expect(&[0x20, 2, 1, 0]).await;
    subscriber.expect(b"\x32\x0b\x00\x03x/1\x00\x01kept").await;
    subscriber.send(&publish(4, 0x3c, 7, "t/a", "once")).await;
    subscriber.expect(&[0x50, 2, 0, 7]).await;
    assert!(after.sink.payloads().is_empty(), "QoS 2 is once across a restart, too");
    subscriber.send(&subscribe(4, &[("x/+", 0)])).await;
    subscriber.expect(&[0x90, 3, 0, 9, 0]).await;
    subscriber.expect(b"\x31\x09\x00\x03x/1kept").await;
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_retained_message_outlives_a_restart_whatever_its_topic() {
    let (folder, path) = folder("long-topic");
    let topic = format!("x/{}lab", "room/".repeat(59));
    assert_eq!(topic.len(), 300);
    let before = Harness::with(Limits::default(), Some(path.clone()));
    let mut publisher = before.v311("p").await;
    publisher.send(&publish(4, 0x33, 1, &topic, "kept")).await;
    publisher.expect(&[0x40, 2, 0, 1]).await;
    before.server.stop(SOON).await;

    let after = Harness::with(Limits::default(), Some(path));
    let mut subscriber = after.v311("s").await;
    subscriber.send(&subscribe(4, &[("x/#", 0)])).await;
    subscriber.expect(&[0x90, 3, 0, 9, 0]).await;
    let expected = publish(4, 0x31, 0, &topic, "kept");
    let mut kept = vec![0; expected.len()];
    timeout(SOON, subscriber.0.read_exact(&mut kept)).await.expect("nothing is retained").unwrap();
    assert_eq!(kept, expected);
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn after_a_kill_a_message_is_not_taken_for_an_earlier_one_of_its_id() {
    let (folder, path) = folder("kill");
    let before = Harness::with(Limits::default(), Some(path.clone()));
    let persistent = connect(4, 0, &[], "s", &[]);
    let mut device = before.open();
    device.send(&persistent).await;
    device.expect(&[0x20, 2, 0, 0]).await;
    device.send(&publish(4, 0x34, 7, "t/a", "first")).await;
    device.expect(&[0x50, 2, 0, 7]).await;
    drop(device);
    before.server.stop(SOON).await;
    as_if_killed(&path);

    let after = Harness::with(Limits::default(), Some(path));
    let mut device = after.open();
    device.send(&persistent).await;
    device.expect(&[0x20, 2, 1, 0]).await;
    device.send(&publish(4, 0x3c, 7, "t/a", "second")).await;
    device.expect(&[0x50, 2, 0, 7]).await;
    assert_eq!(after.sink.payloads(), ["second"]);
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_message_of_quality_2_that_is_settled_after_its_connection_is_known_after_a_restart() {
    let (folder, path) = folder("settled-late");
    let before = Harness::with(Limits::default(), Some(path.clone()));
    before.sink.hold();
    let persistent = connect(4, 0, &[], "s", &[]);
    let mut device = before.open();
    device.send(&persistent).await;
    device.expect(&[0x20, 2, 0, 0]).await;
    device.send(&publish(4, 0x34, 7, "t/a", "once")).await;
    device.ping().await;
    drop(device);
    let server = before.server.clone();
    let stop = tokio::spawn(async move { server.stop(SOON).await });
    // The file is written while the message is not settled, too.
    tokio::time::sleep(Duration::from_millis(100)).await;
    before.sink.release();
    stop.await.unwrap();

    let after = Harness::with(Limits::default(), Some(path));
    let mut device = after.open();
    device.send(&persistent).await;
    device.expect(&[0x20, 2, 1, 0]).await;
    device.send(&publish(4, 0x3c, 7, "t/a", "once")).await;
    device.expect(&[0x50, 2, 0, 7]).await;
    assert!(after.sink.payloads().is_empty(), "it was settled before");
    std::fs::remove_dir_all(folder).unwrap();
}

/// Whether the will has been published within this time.
async fn is_published(harness: &Harness, within: Duration) -> bool {
    let published = async {
        while harness.sink.payloads().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(within, published).await.is_ok()
}

#[tokio::test]
async fn a_delayed_will_outlives_a_restart_and_a_kill_and_is_published_once() {
    for is_killed in [false, true] {
        let (folder, path) = folder(&format!("will-{is_killed}"));
        let before = Harness::with(Limits::default(), Some(path.clone()));
        drop(before.with_will(2, "a", 1, "t/a").await);
        drop(before.with_will(2, "b", 100, "t/b").await);
        before.server.stop(SOON).await;
        if is_killed {
            as_if_killed(&path);
        }
        let between = Harness::with(Limits::default(), Some(path.clone()));
        assert!(is_published(&between, SOON).await);
        // That it is done is written, too.
        tokio::time::sleep(Duration::from_millis(100)).await;
        between.server.stop(SOON).await;
        let after = Harness::with(Limits::default(), Some(path.clone()));
        assert!(
            !is_published(&after, Duration::from_millis(200)).await,
            "{:?}",
            after.sink.taken.lock().unwrap()
        );
        let (_client, connack) = after.v5(0, &[17, 0, 0, 14, 16], "b").await;
        assert_eq!(connack[2], 1, "the session is there");
        std::fs::remove_dir_all(folder).unwrap();
    }
}

#[tokio::test]
async fn a_will_whose_client_came_back_is_not_published_after_a_restart() {
    let (folder, path) = folder("will-back");
    let before = Harness::with(Limits::default(), Some(path.clone()));
    drop(before.with_will(2, "a", 1, "t/a").await);
    let (_client, _) = before.v5(0, &[17, 0, 0, 14, 16], "a").await;
    before.server.stop(SOON).await;
    let after = Harness::with(Limits::default(), Some(path));
    assert!(!is_published(&after, Duration::from_millis(1_500)).await);
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_session_that_is_to_end_with_its_connection_does_not_come_back_after_a_kill() {
    let (folder, path) = folder("shortened");
    let before = Harness::with(Limits::default(), Some(path.clone()));
    let (client, _) = before.v5(2, &[17, 0, 0, 14, 16], "a").await;
    drop(client);
    // It is resumed, and ends with this connection.
    let (_client, connack) = before.v5(0, &[], "a").await;
    assert_eq!(connack[2], 1);
    tokio::time::sleep(Duration::from_millis(200)).await;
    // What a kill leaves now.
    let killed = path.with_extension("killed");
    std::fs::copy(&path, &killed).unwrap();
    let after = Harness::with(Limits::default(), Some(killed));
    assert_eq!(after.counters.sessions.get(), 0);
    before.server.stop(SOON).await;
    std::fs::remove_dir_all(folder).unwrap();
}

type Now = fn() -> Moment;

/// When a process ended.
const BEFORE: Moment = Moment { boot: Some(7), since_boot: 9_000_000, wall: 1_790_000_000_000 };

/// That moment, this many minutes later in the same boot of the machine.
const fn later(minutes: u64) -> Moment {
    let passed = minutes * 60_000;
    Moment { boot: BEFORE.boot, since_boot: BEFORE.since_boot + passed, wall: BEFORE.wall + passed }
}

/// A machine that was started again, with a wall clock that this many minutes have passed by.
const fn rebooted(minutes: u64) -> Moment {
    Moment { boot: Some(8), since_boot: 20_000, wall: BEFORE.wall + minutes * 60_000 }
}

const YEARS: u64 = 3 * 365 * 24 * 60;

impl Harness {
    fn at(path: &Path, now: Now) -> Self {
        let harness = Self::new();
        start_at(&harness.server.shared, path, now);
        harness
    }

    /// How long the session of the only client that was there is still to live.
    fn life(&self) -> Duration {
        let sessions = self.server.shared.sessions();
        let ends_at = sessions.values().next().expect("the session has ended").state().ends_at;
        ends_at.expect("the client is away").saturating_duration_since(tokio::time::Instant::now())
    }
}

/// Leaves a session of an hour behind whose client is away.
async fn leave_an_hour(path: &Path) {
    let before = Harness::at(path, || BEFORE);
    drop(before.v5(2, &[17, 0, 0, 14, 16], "a").await);
    while before.server.shared.sessions().values().any(|session| session.state().line.is_some()) {
        tokio::task::yield_now().await;
    }
    before.server.stop(SOON).await;
}

#[tokio::test]
async fn the_life_of_a_session_goes_on_while_no_process_runs_whatever_the_clock_says() {
    let (folder, path) = folder("life");
    let set_forth: Now = || Moment { wall: rebooted(YEARS).wall, ..later(50) };
    let set_back: Now = || Moment { wall: 0, ..later(50) };
    let not_set: Now = || Moment { wall: 0, ..rebooted(0) };
    let cases: [(&str, Now, u64); 7] = [
        ("at once", || BEFORE, 60),
        ("50 minutes later", || later(50), 10),
        ("the clock was set forth", set_forth, 10),
        ("the clock was set back", set_back, 10),
        ("the machine was off for 50 minutes", || rebooted(50), 10),
        ("it was off for years, or its clock is wrong", || rebooted(YEARS), 5),
        ("it was off, and its clock is not set yet", not_set, 60),
    ];
    for (what, now, minutes) in cases {
        let _ = std::fs::remove_file(&path);
        leave_an_hour(&path).await;
        let life = Harness::at(&path, now).life();
        let most = Duration::from_secs(minutes * 60);
        assert!(life <= most && life > most - Duration::from_secs(60), "{what}: {life:?}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_session_that_ran_out_while_no_process_ran_does_not_come_back() {
    let (folder, path) = folder("ran-out");
    leave_an_hour(&path).await;
    let after = Harness::at(&path, || later(60));
    let (_client, connack) = after.v5(0, &[], "a").await;
    assert_eq!(connack[2], 0, "its session is present");
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn restarts_do_not_lengthen_the_life_of_a_session() {
    let (folder, path) = folder("restarts");
    let before = Harness::at(&path, || BEFORE);
    let (_client, _) = before.v5(2, &[17, 0, 0, 14, 16], "a").await;
    // What a kill leaves while the client is connected.
    let killed = path.with_extension("killed");
    while !std::fs::copy(&path, &killed).is_ok_and(|bytes| bytes > 16) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    for (now, minutes) in [(|| later(10)) as Now, || later(30), || later(60)].into_iter().zip([60, 40, 10]) {
        let between = Harness::at(&killed, now);
        let (life, most) = (between.life(), Duration::from_secs(minutes * 60));
        assert!(life <= most && life > most - Duration::from_secs(60), "{minutes}: {life:?}");
        between.server.stop(SOON).await;
        as_if_killed(&killed);
    }
    before.server.stop(SOON).await;
    std::fs::remove_dir_all(folder).unwrap();
}
