//! What may wait for those who subscribe.

use super::*;

const PERSISTENT: u8 = 0;

/// A subscriber at QoS 1 to `x` that is away.
async fn away(harness: &Harness, id: &str) {
    let mut subscriber = harness.open();
    subscriber.send(&connect(4, PERSISTENT, &[], id, &[])).await;
    subscriber.expect(&[0x20, 2, 0, 0]).await;
    subscriber.send(&subscribe(4, &[("x", 1)])).await;
    subscriber.expect(&[0x90, 3, 0, 9, 1]).await;
    subscriber.send(&[0xe0, 0]).await;
    subscriber.expect_end().await;
}

/// Publishes to `x` so often at QoS 1, and so many bytes each.
async fn publish_to_x(harness: &Harness, times: u8, bytes: usize) {
    let mut publisher = harness.v311("p").await;
    for id in 1..=times {
        publisher.send(&publish(4, 0x32, id.into(), "x", &id.to_string().repeat(bytes))).await;
        publisher.expect(&[0x40, 2, 0, id]).await;
    }
}

/// How many messages wait for a client that was away.
async fn waiting(harness: &Harness, id: &str) -> usize {
    let mut client = harness.open();
    client.send(&connect(4, PERSISTENT, &[], id, &[])).await;
    client.expect(&[0x20, 2, 1, 0]).await;
    Harness::moment().await;
    client.send(&[0xc0, 0]).await;
    let mut came = vec![0; 4_096];
    let count = client.0.read(&mut came).await.unwrap();
    came[..count].windows(3).filter(|part| part == b"\x00\x01x").count()
}

pub(super) async fn queued() -> Harness {
    let harness = limited(|limits| limits.queued = 2);
    away(&harness, "s").await;
    publish_to_x(&harness, 4, 1).await;
    assert_eq!((waiting(&harness, "s").await, harness.refused(Rule::Queued)), (2, 2));
    assert_eq!(harness.counters.traffic.publishes_dropped.get(), 2);
    harness
}

pub(super) async fn queued_bytes() -> Harness {
    // One that waits alone may be larger, the next may not.
    let harness = limited(|limits| limits.queued_bytes = 100);
    away(&harness, "s").await;
    publish_to_x(&harness, 2, 300).await;
    assert_eq!((waiting(&harness, "s").await, harness.refused(Rule::QueuedBytes)), (1, 1));
    // Each takes its payload, its topic and 200 bytes.
    let harness = limited(|limits| limits.queued_bytes = 1_100);
    away(&harness, "s").await;
    publish_to_x(&harness, 4, 300).await;
    assert_eq!((waiting(&harness, "s").await, harness.refused(Rule::QueuedBytes)), (2, 2));
    harness
}

pub(super) async fn queued_bytes_total() -> Harness {
    let harness = limited(|limits| limits.queued_bytes_total = 1_100);
    away(&harness, "s").await;
    away(&harness, "r").await;
    publish_to_x(&harness, 2, 300).await;
    let waiting = (waiting(&harness, "s").await, waiting(&harness, "r").await);
    assert_eq!((waiting, harness.refused(Rule::QueuedBytesTotal)), ((1, 1), 2));
    harness
}

fn few_subscriptions() -> Harness {
    limited(|limits| {
        limits.subscriptions = 2;
        limits.subscriptions_total = 3;
        limits.subscriptions_per_packet = 5;
    })
}

pub(super) async fn subscriptions() -> Harness {
    let harness = few_subscriptions();
    let (mut client, _) = harness.v5(2, &[], "a").await;
    client.send(&subscribe(5, &[("a", 1), ("other/x", 1), ("b/##", 1), ("b", 2), ("c", 0)])).await;
    client.expect(&[0x90, 8, 0, 9, 0, 1, 0x87, 0x8f, 2, 0x97]).await;
    // One that is known is replaced.
    client.send(&subscribe(5, &[("a", 0)])).await;
    client.expect(&[0x90, 4, 0, 9, 0, 0]).await;
    assert_eq!(harness.refused(Rule::Subscriptions), 1);
    harness
}

pub(super) async fn subscriptions_total() -> Harness {
    let harness = few_subscriptions();
    let mut first = harness.v311("a").await;
    first.send(&subscribe(4, &[("a", 0), ("b", 0)])).await;
    first.expect(&[0x90, 4, 0, 9, 0, 0]).await;
    let mut second = harness.v311("b").await;
    second.send(&subscribe(4, &[("a", 0), ("b", 0)])).await;
    second.expect(&[0x90, 4, 0, 9, 0, 0x80]).await;
    assert_eq!((harness.counters.subscriptions.get(), harness.refused(Rule::SubscriptionsTotal)), (3, 1));
    harness
}

pub(super) async fn subscriptions_per_packet() -> Harness {
    let harness = few_subscriptions();
    let (mut client, _) = harness.v5(2, &[], "a").await;
    client.send(&subscribe(5, &[("a", 0); 6])).await;
    client.expect(&[0x90, 9, 0, 9, 0, 0x97, 0x97, 0x97, 0x97, 0x97, 0x97]).await;
    assert_eq!(harness.refused(Rule::SubscriptionsPerPacket), 6);
    harness
}

pub(super) async fn retained() -> Harness {
    let harness = limited(|limits| limits.retained = 1);
    is_not_retained(&harness, "1").await;
    assert_eq!((harness.counters.retained.get(), harness.refused(Rule::Retained)), (1, 2));
    harness
}

pub(super) async fn retained_bytes() -> Harness {
    let harness = limited(|limits| limits.retained_bytes = 1_000);
    is_not_retained(&harness, &"1".repeat(600)).await;
    assert_eq!((harness.counters.retained.get(), harness.refused(Rule::RetainedBytes)), (1, 2));
    harness
}

/// The first topic has room, and the second has none: a message for it is passed on and not kept.
async fn is_not_retained(harness: &Harness, payload: &str) {
    let mut client = harness.v311("a").await;
    for (id, topic) in [(1, "x"), (2, "y"), (3, "x")] {
        client.send(&publish(4, 0x33, id, topic, payload)).await;
        client.expect(&[0x40, 2, 0, id as u8]).await;
    }
    let (mut new, _) = harness.v5(2, &[], "b").await;
    new.send(&publish(5, 0x33, 1, "y", payload)).await;
    assert_eq!(new.packet().await[4], 0x97);
}
