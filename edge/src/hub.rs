//! Hands each decoded message to the services, and waits until all of them have settled it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use broker::{Backoff, ConnectionStatus, Deliveries, Delivery, Outcome};
use bytes::Bytes;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use service::Metrics;
use telemetry::{Clock, CollectedMetrics, Decoded, Message, SeriesQuota};
use tokio::sync::{mpsc, watch};

use crate::stamps::Stamps;

/// Messages between the hub and a service: more than devices can have in flight at once.
const AHEAD: usize = 16_384;

type Sender = mpsc::Sender<Delivery<Arc<Decoded>>>;
type WeakSender = mpsc::WeakSender<Delivery<Arc<Decoded>>>;

/// The streams over which the hub hands out messages. Dropping it ends them, so that the services finish.
pub(crate) struct Feeds {
    services: Vec<Sender>,
    pages: Sender,
}

impl Feeds {
    /// Returns the stream of the live view, too: it receives messages after their PUBACK, and may miss some.
    pub(crate) fn new() -> (Self, Deliveries<Arc<Decoded>>) {
        let (pages, shown) = mpsc::channel(AHEAD);
        (Self { services: Vec::new(), pages }, shown.into())
    }

    /// The stream of one more service. A PUBACK waits until it has settled the message.
    pub(crate) fn add(&mut self) -> Deliveries<Arc<Decoded>> {
        let (service, deliveries) = mpsc::channel(AHEAD);
        self.services.push(service);
        deliveries.into()
    }
}

/// Where readings come in; the broker hands each publish to it.
#[derive(Debug)]
pub(crate) struct Hub {
    collected: CollectedMetrics,
    /// Weak, so that closing the strong ends lets the services finish.
    services: Vec<WeakSender>,
    pages: WeakSender,
    link: watch::Sender<ConnectionStatus>,
    stamps: Stamps,
    quota: Option<Mutex<SeriesQuota>>,
    counters: Counters,
}

/// `published = acknowledged + in flight`, of the metrics that are collected.
#[derive(Debug)]
struct Counters {
    published: Counter,
    acknowledged: Counter,
    not_collected: Counter,
    not_shown: Counter,
    over_quota: Counter,
    connections: Gauge,
}

impl Hub {
    /// Hands messages to these feeds until they are dropped.
    pub(crate) fn new(
        collected: CollectedMetrics,
        feeds: &Feeds,
        metrics: &Metrics,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let metrics = metrics.of("edge");
        let counters = Counters {
            published: metrics.register("published", "Messages of collected metrics that devices published"),
            acknowledged: metrics
                .register("acknowledged", "Messages stored and judged, whose PUBACK may go out"),
            not_collected: metrics.register("not_collected", "Messages of metrics that are not collected"),
            not_shown: metrics
                .register("not_shown", "Messages that open pages missed and read from the store"),
            over_quota: metrics.register(
                "over_quota",
                "Messages rejected because there are as many series as max_series allows",
            ),
            connections: metrics.register("connections", "Clients that are connected to the broker"),
        };
        let link = watch::Sender::new(ConnectionStatus {
            connected: true,
            missed: 1,
            ..ConnectionStatus::default()
        });
        let set_back =
            metrics.register("clock_set_back", "Times that the clock was set back by more than 1 s");
        let stamps = Stamps::new(clock, set_back);
        let services = feeds.services.iter().map(Sender::downgrade).collect();
        let pages = feeds.pages.downgrade();
        Self { collected, services, pages, link, stamps, quota: None, counters }
    }

    /// Rejects readings of new series when there are as many as may be.
    pub(crate) fn with_series_quota(self, quota: SeriesQuota) -> Self {
        Self { quota: Some(Mutex::new(quota)), ..self }
    }

    pub(crate) fn connected(&self) {
        self.counters.connections.inc();
    }

    pub(crate) fn disconnected(&self) {
        self.counters.connections.dec();
    }

    /// The status of this connection: `missed` grows when pages could not follow.
    pub(crate) fn link(&self) -> watch::Receiver<ConnectionStatus> {
        self.link.subscribe()
    }

    /// Returns once the message is stored and judged, or at once if its metric is not collected. Never returns after
    /// shutdown, so that no PUBACK is sent.
    pub(crate) async fn take(&self, topic: &str, payload: Bytes) {
        if !self.collected.collect(topic) {
            self.counters.not_collected.inc();
            return;
        }
        self.counters.published.inc();
        let message = Message { topic: topic.to_owned(), payload, received_at: self.stamps.next() };
        // At the edge a payload is decoded here and nowhere else.
        let decoded = Arc::new(self.decode(message));
        let mut receipts = Vec::with_capacity(self.services.len());
        for service in &self.services {
            receipts.push(deliver(service, &decoded).await);
        }
        for (service, mut receipt) in self.services.iter().zip(receipts) {
            let mut backoff = Backoff::default();
            while receipt.outcome().await == Outcome::Retry {
                tokio::time::sleep(backoff.after(Duration::ZERO)).await;
                receipt = deliver(service, &decoded).await;
            }
        }
        self.counters.acknowledged.inc();
        self.show(decoded);
    }

    fn decode(&self, message: Message) -> Decoded {
        let Some(quota) = &self.quota else { return message.decode() };
        let decoded = message.clone().decode();
        let mut quota = quota.lock().expect("no code panics while it holds the quota");
        match decoded.readings.first() {
            Some(reading) if !quota.admits(&reading.series) => {
                self.counters.over_quota.inc();
                message.rejected(format!(
                    "this series is new, and there are {} series already: the setting max_series allows no more",
                    quota.count()
                ))
            }
            _ => decoded,
        }
    }

    fn show(&self, decoded: Arc<Decoded>) {
        let Some(pages) = self.pages.upgrade() else { return };
        if pages.try_send(Delivery::untracked(decoded)).is_err() {
            self.counters.not_shown.inc();
            self.link.send_modify(|link| link.missed += 1);
        }
    }
}

/// A stopped service takes nothing any more: the device gets no PUBACK and publishes again after the next start.
async fn deliver(service: &WeakSender, decoded: &Arc<Decoded>) -> broker::Receipt {
    let (delivery, receipt) = Delivery::tracked(Arc::clone(decoded));
    let sent = match service.upgrade() {
        Some(service) => service.send(delivery).await.is_ok(),
        None => false,
    };
    if !sent {
        std::future::pending::<()>().await;
    }
    receipt
}

#[cfg(test)]
mod tests {
    use super::*;
    use telemetry::SystemClock;
    use tokio::time::timeout;

    const SOON: Duration = Duration::from_millis(50);

    struct Ends {
        hub: Hub,
        feeds: Feeds,
        writer: mpsc::Receiver<Delivery<Arc<Decoded>>>,
        alerter: mpsc::Receiver<Delivery<Arc<Decoded>>>,
        pages: mpsc::Receiver<Delivery<Arc<Decoded>>>,
    }

    fn ends() -> Ends {
        let (writer_in, writer) = mpsc::channel(1);
        let (alerter_in, alerter) = mpsc::channel(1);
        let (pages_in, pages) = mpsc::channel(1);
        let collected = CollectedMetrics::try_from(vec!["temperature".to_owned()]).unwrap();
        let feeds = Feeds { services: vec![writer_in, alerter_in], pages: pages_in };
        let hub = Hub::new(collected, &feeds, &Metrics::default(), Arc::new(SystemClock::default()));
        Ends { hub, feeds, writer, alerter, pages }
    }

    fn publish(hub: &Hub) -> impl Future<Output = ()> {
        hub.take("temperature/lab", Bytes::from_static(b"1"))
    }

    #[tokio::test]
    async fn a_puback_waits_for_every_service() {
        let Ends { hub, mut writer, mut alerter, mut pages, feeds: _feeds } = ends();
        let mut puback = std::pin::pin!(publish(&hub));
        assert!(timeout(SOON, &mut puback).await.is_err());
        writer.recv().await.unwrap().settle(Outcome::Done).await.unwrap();
        assert!(timeout(SOON, &mut puback).await.is_err());
        assert!(pages.try_recv().is_err(), "a page shows what is kept");
        alerter.recv().await.unwrap().settle(Outcome::Done).await.unwrap();
        puback.await;
        assert_eq!(pages.recv().await.unwrap().item.readings[0].series.as_str(), "temperature/lab");
    }

    #[tokio::test]
    async fn a_new_series_beyond_the_quota_is_rejected_and_known_ones_go_on() {
        let Ends { hub, mut writer, mut alerter, feeds: _feeds, .. } = ends();
        let hub = hub.with_series_quota(SeriesQuota::new(1, []));
        let known = publish(&hub);
        let new = hub.take("temperature/new", Bytes::from_static(b"1"));
        let services = async {
            for rejected in [0, 1, 0] {
                let delivery = writer.recv().await.unwrap();
                assert_eq!(delivery.item.rejected.len(), rejected);
                for reason in delivery.item.rejected.iter().map(|rejected| &rejected.reason) {
                    assert!(
                        reason.contains("there are 1 series already") && reason.contains("max_series"),
                        "{reason}"
                    );
                }
                delivery.settle(Outcome::Done).await.unwrap();
                alerter.recv().await.unwrap().settle(Outcome::Done).await.unwrap();
            }
        };
        let publishes = async {
            known.await;
            new.await;
            publish(&hub).await;
        };
        tokio::join!(publishes, services);
        assert_eq!(hub.counters.over_quota.get(), 1);
    }

    #[tokio::test]
    async fn what_is_dropped_or_to_be_retried_comes_again() {
        let Ends { hub, mut writer, mut alerter, feeds: _feeds, .. } = ends();
        let services = async {
            let first = writer.recv().await.unwrap().item;
            alerter.recv().await.unwrap().settle(Outcome::Done).await.unwrap();
            let again = writer.recv().await.unwrap();
            assert_eq!(again.item, first, "with the same received_at");
            again.settle(Outcome::Retry).await.unwrap();
            writer.recv().await.unwrap().settle(Outcome::Done).await.unwrap();
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
    async fn another_metric_is_let_through_and_counted() {
        let Ends { hub, mut writer, feeds: _feeds, .. } = ends();
        hub.take("status/lab", Bytes::new()).await;
        assert!(writer.try_recv().is_err());
        assert_eq!(hub.counters.not_collected.get(), 1);
    }

    #[tokio::test]
    async fn pages_that_cannot_follow_are_told_of_the_gap() {
        let Ends { hub, mut writer, mut alerter, feeds: _feeds, pages: _pages } = ends();
        let link = hub.link();
        let services = async {
            for _ in 0..2 {
                writer.recv().await.unwrap().settle(Outcome::Done).await.unwrap();
                alerter.recv().await.unwrap().settle(Outcome::Done).await.unwrap();
            }
        };
        let publishes = async {
            publish(&hub).await;
            publish(&hub).await;
        };
        tokio::join!(publishes, services);
        assert_eq!(link.borrow().missed, 2);
    }
}
