//! What the client asks for beside publishing.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::receiving::Batch;
use super::{Connection, End};
use crate::server::client_queue::ClientQueue;
use crate::server::counters::Rule;
use crate::server::packet::{
    Acknowledgement, Disconnect, Fault, Filter, Packet, Reason, Subscribe, Unsubscribe, Version,
};
use crate::server::topic::Target;

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Connection<S> {
    pub(super) fn handle(&mut self, packet: Packet, batch: &mut Batch) -> Result<(), End> {
        match packet {
            Packet::Publish(publish) => return self.publish(publish, batch),
            Packet::Puback(Acknowledgement { packet_id, .. }) => {
                self.done(|queue| queue.acknowledged(packet_id));
            }
            Packet::Pubcomp(Acknowledgement { packet_id, .. }) => {
                self.done(|queue| queue.completed(packet_id));
            }
            Packet::Pubrec(acknowledgement) => self.pubrec(acknowledgement),
            Packet::Pubrel(Acknowledgement { packet_id, .. }) => {
                let known = self.session().state().received.remove(&packet_id).is_some();
                self.ledger.released(packet_id);
                self.shared().note(self.session());
                let reason = if known { Reason::SUCCESS } else { Reason::PACKET_ID_NOT_FOUND };
                self.encoder().pubcomp(packet_id, reason);
            }
            Packet::Subscribe(subscribe) => return self.subscribe(&subscribe),
            Packet::Unsubscribe(unsubscribe) => return self.unsubscribe(&unsubscribe),
            Packet::Pingreq => self.encoder().pingresp(),
            Packet::Disconnect(disconnect) => return Err(self.disconnect(disconnect)),
        }
        Ok(())
    }

    /// Counts messages, for the pace of the client.
    pub(super) fn keep_pace(&mut self, messages: u32) {
        let now = Instant::now();
        if now.duration_since(self.pace.0) >= Duration::from_secs(1) {
            self.pace = (now, 0);
        }
        self.pace.1 = self.pace.1.saturating_add(messages);
        if self.paced_until().is_some() {
            self.shared().counters.refuse(Rule::MessagesPerSecond);
        }
    }

    fn done(&self, answered: impl FnOnce(&mut ClientQueue) -> bool) {
        let mut state = self.session().state();
        if !answered(&mut state.queue) {
            return;
        }
        state.account();
        drop(state);
        self.shared().note(self.session());
    }

    fn pubrec(&mut self, Acknowledgement { packet_id, reason }: Acknowledgement) {
        if reason.is_failure() {
            return self.done(|queue| queue.refused(packet_id));
        }
        let known = self.session().state().queue.received(packet_id);
        self.shared().note(self.session());
        let reason = if known { Reason::SUCCESS } else { Reason::PACKET_ID_NOT_FOUND };
        self.encoder().pubrel(packet_id, reason);
    }

    fn disconnect(&mut self, disconnect: Disconnect) -> End {
        if let Some(seconds) = disconnect.session_expiry {
            if self.client.asked_expiry == 0 && seconds > 0 {
                return self
                    .fault(Fault::protocol("a session that was to end with the connection is to live on"));
            }
            let longest = self.shared().limits.session_expiry;
            let mut state = self.session().state();
            // A session that was granted no life, as there are too many, gets none now.
            if !state.expiry.is_zero() {
                state.expiry = Duration::from_secs(seconds.into()).min(longest);
            }
        }
        End::ByClient { with_will: disconnect.reason != Reason::SUCCESS }
    }

    fn subscribe(&mut self, subscribe: &Subscribe) -> Result<(), End> {
        self.keep_pace(subscribe.filters.len() as u32);
        let is_too_long = subscribe.filters.len() > self.shared().limits.subscriptions_per_packet;
        let mut new = Vec::new();
        let mut reasons = Vec::with_capacity(subscribe.filters.len());
        for filter in &subscribe.filters {
            let too_many = Fault::limit(Rule::SubscriptionsPerPacket, Reason::QUOTA_EXCEEDED, "");
            let outcome = if is_too_long { Err(too_many) } else { self.add(filter) };
            reasons.push(match outcome {
                Ok(is_new) => {
                    new.push((filter, is_new));
                    Reason(filter.options.qos as u8)
                }
                Err(fault) => {
                    self.shared().counters.refuse(fault.rule());
                    fault.reason
                }
            });
        }
        if self.client.version == Version::V31 && reasons.iter().any(|reason| reason.is_failure()) {
            return Err(End::Fault(Fault::new(Reason::UNSPECIFIED, "MQTT 3.1 cannot refuse a subscription")));
        }
        if !self.encoder().suback(subscribe.packet_id, &reasons) {
            return Err(self.answer_too_large());
        }
        self.shared().note(self.session());
        for (filter, is_new) in new {
            self.send_retained(filter, is_new);
            self.shared().sink.subscribed(&filter.filter);
        }
        Ok(())
    }

    /// There must be an answer, and the client takes none of this size.
    fn answer_too_large(&self) -> End {
        let why = "the answer is larger than the Maximum Packet Size";
        self.fault(Fault::limit(Rule::TooLargeForReceiver, Reason::PACKET_TOO_LARGE, why))
    }

    /// Adds a subscription; returns whether the session had none to the same filter.
    fn add(&self, Filter { filter, options, .. }: &Filter) -> Result<bool, Fault> {
        let (shared, session) = (self.shared(), self.session());
        let mut options = *options;
        if self.client.is_bridge {
            // Another broker must not get back what it brought, and keeps what is retained as such.
            options.no_local = true;
            options.retain_as_published = true;
        }
        let refused = |limit, reason| Err(Fault::limit(limit, reason, ""));
        if let Some(limit) = shared.limits.passed_by(filter) {
            return refused(limit, Reason::FILTER_INVALID);
        }
        let Some(target) = Target::parse(filter) else {
            return refused(Rule::Protocol, Reason::FILTER_INVALID);
        };
        if !shared.access.may_subscribe(&self.caller, target.filter) {
            return refused(Rule::Access, Reason::NOT_AUTHORIZED);
        }
        let (is_known, count) = {
            let state = session.state();
            (state.subscriptions.contains_key(filter), state.subscriptions.len())
        };
        if !is_known && count >= shared.limits.subscriptions {
            return refused(Rule::Subscriptions, Reason::QUOTA_EXCEEDED);
        }
        if !shared.route_to(target, session, options, is_known) {
            return refused(Rule::SubscriptionsTotal, Reason::QUOTA_EXCEEDED);
        }
        Ok(session.state().subscriptions.insert(filter.clone(), options).is_none())
    }

    fn unsubscribe(&mut self, unsubscribe: &Unsubscribe) -> Result<(), End> {
        self.keep_pace(unsubscribe.filters.len() as u32);
        let session = Arc::clone(self.session());
        let remove = |filter: &String| {
            let mut state = session.state();
            state.stop_retained(filter);
            let known = state.subscriptions.remove(filter).is_some();
            drop(state);
            self.attached.shared.unroute(filter, session.number);
            if known { Reason::SUCCESS } else { Reason::NO_SUBSCRIPTION_EXISTED }
        };
        let reasons: Vec<Reason> = unsubscribe.filters.iter().map(remove).collect();
        self.shared().note(self.session());
        if self.encoder().unsuback(unsubscribe.packet_id, &reasons) {
            return Ok(());
        }
        Err(self.answer_too_large())
    }
}
