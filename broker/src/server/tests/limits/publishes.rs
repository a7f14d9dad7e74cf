//! What those who publish may take.

use super::*;

fn taken(harness: &Harness, payload: &str) -> usize {
    harness.sink.payloads().iter().filter(|taken| taken.starts_with(payload)).count()
}

/// The answers to publishes at QoS 1 with these identifiers.
async fn acknowledged(client: &mut Client, ids: std::ops::RangeInclusive<u8>) {
    for id in ids {
        client.expect(&[0x40, 2, 0, id]).await;
    }
}

pub(super) async fn in_flight() -> Harness {
    let harness = limited(|limits| limits.in_flight = 10);
    harness.sink.hold();
    let (mut new, _) = harness.v5(2, &[], "new").await;
    let all: Vec<u8> = (1..=11).flat_map(|id| publish(5, 0x34, id, "t/a", "new")).collect();
    new.send(&all).await;
    new.expect_disconnect(0x93).await;
    assert_eq!(taken(&harness, "new"), 10);
    // Before MQTT 5 the client does not know: it is read no further until something is settled.
    let mut old = harness.v311("old").await;
    let all: Vec<u8> = (1..=25).flat_map(|id| publish(4, 0x32, id, "t/b", "old")).collect();
    old.send(&all).await;
    Harness::moment().await;
    assert_eq!(taken(&harness, "old"), 10);
    harness.sink.release();
    acknowledged(&mut old, 1..=25).await;
    harness
}

pub(super) async fn in_flight_bytes() -> Harness {
    let harness = limited(|limits| limits.in_flight_bytes = 1_000);
    harness.sink.hold();
    let mut client = harness.v311("a").await;
    let all: Vec<u8> = (1..=5).flat_map(|id| publish(4, 0x32, id, "t/a", &"1".repeat(600))).collect();
    client.send(&all).await;
    Harness::moment().await;
    assert_eq!(taken(&harness, "1"), 2, "the second has passed the limit, the third is not read");
    harness.sink.release();
    acknowledged(&mut client, 1..=5).await;
    harness
}

pub(super) async fn in_flight_bytes_total() -> Harness {
    let harness = limited(|limits| limits.in_flight_bytes_total = 1_000);
    harness.sink.hold();
    let mut first = harness.v311("a").await;
    first.send(&publish(4, 0x32, 1, "t/a", &"1".repeat(1_000))).await;
    Harness::moment().await;
    let mut second = harness.v311("b").await;
    second.send(&publish(4, 0x32, 1, "t/a", "2")).await;
    Harness::moment().await;
    assert_eq!((taken(&harness, "1"), taken(&harness, "2")), (1, 0), "others are not read either");
    harness.sink.release();
    acknowledged(&mut first, 1..=1).await;
    acknowledged(&mut second, 1..=1).await;
    harness
}

pub(super) async fn messages_per_second() -> Harness {
    let harness = limited(|limits| limits.messages_per_second = 10);
    let mut client = harness.v311("a").await;
    let began = tokio::time::Instant::now();
    let all: Vec<u8> = (1..=25).flat_map(|id| publish(4, 0x32, id, "t/a", "1")).collect();
    client.send(&all).await;
    acknowledged(&mut client, 1..=25).await;
    assert!(began.elapsed() >= Duration::from_secs(2) && harness.refused(Rule::MessagesPerSecond) >= 2);
    harness
}

/// PUBLISH of MQTT 5 at QoS 0 with a topic alias.
fn aliased(topic: &str, alias: u8, payload: &str) -> Vec<u8> {
    packet(0x30, &[&string(topic)[..], &[3, 35, 0, alias], payload.as_bytes()].concat())
}

pub(super) async fn topic_aliases() -> Harness {
    let harness = limited(|limits| limits.topic_aliases = 2);
    let (mut subscriber, connack) = harness.v5(2, &[34, 0, 5], "s").await;
    assert!(connack.windows(3).any(|part| part == [34, 0, 2]), "{connack:x?}");
    subscriber.send(&subscribe(5, &[("t/+", 0)])).await;
    subscriber.expect(&[0x90, 4, 0, 9, 0, 0]).await;
    let mut client = harness.v5(2, &[], "a").await.0;
    for (topic, alias, payload) in [("t/a", 1, "1"), ("t/b", 2, "2"), ("", 1, "3"), ("t/c", 1, "4")] {
        client.send(&aliased(topic, alias, payload)).await;
    }
    // The subscriber would take five aliases; the server gives two, in its own order.
    subscriber.expect(b"\x30\x0a\x00\x03t/a\x03\x23\x00\x011").await;
    subscriber.expect(b"\x30\x0a\x00\x03t/b\x03\x23\x00\x022").await;
    subscriber.expect(b"\x30\x07\x00\x00\x03\x23\x00\x013").await;
    subscriber.expect(b"\x30\x07\x00\x03t/c\x004").await;
    client.send(&aliased("t/d", 3, "5")).await;
    client.expect_disconnect(0x94).await;
    harness
}

pub(super) async fn will_delay() -> Harness {
    let harness = limited(|limits| limits.will_delay = Duration::from_secs(5));
    // A delay of 100 s in a session of an hour.
    let will = [&[5, 24, 0, 0, 0, 100][..], &string("t/a"), &string("gone")].concat();
    let mut client = harness.open();
    client.send(&connect(5, 6, &[17, 0, 0, 14, 16], "a", &will)).await;
    client.packet().await;
    drop(client);
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(taken(&harness, "gone"), 0);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(taken(&harness, "gone"), 1);
    harness
}

pub(super) async fn denied_kept_per_minute() -> Harness {
    let harness = limited(|limits| limits.denied_kept_per_minute = 2);
    let (mut client, _) = harness.v5(2, &[], "a").await;
    for id in 1..=5 {
        client.send(&publish(5, 0x32, id, "t/other", "1")).await;
        assert_eq!(client.packet().await[4], 0x87);
    }
    assert_eq!((harness.sink.kinds().len(), harness.refused(Rule::DeniedKeptPerMinute)), (2, 3));
    harness
}
