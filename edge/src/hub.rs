//! Hands each batch of messages to the services, and reports to the server what all of them have settled.

mod batch;
mod intake;
mod senders;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, OnceLock};

use broker::server::{Publish, PublishKind, PublishingClient, Receipt, Sink};
use broker::{ConnectionStatus, Deliveries, Delivery};
use bytes::Bytes;
use commands::Listener;
use jiff::Timestamp;
use prometheus_client::metrics::counter::Counter;
use service::{Decoder, Durations, Metrics};
use telemetry::{Clock, Decoded, Inputs, Message, Publisher, Reading, Rejected, SeriesQuota, SparkplugGaps};
use tokio::sync::{mpsc, watch};

use self::batch::{Batch, Services};
use self::senders::Senders;
use crate::access::Users;
use crate::stamps::Stamps;

/// Messages between the hub and the live view.
const AHEAD: usize = 16_384;

/// Bytes that are kept of a message that its client may not publish.
const DENIED_BYTES: usize = 4 * 1024;

/// The streams over which the hub hands out messages. Dropping it ends them, so that the services finish.
pub(crate) struct Feeds {
    services: Vec<mpsc::UnboundedSender<Vec<Delivery<Arc<Decoded>>>>>,
    answers: Option<mpsc::UnboundedSender<Vec<Delivery<Arc<Message>>>>>,
    pages: mpsc::Sender<Delivery<Arc<Decoded>>>,
}

impl Feeds {
    /// Returns the stream of the live view, too: it receives messages after their PUBACK, and may miss some.
    pub(crate) fn new() -> (Self, Deliveries<Arc<Decoded>>) {
        let (pages, shown) = mpsc::channel(AHEAD);
        (Self { services: Vec::new(), answers: None, pages }, shown.into())
    }

    /// The stream of one more service. A PUBACK waits until it has settled the message.
    pub(crate) fn add(&mut self) -> Deliveries<Arc<Decoded>> {
        // Bounded by the server, which reads no further while too much is in flight.
        let (service, deliveries) = mpsc::unbounded_channel();
        self.services.push(service);
        deliveries.into()
    }

    /// The stream of what devices answer to commands. A PUBACK waits until that is settled, too.
    pub(crate) fn answers(&mut self) -> Deliveries<Arc<Message>> {
        let (answers, deliveries) = mpsc::unbounded_channel();
        self.answers = Some(answers);
        deliveries.into()
    }
}

/// Where readings come in; the server hands what clients publish to it.
#[derive(Debug)]
pub(crate) struct Hub {
    decoder: Decoder,
    services: Services,
    pages: Pages,
    stamps: Stamps,
    quota: Option<Mutex<SeriesQuota>>,
    /// What Sparkplug's nodes sent and did not come.
    gaps: Mutex<SparkplugGaps>,
    /// The rules in force.
    inputs: watch::Receiver<Arc<Inputs>>,
    /// Who may publish for which devices.
    users: OnceLock<Arc<Users>>,
    /// Hears what devices say, for those who send them commands.
    listener: OnceLock<Listener>,
    senders: Senders,
    counters: Counters,
}

/// The live view: it gets what is settled.
#[derive(Debug, Clone)]
struct Pages {
    /// Weak, so that dropping the feeds lets it finish.
    view: mpsc::WeakSender<Delivery<Arc<Decoded>>>,
    status: watch::Sender<ConnectionStatus>,
    not_shown: Counter,
}

/// `published = acknowledged + in flight`, of messages that may hold readings.
#[derive(Debug, Clone)]
struct Counters {
    published: Counter,
    acknowledged: Counter,
    over_quota: Counter,
    sparkplug_missing: Counter,
    puback_latency: Durations,
}

impl Pages {
    fn show(&self, decoded: Arc<Decoded>) {
        let Some(view) = self.view.upgrade() else { return };
        if view.try_send(Delivery::untracked(decoded)).is_err() {
            self.not_shown.inc();
            self.status.send_modify(|status| status.missed += 1);
        }
    }
}

impl Hub {
    /// Hands messages to these feeds until they are dropped.
    pub(crate) fn new(decoder: Decoder, feeds: &Feeds, metrics: &Metrics, clock: Arc<dyn Clock>) -> Self {
        let metrics = metrics.of("edge");
        let counters = Counters {
            published: metrics
                .register("published", "Messages that devices published and that may hold readings"),
            acknowledged: metrics
                .register("acknowledged", "Messages stored and evaluated, whose PUBACK may go out"),
            over_quota: metrics.register(
                "over_quota",
                "Messages rejected because there are as many series as max_series allows",
            ),
            sparkplug_missing: metrics.register(
                "sparkplug_missing",
                "Messages of Sparkplug nodes that did not come, by the numbers of those that did",
            ),
            puback_latency: metrics.register(
                "puback_latency_seconds",
                "Time from when the broker had read a message until its PUBACK could go out",
            ),
        };
        let status = watch::Sender::new(ConnectionStatus {
            connected: true,
            missed: 1,
            ..ConnectionStatus::default()
        });
        let set_back =
            metrics.register("clock_set_back", "Times that the clock was set back by more than 1 s");
        let stamps = Stamps::new(clock, set_back);
        let not_shown =
            metrics.register("not_shown", "Messages that open pages missed and read from the store");
        let pages = Pages { view: feeds.pages.downgrade(), status, not_shown };
        let services = Services::new(&feeds.services, feeds.answers.as_ref());
        let inputs = decoder.inputs();
        let (users, listener, senders) = (OnceLock::new(), OnceLock::new(), Senders::default());
        Self {
            decoder,
            services,
            pages,
            stamps,
            quota: None,
            gaps: Mutex::default(),
            inputs,
            users,
            listener,
            senders,
            counters,
        }
    }

    /// Rejects readings of new series when there are as many as may be.
    pub(crate) fn with_series_quota(self, quota: SeriesQuota) -> Self {
        Self { quota: Some(Mutex::new(quota)), ..self }
    }

    /// From now on a user's readings are those of its own device, unless it may publish for others, too.
    pub(crate) fn ask(&self, users: Arc<Users>) {
        // It is asked once, by the broker that serves it.
        let _ = self.users.set(users);
    }

    /// From now on this hears what devices say.
    pub(crate) fn be_heard_by(&self, listener: Listener) {
        let _ = self.listener.set(listener);
    }

    /// Whether devices answer to commands on this topic, which holds no readings.
    fn is_answer(&self, topic: &str) -> bool {
        self.services.take_answers() && commands::is_answer(topic) && !self.decoder.may_hold_readings(topic)
    }

    /// Whether a message may be the answer of other firmware to a command: it may hold readings as well.
    fn may_answer(&self, topic: &str) -> bool {
        let Some(listener) = self.listener.get().filter(|listener| listener.is_watching()) else {
            return false;
        };
        self.services.take_answers()
            && self.inputs.borrow().mappings().answered(topic).any(|(_, device)| listener.awaits(device))
    }

    /// The rules in force.
    pub(crate) fn inputs(&self) -> Arc<Inputs> {
        Arc::clone(&self.inputs.borrow())
    }

    fn hear(&self, messages: &[Arc<Decoded>]) {
        let Some(listener) = self.listener.get().filter(|listener| listener.is_watching()) else { return };
        for reading in messages.iter().flat_map(|message| &message.readings) {
            listener.heard(reading.series.device());
        }
    }

    /// What gives each message its time.
    pub(crate) fn stamps(&self) -> &Stamps {
        &self.stamps
    }

    /// The client by which a device speaks, while it is connected.
    pub(crate) fn client_of(&self, device: &str) -> Option<Arc<PublishingClient>> {
        self.senders.of(device)
    }

    /// The status of the hub as a connection, which is always up: `missed` grows when pages could not follow.
    pub(crate) fn connection_status(&self) -> watch::Receiver<ConnectionStatus> {
        self.pages.status.subscribe()
    }

    /// Takes messages as if devices had published them. Returns once all are stored and evaluated; after the stop, never.
    pub(crate) async fn publish(&self, topic: &str, payloads: Vec<Bytes>) {
        let count = payloads.len();
        let kind = PublishKind::Collected;
        let publish = |payload| Publish { topic: topic.to_owned(), payload, kind, publisher: None };
        let (receipt, settled) = Receipt::new();
        self.take(payloads.into_iter().map(publish).collect(), receipt);
        settled.reached(count).await;
    }

    /// Decodes a message; none if no rule takes it. Readings of further series than there may be are rejected.
    fn admit(&self, message: &Message, publisher: Publisher<'_>) -> Option<Decoded> {
        let mut decoded = self.decoder.decode(message, publisher)?;
        // What this process itself hands in has no client.
        if let (Some(users), Some(_)) = (self.users.get(), publisher.client) {
            let objection = |device: &str| users.objection(publisher.user, &message.topic, device);
            reject_others(&mut decoded, message, objection);
        }
        self.limit_series(&mut decoded, message);
        Some(decoded)
    }

    /// Rejects readings of further series than there may be.
    fn limit_series(&self, decoded: &mut Decoded, message: &Message) {
        let Some(quota) = &self.quota else { return };
        let mut quota = quota.lock().expect("no code panics while it holds the quota");
        let further: Vec<_> =
            decoded.readings.extract_if(.., |reading| !quota.admits(&reading.series)).collect();
        if !further.is_empty() {
            self.counters.over_quota.inc();
            let count = quota.count();
            let reason = format!(
                "this series is new, and there are {count} series already: the setting max_series allows no more"
            );
            decoded.reject(message, &further, &reason);
        }
    }

    /// Here messages come in the order of their connection; among the consumers of a queue there is none.
    fn count_gaps(&self, Message { topic, payload, .. }: &Message) {
        if SparkplugGaps::numbers(topic) {
            let mut gaps = self.gaps.lock().expect("no code panics while it holds the gaps");
            self.counters.sparkplug_missing.inc_by(gaps.missing_before(topic, payload));
        }
    }

    fn answer(&self, Publish { topic, payload, .. }: Publish) -> Message {
        Message { topic, payload, received_at: self.stamps.next() }
    }

    /// At the edge a payload is decoded here and nowhere else. Says whether anything here takes the message.
    fn decode(&self, publish: Publish) -> (Decoded, bool) {
        let Publish { topic, payload, kind, publisher } = publish;
        let received_at = self.stamps.next();
        match kind {
            PublishKind::Collected => {
                let named = publisher.as_deref().map_or_else(Publisher::default, |publisher| Publisher {
                    client: Some(&publisher.client_id),
                    user: publisher.user.as_deref(),
                });
                let message = Message { topic, payload, received_at };
                self.count_gaps(&message);
                let Some(decoded) = self.admit(&message, named) else {
                    return (message.without_readings(), false);
                };
                if let Some(publisher) = &publisher {
                    self.senders.note(&decoded.readings, publisher);
                }
                (decoded, true)
            }
            PublishKind::Denied => (denied(topic, &payload, received_at), true),
            PublishKind::Probe => (
                Decoded { received_at, payload_bytes: 0, readings: vec![], rejected: vec![], metadata: None },
                true,
            ),
        }
    }
}

/// Rejects readings of devices that the sender may not send for: a payload may name another device than its topic does.
fn reject_others(decoded: &mut Decoded, message: &Message, objection: impl Fn(&str) -> Option<String>) {
    if let Some(metadata) = &mut decoded.metadata {
        metadata.attributes.retain(|attribute| objection(&attribute.device).is_none());
    }
    let mut reason = None;
    let is_bad = |reading: &mut Reading| {
        let problem = objection(reading.series.device());
        let is_bad = problem.is_some();
        reason = reason.take().or(problem);
        is_bad
    };
    let others: Vec<_> = decoded.readings.extract_if(.., is_bad).collect();
    decoded.reject(message, &others, &reason.unwrap_or_default());
}

/// A rejection that holds the beginning of what a client may not publish, so that people see which device tries to.
fn denied(topic: String, payload: &Bytes, received_at: Timestamp) -> Decoded {
    let payload = payload.slice(..payload.len().min(DENIED_BYTES));
    let reason = "the client may not publish to this topic".to_owned();
    let payload_bytes = payload.len();
    let rejected = vec![Rejected { topic, payload, reason, received_at }];
    Decoded { received_at, payload_bytes, readings: vec![], rejected, metadata: None }
}

impl Sink for Hub {
    fn collects(&self, topic: &str) -> bool {
        self.decoder.may_hold_readings(topic) || self.is_answer(topic)
    }

    fn subscribed(&self, filter: &str) {
        if let Some(listener) = self.listener.get() {
            listener.subscribed(filter);
        }
    }

    fn take(&self, publishes: Vec<Publish>, receipt: Receipt) {
        let is_published = |publish: &Publish| publish.kind != PublishKind::Probe;
        let is_counted = publishes.iter().map(is_published).collect::<Vec<_>>();
        let count = is_counted.iter().filter(|counted| **counted).count();
        self.counters.published.inc_by(count as u64);
        let (mut not_taken, mut answers) = (Vec::new(), Vec::new());
        let decode = |(place, publish): (usize, Publish)| {
            if publish.kind == PublishKind::Collected && self.is_answer(&publish.topic) {
                let message = self.answer(publish);
                let empty = message.without_readings();
                answers.push((place, Arc::new(message)));
                return Arc::new(empty);
            }
            if publish.kind == PublishKind::Collected && self.may_answer(&publish.topic) {
                answers.push((place, Arc::new(self.answer(publish.clone()))));
            }
            let (decoded, is_taken) = self.decode(publish);
            if !is_taken {
                not_taken.push(place);
            }
            Arc::new(decoded)
        };
        let messages: Vec<_> = publishes.into_iter().enumerate().map(decode).collect();
        if !not_taken.is_empty() {
            receipt.takes_nothing_of(not_taken);
        }
        // What holds nothing is nothing to wait for.
        if count == messages.len() && answers.is_empty() && messages.iter().all(|message| message.is_empty())
        {
            self.counters.acknowledged.inc_by(count as u64);
            return receipt.settled(count);
        }
        self.hear(&messages);
        let batch = Batch::new((messages, answers), is_counted, receipt, self);
        self.services.hand_out(&batch);
    }
}
