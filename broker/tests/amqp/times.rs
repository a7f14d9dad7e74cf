//! Topics and times are those of the publish, however often a message comes.

use std::collections::BTreeSet;

use broker::Outcome;
use telemetry::{Series, TopicError};

use crate::harness::{Consumer, Harness};
use crate::proxy::Proxy;

#[tokio::test]
#[ignore = "needs RabbitMQ: `make test`, or e2e/with-cluster"]
async fn a_topic_is_rejected_for_the_same_reason_as_at_the_edge() {
    let harness = Harness::with_queue().await;
    let metric = &harness.name;
    let long = "x".repeat(65);
    let topics = [
        ("/site-a/rack_1", None),
        ("", Some(TopicError::NoDevice)),
        ("/", Some(TopicError::EmptyLevel)),
        ("//lab", Some(TopicError::EmptyLevel)),
        ("/a*b", Some(TopicError::Character('*'))),
        ("/lab 1", Some(TopicError::Character(' '))),
        ("/grün", Some(TopicError::Character('ü'))),
        (&format!("/{long}"), Some(TopicError::LongLevel)),
    ]
    .map(|(device, error)| (format!("{metric}{device}"), error));
    harness.publish_mqtt(topics.iter().map(|(topic, _)| (topic.clone(), "1"))).await;
    harness.publish_mqtt([(format!("{metric}/lab.1"), "1")]).await;
    let mut consumer = harness.consumer();
    for (topic, error) in topics {
        let delivery = consumer.take().await;
        assert_eq!(delivery.item.topic, topic);
        assert_eq!(Series::parse(&topic).err(), error);
        delivery.settle(Outcome::Done).await.unwrap();
    }
    let dotted = consumer.take().await;
    assert_eq!(dotted.item.topic, format!("{metric}/lab/1"), "AMQP cannot tell a dot from a slash");
    dotted.settle(Outcome::Done).await.unwrap();
    consumer.stopped().await;
}

#[tokio::test]
#[ignore = "needs RabbitMQ: `make test`, or e2e/with-cluster"]
async fn equal_numbers_get_a_time_each_and_the_same_times_again() {
    const MESSAGES: usize = 500;
    let harness = Harness::with_queue().await;
    let proxy = Proxy::to(&harness.amqp).await;
    let mut consumer = Consumer::start(&proxy.amqp, &harness.name, MESSAGES);
    let topic = format!("{}/lab", harness.name);
    harness.publish_mqtt((0..MESSAGES).map(|_| (topic.clone(), "21.5"))).await;
    let mut times = BTreeSet::new();
    for round in 0..3 {
        let deliveries = consumer.take_many(MESSAGES).await;
        times.extend(deliveries.iter().map(|delivery| delivery.item.received_at));
        assert_eq!(times.len(), MESSAGES, "round {round}");
        if round < 2 {
            proxy.cut();
            consumer.status(|status| status.problem.is_some()).await;
            consumer.status(|status| status.connected).await;
        } else {
            for delivery in deliveries {
                delivery.settle(Outcome::Done).await.unwrap();
            }
        }
    }
    let milliseconds: BTreeSet<_> = times.iter().map(|time| time.as_millisecond()).collect();
    assert!(milliseconds.len() < MESSAGES, "some came within one millisecond");
    consumer.stopped().await;
    harness.waiting(&harness.name, 0).await;
}
