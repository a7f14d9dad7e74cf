//! What goes to the client: acknowledgements of what is settled, and messages.

use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::{Connection, OUT_BYTES, Passed, pass_on};
use crate::server::client_queue::{Next, Outgoing};
use crate::server::counters::Rule;
use crate::server::ledger::{Answer, Entry};
use crate::server::packet::{Encoder, Message, Qos, Reason, Written};

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Connection<S> {
    /// Acknowledges what is settled, in order, and passes it on to subscribers.
    pub(super) fn settle(&mut self, context: &mut Context<'_>) {
        if self.turn.as_mut().is_some_and(|turn| turn.poll(context).is_pending()) {
            return;
        }
        while let Some(entry) = self.ledger.pop_settled(context) {
            let only_for_subscribers = entry.is_only_for_subscribers();
            let Entry { answer, publication, .. } = entry;
            let is_retained = publication.as_ref().is_some_and(|publication| publication.retain);
            let Passed { receivers, not_retained } = pass_on(&self.attached.shared, publication);
            let reason = |given| match given {
                Reason::SUCCESS if only_for_subscribers && not_retained => Reason::QUOTA_EXCEEDED,
                Reason::SUCCESS if only_for_subscribers && receivers == 0 && !is_retained => {
                    Reason::NO_MATCHING_SUBSCRIBERS
                }
                given => given,
            };
            match answer {
                Answer::Nothing => {}
                Answer::Puback(id, given) => self.encoder().puback(id, reason(given), words(reason(given))),
                Answer::Pubrec(id, given) => {
                    self.is_settled(id, reason(given).is_failure());
                    self.encoder().pubrec(id, reason(given), words(reason(given)));
                }
            }
        }
    }

    /// From now on the message of this id waits for its release only, or its id is free because it was refused.
    fn is_settled(&self, packet_id: u16, is_refused: bool) {
        let mut state = self.session().state();
        if is_refused {
            state.received.remove(&packet_id);
        } else if let Some(wait) = state.received.get_mut(&packet_id) {
            *wait = None;
        }
        drop(state);
        self.attached.shared.note(self.session());
    }

    /// Writes what the client is to get, as far as it takes it.
    pub(super) fn write(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        loop {
            self.send();
            while !self.is_full() && self.queue_retained() {
                self.send();
            }
            let is_full = self.is_full();
            self.flush(context)?;
            // Nothing wakes the task for what still waits if all that was made has gone.
            if !is_full || !self.out.is_empty() {
                return Ok(());
            }
        }
    }

    /// Whether no more is made until something is written.
    pub(super) fn is_full(&self) -> bool {
        self.out.len() - self.written >= OUT_BYTES
    }

    /// Makes packets of the messages that wait for the client.
    fn send(&mut self) {
        let Self { client, attached, out, counted, sent_aliases, written, .. } = self;
        let now = Instant::now();
        let mut state = attached.session.state();
        let mut has_sent = false;
        while out.len() - *written < OUT_BYTES {
            let Some(next) = state.queue.next(client.window, now) else { break };
            has_sent = true;
            let mut encoder = Encoder {
                out: &mut *out,
                written: &mut *counted,
                version: client.version,
                most: client.most,
                wants_problems: client.wants_problems,
            };
            match next {
                Next::Pubrel(packet_id) => encoder.pubrel(packet_id, Reason::SUCCESS),
                Next::Publish { message, packet_id, duplicate } => {
                    let alias = alias(sent_aliases, &message, client.topic_aliases);
                    if !encoder.publish(&on_the_wire(&message, packet_id, duplicate, alias, now)) {
                        // As if it had been sent [MQTT-3.1.2-25].
                        state.queue.done(packet_id);
                        if let Some((_, false)) = alias {
                            // The client does not know what it stands for.
                            sent_aliases.remove(&message.publication.topic);
                        }
                        attached.shared.counters.refuse(Rule::TooLargeForReceiver);
                    }
                }
            }
        }
        if has_sent {
            state.account();
            drop(state);
            attached.shared.note(&attached.session);
        }
    }

    /// Writes what it can. Whether all has gone shows in `out`.
    fn flush(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        while self.written < self.out.len() {
            match Pin::new(&mut self.stream).poll_write(context, &self.out[self.written..]) {
                Poll::Ready(Ok(0)) => return Err(ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(count)) => {
                    self.written += count;
                    self.attached.shared.counters.traffic.bytes_sent.inc_by(count as u64);
                    self.is_flushed = false;
                }
                Poll::Ready(Err(e)) => return Err(e),
                Poll::Pending => return Ok(()),
            }
        }
        if self.written > 0 {
            self.count_sent();
            self.written = 0;
            // A connection that is idle keeps no memory for what it wrote.
            self.out = Vec::new();
        }
        // What TLS or a WebSocket holds back is to go, too.
        if !self.is_flushed {
            match Pin::new(&mut self.stream).poll_flush(context) {
                Poll::Ready(result) => {
                    result?;
                    self.is_flushed = true;
                }
                Poll::Pending => {}
            }
        }
        Ok(())
    }

    fn count_sent(&mut self) {
        let Written { packets, publishes } = std::mem::take(&mut self.counted);
        let traffic = &self.attached.shared.counters.traffic;
        traffic.packets_sent.inc_by(packets.into());
        traffic.publishes_sent.inc_by(publishes.into());
    }
}

/// The alias of a topic, and whether the client knows it already.
fn alias(known: &mut HashMap<String, u16>, message: &Outgoing, most: u16) -> Option<(u16, bool)> {
    if most == 0 {
        return None;
    }
    let topic = &message.publication.topic;
    if let Some(alias) = known.get(topic) {
        return Some((*alias, true));
    }
    let alias = u16::try_from(known.len() + 1).ok().filter(|alias| *alias <= most)?;
    known.insert(topic.clone(), alias);
    Some((alias, false))
}

fn on_the_wire<'a>(
    message: &'a Outgoing,
    packet_id: u16,
    duplicate: bool,
    alias: Option<(u16, bool)>,
    now: Instant,
) -> Message<'a> {
    let publication = &message.publication;
    let is_known = alias.is_some_and(|(_, is_known)| is_known);
    Message {
        duplicate: duplicate && message.qos > Qos::AtMostOnce,
        qos: message.qos,
        retain: message.retain,
        topic: if is_known { "" } else { &publication.topic },
        packet_id,
        alias: alias.map(|(alias, _)| alias),
        expiry: publication.expiry(now),
        identifiers: &message.identifiers,
        properties: &publication.properties,
        payload: &publication.payload,
    }
}

/// Why a publish was not accepted.
fn words(reason: Reason) -> &'static str {
    match reason {
        Reason::NOT_AUTHORIZED => "the client may not publish to this topic",
        Reason::PAYLOAD_FORMAT_INVALID => "the payload is not the text that it is said to be",
        Reason::QUOTA_EXCEEDED => "there is no room for another retained message",
        Reason::TOPIC_INVALID => "the topic is too long or has too many levels",
        _ => "",
    }
}
