//! Acknowledgements: in order, once, and never early.

use super::*;

#[tokio::test]
async fn acknowledgements_wait_for_the_sink_and_go_out_in_order() {
    let harness = Harness::new();
    harness.sink.hold();
    let mut client = harness.v311("a").await;
    let all: Vec<u8> =
        (1..=100).flat_map(|id| publish(4, if id % 2 == 0 { 0x34 } else { 0x32 }, id, "t/a", "1")).collect();
    client.send(&all).await;
    client.ping().await;
    assert_eq!(harness.sink.taken.lock().unwrap().len(), 1, "one read is one batch");
    harness.sink.release();
    for id in 1..=100u8 {
        client.expect(&[if id % 2 == 0 { 0x50 } else { 0x40 }, 2, 0, id]).await;
    }
}

#[tokio::test]
async fn a_message_of_quality_2_is_taken_once_until_it_is_released() {
    let harness = Harness::new();
    let mut client = harness.v311("a").await;
    client.send(&publish(4, 0x34, 7, "t/a", "first")).await;
    client.expect(&[0x50, 2, 0, 7]).await;
    client.send(&publish(4, 0x3c, 7, "t/a", "first")).await;
    client.expect(&[0x50, 2, 0, 7]).await;
    client.send(&[0x62, 2, 0, 7]).await;
    client.expect(&[0x70, 2, 0, 7]).await;
    client.send(&publish(4, 0x34, 7, "t/a", "second")).await;
    client.expect(&[0x50, 2, 0, 7]).await;
    assert_eq!(harness.sink.payloads(), ["first", "second"]);
}

#[tokio::test]
async fn quality_2_is_kept_across_connections_while_the_sink_is_slow() {
    let harness = Harness::new();
    harness.sink.hold();
    let persistent = connect(4, 0, &[], "a", &[]);
    let mut client = harness.open();
    client.send(&persistent).await;
    client.expect(&[0x20, 2, 0, 0]).await;
    client.send(&publish(4, 0x34, 7, "t/a", "once")).await;
    client.ping().await;
    let mut again = harness.open();
    again.send(&persistent).await;
    again.expect(&[0x20, 2, 1, 0]).await;
    again.send(&publish(4, 0x3c, 7, "t/a", "once")).await;
    again.ping().await;
    harness.sink.release();
    again.expect(&[0x50, 2, 0, 7]).await;
    assert_eq!(harness.sink.payloads(), ["once"]);
    client.expect_end().await;
}

#[tokio::test]
async fn what_may_not_be_published_never_looks_like_success() {
    let harness = Harness::new();
    let (mut new, _) = harness.v5(2, &[], "new").await;
    new.send(&publish(5, 0x32, 1, "t/other", "1")).await;
    let puback = new.packet().await;
    assert_eq!((puback[0], puback[4]), (0x40, 0x87));
    new.send(&publish(5, 0x32, 2, "$SYS/x", "1")).await;
    assert_eq!(new.packet().await[4], 0x87);
    let mut old = harness.v311("old").await;
    old.send(&publish(4, 0x32, 1, "t/other", "1")).await;
    old.expect_end().await;
    assert_eq!(harness.sink.kinds(), [PublishKind::Denied; 3]);
}

#[tokio::test]
async fn subscribers_get_a_message_after_it_is_settled() {
    let harness = Harness::new();
    let (mut subscriber, _) = harness.v5(2, &[], "s").await;
    subscriber.send(&subscribe(5, &[("t/#", 1)])).await;
    subscriber.expect(&[0x90, 4, 0, 9, 0, 1]).await;
    harness.sink.hold();
    let mut publisher = harness.v311("p").await;
    publisher.send(&publish(4, 0x32, 1, "t/a", "1")).await;
    publisher.send(&[0xe0, 0]).await;
    publisher.expect_end().await;
    subscriber.ping().await;
    harness.sink.release();
    subscriber.expect(b"\x32\x09\x00\x03t/a\x00\x01\x001").await;
    let (mut lonely, _) = harness.v5(2, &[], "l").await;
    lonely.send(&publish(5, 0x32, 1, "nobody/listens", "1")).await;
    lonely.expect(&[0x40, 4, 0, 1, 0x10, 0]).await;
}

#[tokio::test]
async fn a_client_is_told_when_nobody_takes_what_it_published() {
    const NOBODY: u8 = 0x10;
    let harness = Harness::new();
    let (mut new, _) = harness.v5(2, &[], "new").await;
    let all = [("t/a", 1), ("t/vain", 2), ("t/vain", 3), ("t/a", 4)];
    new.send(&all.map(|(topic, id)| publish(5, 0x32, id, topic, "1")).concat()).await;
    for (answer, id) in [(0, 1), (NOBODY, 2), (NOBODY, 3), (0, 4)] {
        let puback = new.packet().await;
        let reason = puback.get(4).copied().unwrap_or_default();
        assert_eq!((puback[0], puback[3], reason), (0x40, id, answer), "{puback:x?}");
    }
    new.send(&publish(5, 0x34, 5, "t/vain", "1")).await;
    new.expect(&[0x50, 4, 0, 5, NOBODY, 0]).await;
    new.send(&[0x62, 2, 0, 5]).await;
    assert_eq!(new.packet().await[..4], [0x70, 2, 0, 5]);
    let mut old = harness.v311("old").await;
    old.send(&publish(4, 0x32, 1, "t/vain", "1")).await;
    old.expect(&[0x40, 2, 0, 1]).await;

    let (mut subscriber, _) = harness.v5(2, &[], "s").await;
    subscriber.send(&subscribe(5, &[("t/vain", 0)])).await;
    subscriber.expect(&[0x90, 4, 0, 9, 0, 0]).await;
    new.send(&publish(5, 0x32, 6, "t/vain", "1")).await;
    assert_ne!(new.packet().await.get(4), Some(&NOBODY), "a subscriber takes it");
}

#[tokio::test]
async fn a_will_is_a_reading_like_any_other_and_its_topic_is_checked() {
    let harness = Harness::new();
    let will = |topic: &str| [string(topic), string("gone")].concat();
    let mut client = harness.open();
    client.send(&connect(4, 6, &[], "a", &will("t/a"))).await;
    client.expect(&[0x20, 2, 0, 0]).await;
    let mut polite = harness.open();
    polite.send(&connect(4, 6, &[], "b", &will("t/b"))).await;
    polite.expect(&[0x20, 2, 0, 0]).await;
    polite.send(&[0xe0, 0]).await;
    polite.expect_end().await;
    drop(client);
    timeout(SOON, async {
        while harness.sink.payloads().is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    assert_eq!(harness.sink.payloads(), ["gone"]);
    for topic in ["", "#", "t/+", "$SYS/x", "t/other"] {
        let mut client = harness.open();
        client.send(&connect(4, 6, &[], "c", &will(topic))).await;
        client.expect(&[0x20, 2, 0, 5]).await;
        client.expect_end().await;
    }
}

#[tokio::test]
async fn the_probe_passes_through_the_sink_and_nobody_can_fake_it() {
    let harness = Harness::new();
    harness.server.probe(None).await.unwrap();
    assert_eq!(harness.sink.kinds(), [PublishKind::Probe]);
    harness.sink.hold();
    assert!(timeout(Duration::from_millis(50), harness.server.probe(None)).await.is_err());
    let credentials = ("mallory".to_owned(), "x".to_owned());
    assert!(harness.server.probe(Some(&credentials)).await.is_err());
    let mut client = harness.v311("a").await;
    client.send(&publish(4, 0x32, 1, "$probe", "1")).await;
    client.expect_end().await;
}

#[tokio::test]
async fn the_stop_acknowledges_what_is_in_flight_and_says_why() {
    let harness = Harness::new();
    harness.sink.hold();
    let (mut client, _) = harness.v5(2, &[], "a").await;
    client.send(&publish(5, 0x32, 1, "t/a", "1")).await;
    client.ping().await;
    let server = harness.server.clone();
    let stop = tokio::spawn(async move { server.stop(SOON).await });
    tokio::task::yield_now().await;
    harness.sink.release();
    client.expect(&[0x40, 2, 0, 1]).await;
    client.expect_disconnect(0x8b).await;
    stop.await.unwrap();
}

#[tokio::test]
async fn a_level_that_is_not_supported_is_said_in_the_version_that_the_client_may_know() {
    let harness = Harness::new();
    let named =
        |name: &str, level: u8| packet(0x10, &[&string(name)[..], &[level, 2, 0, 0], &string("a")].concat());
    for (name, level, answer) in [
        ("MQTT", 3, &[0x20, 2, 0, 1][..]),
        ("MQTT", 0, &[0x20, 2, 0, 1]),
        ("MQTT", 0x83, &[0x20, 2, 0, 1]),
        ("MQIsdp", 4, &[0x20, 2, 0, 1]),
    ] {
        let mut client = harness.open();
        client.send(&named(name, level)).await;
        client.expect(answer).await;
        client.expect_end().await;
    }
    for (name, level) in [("MQTT", 6), ("MQTT", 0x7f), ("MQIsdp", 5)] {
        let mut client = harness.open();
        client.send(&named(name, level)).await;
        let connack = client.packet().await;
        assert_eq!((connack[0], connack[3]), (0x20, 0x84), "{name} {level}");
    }
    let mut client = harness.open();
    client.send(&named("HTTP", 4)).await;
    client.expect_end().await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_on_writing_for_a_moment_hears_why_it_was_disconnected() {
    let harness = Harness::new();
    let (mut client, _) = harness.v5(2, &[], "a").await;
    client.send(&[0xf0, 0]).await;
    Harness::moment().await;
    client.send(&publish(5, 0x32, 1, "t/a", "too late")).await;
    client.expect_disconnect(0x82).await;
    assert!(harness.sink.payloads().is_empty(), "what comes later is thrown away");
    tokio::time::sleep(connection::LINGER).await;
    assert!(client.0.write_all(b"x").await.is_err(), "it is closed");
}

#[tokio::test(start_paused = true)]
async fn a_repeat_that_was_released_meanwhile_is_not_answered() {
    let harness = Harness::new();
    let mut client = harness.v311("a").await;
    client.send(&publish(4, 0x34, 1, "t/a", "once")).await;
    client.expect(&[0x50, 2, 0, 1]).await;
    harness.sink.hold();
    client.send(&publish(4, 0x32, 5, "t/a", "held")).await;
    client.send(&publish(4, 0x3c, 1, "t/a", "once")).await;
    client.send(&[0x62, 2, 0, 1]).await;
    client.expect(&[0x70, 2, 0, 1]).await;
    // The id is free, and used for another message.
    client.send(&publish(4, 0x34, 1, "t/a", "another")).await;
    client.ping().await;
    harness.sink.release();
    client.expect(&[0x40, 2, 0, 5]).await;
    client.expect(&[0x50, 2, 0, 1]).await;
    client.ping().await;
    assert_eq!(harness.sink.payloads(), ["once", "held", "another"]);
}
