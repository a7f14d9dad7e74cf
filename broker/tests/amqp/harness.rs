//! A queue of its own for each test, and a consumer of it.

use std::time::Duration;

use broker::{AmqpUrl, BrokerUrl, ConnectionStatus, Delivery, OutboxConfig, Published, Queue, consume_queue};
use bytes::Bytes;
use lapin::options::{
    BasicPublishOptions, ConfirmSelectOptions, QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use telemetry::Message;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Nothing here takes this long unless it hangs.
const BOUND: Duration = Duration::from_secs(30);

/// Of every consumer here.
pub(crate) const PREFETCH: usize = 1_000;

const EXCHANGE: &str = "amq.topic";

/// Waits for what must happen.
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(BOUND, future).await.unwrap_or_else(|_| panic!("{what}: not within {BOUND:?}"))
}

pub(crate) fn text(message: &Message) -> String {
    String::from_utf8_lossy(&message.payload).into_owned()
}

/// A real broker, and the name of a queue of this test alone.
pub(crate) struct Harness {
    pub(crate) amqp: String,
    mqtt: BrokerUrl,
    pub(crate) name: String,
    channel: Channel,
    _connection: Connection,
}

impl Harness {
    /// At the broker that the environment names.
    pub(crate) async fn reach() -> Self {
        let [amqp, mqtt] = ["MILLRACE_TEST_AMQP", "MILLRACE_TEST_MQTT"].map(|variable| {
            std::env::var(variable).unwrap_or_else(|_| panic!("{variable} must say where RabbitMQ is"))
        });
        let connection = Connection::connect(&amqp, ConnectionProperties::default()).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
        let name = format!("test-{:016x}", rand::random::<u64>());
        Self { amqp, mqtt: mqtt.parse().unwrap(), name, channel, _connection: connection }
    }

    /// As [`Harness::reach`], with the queue.
    pub(crate) async fn with_queue() -> Self {
        let harness = Self::reach().await;
        harness.declare(&[]).await;
        harness
    }

    /// Declares the queue: all whose topic begins with its name come to it.
    pub(crate) async fn declare(&self, arguments: &[(&str, AMQPValue)]) {
        let mut table = FieldTable::default();
        table.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
        table.insert("x-delivery-limit".into(), AMQPValue::LongInt(-1));
        // Whatever becomes of the test, the queue does not stay.
        table.insert("x-expires".into(), AMQPValue::LongInt(600_000));
        for (name, value) in arguments {
            table.insert((*name).into(), value.clone());
        }
        let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        let name = || self.name.as_str().into();
        self.channel.queue_declare(name(), durable, table).await.unwrap();
        let key = format!("{}.#", self.name);
        let (bind, none) = (QueueBindOptions::default(), FieldTable::default());
        self.channel.queue_bind(name(), EXCHANGE.into(), key.as_str().into(), bind, none).await.unwrap();
    }

    pub(crate) async fn delete(&self) {
        self.channel.queue_delete(self.name.as_str().into(), QueueDeleteOptions::default()).await.unwrap();
    }

    /// Publishes over AMQP to the device `lab`, each confirmed.
    pub(crate) async fn publish(&self, payloads: impl IntoIterator<Item = String>) {
        let key = format!("{}.lab", self.name);
        let mut confirms = Vec::new();
        for payload in payloads {
            let options = BasicPublishOptions::default();
            let properties = BasicProperties::default().with_delivery_mode(2);
            let published = self.channel.basic_publish(
                EXCHANGE.into(),
                key.as_str().into(),
                options,
                payload.as_bytes(),
                properties,
            );
            confirms.push(published.await.unwrap());
        }
        for confirm in confirms {
            assert!(within("a confirm", confirm).await.unwrap().is_ack());
        }
    }

    /// Publishes over MQTT, all at once, and waits for every PUBACK.
    pub(crate) async fn publish_mqtt(&self, messages: impl IntoIterator<Item = (String, &'static str)>) {
        let url = self.mqtt.clone();
        let outbox = OutboxConfig { url, client_id: self.name.clone(), window: 1_000, presence: None };
        let (publisher, connection) = outbox.open();
        let connection = tokio::spawn(connection);
        for (topic, payload) in messages {
            publisher.publish(&topic, Bytes::from_static(payload.as_bytes())).await.unwrap();
        }
        within("every PUBACK", publisher.close()).await;
        within("the publisher's end", connection).await.unwrap();
    }

    /// Waits until so many messages wait in a queue.
    pub(crate) async fn waiting(&self, queue: &str, count: u32) {
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let counted = async {
            loop {
                let found =
                    self.channel.queue_declare(queue.into(), passive, FieldTable::default()).await.unwrap();
                if found.message_count() == count {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        within(&format!("{count} messages in {queue}"), counted).await;
    }

    pub(crate) fn consumer(&self) -> Consumer {
        Consumer::start(&self.amqp, &self.name, 1_000)
    }
}

impl Drop for Harness {
    fn drop(&mut self) {
        let (amqp, name) = (self.amqp.clone(), self.name.clone());
        let delete = async move {
            let connection = Connection::connect(&amqp, ConnectionProperties::default()).await?;
            let channel = connection.create_channel().await?;
            channel.queue_delete(name.as_str().into(), QueueDeleteOptions::default()).await
        };
        // A thread of its own, because a test's runtime ends with the test; the queue's expiry is the second line.
        let deleted = std::thread::spawn(move || {
            tokio::runtime::Runtime::new().map(|runtime| runtime.block_on(delete).is_ok())
        });
        let _ = deleted.join();
    }
}

/// A consumer that runs, and what it hands over.
pub(crate) struct Consumer {
    pub(crate) deliveries: mpsc::Receiver<Delivery<Published>>,
    pub(crate) status: watch::Receiver<ConnectionStatus>,
    pub(crate) stop: CancellationToken,
    pub(crate) ended: JoinHandle<()>,
}

impl Consumer {
    /// `room` is for messages that are handed over and not yet taken.
    pub(crate) fn start(amqp: &str, name: &str, room: usize) -> Self {
        let url: AmqpUrl = amqp.parse().unwrap();
        let queue = Queue { url, name: name.into(), prefetch: PREFETCH as u16, connection_name: name.into() };
        let (out, deliveries) = mpsc::channel(room);
        let (sender, status) = watch::channel(ConnectionStatus::default());
        let stop = CancellationToken::new();
        let ended = tokio::spawn(consume_queue(queue, out, sender, stop.clone()));
        Self { deliveries, status, stop, ended }
    }

    pub(crate) async fn take(&mut self) -> Delivery<Published> {
        within("a delivery", self.deliveries.recv()).await.expect("the consumer runs")
    }

    pub(crate) async fn take_many(&mut self, count: usize) -> Vec<Delivery<Published>> {
        let mut taken = Vec::new();
        while taken.len() < count {
            taken.push(self.take().await);
        }
        taken
    }

    /// Waits until so many are handed over and not yet taken.
    pub(crate) async fn handed_over(&self, count: usize) {
        let counted = async {
            while self.deliveries.len() < count {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        within(&format!("{count} handed over"), counted).await;
    }

    /// The next delivery, which must say this.
    pub(crate) async fn expect(&mut self, said: &str) -> Delivery<Published> {
        let delivery = self.take().await;
        assert_eq!(text(&delivery.item), said);
        delivery
    }

    pub(crate) async fn status(
        &mut self,
        condition: impl FnMut(&ConnectionStatus) -> bool,
    ) -> ConnectionStatus {
        within("a change of the connection status", self.status.wait_for(condition))
            .await
            .expect("the consumer runs")
            .clone()
    }

    /// Waits for a problem that says this.
    pub(crate) async fn problem(&mut self, said: &str) {
        let says = |status: &ConnectionStatus| {
            !status.connected && status.problem.as_ref().is_some_and(|p| p.contains(said))
        };
        within(said, self.status.wait_for(says)).await.expect("the consumer runs");
    }

    /// Ends; deliveries that were not received yet are requeued first.
    pub(crate) async fn stopped(self) {
        let Self { deliveries, status: _, stop, ended } = self;
        stop.cancel();
        drop(deliveries);
        within("the end", ended).await.unwrap();
    }
}
