use std::time::Duration;

use broker::Outcome;
use service::{Incoming, Intake, Offered, ReadAs, Taken};
use telemetry::{Inputs, SystemClock};
use tokio::time::timeout;

use super::*;

const SOON: Duration = Duration::from_millis(50);

struct Ends {
    hub: Hub,
    feeds: Feeds,
    writer: Deliveries<Arc<Decoded>>,
    alerter: Deliveries<Arc<Decoded>>,
    pages: mpsc::Receiver<Delivery<Arc<Decoded>>>,
}

fn ends() -> Ends {
    let (pages_in, pages) = mpsc::channel(1);
    let mut feeds = Feeds { services: Vec::new(), answers: None, pages: pages_in };
    let (writer, alerter) = (feeds.add(), feeds.add());
    let decoder = Decoder::new(Inputs::default(), &Metrics::default());
    let hub = Hub::new(decoder, &feeds, &Metrics::default(), Arc::new(SystemClock::default()));
    Ends { hub, feeds, writer, alerter, pages }
}

fn publish(hub: &Hub) -> impl Future<Output = ()> {
    hub.publish("temperature/lab", vec![Bytes::from_static(b"1")])
}

async fn settle(service: &mut Deliveries<Arc<Decoded>>, outcome: Outcome) -> Arc<Decoded> {
    let (decoded, ack) = service.recv().await.unwrap().split();
    ack.settle(outcome).await.unwrap();
    decoded
}

#[tokio::test]
async fn a_puback_waits_for_every_service() {
    let Ends { hub, mut writer, mut alerter, mut pages, feeds: _feeds } = ends();
    let mut puback = std::pin::pin!(publish(&hub));
    assert!(timeout(SOON, &mut puback).await.is_err());
    settle(&mut writer, Outcome::Done).await;
    assert!(timeout(SOON, &mut puback).await.is_err());
    assert!(pages.try_recv().is_err(), "a page shows what is kept");
    settle(&mut alerter, Outcome::Done).await;
    puback.await;
    assert_eq!(pages.recv().await.unwrap().item.readings[0].series.as_str(), "temperature/lab");
    assert_eq!((hub.counters.published.get(), hub.counters.acknowledged.get()), (1, 1));
    assert_eq!(hub.counters.puback_latency.count(), 1);
}

#[tokio::test]
async fn messages_of_a_batch_are_settled_in_their_order() {
    let Ends { hub, mut writer, mut alerter, feeds: _feeds, .. } = ends();
    let (receipt, settled) = Receipt::new();
    let publish = |payload| Publish {
        topic: "temperature/lab".into(),
        payload: Bytes::from_static(payload),
        kind: PublishKind::Collected,
        publisher: None,
    };
    hub.take(vec![publish(b"1"), publish(b"2"), publish(b"3")], receipt);
    let mut held = Vec::new();
    for _ in 0..3 {
        settle(&mut alerter, Outcome::Done).await;
        held.push(writer.recv().await.unwrap());
    }
    for (delivery, expected) in held.into_iter().rev().zip([0, 0, 3]) {
        delivery.settle(Outcome::Done).await.unwrap();
        assert_eq!(settled.count(), expected, "a later one waits for those before it");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_dropped_or_to_be_retried_comes_again() {
    let Ends { hub, mut writer, mut alerter, feeds: _feeds, .. } = ends();
    let services = async {
        let first = writer.recv().await.unwrap().item;
        settle(&mut alerter, Outcome::Done).await;
        let again = settle(&mut writer, Outcome::Retry).await;
        assert_eq!(again, first, "with the same received_at");
        settle(&mut writer, Outcome::Done).await;
    };
    tokio::join!(publish(&hub), services);
}

#[tokio::test]
async fn after_the_stop_nothing_is_acked() {
    let Ends { hub, feeds, .. } = ends();
    drop(feeds);
    assert!(timeout(SOON, publish(&hub)).await.is_err());
}

#[tokio::test]
async fn what_is_denied_is_kept_as_rejected_and_a_probe_leaves_nothing() {
    let Ends { hub, mut writer, mut alerter, feeds: _feeds, mut pages } = ends();
    let (receipt, settled) = Receipt::new();
    let (topic, payload) = ("temperature/lab", Bytes::from(vec![b'1'; 5_000]));
    let publish = |kind| Publish { topic: topic.into(), payload: payload.clone(), kind, publisher: None };
    hub.take(vec![publish(PublishKind::Denied), publish(PublishKind::Probe)], receipt);
    for service in [&mut writer, &mut alerter] {
        let denied = settle(service, Outcome::Done).await;
        assert_eq!((denied.readings.len(), denied.rejected[0].payload.len()), (0, DENIED_BYTES));
        assert_eq!(settle(service, Outcome::Done).await.count(), 0);
    }
    settled.reached(2).await;
    assert_eq!(hub.counters.published.get(), 1);
    assert!(pages.try_recv().is_ok() && pages.try_recv().is_err());
}

#[test]
fn what_no_rule_takes_is_left_to_subscribers() {
    let Ends { hub, feeds: _feeds, .. } = ends();
    let (receipt, settled) = Receipt::new();
    let publish = |topic: &str, payload| Publish {
        topic: topic.into(),
        payload: Bytes::from_static(payload),
        kind: PublishKind::Collected,
        publisher: None,
    };
    let topics = ["house/mood/now", "zigbee2mqtt/lamp", "tele/lab/RESULT"];
    hub.take(topics.map(|topic| publish(topic, b"{}")).into(), receipt);
    assert_eq!(settled.count(), 3);
    assert_eq!([0, 1, 2].map(|place| settled.is_taken(place)), [false, true, false]);
}

#[test]
fn what_can_hold_no_readings_is_not_collected() {
    let Ends { hub, .. } = ends();
    assert!(hub.collects("temperature/lab") && hub.collects("status/lab"));
    assert!(!hub.collects("commands/lab") && !hub.collects("$SYS/broker/uptime"));
}

#[tokio::test]
async fn pages_that_cannot_follow_see_that_messages_were_missed() {
    let Ends { hub, mut writer, mut alerter, feeds: _feeds, pages: _pages } = ends();
    let status = hub.connection_status();
    let services = async {
        for _ in 0..2 {
            settle(&mut writer, Outcome::Done).await;
            settle(&mut alerter, Outcome::Done).await;
        }
    };
    let publishes = async {
        for _ in 0..2 {
            publish(&hub).await;
        }
    };
    tokio::join!(publishes, services);
    assert_eq!(status.borrow().missed, 2);
}

#[tokio::test]
async fn a_new_series_beyond_the_quota_is_rejected_and_known_ones_go_on() {
    let Ends { hub, mut writer, mut alerter, feeds: _feeds, .. } = ends();
    let hub = hub.with_series_quota(SeriesQuota::new(1, []));
    let services = async {
        for rejected in [0, 1, 0] {
            let decoded = settle(&mut writer, Outcome::Done).await;
            assert_eq!(decoded.rejected.len(), rejected);
            for reason in decoded.rejected.iter().map(|rejected| &rejected.reason) {
                assert!(
                    reason.contains("there are 1 series already") && reason.contains("max_series"),
                    "{reason}"
                );
            }
            settle(&mut alerter, Outcome::Done).await;
        }
    };
    let publishes = async {
        publish(&hub).await;
        hub.publish("temperature/new", vec![Bytes::from_static(b"1")]).await;
        publish(&hub).await;
    };
    tokio::join!(publishes, services);
    assert_eq!(hub.counters.over_quota.get(), 1);
}

#[tokio::test]
async fn what_comes_over_http_is_charged_until_every_service_has_it() {
    let Ends { hub, mut writer, mut alerter, feeds: _feeds, .. } = ends();
    let charge = Arc::new(());
    let offered = |topic: &str, payload: &'static str| Offered {
        message: Message {
            topic: topic.into(),
            payload: Bytes::from(payload),
            received_at: Intake::stamp(&hub, 1),
        },
        reading: ReadAs::OwnFormat,
    };
    let messages = vec![
        offered("temperature/lab", "1"),
        offered("temperature/lab", "hot"),
        offered("humidity/other", "2"),
    ];
    let objection = |_: &str, device: &str| (device == "other").then(|| "not yours".to_owned());
    let incoming = Incoming { messages, objection: &objection, charge: Box::new(charge.clone()) };
    let Taken { outcomes, acknowledged } = hub.take_in(incoming);
    let counts: Vec<_> = outcomes.iter().map(|outcome| (outcome.readings, outcome.rejected.len())).collect();
    assert_eq!(counts, [(1, 0), (0, 1), (0, 1)]);
    assert_eq!(outcomes[2].rejected[0].reason, "not yours");
    let mut acknowledged = Box::pin(acknowledged);
    assert!(timeout(SOON, &mut acknowledged).await.is_err());
    // Nobody waits any more; what was begun goes on.
    drop(acknowledged);
    let decoded = settle(&mut writer, Outcome::Done).await;
    assert_eq!((decoded.readings.len(), decoded.rejected.len()), (1, 2), "they are one message");
    assert_eq!(Arc::strong_count(&charge), 2);
    settle(&mut alerter, Outcome::Done).await;
    assert_eq!(Arc::strong_count(&charge), 1);
    assert_eq!((hub.counters.published.get(), hub.counters.acknowledged.get()), (1, 1));
}

#[tokio::test]
async fn the_client_by_which_a_device_speaks_is_known_while_it_is_connected() {
    let Ends { hub, feeds: _feeds, .. } = ends();
    let client = |client_id: &str| {
        Arc::new(PublishingClient {
            client_id: client_id.into(),
            user: None,
            address: ([127, 0, 0, 1], 1883).into(),
            connected_at: tokio::time::Instant::now(),
            last_will: None,
        })
    };
    let says = |client: &Arc<PublishingClient>| {
        let publish = Publish {
            topic: "temperature/lab".into(),
            payload: Bytes::from_static(b"1"),
            kind: PublishKind::Collected,
            publisher: Some(Arc::clone(client)),
        };
        hub.take(vec![publish], Receipt::new().0);
    };
    let of_lab = || hub.client_of("lab").map(|client| client.client_id.clone());
    assert_eq!(of_lab(), None);
    let (first, second) = (client("first"), client("second"));
    says(&first);
    assert_eq!(of_lab().as_deref(), Some("first"));
    says(&second);
    assert_eq!(of_lab().as_deref(), Some("second"));
    drop(second);
    assert_eq!(of_lab(), None, "it is gone");
    says(&first);
    assert_eq!(of_lab().as_deref(), Some("first"));
}
