//! What a few publishes over a connection of their own promise.

use broker::{OutboxConfig, PublishError};
use bytes::Bytes;
use rumqttc::mqttbytes::v4::Packet;
use tokio::task::JoinHandle;

use crate::scripted::{CLIENT_ID, Scripted, joined};

fn publish_once(broker: &Scripted, topics: &'static [&str]) -> JoinHandle<Result<(), PublishError>> {
    let outbox = OutboxConfig { url: broker.url(), client_id: CLIENT_ID.into(), window: 2, presence: None };
    let messages = topics.iter().map(|topic| ((*topic).to_owned(), Bytes::from_static(topic.as_bytes())));
    tokio::spawn(outbox.publish_once(messages.collect()))
}

#[tokio::test]
async fn it_returns_after_the_last_puback_and_hangs_up() {
    let broker = Scripted::bind().await;
    let all = publish_once(&broker, &["a", "b", "c"]);
    let mut line = broker.welcome(false).await;
    assert!(line.connect.client_id.len() > CLIENT_ID.len(), "several may be connected");
    let (pkids, texts) = line.publishes(2).await;
    assert_eq!(texts, ["a", "b"]);
    line.puback(pkids[0]).await;
    line.puback(pkids[1]).await;
    let last = line.publish().await;
    assert!(!all.is_finished());
    line.puback(last.pkid).await;
    assert_eq!(line.next().await, Some(Packet::Disconnect));
    drop(line);
    assert_eq!(joined("all are acked", all).await, Ok(()));
}

#[tokio::test]
async fn what_is_not_acked_before_a_cut_is_published_again() {
    let broker = Scripted::bind().await;
    let all = publish_once(&broker, &["a", "b"]);
    let mut line = broker.welcome(false).await;
    let (pkids, _) = line.publishes(2).await;
    line.puback(pkids[0]).await;
    drop(line);
    let mut line = broker.welcome(false).await;
    let again = line.publish().await;
    assert_eq!(again.topic, "b");
    line.puback(again.pkid).await;
    assert_eq!(line.next().await, Some(Packet::Disconnect));
    drop(line);
    assert_eq!(joined("all are acked", all).await, Ok(()));
}

#[tokio::test]
async fn what_no_broker_takes_ends_it_after_what_came_before() {
    let broker = Scripted::bind().await;
    let all = publish_once(&broker, &["a", "b/+", "c"]);
    let mut line = broker.welcome(false).await;
    let first = line.publish().await;
    line.puback(first.pkid).await;
    assert_eq!(line.next().await, Some(Packet::Disconnect));
    drop(line);
    assert_eq!(joined("an end", all).await, Err(PublishError::Topic));
}
