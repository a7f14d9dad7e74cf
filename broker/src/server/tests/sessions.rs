//! Sessions: take-over, expiry, restarts.

use super::*;

#[tokio::test]
async fn a_session_is_taken_over_within_its_user() {
    let harness = Harness::new();
    let hour = [17, 0, 0, 14, 16];
    let (mut first, _) = harness.v5(2, &hour, "gw/1 \\ ü").await;
    let (_second, connack) = harness.v5(0, &hour, "gw/1 \\ ü").await;
    assert_eq!(connack[2], 1, "the session is present");
    first.expect_disconnect(0x8e).await;
    let mut other = harness.open();
    other.send(&connect(5, 0x80, &hour, "gw/1 \\ ü", &string("ann"))).await;
    assert_eq!(other.packet().await[2], 0, "another user has another session");
}

#[tokio::test(start_paused = true)]
async fn a_session_and_a_delayed_will_live_as_long_as_they_were_granted() {
    let harness = Harness::new();
    // A will with a delay of 5 s in a session of 10 s.
    let will = [&[5, 24, 0, 0, 0, 5][..], &string("t/a"), &string("gone")].concat();
    let connect_with_will = connect(5, 4, &[17, 0, 0, 0, 10], "a", &will);
    for (away, present, wills) in [(4, 1, 0), (6, 1, 1), (11, 0, 2)] {
        let mut client = harness.open();
        client.send(&connect_with_will).await;
        client.packet().await;
        drop(client);
        tokio::time::sleep(Duration::from_secs(away)).await;
        let (client, connack) = harness.v5(0, &[17, 0, 0, 0, 10], "a").await;
        assert_eq!((connack[2], harness.sink.payloads().len()), (present, wills), "away for {away} s");
        drop(client);
    }
}

#[tokio::test]
async fn a_session_and_retained_messages_outlive_a_restart() {
    let folder = std::env::temp_dir().join(format!("millrace-server-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("sessions");
    let _ = std::fs::remove_file(&path);
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
    assert!(after.sink.payloads().is_empty(), "quality 2 is once across a restart, too");
    subscriber.send(&subscribe(4, &[("x/+", 0)])).await;
    subscriber.expect(&[0x90, 3, 0, 9, 0]).await;
    subscriber.expect(b"\x31\x09\x00\x03x/1kept").await;
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn after_a_kill_a_message_is_not_taken_for_an_earlier_one_of_its_id() {
    let folder = std::env::temp_dir().join(format!("millrace-kill-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("sessions");
    let before = Harness::with(Limits::default(), Some(path.clone()));
    let persistent = connect(4, 0, &[], "s", &[]);
    let mut device = before.open();
    device.send(&persistent).await;
    device.expect(&[0x20, 2, 0, 0]).await;
    device.send(&publish(4, 0x34, 7, "t/a", "first")).await;
    device.expect(&[0x50, 2, 0, 7]).await;
    drop(device);
    before.server.stop(SOON).await;
    // A process that is killed does not write the last record, that of the end.
    let closed = std::fs::read(&path).unwrap();
    std::fs::write(&path, &closed[..closed.len() - 13]).unwrap();

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
async fn a_user_who_may_no_longer_connect_is_cut_off() {
    let harness = Harness::new();
    let mut client = harness.open();
    client.send(&connect(5, 0x82, &[17, 0, 0, 14, 16], "a", &string("ann"))).await;
    client.packet().await;
    let (mut other, _) = harness.v5(2, &[], "b").await;
    harness.server.cut_off("ann");
    client.expect_disconnect(0x87).await;
    other.ping().await;
    timeout(SOON, async {
        while harness.counters.sessions.get() > 1 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
}
