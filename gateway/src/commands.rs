//! Sends commands to devices by RabbitMQ, and takes what they answer from the queue for it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use broker::{Asking, BrokerUrl, ConnectionStatus, Deliveries, Outbox, OutboxConfig, Published, Queue};
use bytes::Bytes;
use commands::{Config, Counters, Inbox, Offer, Offered, Outlet, QUEUE, Sender};
use service::{Check, Context, SettingError, instance_name};
use store::Store;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use uplink::{AskOutlet, Asker, AskerCounters};

/// Answers that RabbitMQ sends before the first of them is settled.
const AHEAD: u16 = 500;

/// Commands without a PUBACK, at most.
const WINDOW: u16 = 200;

/// How long a PUBACK is waited for: then the broker counts as away, and the command is sent again later.
const PUBACK_WITHIN: Duration = Duration::from_secs(2);

/// Where commands go out and answers come in.
pub(crate) struct Brokers {
    amqp: broker::AmqpUrl,
    mqtt: BrokerUrl,
}

impl Brokers {
    /// The brokers of the settings; none where `amqp.url` is not set: then commands are not sent here.
    ///
    /// # Errors
    /// One of the addresses is wrong.
    pub(crate) fn from_settings(context: &Context) -> Result<Option<Self>, SettingError> {
        let (amqp, mqtt): (String, String) =
            (context.settings.get("amqp.url")?, context.settings.get("mqtt.url")?);
        if amqp.is_empty() {
            return Ok(None);
        }
        Ok(Some(Self {
            amqp: amqp.parse().map_err(|e| SettingError::new("amqp.url", e))?,
            mqtt: mqtt.parse().map_err(|e| SettingError::new("mqtt.url", e))?,
        }))
    }

    /// Sends and receives until the context's stop.
    ///
    /// # Errors
    /// A setting is wrong.
    pub(crate) async fn run(
        self,
        context: &Context,
        store: Arc<dyn Store>,
        counters: Counters,
    ) -> anyhow::Result<()> {
        let Context { settings, clock, health, stop, .. } = context;
        let config = Config::from_settings(settings)?;
        let name = instance_name();
        let outbox = OutboxConfig {
            window: WINDOW,
            ..OutboxConfig::new(self.mqtt, format!("millrace-commands-{name}"))
        };
        let (outbox, connection) = outbox.open_over_mqtt_5();
        let connection = tokio::spawn(connection);
        let shared = (store.clone(), clock.clone());
        let ready = health.check("commands");
        let asker = Asker::new(
            store.clone(),
            Arc::new(ByMqtt(outbox.clone())),
            clock.clone(),
            name.clone(),
            AskerCounters::register(&context.metrics),
        );
        let (mut sender, listener) =
            Sender::new(shared, ByMqtt(outbox), config, (counters.clone(), ready), Some(name));
        let (out, messages) = mpsc::channel(AHEAD.into());
        let queue = Queue {
            url: self.amqp,
            name: QUEUE.into(),
            prefetch: AHEAD,
            connection_name: "millrace-commands".into(),
        };
        let status = watch::Sender::new(ConnectionStatus::default());
        let followed = follow(status.subscribe(), health.check("queue"));
        let answers = Deliveries::decoded(messages, |published: Published| Arc::new(published.message));
        let received = Inbox::new(store, counters, listener).run(answers, health.check("answers"));
        let consumed = broker::consume_queue(queue, out, status, stop.clone());
        let sent = async {
            stop.run_until_cancelled(sender.run()).await;
            sender.release().await;
        };
        tokio::select! {
            _ = async { tokio::join!(sent, received, consumed) } => {}
            () = followed => {}
            () = asker.run() => {}
        }
        connection.abort();
        Ok(())
    }
}

/// Publishes commands, and learns from the PUBACK whether anybody subscribes to them.
struct ByMqtt(Outbox);

#[async_trait]
impl Outlet for ByMqtt {
    async fn offer(&self, offer: Offer) -> Offered {
        let Offer { topic, payload, reply_to, id, lasts } = offer;
        if lasts < Duration::from_secs(1) {
            return Offered::Absent;
        }
        let asking = Asking { reply_to, correlation: id, lasts, tries_for: PUBACK_WITHIN };
        let acked = async {
            match self.0.ask(&topic, payload, asking).await {
                Ok(ack) => ack.acked().await,
                // The names of devices are topics, and commands are no larger than packets.
                Err(_) => None,
            }
        };
        match timeout(PUBACK_WITHIN, acked).await {
            Ok(Some(acked)) if acked.is_taken() => Offered::Taken,
            Ok(Some(_)) => Offered::Absent,
            Ok(None) | Err(_) => Offered::Away,
        }
    }
}

#[async_trait]
impl AskOutlet for ByMqtt {
    async fn ask(&self, topic: String, payload: Bytes) {
        // It is asked again as long as something is missing.
        let _ = timeout(PUBACK_WITHIN, self.0.publish_over(&topic, payload, 1)).await;
    }
}

/// Keeps readiness in step with the connection to the queue. Never ends.
async fn follow(mut status: watch::Receiver<ConnectionStatus>, ready: Check) {
    loop {
        {
            let status = status.borrow_and_update();
            match (status.connected, &status.problem) {
                (true, _) => ready.pass(),
                (false, Some(problem)) => ready.fail(problem.as_str()),
                (false, None) => ready.fail("not connected yet"),
            }
        }
        if status.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
