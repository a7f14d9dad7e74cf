//! What becomes of a message when it is settled, and at a stop.

use std::time::{Duration, Instant};

use broker::{Outcome, Unsettled};
use lapin::types::AMQPValue;

use crate::harness::{Consumer, Harness, text, within};

fn texts(range: std::ops::Range<usize>) -> impl Iterator<Item = String> {
    range.map(|n| n.to_string())
}

#[tokio::test]
#[ignore = "needs RabbitMQ: `make test`, or e2e/with-cluster"]
async fn what_is_settled_in_any_order_leaves_the_queue() {
    let harness = Harness::with_queue().await;
    harness.publish(texts(0..100)).await;
    let mut consumer = harness.consumer();
    let deliveries = consumer.take_many(100).await;
    assert!(deliveries.iter().all(|delivery| delivery.session() != 0));
    let (odd, even): (Vec<_>, Vec<_>) = deliveries.into_iter().enumerate().partition(|(n, _)| n % 2 == 1);
    for (_, delivery) in odd.into_iter().rev().chain(even) {
        let (_, ack) = delivery.split();
        ack.settle(Outcome::Done).await.unwrap();
    }
    assert_eq!(consumer.status(|status| status.connected).await.problem, None);
    consumer.stopped().await;
    harness.waiting(&harness.name, 0).await;
}

#[tokio::test]
#[ignore = "needs RabbitMQ: `make test`, or e2e/with-cluster"]
async fn what_is_rejected_goes_to_the_dead_letters() {
    let harness = Harness::reach().await;
    let dead = Harness::with_queue().await;
    harness
        .declare(&[
            ("x-dead-letter-exchange", AMQPValue::LongString("".into())),
            ("x-dead-letter-routing-key", AMQPValue::LongString(dead.name.as_str().into())),
            ("x-dead-letter-strategy", AMQPValue::LongString("at-least-once".into())),
            ("x-overflow", AMQPValue::LongString("reject-publish".into())),
        ])
        .await;
    harness.publish(texts(0..3)).await;
    let mut consumer = harness.consumer();
    for outcome in [Outcome::Done, Outcome::Reject, Outcome::Done] {
        consumer.take().await.settle(outcome).await.unwrap();
    }
    dead.waiting(&dead.name, 1).await;
    consumer.stopped().await;
    harness.waiting(&harness.name, 0).await;
}

#[tokio::test]
#[ignore = "needs RabbitMQ: `make test`, or e2e/with-cluster"]
async fn what_is_to_be_retried_or_dropped_comes_again_but_not_in_a_hot_loop() {
    let harness = Harness::with_queue().await;
    harness.publish(texts(0..1)).await;
    let mut consumer = harness.consumer();
    let first = consumer.expect("0").await;
    let (started, received_at) = (Instant::now(), first.item.received_at);
    first.settle(Outcome::Retry).await.unwrap();
    drop(consumer.expect("0").await);
    drop(consumer.expect("0").await);
    let last = consumer.expect("0").await;
    assert!(started.elapsed() > Duration::from_millis(350), "half of 100, 200 and 400 ms");
    assert_eq!(last.item.received_at, received_at);
    last.settle(Outcome::Done).await.unwrap();
    consumer.stopped().await;
    harness.waiting(&harness.name, 0).await;
}

#[tokio::test]
#[ignore = "needs RabbitMQ: `make test`, or e2e/with-cluster"]
async fn a_stop_waits_for_what_was_handed_over_and_gives_back_the_rest() {
    let harness = Harness::with_queue().await;
    harness.publish(texts(0..10)).await;
    let mut consumer = Consumer::start(&harness.amqp, &harness.name, 1);
    let first = consumer.expect("0").await;
    consumer.handed_over(1).await;
    consumer.stop.cancel();
    let mut second = consumer.take_many(1).await;
    assert!(within("the end of deliveries", consumer.deliveries.recv()).await.is_none());
    harness.publish(texts(10..11)).await;
    harness.waiting(&harness.name, 1).await;
    second.remove(0).settle(Outcome::Done).await.unwrap();
    assert!(!consumer.ended.is_finished());
    first.settle(Outcome::Done).await.unwrap();
    within("the end", &mut consumer.ended).await.unwrap();
    assert_eq!(consumer.status.borrow().lost_acks, 0);
    harness.waiting(&harness.name, 9).await;
}

#[tokio::test]
#[ignore = "needs RabbitMQ: `make test`, or e2e/with-cluster"]
async fn it_ends_when_nobody_receives_or_no_broker_is_there() {
    let harness = Harness::with_queue().await;
    let mut consumer = harness.consumer();
    consumer.status(|status| status.connected).await;
    drop(consumer.deliveries);
    within("the end", consumer.ended).await.unwrap();

    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut consumer = Consumer::start(&format!("amqp://{nobody}"), "none", 1);
    consumer.problem("refused").await;
    consumer.stopped().await;
}

#[tokio::test]
#[ignore = "needs RabbitMQ: `make test`, or e2e/with-cluster"]
async fn a_delivery_of_a_consumer_that_has_ended_cannot_be_settled() {
    let harness = Harness::with_queue().await;
    harness.publish(texts(0..2)).await;
    let mut consumer = harness.consumer();
    let [stale, _] = consumer.take_many(2).await.try_into().unwrap();
    harness.delete().await;
    consumer.problem("queue").await;
    assert_eq!(text(&stale.item), "0");
    assert_eq!(stale.settle(Outcome::Done).await, Err(Unsettled));
    consumer.stopped().await;
}

#[tokio::test]
#[ignore = "needs RabbitMQ: `make test`, or e2e/with-cluster"]
async fn a_payload_may_be_empty_or_longer_than_a_frame() {
    let harness = Harness::with_queue().await;
    let payloads = [0, 1, 131_064, 131_065, 500_000].map(|length| "x".repeat(length));
    harness.publish(payloads.clone()).await;
    let mut consumer = harness.consumer();
    for payload in payloads {
        let delivery = consumer.take().await;
        assert!(delivery.item.payload == payload, "{} bytes", payload.len());
        delivery.settle(Outcome::Done).await.unwrap();
    }
    consumer.stopped().await;
}
