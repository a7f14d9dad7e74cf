//! Every limit: what is over it is refused with MQTT's reason, and counted.

mod connections;
mod publishes;
mod subscribers;

use super::*;

fn limited(change: impl FnOnce(&mut Limits)) -> Harness {
    let mut limits = Limits::default();
    change(&mut limits);
    Harness::with(limits, None)
}

/// The test of each limit, which passes it. That it is counted by its name is checked here; a limit that is missing
/// does not compile.
macro_rules! limits {
    ($($limit:ident: $chapter:ident, $rule:ident;)*) => {
        #[test]
        fn every_limit_has_a_test_and_a_counter_of_its_name() {
            let Limits { $($limit: _),* } = Limits::default();
            $(assert_eq!(Rule::$rule.name(), stringify!($limit));)*
        }

        $(#[tokio::test(start_paused = true)]
        async fn $limit() {
            let harness = $chapter::$limit().await;
            assert!(harness.refused(Rule::$rule) > 0, "it is not counted");
        })*
    };
}

limits! {
    handshakes: connections, Handshakes;
    handshake_timeout: connections, HandshakeTimeout;
    keep_alive: connections, KeepAlive;
    connect_bytes: connections, ConnectBytes;
    packet_bytes: connections, PacketBytes;
    partial_bytes_total: connections, PartialBytesTotal;
    in_flight: publishes, InFlight;
    in_flight_bytes: publishes, InFlightBytes;
    in_flight_bytes_total: publishes, InFlightBytesTotal;
    messages_per_second: publishes, MessagesPerSecond;
    sessions: connections, Sessions;
    session_expiry: connections, SessionExpiry;
    queued: subscribers, Queued;
    queued_bytes: subscribers, QueuedBytes;
    queued_bytes_total: subscribers, QueuedBytesTotal;
    subscriptions: subscribers, Subscriptions;
    subscriptions_total: subscribers, SubscriptionsTotal;
    subscriptions_per_packet: subscribers, SubscriptionsPerPacket;
    name_bytes: connections, NameBytes;
    topic_levels: connections, TopicLevels;
    retained: subscribers, Retained;
    retained_bytes: subscribers, RetainedBytes;
    topic_aliases: publishes, TopicAliases;
    will_delay: publishes, WillDelay;
    denied_kept_per_minute: publishes, DeniedKeptPerMinute;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_silent_for_too_long_is_left() {
    let harness = Harness::new();
    let (mut client, _) = harness.v5(2, &[], "a").await;
    let began = tokio::time::Instant::now();
    timeout(Duration::from_secs(200), client.0.read_u8()).await.unwrap().unwrap();
    assert_eq!(began.elapsed().as_secs(), 90, "one and a half times the keep-alive of 60 s");
    assert_eq!(harness.refused(Rule::KeepAliveTimeout), 1);
}

#[tokio::test(start_paused = true)]
async fn silence_is_not_the_clients_while_the_process_does_not_run() {
    let harness = Harness::new();
    for (runs_for, stands_still_for) in [(0, 95), (60, 45), (80, 4_000), (90, 0)] {
        let mut client = harness.v311("a").await;
        tokio::time::sleep(Duration::from_secs(runs_for)).await;
        tokio::time::advance(Duration::from_secs(stands_still_for)).await;
        // What came meanwhile is read a moment after the timers have fired.
        tokio::time::sleep(Duration::from_millis(50)).await;
        client.ping().await;
        tokio::time::sleep(Duration::from_secs(89)).await;
        client.ping().await;
        tokio::time::sleep(Duration::from_secs(89)).await;
        client.expect_end().await;
        client = harness.v311("b").await;
        client.send(&[0xe0, 0]).await;
        client.expect_end().await;
    }
    assert_eq!(harness.refused(Rule::KeepAliveTimeout), 4);
    assert_eq!(harness.ended(Ending::By(Rule::KeepAliveTimeout)), 4);
    assert_eq!(harness.ended(Ending::ByClient), 4);
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
    assert_eq!(harness.refused(Rule::QueuedBytesTotal), 1);
    // What the first had is free once it has gone.
    first.send(&[0xe0, 0]).await;
    first.expect_end().await;
    let mut third = harness.open();
    third.send(&connect(4, 0x06, &[], "c", &will)).await;
    third.expect(&[0x20, 2, 0, 0]).await;
}

#[tokio::test(start_paused = true)]
async fn a_packet_is_as_large_as_its_receiver_takes_and_no_larger() {
    // PUBLISH with the topic `x`, without properties, and a payload: 2 bytes of header, 3 of the topic, 1, payload.
    for (payload, comes) in [(24, true), (25, false)] {
        let harness = Harness::new();
        let (mut subscriber, _) = harness.v5(2, &[39, 0, 0, 0, 30], "s").await;
        subscriber.send(&subscribe(5, &[("x", 0)])).await;
        subscriber.expect(&[0x90, 4, 0, 9, 0, 0]).await;
        let mut publisher = harness.v311("p").await;
        publisher.send(&publish(4, 0x30, 0, "x", &"1".repeat(payload))).await;
        publisher.ping().await;
        if comes {
            assert_eq!(subscriber.packet().await.len(), 30);
        }
        subscriber.ping().await;
        assert_eq!(harness.refused(Rule::TooLargeForReceiver), u64::from(!comes));
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_takes_no_packet_of_the_size_of_an_answer_is_told_so() {
    let harness = Harness::new();
    let mut client = harness.open();
    client.send(&connect(5, 2, &[39, 0, 0, 0, 10], "a", &[])).await;
    assert_eq!(client.packet().await[3], 0x95, "CONNACK does not fit");
    client.expect_end().await;
    let (mut client, _) = harness.v5(2, &[39, 0, 0, 0, 30], "a").await;
    client.send(&subscribe(5, &[("a", 0); 26])).await;
    client.expect_disconnect(0x95).await;
    assert_eq!(harness.refused(Rule::TooLargeForReceiver), 2);
}

#[tokio::test(start_paused = true)]
async fn an_alias_of_a_message_that_was_too_large_is_not_used() {
    let harness = Harness::new();
    let (mut subscriber, _) = harness.v5(2, &[39, 0, 0, 0, 30, 34, 0, 5], "s").await;
    subscriber.send(&subscribe(5, &[("x", 0)])).await;
    subscriber.expect(&[0x90, 4, 0, 9, 0, 0]).await;
    let mut publisher = harness.v311("p").await;
    for payload in ["1".repeat(30), "2".to_owned(), "3".to_owned()] {
        publisher.send(&publish(4, 0x30, 0, "x", &payload)).await;
    }
    subscriber.expect(b"\x30\x08\x00\x01x\x03\x23\x00\x012").await;
    subscriber.expect(b"\x30\x07\x00\x00\x03\x23\x00\x013").await;
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
async fn an_idle_connection_is_small() {
    let harness = Harness::new();
    let (stream, _client) = duplex(1);
    let peer = Peer::plain(([127, 0, 0, 1], 1).into());
    let serving = size_of_val(&harness.server.serve(stream, peer));
    let connection = size_of::<Connection<DuplexStream>>();
    let session = size_of::<session::Session>();
    assert!(serving < 128 && connection + session < 900, "{serving} + {connection} + {session} bytes");
}
