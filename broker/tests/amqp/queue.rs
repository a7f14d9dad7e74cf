//! What is said and done when the broker does not give the queue.

use broker::Outcome;
use lapin::types::AMQPValue;

use crate::harness::{Consumer, Harness, within};

#[tokio::test]
#[ignore = "needs RabbitMQ: `make test`, or e2e/with-cluster"]
async fn a_wrong_password_is_said_and_not_shown() {
    let harness = Harness::reach().await;
    let (_, place) = harness.amqp.rsplit_once('@').unwrap();
    let mut consumer = Consumer::start(&format!("amqp://nobody:s3cret@{place}"), &harness.name, 1);
    consumer.problem("refused the login of user nobody: check user and password").await;
    assert!(!format!("{:?}", *consumer.status.borrow()).contains("s3cret"));
    consumer.stopped().await;
}

#[tokio::test]
#[ignore = "needs RabbitMQ: `make test`, or e2e/with-cluster"]
async fn a_missing_queue_is_named_and_taken_from_once_it_is_there() {
    let harness = Harness::reach().await;
    let mut consumer = harness.consumer();
    let missing = format!("there is no queue {} in vhost /: import rabbitmq/definitions.json", harness.name);
    consumer.problem(&missing).await;
    harness.declare(&[]).await;
    harness.publish(["a".to_owned()]).await;
    consumer.expect("a").await.settle(Outcome::Done).await.unwrap();
    harness.delete().await;
    consumer.problem(&missing).await;
    harness.declare(&[]).await;
    harness.publish(["b".to_owned()]).await;
    consumer.expect("b").await.settle(Outcome::Done).await.unwrap();
    assert_eq!(consumer.status(|status| status.connected).await.missed, 2);
    consumer.stopped().await;
}

#[tokio::test]
#[ignore = "needs RabbitMQ: `make test`, or e2e/with-cluster"]
async fn a_missing_virtual_host_is_named() {
    let harness = Harness::reach().await;
    let mut consumer = Consumer::start(&format!("{}/no-such-place", harness.amqp), &harness.name, 1);
    consumer.problem("no-such-place").await;
    consumer.stopped().await;
}

#[tokio::test]
#[ignore = "needs RabbitMQ: `make test`, or e2e/with-cluster"]
async fn of_two_consumers_one_is_active_and_the_other_takes_over_with_another_session() {
    let harness = Harness::reach().await;
    harness.declare(&[("x-single-active-consumer", AMQPValue::Boolean(true))]).await;
    let mut active = harness.consumer();
    active.status(|status| status.connected).await;
    let mut idle = harness.consumer();
    idle.status(|status| status.connected).await;
    harness.publish(["a".to_owned(), "b".to_owned()]).await;
    let (a, b) = (active.expect("a").await, active.expect("b").await);
    assert_eq!(a.session(), b.session());
    let session = a.session();
    a.settle(Outcome::Done).await.unwrap();
    drop(b);
    active.stopped().await;
    let b = idle.expect("b").await;
    assert!(b.session() != session && b.session() != 0);
    b.settle(Outcome::Done).await.unwrap();
    within("nothing else", async { assert!(idle.deliveries.try_recv().is_err()) }).await;
    idle.stopped().await;
    harness.waiting(&harness.name, 0).await;
}
