//! What the client publishes: from its packets to the sink.

use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};

use super::{Connection, End};
use crate::server::counters::Rule;
use crate::server::ledger::{Answer, Entry};
use crate::server::packet::{Fault, Publish, Qos, Reason, Version, read};
use crate::server::probe;
use crate::server::publication::Publication;
use crate::server::session::{Line, Wait};
use crate::server::shared::Shared;
use crate::server::sink::{self, PublishKind, Receipt, Settled};
use crate::server::topic;

/// What a publish counts beside its packet: memory that each takes until it is settled.
const OVERHEAD: usize = 256;

/// The publishes that one read brought.
#[derive(Default)]
pub(super) struct Batch {
    publishes: Vec<sink::Publish>,
    bytes: usize,
    receipt: Option<(Receipt, Settled)>,
    /// Packets of any type that were read.
    packets: u64,
    /// Those of them that are PUBLISH.
    published: u64,
}

impl Batch {
    /// Adds a publish, and returns what to wait for.
    fn add(&mut self, line: &Line, publish: sink::Publish, bytes: usize) -> Wait {
        let receipt = || Receipt::waking(Arc::clone(&line.waker), None);
        let (_, settled) = self.receipt.get_or_insert_with(receipt);
        self.publishes.push(publish);
        self.bytes += bytes + OVERHEAD;
        Wait { settled: settled.clone(), count: self.publishes.len() }
    }

    pub(super) fn hand_over(self, shared: &Shared) {
        shared.counters.traffic.packets_received.inc_by(self.packets);
        shared.counters.traffic.publishes_received.inc_by(self.published);
        let Some((receipt, _)) = self.receipt else { return };
        shared.sink.take(self.publishes, receipt.charged(shared.in_flight.charge(self.bytes)));
    }
}

/// What is to be done with a publish.
enum Ruling {
    Accepted,
    /// The client may not publish it; before MQTT 5 there is no answer that says so.
    Denied,
    /// The server's own question.
    Probe,
    /// The state that a bridge publishes about itself, which is not needed here.
    Ignored,
    /// The topic passes this limit.
    TooLong(Rule),
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Connection<S> {
    /// Handles whole packets until there are none, or the window is full.
    pub(super) fn receive_all(&mut self, batch: &mut Batch) -> Result<(), End> {
        let most = self.shared().limits.packet_bytes;
        self.has_more = true;
        while self.may_receive() {
            let frame = match self.input.next(most) {
                Ok(Some(frame)) => frame,
                Ok(None) => {
                    self.has_more = false;
                    return Ok(());
                }
                Err(fault) => return Err(self.fault(fault)),
            };
            batch.packets += 1;
            let packet = read(&frame, self.client.version).map_err(|fault| self.fault(fault))?;
            self.handle(packet, batch)?;
        }
        Ok(())
    }

    /// Ends the connection for what the client did.
    pub(super) fn fault(&self, fault: Fault) -> End {
        self.shared().counters.refuse(fault.rule());
        End::Fault(fault)
    }

    pub(super) fn publish(&mut self, mut publish: Publish, batch: &mut Batch) -> Result<(), End> {
        self.keep_pace(1);
        batch.published += 1;
        self.resolve_alias(&mut publish).map_err(|fault| self.fault(fault))?;
        if publish.qos > Qos::AtMostOnce {
            self.check_window(&publish).map_err(|fault| self.fault(fault))?;
        }
        let again = (publish.qos == Qos::ExactlyOnce)
            .then(|| self.session().state().received.get(&publish.packet_id).cloned())
            .flatten();
        if let Some(wait) = again {
            // The same message again: it is answered when the first is settled.
            self.ledger.push(Entry {
                wait,
                answer: Answer::Pubrec(publish.packet_id, Reason::SUCCESS),
                bytes: 0,
                publication: None,
                is_repeat: true,
                only_for_subscribers: false,
            });
            return Ok(());
        }
        match self.rule(&publish) {
            Ruling::Accepted => self.accept(publish, batch),
            Ruling::Denied => return self.deny(&publish, batch),
            Ruling::Probe => {
                let Publish { topic, payload, bytes, .. } = publish.clone();
                let probe = self.handed_on(topic, payload, PublishKind::Probe);
                let wait = Some(batch.add(&self.attached.line, probe, bytes));
                self.ledger.push(Entry::answered(&publish, Reason::SUCCESS, wait));
            }
            Ruling::Ignored => {
                self.ledger.push(Entry::answered(&publish, Reason::NO_MATCHING_SUBSCRIBERS, None));
            }
            Ruling::TooLong(limit) if self.is_told(&publish) => {
                self.shared().counters.refuse(limit);
                self.ledger.push(Entry::answered(&publish, Reason::TOPIC_INVALID, None));
            }
            Ruling::TooLong(limit) => {
                let why = "the topic is not accepted";
                return Err(self.fault(Fault::limit(limit, Reason::TOPIC_INVALID, why)));
            }
        }
        Ok(())
    }

    /// Whether the acknowledgement of a publish says why it is not accepted.
    fn is_told(&self, publish: &Publish) -> bool {
        self.client.version == Version::V5 && publish.qos > Qos::AtMostOnce
    }

    /// Puts the topic in the place of its alias, and remembers it.
    fn resolve_alias(&mut self, publish: &mut Publish) -> Result<(), Fault> {
        let Some(alias) = publish.alias else { return Ok(()) };
        if alias > self.shared().limits.topic_aliases {
            let why = "the topic alias is larger than the Topic Alias Maximum";
            return Err(Fault::limit(Rule::TopicAliases, Reason::TOPIC_ALIAS_INVALID, why));
        }
        let at = usize::from(alias) - 1;
        if publish.topic.is_empty() {
            match self.aliases.get(at) {
                Some(topic) if !topic.is_empty() => publish.topic.clone_from(topic),
                _ => return Err(Fault::protocol("the topic alias stands for nothing yet")),
            }
        } else {
            if self.aliases.len() <= at {
                self.aliases.resize(at + 1, String::new());
            }
            self.aliases[at].clone_from(&publish.topic);
        }
        Ok(())
    }

    /// The client must not have more publishes in flight than it may.
    fn check_window(&self, publish: &Publish) -> Result<(), Fault> {
        let state = self.session().state();
        let is_new = publish.qos == Qos::AtLeastOnce || !state.received.contains_key(&publish.packet_id);
        let in_flight = self.ledger.pubacks() + state.received.len() + usize::from(is_new);
        if in_flight > usize::from(self.shared().limits.in_flight) {
            return Err(Fault::new(
                Reason::RECEIVE_MAXIMUM_EXCEEDED,
                "more publishes than the Receive Maximum",
            ));
        }
        Ok(())
    }

    fn rule(&self, publish: &Publish) -> Ruling {
        let shared = self.shared();
        if let Some(limit) = shared.limits.passed_by(&publish.topic) {
            return Ruling::TooLong(limit);
        }
        if self.client.is_probe && publish.topic == probe::TOPIC {
            return Ruling::Probe;
        }
        if topic::is_state_of_a_bridge(&publish.topic) {
            return Ruling::Ignored;
        }
        if topic::is_of_the_server(&publish.topic) || !shared.access.may_publish(&self.caller, &publish.topic)
        {
            return Ruling::Denied;
        }
        Ruling::Accepted
    }

    /// The publish as the sink gets it.
    fn handed_on(&self, topic: String, payload: bytes::Bytes, kind: PublishKind) -> sink::Publish {
        sink::Publish { topic, payload, kind, publisher: Some(Arc::clone(&self.client.publisher)) }
    }

    fn accept(&mut self, publish: Publish, batch: &mut Batch) {
        let shared = Arc::clone(self.shared());
        let Publish {
            qos, retain, topic, packet_id, payload, bytes, forwarded, not_the_text_it_says, ..
        } = publish;
        let mut reason = if not_the_text_it_says { Reason::PAYLOAD_FORMAT_INVALID } else { Reason::SUCCESS };
        // An empty retained message takes back the one before: it is no reading.
        let takes_back = retain && payload.is_empty();
        let is_collected = !takes_back && shared.sink.collects(&topic);
        if !is_collected && !takes_back {
            shared.counters.not_collected.inc();
        }
        let has_receivers = !reason.is_failure() && (retain || !shared.has_no_subscribers());
        let publication = has_receivers.then(|| {
            let mut publication = Publication::new(topic.clone(), payload.clone(), qos, retain, &forwarded);
            publication.publisher = self.session().number;
            Box::new(publication)
        });
        let wait = is_collected.then(|| {
            let publish = self.handed_on(topic, payload, PublishKind::Collected);
            batch.add(&self.attached.line, publish, bytes)
        });
        if qos == Qos::ExactlyOnce && !reason.is_failure() {
            self.session().state().received.insert(packet_id, wait.clone());
        }
        let only_for_subscribers = !is_collected && reason == Reason::SUCCESS;
        if only_for_subscribers && publication.is_none() {
            reason = Reason::NO_MATCHING_SUBSCRIBERS;
        }
        let answer = Answer::new(qos, packet_id, reason);
        self.ledger.push(Entry { wait, answer, bytes, publication, is_repeat: false, only_for_subscribers });
    }

    /// A denied publish is kept as rejected, and never looks like success.
    fn deny(&mut self, publish: &Publish, batch: &mut Batch) -> Result<(), End> {
        let shared = Arc::clone(self.shared());
        shared.counters.refuse(Rule::Access);
        let wait = if shared.keeps_denied() {
            let (topic, payload) = (publish.topic.clone(), publish.payload.clone());
            let denied = self.handed_on(topic, payload, PublishKind::Denied);
            Some(batch.add(&self.attached.line, denied, publish.bytes))
        } else {
            shared.counters.refuse(Rule::DeniedKeptPerMinute);
            None
        };
        if self.client.version == Version::V5 {
            self.ledger.push(Entry::answered(publish, Reason::NOT_AUTHORIZED, wait));
            return Ok(());
        }
        Err(End::Fault(Fault::new(Reason::NOT_AUTHORIZED, "the client may not publish to this topic")))
    }
}

impl Answer {
    fn new(qos: Qos, packet_id: u16, reason: Reason) -> Self {
        match qos {
            Qos::AtMostOnce => Self::Nothing,
            Qos::AtLeastOnce => Self::Puback(packet_id, reason),
            Qos::ExactlyOnce => Self::Pubrec(packet_id, reason),
        }
    }
}

impl Entry {
    /// A publish that goes no further.
    fn answered(publish: &Publish, reason: Reason, wait: Option<Wait>) -> Self {
        Self {
            wait,
            answer: Answer::new(publish.qos, publish.packet_id, reason),
            bytes: publish.bytes,
            publication: None,
            is_repeat: false,
            only_for_subscribers: false,
        }
    }
}
