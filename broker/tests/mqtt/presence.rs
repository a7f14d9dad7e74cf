//! Whether a publisher says `online` and `offline` when it should, and always comes to an end.

use broker::{Outbox, Presence};
use bytes::Bytes;
use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v4::{Packet, Publish};
use tokio::task::JoinHandle;

use crate::scripted::{Line, Scripted, joined, text, within};

const STATUS: &str = "status/lab";

fn outbox(broker: &Scripted) -> (Outbox, JoinHandle<()>) {
    let presence = Presence {
        topic: STATUS.into(),
        online: Bytes::from_static(b"online"),
        offline: Bytes::from_static(b"offline"),
    };
    broker.outbox(10, Some(presence))
}

async fn publish(publisher: &Outbox, text: &'static str) {
    publisher.publish("temperature/lab", Bytes::from_static(text.as_bytes())).await.expect("a short payload");
}

fn said(publish: &Publish) -> (String, String, bool) {
    (publish.topic.clone(), text(&publish.payload), publish.retain)
}

fn status(text: &str) -> (String, String, bool) {
    (STATUS.into(), text.into(), true)
}

fn reading(text: &str) -> (String, String, bool) {
    ("temperature/lab".into(), text.into(), false)
}

/// Takes and acks what must come next.
async fn expect(line: &mut Line, expected: (String, String, bool)) {
    let publish = line.publish().await;
    assert_eq!(said(&publish), expected);
    line.puback(publish.pkid).await;
}

fn close(publisher: Outbox) -> JoinHandle<()> {
    tokio::spawn(publisher.close())
}

async fn ended(closing: JoinHandle<()>, connection: JoinHandle<()>) {
    joined("close", closing).await;
    joined("the connection's end", connection).await;
}

#[tokio::test]
async fn online_comes_first_and_offline_last() {
    let broker = Scripted::bind().await;
    let (publisher, connection) = outbox(&broker);
    publish(&publisher, "a").await;
    let mut line = broker.welcome(false).await;
    let will = line.connect.last_will.clone().unwrap();
    assert_eq!((will.topic.as_str(), text(&will.message)), (STATUS, "offline".into()));
    assert_eq!((will.qos, will.retain), (QoS::AtLeastOnce, true));
    expect(&mut line, status("online")).await;
    let a = line.publish().await;
    publish(&publisher, "b").await;
    let b = line.publish().await;
    let closing = close(publisher);
    let offline = line.publish().await;
    assert_eq!([&a, &b, &offline].map(said), [reading("a"), reading("b"), status("offline")]);
    for publish in [a, b, offline] {
        line.puback(publish.pkid).await;
    }
    assert_eq!(line.next().await, Some(Packet::Disconnect));
    ended(closing, connection).await;
}

#[tokio::test]
async fn online_is_said_again_on_every_connection_and_counts_once() {
    let broker = Scripted::bind().await;
    let (publisher, _) = outbox(&broker);
    publish(&publisher, "a").await;
    for session_present in [false, true, false] {
        let mut line = broker.welcome(session_present).await;
        assert_eq!(said(&line.publish().await), status("online"));
        assert_eq!(said(&line.publish().await), reading("a"));
        assert_eq!(publisher.unacked().count, 2);
    }
    let mut line = broker.welcome(false).await;
    expect(&mut line, status("online")).await;
    expect(&mut line, reading("a")).await;
    within("flush", publisher.flush()).await;
    assert_eq!(publisher.unacked().count, 0);
}

/// When the line is cut while the publisher closes.
#[derive(Debug, Clone, Copy)]
enum Cut {
    BeforeOffline,
    AfterOffline,
    AfterItsPubAck,
    AfterDisconnect,
}

#[tokio::test]
async fn a_cut_during_close_ends_in_offline() {
    for cut in [Cut::BeforeOffline, Cut::AfterOffline, Cut::AfterItsPubAck, Cut::AfterDisconnect] {
        let broker = Scripted::bind().await;
        let (publisher, connection) = outbox(&broker);
        let mut line = broker.welcome(false).await;
        expect(&mut line, status("online")).await;
        within("flush", publisher.flush()).await;
        let closing = close(publisher);
        let after = close_until(line, cut, &broker).await;
        ended(closing, connection).await;
        let after = joined("goodbye", after).await;
        assert!(after.iter().all(|publish| said(publish) == status("offline")), "{cut:?}: {after:?}");
        if let Cut::BeforeOffline | Cut::AfterOffline = cut {
            assert_eq!(after.len(), 1, "{cut:?}");
        }
    }
}

/// Plays the rest of the line up to the cut, and whatever comes on the next one.
async fn close_until(mut line: Line, cut: Cut, broker: &Scripted) -> JoinHandle<Vec<Publish>> {
    if let Cut::BeforeOffline = cut {
        drop(line);
        return tokio::spawn(broker.welcome(false).await.serve());
    }
    let offline = line.publish().await;
    assert_eq!(said(&offline), status("offline"));
    if let Cut::AfterOffline = cut {
        drop(line);
        return tokio::spawn(broker.welcome(false).await.serve());
    }
    line.puback(offline.pkid).await;
    if let Cut::AfterDisconnect = cut {
        assert_eq!(line.next().await, Some(Packet::Disconnect));
    }
    drop(line);
    tokio::spawn(async { Vec::new() })
}

#[tokio::test]
async fn a_close_while_the_broker_is_away_delivers_all_once_it_is_back() {
    let broker = Scripted::bind().await;
    let (publisher, connection) = outbox(&broker);
    publish(&publisher, "a").await;
    let closing = close(publisher);
    drop(broker.accept().await);
    let mut line = broker.welcome(false).await;
    let came = [said(&line.publish().await), said(&line.publish().await)];
    assert!(came.contains(&status("offline")) && came.contains(&reading("a")), "{came:?}");
    drop(line);
    let served = tokio::spawn(broker.welcome(false).await.serve());
    ended(closing, connection).await;
    assert_eq!(joined("goodbye", served).await.len(), 2);
}

#[tokio::test]
async fn a_broker_that_keeps_the_line_after_disconnect_does_not_hold_up_the_end() {
    let broker = Scripted::bind().await;
    let (publisher, connection) = outbox(&broker);
    let mut line = broker.welcome(false).await;
    let closing = close(publisher);
    while let Some(Packet::Publish(publish)) = line.next().await {
        line.puback(publish.pkid).await;
    }
    ended(closing, connection).await;
    drop(line);
}

#[tokio::test]
async fn with_nothing_to_say_a_close_ends_without_a_broker() {
    let broker = Scripted::bind().await;
    let url = broker.url();
    drop(broker);
    let outbox = broker::OutboxConfig { url, client_id: "device".into(), window: 10, presence: None };
    let (publisher, connection) = outbox.open();
    ended(close(publisher), tokio::spawn(connection)).await;
}
