//! Sessions: take-over, expiry, and users who are cut off.

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

/// It connects anew before the server has read what it sent last.
#[tokio::test]
async fn what_a_client_sent_before_it_was_taken_over_counts() {
    let harness = Harness::new();
    let will = [string("t/will"), string("gone")].concat();
    for last in [&[0xe0, 0][..], &[]] {
        let mut client = harness.open();
        client.send(&connect(4, 6, &[], "a", &will)).await;
        client.packet().await;
        client.send(&[&publish(4, 0x30, 0, "t/a", "last"), last].concat()).await;
        let session = harness.server.shared.sessions().values().next().cloned().unwrap();
        session.close(Reason::TAKEN_OVER);
        client.expect_end().await;
    }
    // Only the second one's will is published.
    timeout(SOON, async {
        while harness.sink.payloads().len() < 3 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    assert_eq!(harness.sink.payloads(), ["last", "last", "gone"]);
    assert_eq!((harness.ended(Ending::ByClient), harness.ended(Ending::TakenOver)), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn two_devices_with_one_client_id_are_named() {
    let harness = Harness::new();
    let mut clients = Vec::new();
    for connections in 1..=6 {
        clients.push(harness.v311("twin").await);
        let is_contested = connections > 3;
        let expected: &[&str] = if is_contested { &["twin"] } else { &[] };
        assert_eq!(harness.server.contested_client_ids(), expected, "{connections} connections");
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    assert_eq!(harness.counters.client_id_conflicts.get(), 3);
    tokio::time::sleep(Duration::from_secs(301)).await;
    assert!(harness.server.contested_client_ids().is_empty());
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

/// More than is made at once, for a client that says nothing more.
#[tokio::test]
async fn everything_that_waits_is_sent_at_once() {
    let harness = Harness::new();
    let hour = [17, 0, 0, 14, 16];
    let (mut away, _) = harness.v5(0, &hour, "away").await;
    away.send(&subscribe(5, &[("u/#", 1)])).await;
    away.packet().await;
    drop(away);
    let mut publisher = harness.v311("publisher").await;
    for number in 0..900 {
        publisher.send(&publish(4, 0x32, number + 1, "u/a", &"x".repeat(600))).await;
        publisher.packet().await;
    }
    let mut back = harness.open();
    back.send(&connect(5, 0, &hour, "away", &[])).await;
    back.packet().await;
    for number in 1..=900_u16 {
        let mut message = vec![0; 3 + 2 + 3 + 2 + 1 + 600];
        timeout(SOON, back.0.read_exact(&mut message)).await.expect("no message came").unwrap();
        assert_eq!(&message[8..10], number.to_be_bytes());
    }
}

/// Retained messages that are more than may wait for a client, in number and bytes.
#[tokio::test]
async fn a_new_subscription_gets_all_retained_messages() {
    for (version, qos) in [(4, 0), (4, 1), (5, 1)] {
        let mut limits = Limits::default();
        (limits.queued, limits.queued_bytes, limits.queued_bytes_total) = (5, 3_000, 3_000);
        let harness = Harness::with(limits, None);
        let mut publisher = harness.v311("publisher").await;
        for number in 0..300 {
            let topic = format!("u/{number:03}");
            publisher.send(&publish(4, 0x33, number + 1, &topic, &"x".repeat(600))).await;
            publisher.packet().await;
        }
        let mut subscriber = harness.open();
        subscriber.send(&connect(version, 2, &[], "subscriber", &[])).await;
        subscriber.packet().await;
        subscriber.send(&subscribe(version, &[("u/+", qos)])).await;
        subscriber.packet().await;
        for number in 0..300 {
            let rest = usize::from(qos) * 2 + usize::from(version == 5);
            let mut message = vec![0; 3 + 2 + 5 + rest + 600];
            timeout(SOON, subscriber.0.read_exact(&mut message)).await.expect("no message came").unwrap();
            assert_eq!(&message[5..10], format!("u/{number:03}").as_bytes());
            if qos == 1 {
                subscriber.send(&[&[0x40, 2], &message[10..12]].concat()).await;
            }
        }
        subscriber.ping().await;
        assert_eq!(harness.counters.traffic.publishes_dropped.get(), 0);
    }
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

#[tokio::test(start_paused = true)]
async fn a_will_without_a_delay_is_published_although_its_client_is_back_at_once() {
    let harness = Harness::new();
    for (delay, wills) in [(0, 1), (5, 1)] {
        let mut first = harness.with_will(0, "a", delay, "t/a").await;
        let (_second, connack) = harness.v5(0, &[17, 0, 0, 14, 16], "a").await;
        assert_eq!(connack[2], 1, "the session is present");
        first.expect_disconnect(0x8e).await;
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert_eq!(harness.sink.payloads().len(), wills, "a delay of {delay} s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_will_waits_for_room_and_is_not_left_out() {
    let limits = Limits { in_flight_bytes_total: 1_000, ..Limits::default() };
    let harness = Harness::with(limits, None);
    let client = harness.with_will(2, "w", 0, "t/w").await;
    harness.sink.hold();
    let mut device = harness.v311("a").await;
    device.send(&publish(4, 0x32, 1, "t/a", &"1".repeat(1_000))).await;
    Harness::moment().await;
    drop(client);
    Harness::moment().await;
    assert_eq!(harness.sink.payloads().len(), 1);
    harness.sink.release();
    Harness::moment().await;
    assert_eq!(harness.sink.payloads()[1..], ["gone"]);
}
