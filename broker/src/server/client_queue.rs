//! The queue of one client: messages that wait for it, and those that it has not acknowledged.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::time::Instant;

use super::packet::Qos;
use super::publication::Publication;

/// A message for one client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outgoing {
    pub(crate) publication: Arc<Publication>,
    pub(crate) qos: Qos,
    pub(crate) retain: bool,
    /// The numbers of the subscriptions that it matches.
    pub(crate) identifiers: Vec<u32>,
}

/// What is to be sent next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Next {
    Publish { message: Outgoing, packet_id: u16, duplicate: bool },
    Pubrel(u16),
}

/// A message that was sent and needs an answer.
#[derive(Debug, Clone)]
struct Sent {
    packet_id: u16,
    /// None once the client has said that it has the QoS 2 message: the server then waits for PUBCOMP.
    message: Option<Outgoing>,
}

/// The answer of the client that a message waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Awaits {
    Puback,
    Pubrec,
    Pubcomp,
}

impl Sent {
    fn awaits(&self) -> Awaits {
        match &self.message {
            Some(message) if message.qos == Qos::ExactlyOnce => Awaits::Pubrec,
            Some(_) => Awaits::Puback,
            None => Awaits::Pubcomp,
        }
    }
}

/// The messages for one client, in their order.
#[derive(Debug, Default)]
pub(crate) struct ClientQueue {
    waiting: VecDeque<Outgoing>,
    sent: VecDeque<Sent>,
    /// Those of `sent`, from its beginning, that have been sent over the present connection.
    repeated: usize,
    last_id: u16,
    bytes: usize,
}

impl ClientQueue {
    pub(crate) fn push(&mut self, message: Outgoing) {
        self.bytes += message.publication.bytes();
        self.waiting.push_back(message);
    }

    /// Messages that wait or are not acknowledged.
    pub(crate) fn len(&self) -> usize {
        self.waiting.len() + self.sent.len()
    }

    /// Whether messages wait that have not been sent.
    pub(crate) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// The bytes of all that are kept.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// All messages that are kept, with the packet id of those that were sent: to be written down.
    pub(crate) fn kept(&self) -> impl Iterator<Item = (Option<u16>, Option<&Outgoing>)> {
        let sent = self.sent.iter().map(|sent| (Some(sent.packet_id), sent.message.as_ref()));
        sent.chain(self.waiting.iter().map(|message| (None, Some(message))))
    }

    /// Puts back what was sent before a restart.
    pub(crate) fn restore_sent(&mut self, packet_id: u16, message: Option<Outgoing>) {
        self.bytes += message.as_ref().map_or(0, |message| message.publication.bytes());
        self.last_id = packet_id;
        self.sent.push_back(Sent { packet_id, message });
    }

    /// A new connection: what was not acknowledged is sent again. What is delivered at most once is gone.
    pub(crate) fn reconnected(&mut self) {
        self.repeated = 0;
        self.waiting.retain(|message| message.qos > Qos::AtMostOnce);
        let kept = self.sent.iter().filter_map(|sent| sent.message.as_ref()).chain(&self.waiting);
        self.bytes = kept.map(|message| message.publication.bytes()).sum();
    }

    /// What is to be sent next, if the client takes so many unacknowledged messages.
    pub(crate) fn next(&mut self, window: usize, now: Instant) -> Option<Next> {
        if let Some(sent) = self.sent.get(self.repeated) {
            // Those before it are in flight: the window may be smaller than that of the connection before.
            if sent.message.is_some() && self.repeated >= window {
                return None;
            }
            self.repeated += 1;
            return Some(match &sent.message {
                Some(message) => {
                    Next::Publish { message: message.clone(), packet_id: sent.packet_id, duplicate: true }
                }
                None => Next::Pubrel(sent.packet_id),
            });
        }
        loop {
            let front = self.waiting.front()?;
            if front.qos > Qos::AtMostOnce && self.sent.len() >= window {
                return None;
            }
            let message = self.waiting.pop_front()?;
            if message.publication.is_expired(now) {
                self.bytes -= message.publication.bytes();
                continue;
            }
            return Some(self.first_time(message));
        }
    }

    fn first_time(&mut self, message: Outgoing) -> Next {
        if message.qos == Qos::AtMostOnce {
            self.bytes -= message.publication.bytes();
            return Next::Publish { message, packet_id: 0, duplicate: false };
        }
        let packet_id = self.free_id();
        self.sent.push_back(Sent { packet_id, message: Some(message.clone()) });
        self.repeated = self.sent.len();
        Next::Publish { message, packet_id, duplicate: false }
    }

    fn free_id(&mut self) -> u16 {
        loop {
            self.last_id = self.last_id.checked_add(1).unwrap_or(1);
            let id = self.last_id;
            if !self.sent.iter().any(|sent| sent.packet_id == id) {
                return id;
            }
        }
    }

    /// PUBACK: the client has the QoS 1 message with this packet id. A message of QoS 2 stays [MQTT-4.3.3-3].
    pub(crate) fn acknowledged(&mut self, packet_id: u16) -> bool {
        self.awaits(packet_id, Awaits::Puback) && self.done(packet_id)
    }

    /// PUBREC with a failure: the client does not want the QoS 2 message with this packet id.
    pub(crate) fn refused(&mut self, packet_id: u16) -> bool {
        self.awaits(packet_id, Awaits::Pubrec) && self.done(packet_id)
    }

    /// PUBCOMP: the client has released the packet id. A message without a PUBREC stays [MQTT-4.3.3-3].
    pub(crate) fn completed(&mut self, packet_id: u16) -> bool {
        self.awaits(packet_id, Awaits::Pubcomp) && self.done(packet_id)
    }

    fn awaits(&self, packet_id: u16, answer: Awaits) -> bool {
        self.sent.iter().any(|sent| sent.packet_id == packet_id && sent.awaits() == answer)
    }

    /// Nothing more is to be done for the message of this id. False if there is none.
    pub(crate) fn done(&mut self, packet_id: u16) -> bool {
        let Some(at) = self.sent.iter().position(|sent| sent.packet_id == packet_id) else { return false };
        if let Some(Sent { message: Some(message), .. }) = self.sent.remove(at) {
            self.bytes -= message.publication.bytes();
        }
        self.repeated -= usize::from(at < self.repeated);
        true
    }

    /// The client has the QoS 2 message with this packet id, which may now be released, or it says so again. False if
    /// there is none.
    pub(crate) fn received(&mut self, packet_id: u16) -> bool {
        let is_this = |sent: &&mut Sent| sent.packet_id == packet_id && sent.awaits() != Awaits::Puback;
        let Some(sent) = self.sent.iter_mut().find(is_this) else { return false };
        if let Some(message) = sent.message.take() {
            self.bytes -= message.publication.bytes();
        }
        true
    }
}

#[cfg(test)]
mod tests;
