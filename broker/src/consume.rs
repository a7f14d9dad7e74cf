//! Receiving messages, over either protocol, as deliveries.

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::ack_handle::AckHandle;
#[cfg(feature = "amqp")]
use crate::amqp::{self, Queue};
use crate::connection_status::ConnectionStatus;
use crate::delivery::Delivery;
use crate::mqtt::{self, Subscription};
use crate::published::Published;

impl<M: Into<Published>, A: Into<AckHandle>> From<(M, A)> for Delivery<Published> {
    fn from((message, ack): (M, A)) -> Self {
        Self::new(message.into(), ack)
    }
}

/// Receives messages over MQTT until `stop`, then waits until everything that was handed over is settled.
///
/// Ends early only when the receiver of `out` is dropped.
pub async fn consume(
    subscription: Subscription,
    out: mpsc::Sender<Delivery<Published>>,
    status: watch::Sender<ConnectionStatus>,
    stop: CancellationToken,
) {
    mqtt::consume(subscription, out, status, stop).await;
}

/// Receives messages from an AMQP queue until `stop`, then waits until everything that was handed over is settled.
///
/// Ends early only when the receiver of `out` is dropped. A consumer may receive nothing for hours, while another one
/// is the single active consumer of the queue.
#[cfg(feature = "amqp")]
pub async fn consume_queue(
    queue: Queue,
    out: mpsc::Sender<Delivery<Published>>,
    status: watch::Sender<ConnectionStatus>,
    stop: CancellationToken,
) {
    amqp::consume(queue, out, status, stop).await;
}
