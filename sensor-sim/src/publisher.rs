//! One connection to the broker: publishes readings and counts their PUBACKs.

use std::sync::Arc;
use std::time::Duration;

use broker::{Ack, Outbox, OutboxConfig};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::counters::Counters;
use crate::numbered_series::{Measured, NumberedSeries};

/// How long the connection may take to close once everything is acked.
const DISCONNECTING: Duration = Duration::from_secs(1);

/// Publishes readings, and publishes them again until their PUBACK, however long the broker is unavailable.
///
/// Dropping it gives up un-acked readings.
#[derive(Debug)]
pub(crate) struct CountingPublisher {
    outbox: Outbox,
    counters: Arc<Counters>,
    in_flight: mpsc::UnboundedSender<InFlight>,
    connection: AbortOnDropHandle<()>,
    counting: AbortOnDropHandle<()>,
}

/// A message that waits for its PUBACK.
#[derive(Debug)]
struct InFlight {
    ack: Ack,
    content: Content,
}

/// The content of a message.
#[derive(Debug)]
enum Content {
    Readings {
        series: Arc<NumberedSeries>,
        first_seq: u64,
        count: u64,
    },
    /// The same readings as another message.
    Duplicate,
    /// A payload that cannot be decoded.
    Bad,
}

impl CountingPublisher {
    pub(crate) fn open(config: OutboxConfig, counters: &Arc<Counters>) -> Self {
        let (outbox, connection) = config.open();
        Self::with(outbox, connection, counters)
    }

    /// Over MQTT 5, where the broker says which messages nobody takes.
    pub(crate) fn open_over_mqtt_5(config: OutboxConfig, counters: &Arc<Counters>) -> Self {
        let (outbox, connection) = config.open_over_mqtt_5();
        Self::with(outbox, connection, counters)
    }

    fn with(
        outbox: Outbox,
        connection: impl Future<Output = ()> + Send + 'static,
        counters: &Arc<Counters>,
    ) -> Self {
        // Never longer than the window of the outbox.
        let (in_flight, waiting) = mpsc::unbounded_channel();
        Self {
            outbox,
            counters: Arc::clone(counters),
            in_flight,
            connection: AbortOnDropHandle::new(tokio::spawn(connection)),
            counting: AbortOnDropHandle::new(tokio::spawn(count(waiting, Arc::clone(counters)))),
        }
    }

    /// Sends readings of one series as one message; waits while the window is full.
    ///
    /// A future that is dropped before it ends sends nothing and uses no number.
    pub(crate) async fn send(&self, series: &Arc<NumberedSeries>, measured: &[Measured]) {
        let first_seq = series.next_seq();
        let payload = telemetry::to_payload(&series.readings(measured));
        let ack = self.publish(series, payload).await;
        let count = measured.len() as u64;
        series.advance(count);
        self.counters.sent(count);
        self.count(ack, Content::Readings { series: Arc::clone(series), first_seq, count });
    }

    /// Sends the same message twice.
    pub(crate) async fn send_twice(&self, series: &Arc<NumberedSeries>, measured: &[Measured]) {
        let payload = telemetry::to_payload(&series.readings(measured));
        self.send(series, measured).await;
        let ack = self.publish(series, payload).await;
        self.count(ack, Content::Duplicate);
    }

    /// Sends a payload that the pipeline must reject.
    pub(crate) async fn send_bad(&self, series: &NumberedSeries, payload: Vec<u8>) {
        let ack = self.publish(series, payload).await;
        self.count(ack, Content::Bad);
    }

    async fn publish(&self, series: &NumberedSeries, payload: Vec<u8>) -> Ack {
        let ack = self.outbox.publish(series.series().as_str(), payload.into()).await;
        ack.expect("a message of at most 500 readings fits into a packet")
    }

    /// Publishes what is no reading and is not counted.
    pub(crate) async fn say(&self, topic: &str, payload: String) {
        let said = self.outbox.publish(topic, payload.into()).await;
        said.expect("an answer fits into a packet");
    }

    fn count(&self, ack: Ack, content: Content) {
        // The receiver ends only when this publisher does.
        let _ = self.in_flight.send(InFlight { ack, content });
    }

    /// Waits until everything is acked and counted, at most for `grace`, and disconnects.
    pub(crate) async fn close(self, grace: Option<Duration>) {
        let Self { outbox, in_flight, connection, counting, .. } = self;
        drop(in_flight);
        let all_acked = async {
            outbox.close().await;
            // Both tasks end by themselves now; a panic in them has been printed already.
            let _ = counting.await;
            let _ = tokio::time::timeout(DISCONNECTING, connection).await;
        };
        let _ = tokio::time::timeout(grace.unwrap_or(Duration::MAX), all_acked).await;
    }
}

/// Runs `producing` until it is done, `stop` is cancelled, or `duration` is over. No message is half sent then.
pub(crate) async fn until_stopped(
    stop: &CancellationToken,
    duration: Option<Duration>,
    producing: impl Future<Output = ()>,
) {
    let _ =
        tokio::time::timeout(duration.unwrap_or(Duration::MAX), stop.run_until_cancelled(producing)).await;
}

/// Counts PUBACKs in the order of publishing: one that comes early is counted after those before it.
async fn count(mut waiting: mpsc::UnboundedReceiver<InFlight>, counters: Arc<Counters>) {
    while let Some(InFlight { ack, content }) = waiting.recv().await {
        let Some(acked) = ack.acked().await else { continue };
        let (waited, taken) = (acked.waited, acked.is_taken());
        match content {
            Content::Readings { series, first_seq, count } => {
                counters.acked(&series, first_seq, count, waited);
                if !taken {
                    counters.not_taken(&series, count);
                }
            }
            Content::Duplicate => {}
            Content::Bad => counters.bad_acked(),
        }
    }
}
