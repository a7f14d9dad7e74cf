//! What a consumer promises of each message, over cuts and until it stops.

use std::sync::Arc;
use std::time::Duration;

use broker::{ConnectionStatus, Delivery, Outcome, Published, Qos, Subscription, Unsettled, consume};
use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v4::{Packet, PubAck, SubAck, SubscribeReasonCode};
use telemetry::SystemClock;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::scripted::{CLIENT_ID, Line, Scripted, connack, joined, text, within};

const AT_LEAST_ONCE: QoS = QoS::AtLeastOnce;

/// A consumer that runs, and what it hands over.
struct Consumer {
    deliveries: mpsc::Receiver<Delivery<Published>>,
    status: watch::Receiver<ConnectionStatus>,
    stop: CancellationToken,
    ended: JoinHandle<()>,
}

impl Consumer {
    fn start(broker: &Scripted, qos: Qos, room: usize, idle_timeout: Duration) -> Self {
        let subscription = Subscription {
            url: broker.url(),
            client_id: CLIENT_ID.into(),
            filters: vec!["temperature/#".into(), "humidity/#".into()],
            qos,
            idle_timeout,
            clock: Arc::new(SystemClock::default()),
        };
        let (out, deliveries) = mpsc::channel(room);
        let (sender, status) = watch::channel(ConnectionStatus::default());
        let stop = CancellationToken::new();
        let ended = tokio::spawn(consume(subscription, out, sender, stop.clone()));
        Self { deliveries, status, stop, ended }
    }

    fn at_least_once(broker: &Scripted) -> Self {
        Self::start(broker, Qos::AtLeastOnce, 10, Duration::from_secs(60))
    }

    async fn take(&mut self) -> Delivery<Published> {
        within("a delivery", self.deliveries.recv()).await.expect("the consumer runs")
    }

    /// The next delivery, which must say this.
    async fn expect(&mut self, said: &str) -> Delivery<Published> {
        let delivery = self.take().await;
        assert_eq!(
            (delivery.item.topic.as_str(), text(&delivery.item.payload)),
            ("temperature/lab", said.into())
        );
        delivery
    }

    async fn status(&mut self, condition: impl FnMut(&ConnectionStatus) -> bool) {
        within("a change of the connection status", self.status.wait_for(condition))
            .await
            .expect("the consumer runs");
    }

    async fn ended(self) {
        joined("the end", self.ended).await;
    }
}

/// The next connection, subscribed.
async fn subscribed(broker: &Scripted) -> Line {
    let mut line = broker.welcome(true).await;
    line.grant().await;
    line
}

async fn expect_puback(line: &mut Line, pkid: u16) {
    assert_eq!(line.next().await, Some(Packet::PubAck(PubAck { pkid })));
}

#[tokio::test]
async fn it_subscribes_with_a_session_that_lasts() {
    let broker = Scripted::bind().await;
    let mut consumer = Consumer::at_least_once(&broker);
    let mut line = broker.welcome(false).await;
    assert_eq!((line.connect.client_id.as_str(), line.connect.clean_session), (CLIENT_ID, false));
    assert!(!consumer.status.borrow().connected, "not before the subscription is granted");
    let filters = line.grant().await.filters;
    let filters: Vec<_> = filters.iter().map(|filter| (filter.path.as_str(), filter.qos)).collect();
    assert_eq!(filters, [("temperature/#", AT_LEAST_ONCE), ("humidity/#", AT_LEAST_ONCE)]);
    consumer.status(|status| status.connected && status.missed == 1 && status.problem.is_none()).await;
}

#[tokio::test]
async fn a_message_is_acked_when_it_is_settled_and_not_before() {
    let broker = Scripted::bind().await;
    let mut consumer = Consumer::at_least_once(&broker);
    let mut line = subscribed(&broker).await;
    for (pkid, text) in [(7, "a"), (8, "b"), (9, "c")] {
        line.deliver(AT_LEAST_ONCE, pkid, text).await;
    }
    line.deliver(QoS::AtMostOnce, 0, "unasked").await;
    let [a, b, c] = [consumer.expect("a").await, consumer.expect("b").await, consumer.expect("c").await];
    let (_, unasked) = consumer.expect("unasked").await.split();
    unasked.settle(Outcome::Done).await.unwrap();
    for (delivery, outcome, pkid) in [(c, Outcome::Done, 9), (a, Outcome::Reject, 7), (b, Outcome::Done, 8)] {
        delivery.settle(outcome).await.unwrap();
        expect_puback(&mut line, pkid).await;
    }
}

#[tokio::test]
async fn what_is_unsettled_at_a_cut_comes_again_and_its_old_ack_fails() {
    let broker = Scripted::bind().await;
    let mut consumer = Consumer::at_least_once(&broker);
    let mut line = subscribed(&broker).await;
    line.deliver(AT_LEAST_ONCE, 1, "a").await;
    let old = consumer.expect("a").await;
    consumer.status(|status| status.connected).await;
    drop(line);
    consumer.status(|status| !status.connected).await;
    assert_eq!(old.settle(Outcome::Done).await, Err(Unsettled));
    let mut line = subscribed(&broker).await;
    line.deliver(AT_LEAST_ONCE, 1, "a").await;
    consumer.expect("a").await.settle(Outcome::Done).await.unwrap();
    expect_puback(&mut line, 1).await;
    consumer.status(|status| status.connected && status.missed == 2 && status.problem.is_none()).await;
}

#[tokio::test]
async fn cuts_again_and_again_say_that_another_client_may_have_its_name() {
    let broker = Scripted::bind().await;
    let mut consumer = Consumer::at_least_once(&broker);
    let named = format!("another consumer named {CLIENT_ID} may be running");
    for cut in 1..=3 {
        let line = subscribed(&broker).await;
        consumer.status(|status| status.connected).await;
        drop(line);
        consumer.status(|status| !status.connected).await;
        let problem = consumer.status.borrow().problem.clone().expect("a cut is a problem");
        assert_eq!(problem.contains(&named), cut == 3, "cut {cut}: {problem}");
    }
}

#[tokio::test]
async fn a_cut_at_any_moment_of_the_start_is_survived() {
    let broker = Scripted::bind().await;
    let mut consumer = Consumer::at_least_once(&broker);
    drop(broker.accept().await);
    broker.accept().await.say_half(&connack(true)).await;
    drop(broker.welcome(false).await);
    let mut line = broker.welcome(true).await;
    let subscribe = line.subscribe().await;
    let code = SubscribeReasonCode::Success(AT_LEAST_ONCE);
    line.say_half(&Packet::SubAck(SubAck::new(subscribe.pkid, vec![code; 2]))).await;
    drop(line);
    assert_eq!(consumer.status.borrow().missed, 0, "never subscribed");
    let mut line = broker.welcome(true).await;
    line.deliver(AT_LEAST_ONCE, 1, "before the SUBACK").await;
    line.grant().await;
    consumer.expect("before the SUBACK").await.settle(Outcome::Done).await.unwrap();
    expect_puback(&mut line, 1).await;
}

#[tokio::test]
async fn a_message_to_retry_or_dropped_is_delivered_again() {
    for retried in [true, false] {
        let broker = Scripted::bind().await;
        let mut consumer = Consumer::at_least_once(&broker);
        let mut line = subscribed(&broker).await;
        line.deliver(AT_LEAST_ONCE, 1, "a").await;
        let delivery = consumer.expect("a").await;
        if retried {
            delivery.settle(Outcome::Retry).await.unwrap();
        } else {
            drop(delivery);
        }
        assert_eq!(line.next().await, None, "a new connection asks for it");
        let mut line = subscribed(&broker).await;
        line.deliver(AT_LEAST_ONCE, 1, "a").await;
        consumer.expect("a").await.settle(Outcome::Done).await.unwrap();
        expect_puback(&mut line, 1).await;
    }
}

#[tokio::test]
async fn silence_leads_to_a_new_connection_and_subscription() {
    let broker = Scripted::bind().await;
    let mut consumer = Consumer::start(&broker, Qos::AtLeastOnce, 10, Duration::from_millis(100));
    assert_eq!(subscribed(&broker).await.next().await, None);
    let mut line = subscribed(&broker).await;
    consumer.status(|status| status.missed == 2).await;
    line.deliver(AT_LEAST_ONCE, 1, "a").await;
    let unsettled = consumer.expect("a").await;
    // The broker may well be waiting for this very message.
    let waiting = tokio::time::timeout(Duration::from_millis(500), line.next()).await;
    assert!(waiting.is_err(), "{waiting:?} though a message is unsettled");
    unsettled.settle(Outcome::Done).await.unwrap();
    expect_puback(&mut line, 1).await;
    assert_eq!(line.next().await, None);
}

#[tokio::test]
async fn a_stop_waits_for_what_was_handed_over_and_says_goodbye() {
    let broker = Scripted::bind().await;
    let mut consumer = Consumer::at_least_once(&broker);
    let mut line = subscribed(&broker).await;
    line.deliver(AT_LEAST_ONCE, 1, "a").await;
    line.deliver(AT_LEAST_ONCE, 2, "b").await;
    let [a, b] = [consumer.expect("a").await, consumer.expect("b").await];
    consumer.stop.cancel();
    assert!(within("the end of deliveries", consumer.deliveries.recv()).await.is_none());
    line.deliver(AT_LEAST_ONCE, 3, "too late").await;
    b.settle(Outcome::Done).await.unwrap();
    expect_puback(&mut line, 2).await;
    a.settle(Outcome::Done).await.unwrap();
    expect_puback(&mut line, 1).await;
    assert_eq!(line.next().await, Some(Packet::Disconnect));
    consumer.ended().await;
}

#[tokio::test]
async fn a_stop_sends_the_acks_of_any_number() {
    let broker = Scripted::bind().await;
    let mut consumer = Consumer::at_least_once(&broker);
    let mut line = subscribed(&broker).await;
    let mut held = Vec::new();
    for pkid in 1..=1024 {
        line.deliver(AT_LEAST_ONCE, pkid, "a").await;
        held.push(consumer.take().await);
    }
    consumer.stop.cancel();
    assert!(within("the end of deliveries", consumer.deliveries.recv()).await.is_none());
    for delivery in held {
        delivery.settle(Outcome::Done).await.unwrap();
    }
    for pkid in 1..=1024 {
        expect_puback(&mut line, pkid).await;
    }
    assert_eq!(line.next().await, Some(Packet::Disconnect));
    consumer.ended().await;
}

#[tokio::test]
async fn a_stop_ends_though_nobody_takes_the_messages() {
    let broker = Scripted::bind().await;
    let mut consumer = Consumer::start(&broker, Qos::AtLeastOnce, 1, Duration::from_secs(60));
    let mut line = subscribed(&broker).await;
    for pkid in 1..=5 {
        line.deliver(AT_LEAST_ONCE, pkid, "a").await;
    }
    let first = consumer.expect("a").await;
    consumer.stop.cancel();
    first.settle(Outcome::Done).await.unwrap();
    expect_puback(&mut line, 1).await;
    while consumer.deliveries.recv().await.is_some() {}
    assert_eq!(line.next().await, Some(Packet::Disconnect));
    consumer.ended().await;
}

#[tokio::test]
async fn while_nobody_takes_the_messages_the_connection_still_answers() {
    let broker = Scripted::bind().await;
    let mut consumer = Consumer::start(&broker, Qos::AtLeastOnce, 1, Duration::from_secs(60));
    let mut line = subscribed(&broker).await;
    line.deliver(AT_LEAST_ONCE, 1, "a").await;
    let first = consumer.expect("a").await;
    for pkid in 2..=5 {
        line.deliver(AT_LEAST_ONCE, pkid, "a").await;
    }
    first.settle(Outcome::Done).await.unwrap();
    expect_puback(&mut line, 1).await;
    for pkid in 2..=5 {
        consumer.expect("a").await.settle(Outcome::Done).await.unwrap();
        expect_puback(&mut line, pkid).await;
    }
}

#[tokio::test]
async fn it_ends_when_nobody_receives_or_no_broker_is_there() {
    let broker = Scripted::bind().await;
    let consumer = Consumer::at_least_once(&broker);
    let mut line = subscribed(&broker).await;
    drop(consumer.deliveries);
    assert_eq!(line.next().await, Some(Packet::Disconnect));
    joined("the end", consumer.ended).await;

    let consumer = Consumer::at_least_once(&broker);
    drop(broker.accept().await);
    consumer.stop.cancel();
    consumer.ended().await;
}

#[tokio::test]
async fn a_refused_subscription_is_tried_again() {
    let broker = Scripted::bind().await;
    let mut consumer = Consumer::at_least_once(&broker);
    let mut line = broker.welcome(true).await;
    let subscribe = line.subscribe().await;
    let codes = vec![SubscribeReasonCode::Success(AT_LEAST_ONCE), SubscribeReasonCode::Failure];
    line.say(&Packet::SubAck(SubAck::new(subscribe.pkid, codes))).await;
    assert_eq!(line.next().await, None);
    let problem = consumer.status.borrow().problem.clone().expect("a refused subscription is a problem");
    assert!(
        problem.ends_with("the broker refused the subscription humidity/#: check the rights of this user")
    );
    let _line = subscribed(&broker).await;
    consumer.status(|status| status.missed == 1).await;
}

#[tokio::test]
async fn at_most_once_settles_nothing_and_loses_what_there_is_no_room_for() {
    let broker = Scripted::bind().await;
    let mut consumer = Consumer::start(&broker, Qos::AtMostOnce, 2, Duration::from_secs(60));
    let mut line = broker.welcome(false).await;
    assert!(line.connect.clean_session);
    assert_ne!(line.connect.client_id, CLIENT_ID, "several may listen");
    assert!(line.grant().await.filters.iter().all(|filter| filter.qos == QoS::AtMostOnce));
    for text in ["a", "b", "c", "d"] {
        line.deliver(QoS::AtMostOnce, 0, text).await;
    }
    consumer.status(|status| status.connected && status.missed == 3 && status.problem.is_none()).await;
    for said in ["a", "b"] {
        consumer.expect(said).await.settle(Outcome::Done).await.unwrap();
    }
    line.deliver(QoS::AtMostOnce, 0, "e").await;
    consumer.expect("e").await.settle(Outcome::Done).await.unwrap();
}
