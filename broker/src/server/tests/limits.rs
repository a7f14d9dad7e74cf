//! Every limit: what is over it is refused with MQTT's reason, and counted.

use super::*;

fn limited(change: impl FnOnce(&mut Limits)) -> Harness {
    let mut limits = Limits::default();
    change(&mut limits);
    Harness::with(limits, None)
}

#[tokio::test(start_paused = true)]
async fn whoever_says_nothing_is_left() {
    let harness = limited(|limits| {
        limits.handshakes = 1;
        limits.handshake_timeout = SOON / 2;
    });
    let mut silent = harness.open();
    tokio::task::yield_now().await;
    harness.open().expect_end().await;
    silent.expect_end().await;
    assert_eq!((harness.refused(Rule::Handshakes), harness.refused(Rule::HandshakeTimeout)), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn the_time_of_the_decision_is_not_the_clients() {
    let harness = Harness::new();
    let mut client = harness.open();
    client.send(&connect(4, 0x82, &[], "a", &string("slow"))).await;
    tokio::time::sleep(2 * Limits::default().handshake_timeout).await;
    client.expect(&[0x20, 2, 0, 0]).await;
    assert_eq!(harness.refused(Rule::HandshakeTimeout), 0);
}

#[tokio::test]
async fn packets_have_a_size() {
    let harness = limited(|limits| {
        limits.connect_bytes = 200;
        limits.packet_bytes = 1_000;
    });
    let mut long = harness.open();
    long.send(&connect(4, 2, &[], &"x".repeat(300), &[])).await;
    long.expect_end().await;
    let (mut client, connack) = harness.v5(2, &[], "a").await;
    assert!(connack.windows(5).any(|part| part == [39, 0, 0, 3, 232]), "{connack:x?}");
    client.send(&publish(5, 0x32, 1, "t/a", &"1".repeat(2_000))).await;
    client.expect_disconnect(0x95).await;
    assert_eq!(harness.refused(Rule::PacketBytes), 2);
}

#[tokio::test]
async fn a_window_is_a_window() {
    let harness = limited(|limits| limits.in_flight = 10);
    harness.sink.hold();
    let (mut new, _) = harness.v5(2, &[], "new").await;
    let all: Vec<u8> = (1..=11).flat_map(|id| publish(5, 0x34, id, "t/a", "1")).collect();
    new.send(&all).await;
    new.expect_disconnect(0x93).await;
    assert_eq!(harness.sink.payloads().len(), 10);
    // Before MQTT 5 the client does not know: it is read no further until something is settled.
    let mut old = harness.v311("old").await;
    let all: Vec<u8> = (1..=25).flat_map(|id| publish(4, 0x32, id, "t/b", "2")).collect();
    old.send(&all).await;
    let taken = || harness.sink.payloads().iter().filter(|payload| *payload == "2").count();
    timeout(SOON, async {
        while taken() < 10 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    assert_eq!(taken(), 10);
    harness.sink.release();
    for id in 1..=25 {
        old.expect(&[0x40, 2, 0, id]).await;
    }
}

#[tokio::test]
async fn subscriptions_have_a_number_and_a_right() {
    let harness = limited(|limits| {
        limits.subscriptions = 2;
        limits.subscriptions_total = 3;
        limits.subscriptions_per_packet = 5;
        limits.topic_levels = 3;
    });
    let (mut client, _) = harness.v5(2, &[], "a").await;
    client.send(&subscribe(5, &[("a", 1), ("other/x", 1), ("b/##", 1), ("b", 2), ("c", 0)])).await;
    client.expect(&[0x90, 8, 0, 9, 0, 1, 0x87, 0x8f, 2, 0x97]).await;
    client.send(&subscribe(5, &[("a", 0)])).await;
    client.expect(&[0x90, 4, 0, 9, 0, 0]).await;
    client.send(&subscribe(5, &[("a", 0); 6])).await;
    client.expect(&[0x90, 9, 0, 9, 0, 0x97, 0x97, 0x97, 0x97, 0x97, 0x97]).await;
    let mut other = harness.v311("b").await;
    other.send(&subscribe(4, &[("a", 0), ("b", 0), ("a/b/c/d", 0)])).await;
    other.expect(&[0x90, 5, 0, 9, 0, 0x80, 0x80]).await;
    assert_eq!(harness.counters.subscriptions.get(), 3);
    assert_eq!(harness.refused(Rule::Subscriptions), 8);
}

#[tokio::test]
async fn what_waits_for_a_client_is_bounded() {
    let harness = limited(|limits| limits.queued = 2);
    let persistent = connect(4, 0, &[], "s", &[]);
    let mut subscriber = harness.open();
    subscriber.send(&persistent).await;
    subscriber.expect(&[0x20, 2, 0, 0]).await;
    subscriber.send(&subscribe(4, &[("x", 1)])).await;
    subscriber.expect(&[0x90, 3, 0, 9, 1]).await;
    subscriber.send(&[0xe0, 0]).await;
    subscriber.expect_end().await;
    let mut publisher = harness.v311("p").await;
    for id in 1..=4 {
        publisher.send(&publish(4, 0x32, id, "x", &id.to_string())).await;
        publisher.expect(&[0x40, 2, 0, id as u8]).await;
    }
    assert_eq!(harness.refused(Rule::Queued), 2);
    let mut again = harness.open();
    again.send(&persistent).await;
    again.expect(&[0x20, 2, 1, 0]).await;
    again.expect(b"\x32\x06\x00\x01x\x00\x011").await;
    again.expect(b"\x32\x06\x00\x01x\x00\x022").await;
}

#[tokio::test]
async fn a_retained_message_without_room_is_passed_on_and_not_kept() {
    let harness = limited(|limits| limits.retained = 1);
    let mut client = harness.v311("a").await;
    for (id, topic) in [(1, "x"), (2, "y"), (3, "x")] {
        client.send(&publish(4, 0x33, id, topic, "1")).await;
        client.expect(&[0x40, 2, 0, id as u8]).await;
    }
    assert_eq!((harness.counters.retained.get(), harness.refused(Rule::Retained)), (1, 1));
    let (mut new, _) = harness.v5(2, &[], "b").await;
    new.send(&publish(5, 0x33, 1, "y", "1")).await;
    assert_eq!(new.packet().await[4], 0x97);
}

#[tokio::test]
async fn what_came_in_part_is_bounded_for_all_together() {
    let harness = limited(|limits| limits.partial_bytes_total = 10_000);
    let mut clients = Vec::new();
    for id in ["a", "b", "c"] {
        let mut client = harness.v311(id).await;
        client.send(&publish(4, 0x32, 1, "t/a", &"1".repeat(50_000))[..4_500]).await;
        tokio::task::yield_now().await;
        clients.push(client);
    }
    clients.pop().unwrap().expect_end().await;
    assert_eq!(harness.refused(Rule::PartialBytes), 1);
}

#[tokio::test]
async fn with_too_many_sessions_a_further_one_ends_with_its_connection() {
    let harness = limited(|limits| limits.sessions = 1);
    let hour = [17, 0, 0, 14, 16];
    let (_first, _) = harness.v5(2, &hour, "a").await;
    let (_second, connack) = harness.v5(2, &hour, "b").await;
    assert!(connack.windows(5).any(|part| part == [17, 0, 0, 0, 0]), "the expiry is said: {connack:x?}");
    assert_eq!(harness.refused(Rule::Sessions), 1);
}

#[tokio::test]
async fn denied_publishes_are_kept_up_to_a_number_a_minute() {
    let harness = limited(|limits| limits.denied_kept_per_minute = 2);
    let (mut client, _) = harness.v5(2, &[], "a").await;
    for id in 1..=5 {
        client.send(&publish(5, 0x32, id, "t/other", "1")).await;
        assert_eq!(client.packet().await[4], 0x87);
    }
    assert_eq!((harness.sink.kinds().len(), harness.refused(Rule::DeniedKept)), (2, 3));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_too_fast_is_read_later() {
    let harness = limited(|limits| limits.messages_per_second = 10);
    let mut client = harness.v311("a").await;
    let began = tokio::time::Instant::now();
    let all: Vec<u8> = (1..=25).flat_map(|id| publish(4, 0x32, id, "t/a", "1")).collect();
    client.send(&all).await;
    for id in 1..=25 {
        client.expect(&[0x40, 2, 0, id]).await;
    }
    assert!(began.elapsed() >= Duration::from_secs(2) && harness.refused(Rule::MessageRate) >= 2);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_silent_for_too_long_is_left() {
    let harness = Harness::new();
    let (mut client, _) = harness.v5(2, &[], "a").await;
    let began = tokio::time::Instant::now();
    timeout(Duration::from_secs(200), client.0.read_u8()).await.unwrap().unwrap();
    assert_eq!(began.elapsed().as_secs(), 90, "one and a half times the keep-alive of 60 s");
    assert_eq!(harness.refused(Rule::KeepAlive), 1);
}

#[tokio::test]
async fn wills_are_bounded_together() {
    let harness = limited(|limits| limits.queued_bytes_total = 2_000);
    let will = [string("t/will"), string(&"x".repeat(1_200))].concat();
    let mut first = harness.open();
    first.send(&connect(4, 0x06, &[], "a", &will)).await;
    first.expect(&[0x20, 2, 0, 0]).await;
    let mut second = harness.open();
    second.send(&connect(4, 0x06, &[], "b", &will)).await;
    second.expect(&[0x20, 2, 0, 3]).await;
    assert_eq!(harness.refused(Rule::Queued), 1);
    // What the first had is free once it has gone.
    first.send(&[0xe0, 0]).await;
    first.expect_end().await;
    let mut third = harness.open();
    third.send(&connect(4, 0x06, &[], "c", &will)).await;
    third.expect(&[0x20, 2, 0, 0]).await;
}

#[tokio::test]
async fn an_idle_connection_is_small() {
    let harness = Harness::new();
    let (stream, _client) = duplex(1);
    let peer = Peer::plain(([127, 0, 0, 1], 1).into());
    let serving = size_of_val(&harness.server.serve(stream, peer));
    let connection = size_of::<Connection<DuplexStream>>();
    let session = size_of::<session::Session>();
    assert!(serving + connection + session < 1_800, "{serving} + {connection} + {session} bytes");
}
