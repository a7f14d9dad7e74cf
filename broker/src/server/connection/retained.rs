//! Retained messages for new subscriptions: however many there are, none is left out, and they wait where they are kept.

use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::Connection;
use crate::server::client_queue::Outgoing;
use crate::server::packet::{Filter, RetainHandling};
use crate::server::publication::Publication;
use crate::server::session::{RetainedDelivery, State};
use crate::server::topic;

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Connection<S> {
    /// Begins to send a subscription the retained messages. A group gets none.
    pub(super) fn send_retained(&self, filter: &Filter, is_new: bool) {
        let wanted = match filter.retain_handling {
            RetainHandling::Always => true,
            RetainHandling::IfNew => is_new,
            RetainHandling::Never => false,
        };
        if !wanted || filter.filter.starts_with("$share/") {
            return;
        }
        self.shared().retained().forget_expired(Instant::now());
        let Filter { filter, options, .. } = filter;
        let mut state = self.session().state();
        state.stop_retained(filter);
        let delivery = RetainedDelivery { filter: filter.clone(), options: *options, after: None };
        state.retained.push_back(delivery.clone());
        drop(state);
        if topic::is_of_the_system(filter) {
            for publication in self.shared().statistics(filter) {
                self.shared().deliver(self.session(), delivery.message(publication));
            }
        }
    }

    /// Queues the next retained message for a new subscription, once nothing else waits for the client. False if there is
    /// none, or no room.
    pub(super) fn queue_retained(&self) -> bool {
        let Some(delivery) = self.session().state().retained.front().cloned() else { return false };
        let next = self.shared().retained().next(&delivery.filter, delivery.after.as_deref(), Instant::now());
        let mut state = self.session().state();
        let Some(publication) = next else {
            state.retained.pop_front();
            return true;
        };
        if !self.has_room(&state, &publication) {
            return false;
        }
        if let Some(delivery) = state.retained.front_mut() {
            delivery.after = Some(publication.topic.clone());
        }
        state.queue.push(delivery.message(publication));
        state.account();
        true
    }

    /// One message alone always has room: it is kept anyway.
    fn has_room(&self, state: &State, publication: &Arc<Publication>) -> bool {
        let (shared, queue, bytes) = (self.shared(), &state.queue, publication.bytes());
        let fits = queue.len() < shared.limits.queued
            && queue.bytes() + bytes <= shared.limits.queued_bytes
            && shared.has_room_for(bytes);
        !queue.has_waiting() && (queue.len() == 0 || fits)
    }
}

impl RetainedDelivery {
    fn message(&self, publication: Arc<Publication>) -> Outgoing {
        let identifiers = Some(self.options.identifier).filter(|identifier| *identifier != 0);
        Outgoing {
            qos: publication.qos.min(self.options.qos),
            publication,
            retain: true,
            identifiers: identifiers.into_iter().collect(),
        }
    }
}
