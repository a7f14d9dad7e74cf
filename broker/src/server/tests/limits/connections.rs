//! What a connection and its session may take.

use super::*;

pub(super) async fn handshakes() -> Harness {
    let harness = limited(|limits| limits.handshakes = 1);
    let _silent = harness.open();
    tokio::task::yield_now().await;
    harness.open().expect_end().await;
    harness
}

pub(super) async fn handshake_timeout() -> Harness {
    let harness = limited(|limits| limits.handshake_timeout = SOON / 2);
    harness.open().expect_end().await;
    harness
}

pub(super) async fn keep_alive() -> Harness {
    let harness = limited(|limits| limits.keep_alive = Duration::from_secs(4));
    for asked in [0, 5, 60] {
        let mut client = harness.open();
        client.send(&connect_with_keep_alive(5, asked)).await;
        let connack = client.packet().await;
        assert!(connack.windows(3).any(|part| part == [19, 0, 4]), "{asked}: {connack:x?}");
        let began = tokio::time::Instant::now();
        client.expect_disconnect(0x8d).await;
        assert_eq!(began.elapsed().as_secs(), 6, "one and a half times what the server said");
    }
    assert_eq!(harness.refused(Rule::KeepAlive), 3);
    let mut shorter = harness.open();
    shorter.send(&connect_with_keep_alive(5, 4)).await;
    let connack = shorter.packet().await;
    assert!(!connack.windows(3).any(|part| part == [19, 0, 4]), "{connack:x?}");
    // Before MQTT 5 the server has no way to say a keep-alive: the client's own counts.
    let mut old = harness.open();
    old.send(&connect_with_keep_alive(4, 60)).await;
    old.expect(&[0x20, 2, 0, 0]).await;
    tokio::time::sleep(Duration::from_secs(80)).await;
    old.ping().await;
    assert_eq!(harness.refused(Rule::KeepAlive), 3);
    harness
}

/// CONNECT with a keep-alive in seconds.
fn connect_with_keep_alive(level: u8, seconds: u8) -> Vec<u8> {
    let mut connect = connect(level, 2, &[], "a", &[]);
    // Its last byte is after the header, the name and the level, and the flags.
    connect[2 + 6 + 1 + 1 + 1] = seconds;
    connect
}

pub(super) async fn connect_bytes() -> Harness {
    let harness = limited(|limits| limits.connect_bytes = 200);
    let mut long = harness.open();
    long.send(&connect(4, 2, &[], &"x".repeat(300), &[])).await;
    long.expect_end().await;
    harness
}

pub(super) async fn packet_bytes() -> Harness {
    let harness = limited(|limits| limits.packet_bytes = 1_000);
    let (mut client, connack) = harness.v5(2, &[], "a").await;
    assert!(connack.windows(5).any(|part| part == [39, 0, 0, 3, 232]), "{connack:x?}");
    client.send(&publish(5, 0x32, 1, "t/a", &"1".repeat(2_000))).await;
    client.expect_disconnect(0x95).await;
    harness
}

pub(super) async fn partial_bytes_total() -> Harness {
    let harness = limited(|limits| limits.partial_bytes_total = 10_000);
    let mut clients = Vec::new();
    for id in ["a", "b", "c"] {
        let mut client = harness.v311(id).await;
        client.send(&publish(4, 0x32, 1, "t/a", &"1".repeat(50_000))[..4_500]).await;
        tokio::task::yield_now().await;
        clients.push(client);
    }
    clients.pop().unwrap().expect_end().await;
    assert_eq!(harness.refused(Rule::PartialBytesTotal), 1);
    harness
}

const HOUR: [u8; 5] = [17, 0, 0, 14, 16];

pub(super) async fn sessions() -> Harness {
    let harness = limited(|limits| limits.sessions = 1);
    let (_first, _) = harness.v5(2, &HOUR, "a").await;
    let (mut second, connack) = harness.v5(2, &HOUR, "b").await;
    assert!(connack.windows(5).any(|part| part == [17, 0, 0, 0, 0]), "the expiry is said: {connack:x?}");
    // DISCONNECT with another expiry does not help.
    second.send(&[0xe0, 7, 0, 5, 17, 0, 0, 14, 16]).await;
    second.expect_end().await;
    Harness::moment().await;
    assert_eq!(harness.counters.sessions.get(), 1);
    harness
}

pub(super) async fn session_expiry() -> Harness {
    let harness = limited(|limits| limits.session_expiry = Duration::from_secs(60));
    let (client, connack) = harness.v5(2, &HOUR, "a").await;
    assert!(connack.windows(5).any(|part| part == [17, 0, 0, 0, 60]), "{connack:x?}");
    drop(client);
    tokio::time::sleep(Duration::from_secs(59)).await;
    assert_eq!(harness.counters.sessions.get(), 1);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(harness.counters.sessions.get(), 0);
    harness
}

pub(super) async fn name_bytes() -> Harness {
    let harness = limited(|limits| limits.name_bytes = 10);
    let long = "x".repeat(11);
    for (level, code) in [(4, 2), (5, 0x85)] {
        let mut client = harness.open();
        client.send(&connect(level, 2, &[], &long, &[])).await;
        assert_eq!(client.packet().await[3], code);
        client.expect_end().await;
    }
    is_named(&harness, &long).await;
    assert_eq!(harness.refused(Rule::NameBytes), 6);
    harness
}

pub(super) async fn topic_levels() -> Harness {
    let harness = limited(|limits| limits.topic_levels = 3);
    is_named(&harness, "a/b/c/d").await;
    assert_eq!(harness.refused(Rule::TopicLevels), 4);
    harness
}

/// A name that is not accepted: as a topic before and in MQTT 5, as that of a will, and as a filter.
async fn is_named(harness: &Harness, name: &str) {
    let mut old = harness.v311("old").await;
    old.send(&publish(4, 0x32, 1, name, "1")).await;
    old.expect_end().await;
    let (mut new, _) = harness.v5(2, &[], "new").await;
    new.send(&publish(5, 0x32, 1, name, "1")).await;
    assert_eq!(new.packet().await[4], 0x90);
    new.send(&subscribe(5, &[(name, 1), ("a", 1)])).await;
    new.expect(&[0x90, 5, 0, 9, 0, 0x8f, 1]).await;
    let mut will = harness.open();
    will.send(&connect(5, 6, &[], "will", &[&[0][..], &string(name), &string("1")].concat())).await;
    assert_eq!(will.packet().await[3], 0x90);
    will.expect_end().await;
}
