//! What an outbox promises of each publish.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use broker::{Ack, Outbox, PublishError};
use bytes::Bytes;
use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v4::{ConnAck, ConnectReturnCode, Packet};

use crate::scripted::{CLIENT_ID, Scripted, joined, text, within};

const TOPIC: &str = "temperature/lab";

async fn publish(publisher: &Outbox, text: &str) -> Ack {
    let payload = Bytes::copy_from_slice(text.as_bytes());
    within("room in the outbox", publisher.publish(TOPIC, payload)).await.expect("a short payload")
}

/// Publishes unless there is no room at once.
async fn try_publish(publisher: &Outbox, text: &str) -> Option<Ack> {
    let publishing = publisher.publish(TOPIC, Bytes::copy_from_slice(text.as_bytes()));
    tokio::select! { biased; ack = publishing => ack.ok(), () = std::future::ready(()) => None }
}

async fn resolved(ack: Ack) -> Duration {
    within("an ack", ack.acked()).await.expect("the outbox is open").waited
}

#[tokio::test]
async fn a_publish_arrives_as_it_was_given() {
    let broker = Scripted::bind().await;
    let (publisher, _) = broker.outbox(10, None);
    let ack = publish(&publisher, "23.5").await;
    let mut line = broker.welcome(false).await;
    assert_eq!((line.connect.client_id.as_str(), line.connect.clean_session), (CLIENT_ID, true));
    assert_eq!(line.connect.last_will, None);
    let taken = line.publish().await;
    assert_eq!((taken.topic.as_str(), taken.qos, taken.retain), (TOPIC, QoS::AtLeastOnce, false));
    assert_eq!(text(&taken.payload), "23.5");
    line.puback(taken.pkid).await;
    resolved(ack).await;
}

#[tokio::test]
async fn a_puback_resolves_the_publish_it_belongs_to_in_whatever_order() {
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let broker = Scripted::bind().await;
        let (publisher, _) = broker.outbox(10, None);
        let mut acks = Vec::new();
        for text in ["0", "1", "2"] {
            acks.push(Some(publish(&publisher, text).await));
        }
        let mut line = broker.welcome(false).await;
        let (pkids, texts) = line.publishes(3).await;
        assert_eq!(texts, ["0", "1", "2"]);
        for (already, index) in order.into_iter().enumerate() {
            line.puback(pkids[index]).await;
            // Were another one resolved in its place, this one would stay out.
            resolved(acks[index].take().unwrap()).await;
            assert_eq!(publisher.unacked().count, 2 - already, "{order:?}");
        }
    }
}

#[tokio::test]
async fn after_a_cut_a_puback_means_the_publish_of_the_new_line() {
    let broker = Scripted::bind().await;
    let (publisher, _) = broker.outbox(10, None);
    let a = publish(&publisher, "a").await;
    let b = publish(&publisher, "b").await;
    let c = publish(&publisher, "c").await;
    let mut line = broker.welcome(false).await;
    let (pkids, _) = line.publishes(3).await;
    line.puback(pkids[1]).await;
    resolved(b).await;
    drop(line);
    let mut line = broker.welcome(false).await;
    let (pkids, texts) = line.publishes(2).await;
    assert_eq!(texts, ["a", "c"]);
    line.puback(pkids[1]).await;
    resolved(c).await;
    assert_eq!(publisher.unacked().count, 1);
    line.puback(pkids[0]).await;
    resolved(a).await;
    assert_eq!(publisher.unacked().count, 0);
}

#[tokio::test]
async fn the_last_puback_before_a_cut_counts() {
    let broker = Scripted::bind().await;
    let (publisher, _) = broker.outbox(10, None);
    let first = publish(&publisher, "first").await;
    let mut line = broker.welcome(false).await;
    let pkid = line.publish().await.pkid;
    line.puback(pkid).await;
    drop(line);
    resolved(first).await;
    publish(&publisher, "second").await;
    let mut line = broker.welcome(false).await;
    assert_eq!(text(&line.publish().await.payload), "second");
}

#[tokio::test]
async fn packet_identifiers_turn_over_with_acks_out_of_order() {
    let broker = Scripted::bind().await;
    let (publisher, _) = broker.outbox(4, None);
    let mut line = broker.welcome(false).await;
    for round in 0..30 {
        let mut acks = Vec::new();
        for n in 0..4 {
            acks.push(publish(&publisher, &format!("{round}.{n}")).await);
        }
        let (pkids, texts) = line.publishes(4).await;
        assert_eq!(texts, [0, 1, 2, 3].map(|n| format!("{round}.{n}")));
        for (pkid, ack) in pkids.into_iter().zip(acks).rev() {
            line.puback(pkid).await;
            resolved(ack).await;
        }
        assert_eq!(publisher.unacked().count, 0);
    }
}

#[tokio::test]
async fn a_full_window_waits_for_its_oldest() {
    let broker = Scripted::bind().await;
    let (publisher, _) = broker.outbox(2, None);
    publish(&publisher, "a").await;
    let b = publish(&publisher, "b").await;
    assert!(try_publish(&publisher, "no room").await.is_none());
    let mut line = broker.welcome(false).await;
    let (pkids, _) = line.publishes(2).await;
    line.puback(pkids[1]).await;
    resolved(b).await;
    assert!(try_publish(&publisher, "still no room").await.is_none());
    line.puback(pkids[0]).await;
    publish(&publisher, "c").await;
    assert_eq!(text(&line.publish().await.payload), "c");
}

#[tokio::test]
async fn a_publish_that_was_given_up_never_arrives_and_every_other_does() {
    let broker = Scripted::bind().await;
    let (publisher, _) = broker.outbox(3, None);
    let served = tokio::spawn(broker.welcome(false).await.serve());
    let mut kept = Vec::new();
    for n in 0..300u64 {
        let publishing = publisher.publish(TOPIC, Bytes::from(n.to_string()));
        tokio::select! {
            biased;
            ack = publishing => kept.push((n.to_string(), ack.unwrap())),
            () = yields(n % 4) => {}
        }
    }
    let (expected, acks): (Vec<String>, Vec<Ack>) = kept.into_iter().unzip();
    assert!((3..300).contains(&expected.len()), "{} were kept", expected.len());
    for ack in acks {
        resolved(ack).await;
    }
    within("close", publisher.close()).await;
    let arrived = joined("goodbye", served).await;
    assert_eq!(arrived.iter().map(|publish| text(&publish.payload)).collect::<Vec<_>>(), expected);
}

async fn yields(times: u64) {
    for _ in 0..times {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn the_age_is_the_oldest_ones_and_counts_from_when_it_is_in_the_outbox() {
    let broker = Scripted::bind().await;
    let (publisher, _) = broker.outbox(1, None);
    assert_eq!((publisher.unacked().count, publisher.unacked().oldest), (0, None));
    let published = Instant::now();
    let first = publish(&publisher, "first").await;
    let waiting = publisher.clone();
    let second = tokio::spawn(async move { publish(&waiting, "second").await });
    drop(broker.accept().await);
    let mut line = broker.welcome(false).await;
    let pkid = line.publish().await.pkid;
    let oldest = publisher.unacked().oldest.unwrap();
    assert!((Duration::from_millis(50)..=published.elapsed()).contains(&oldest), "{oldest:?}");
    let room = Instant::now();
    line.puback(pkid).await;
    assert!(resolved(first).await >= oldest);
    let pkid = line.publish().await.pkid;
    line.puback(pkid).await;
    let waited = resolved(joined("room", second).await).await;
    assert!(waited <= room.elapsed(), "{waited:?}");
}

#[tokio::test]
async fn a_broker_that_refuses_is_asked_again() {
    let broker = Scripted::bind().await;
    let (publisher, _) = broker.outbox(10, None);
    let ack = publish(&publisher, "23.5").await;
    for code in [ConnectReturnCode::BadUserNamePassword, ConnectReturnCode::NotAuthorized] {
        broker.accept().await.say(&Packet::ConnAck(ConnAck::new(code, false))).await;
    }
    let served = tokio::spawn(broker.welcome(false).await.serve());
    resolved(ack).await;
    within("close", publisher.close()).await;
    assert_eq!(joined("goodbye", served).await.len(), 1);
}

#[tokio::test]
async fn what_no_broker_takes_is_refused_at_once() {
    let broker = Scripted::bind().await;
    let (publisher, _) = broker.outbox(10, None);
    let largest = 1023 * 1024;
    for (topic, bytes, error) in [
        (TOPIC, largest + 1, Some(PublishError::TooLarge(largest + 1))),
        (TOPIC, largest, None),
        ("temperature/+", 1, Some(PublishError::Topic)),
        ("temperature/#", 1, Some(PublishError::Topic)),
        ("", 1, Some(PublishError::Topic)),
        (&"x".repeat(1001), 1, Some(PublishError::Topic)),
        (&"x".repeat(1000), largest, None),
    ] {
        let refused = publisher.publish(topic, Bytes::from(vec![b'x'; bytes])).await.err();
        assert_eq!(refused, error, "{topic:.20} with {bytes} bytes");
    }
    let served = tokio::spawn(broker.welcome(false).await.serve());
    within("close", publisher.close()).await;
    assert_eq!(joined("goodbye", served).await.len(), 2);
}

#[tokio::test]
async fn many_publish_at_once_and_none_is_forgotten() {
    let broker = Scripted::bind().await;
    let (publisher, _) = broker.outbox(5, None);
    let mut all = tokio::task::JoinSet::new();
    for n in 0..100 {
        let publisher = publisher.clone();
        all.spawn(async move { resolved(publish(&publisher, &n.to_string()).await).await });
    }
    let mut arrived = HashSet::new();
    for _ in 0..3 {
        let mut line = broker.welcome(false).await;
        for _ in 0..20 {
            let publish = line.publish().await;
            line.puback(publish.pkid).await;
            arrived.insert(text(&publish.payload));
        }
    }
    let served = tokio::spawn(broker.welcome(false).await.serve());
    within("every ack", all.join_all()).await;
    within("close", publisher.close()).await;
    arrived.extend(joined("goodbye", served).await.iter().map(|publish| text(&publish.payload)));
    assert_eq!(arrived.len(), 100);
}

#[tokio::test]
async fn a_publish_may_be_given_up_after_so_many_connections() {
    let broker = Scripted::bind().await;
    let (publisher, _) = broker.outbox(10, None);
    let poison = publisher.publish_over(TOPIC, Bytes::from_static(b"poison"), 2).await.unwrap();
    let other = publish(&publisher, "other").await;
    for _ in 0..2 {
        let mut line = broker.welcome(false).await;
        assert_eq!(line.publishes(2).await.1, ["poison", "other"]);
    }
    let mut line = broker.welcome(false).await;
    let (pkids, texts) = line.publishes(1).await;
    assert_eq!(texts, ["other"]);
    line.puback(pkids[0]).await;
    resolved(other).await;
    assert_eq!(within("the end of the poison", poison.acked()).await, None);
}
