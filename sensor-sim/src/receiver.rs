//! Hands the commands that come to simulated devices.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use broker::{BrokerUrl, Published, Qos, Subscription, consume};
use bytes::Bytes;
use telemetry::SystemClock;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

/// Devices that take commands, at most: those of a load take none.
pub(crate) const MAX_DEVICES: usize = 100;

/// Commands that wait for a device, at most; what is missed comes again.
const AHEAD: usize = 16;

/// Without a command for this long, it subscribes anew.
const IDLE: Duration = Duration::from_secs(600);

/// The devices that commands are handed to.
#[derive(Debug, Default)]
pub(crate) struct Receiver {
    devices: HashMap<String, mpsc::Sender<Bytes>>,
}

impl Receiver {
    /// The commands of one more device.
    pub(crate) fn add(&mut self, device: &str) -> mpsc::Receiver<Bytes> {
        let (commands, received) = mpsc::channel(AHEAD);
        self.devices.insert(device.to_owned(), commands);
        received
    }

    /// Receives over one connection for all devices, until `stop`. Nothing is kept at the broker: what a device lacks is
    /// sent again.
    pub(crate) async fn run(self, url: BrokerUrl, client_id: String, stop: CancellationToken) {
        let filters = self.devices.keys().map(|device| format!("commands/{device}")).collect();
        let subscription = Subscription {
            url,
            client_id,
            filters,
            qos: Qos::AtMostOnce,
            idle_timeout: IDLE,
            clock: Arc::new(SystemClock::default()),
        };
        let (out, mut messages) = mpsc::channel(AHEAD);
        let received = consume(subscription, out, watch::Sender::default(), stop);
        let handed = async {
            while let Some(delivery) = messages.recv().await {
                let Published { message, .. } = delivery.item;
                let device =
                    message.topic.strip_prefix("commands/").and_then(|device| self.devices.get(device));
                if let Some(device) = device {
                    let _ = device.try_send(message.payload);
                }
            }
        };
        tokio::join!(received, handed);
    }
}
