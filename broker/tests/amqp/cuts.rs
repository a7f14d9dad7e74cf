//! The line to the broker is cut or frozen, and nothing is lost.

use std::collections::BTreeSet;

use broker::{Outcome, Unsettled};

use crate::harness::{Consumer, Harness, PREFETCH, text, within};
use crate::proxy::Proxy;

#[tokio::test]
#[ignore = "needs RabbitMQ: `make test`, or e2e/with-cluster"]
async fn what_is_unsettled_at_a_cut_comes_again_and_its_old_ack_fails() {
    let harness = Harness::with_queue().await;
    let proxy = Proxy::to(&harness.amqp).await;
    harness.publish(["a".to_owned()]).await;
    let mut consumer = Consumer::start(&proxy.amqp, &harness.name, 1);
    let old = consumer.expect("a").await;
    proxy.cut();
    consumer.status(|status| status.problem.is_some()).await;
    let (received_at, session) = (old.item.received_at, old.session());
    assert_eq!(old.settle(Outcome::Done).await, Err(Unsettled));
    let again = consumer.expect("a").await;
    assert_eq!(again.item.received_at, received_at);
    assert_ne!(again.session(), session);
    again.settle(Outcome::Done).await.unwrap();
    let status = consumer.status(|status| status.connected).await;
    assert_eq!((status.missed, status.problem, status.lost_acks), (2, None, 0));
    consumer.stopped().await;
    harness.waiting(&harness.name, 0).await;
}

#[tokio::test]
#[ignore = "needs RabbitMQ: `make test`, or e2e/with-cluster"]
async fn under_load_cuts_lose_nothing() {
    const MESSAGES: usize = 20_000;
    const CUTS: usize = 8;
    let harness = Harness::with_queue().await;
    let proxy = Proxy::to(&harness.amqp).await;
    let mut consumer = Consumer::start(&proxy.amqp, &harness.name, 100);
    let all_settled = async {
        let (mut seen, mut cuts, mut taken) = (BTreeSet::new(), 0, 0);
        while seen.len() < MESSAGES {
            let delivery = consumer.take().await;
            taken += 1;
            let said = text(&delivery.item);
            // What could not be settled must come again.
            if delivery.settle(Outcome::Done).await.is_ok() {
                seen.insert(said);
            }
            if seen.len() >= (cuts + 1) * MESSAGES / CUTS {
                proxy.cut();
                cuts += 1;
            }
        }
        taken
    };
    let (taken, ()) = tokio::join!(all_settled, harness.publish((0..MESSAGES).map(|n| n.to_string())));
    assert!(taken <= MESSAGES + CUTS * PREFETCH, "{taken} deliveries: acks did not arrive");
    consumer.status(|status| status.connected && status.missed > CUTS as u64).await;
    // What comes again goes back.
    drop(consumer.deliveries);
    within("the end", consumer.ended).await.unwrap();
}

#[tokio::test]
#[ignore = "needs RabbitMQ: `make test`, or e2e/with-cluster"]
async fn a_cut_is_noticed_though_nobody_takes_the_messages() {
    let harness = Harness::with_queue().await;
    let proxy = Proxy::to(&harness.amqp).await;
    harness.publish((0..10).map(|n| n.to_string())).await;
    let mut consumer = Consumer::start(&proxy.amqp, &harness.name, 1);
    harness.waiting(&harness.name, 0).await;
    proxy.cut();
    consumer.status(|status| status.problem.is_some()).await;
    consumer.status(|status| status.connected).await;
    consumer.stopped().await;
}

#[tokio::test]
#[ignore = "needs RabbitMQ: `make test`, or e2e/with-cluster"]
async fn what_no_broker_says_ends_the_connection_and_what_was_unsettled_comes_again() {
    let harness = Harness::with_queue().await;
    let proxy = Proxy::to(&harness.amqp).await;
    harness.publish(["a".to_owned()]).await;
    let mut consumer = Consumer::start(&proxy.amqp, &harness.name, 1);
    let old = consumer.expect("a").await;
    proxy.disturb();
    consumer.problem("the broker sent a frame without its end").await;
    assert_eq!(old.settle(Outcome::Done).await, Err(Unsettled));
    consumer.expect("a").await.settle(Outcome::Done).await.unwrap();
    consumer.stopped().await;
    harness.waiting(&harness.name, 0).await;
}

#[tokio::test]
#[ignore = "needs RabbitMQ: `make test`, or e2e/with-cluster"]
async fn a_peer_that_falls_silent_is_given_up() {
    let harness = Harness::with_queue().await;
    let proxy = Proxy::to(&harness.amqp).await;
    let mut consumer = Consumer::start(&proxy.amqp, &harness.name, 1);
    consumer.status(|status| status.connected).await;
    proxy.freeze();
    consumer.problem("the broker says nothing any more").await;
    harness.publish(["a".to_owned()]).await;
    consumer.expect("a").await.settle(Outcome::Done).await.unwrap();
    consumer.stopped().await;
}
