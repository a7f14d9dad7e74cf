//! `$SYS`, and other topics that begin with `$`.

use super::*;

/// The messages that have come, by topic: of QoS 0, and shorter than 128 bytes.
async fn heard(client: &mut Client) -> Vec<(String, String, bool)> {
    let mut heard = Vec::new();
    client.send(&[0xc0, 0]).await;
    loop {
        let packet = client.packet().await;
        if packet[0] == 0xd0 {
            return heard;
        }
        assert_eq!(packet[0] & 0xfe, 0x30, "{packet:x?}");
        let (topic, payload) = packet[4..].split_at(packet[3].into());
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        heard.push((text(topic), text(payload), packet[0] & 1 == 1));
    }
}

fn value<'a>(heard: &'a [(String, String, bool)], topic: &str) -> &'a str {
    let known = heard.iter().rev().find(|(heard, _, _)| heard == topic);
    known.map_or_else(|| panic!("{topic}: {heard:?}"), |(_, value, _)| value)
}

async fn subscribed(harness: &Harness, id: &str, filter: &str) -> Client {
    let mut client = harness.v311(id).await;
    client.send(&subscribe(4, &[(filter, 0)])).await;
    client.expect(&[0x90, 3, 0, 9, 0]).await;
    client
}

#[tokio::test(start_paused = true)]
async fn statistics_are_told_at_once_and_then_by_the_interval_to_who_asks_for_them() {
    let harness = Harness::with_statistics(Duration::from_secs(10));
    let mut everything = subscribed(&harness, "everything", "#").await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let mut system = subscribed(&harness, "system", "$SYS/#").await;
    let now = heard(&mut system).await;
    assert!(now.iter().all(|(_, _, retained)| *retained), "{now:?}");
    assert_eq!(value(&now, "$SYS/broker/uptime"), "5 seconds");
    assert_eq!(value(&now, "$SYS/broker/clients/connected"), "2");
    assert_eq!(value(&now, "$SYS/broker/subscriptions/count"), "2");
    let mut device = harness.v311("device").await;
    for id in 1..=3 {
        device.send(&publish(4, 0x32, id, "t/a", "1")).await;
        device.expect(&[0x40, 2, 0, id as u8]).await;
    }
    assert_eq!(heard(&mut system).await, [], "nothing between two intervals");
    tokio::time::sleep(Duration::from_secs(6)).await;
    let later = heard(&mut system).await;
    assert!(later.iter().all(|(_, _, retained)| !retained));
    assert_eq!(value(&later, "$SYS/broker/uptime"), "10 seconds");
    assert_eq!(value(&later, "$SYS/broker/clients/connected"), "3");
    assert_eq!(value(&later, "$SYS/broker/publish/messages/received"), "3");
    // CONNECT, SUBSCRIBE of two; PINGREQ, PINGREQ; CONNECT and three PUBLISH.
    assert_eq!(value(&later, "$SYS/broker/messages/received"), "10");
    assert_eq!(value(&later, "$SYS/broker/publish/messages/dropped"), "0");
    // 3 in 10 seconds are 18 in a minute: 18 × (1 − e^(−1/6)).
    assert_eq!(value(&later, "$SYS/broker/load/publish/received/1min"), "2.76");
    let others = heard(&mut everything).await;
    assert_eq!(others.len(), 3, "no wildcard at the beginning matches $SYS: {others:?}");
}

#[tokio::test(start_paused = true)]
async fn without_an_interval_nothing_is_told() {
    let harness = Harness::with_statistics(Duration::ZERO);
    let mut system = subscribed(&harness, "system", "$SYS/#").await;
    tokio::time::sleep(Duration::from_secs(50)).await;
    assert_eq!(heard(&mut system).await, []);
}

#[tokio::test(start_paused = true)]
async fn who_may_not_read_statistics_is_told_so() {
    let harness = Harness::with_statistics(Duration::from_secs(10));
    let (mut client, _) = harness.v5(2, &[], "a").await;
    client.send(&subscribe(5, &[("$SYS/other/#", 0), ("$share/g/$SYS/other/#", 0)])).await;
    client.expect(&[0x90, 5, 0, 9, 0, 0x87, 0x87]).await;
}

#[tokio::test(start_paused = true)]
async fn other_topics_with_a_dollar_are_as_any_but_hidden_from_wildcards() {
    let harness = Harness::new();
    let mut everything = subscribed(&harness, "everything", "#").await;
    let mut cloud = subscribed(&harness, "cloud", "$cloud/+").await;
    let mut device = harness.v311("device").await;
    device.send(&publish(4, 0x32, 1, "$cloud/a", "1")).await;
    device.expect(&[0x40, 2, 0, 1]).await;
    assert_eq!(heard(&mut cloud).await, [("$cloud/a".to_owned(), "1".to_owned(), false)]);
    assert_eq!(heard(&mut everything).await, []);
}
