//! Who gets a message: subscriptions and retained messages.

use std::sync::Arc;

use tokio::time::Instant;

use super::Shared;
use crate::server::client_queue::Outgoing;
use crate::server::counters::Rule;
use crate::server::packet::{Options, Qos};
use crate::server::publication::Publication;
use crate::server::retained::Full;
use crate::server::router::Subscriber;
use crate::server::session::{Delivered, Session};
use crate::server::topic::{SYSTEM, Target, matches};

impl Shared {
    /// Adds a subscription; false if there are too many of all sessions.
    pub(crate) fn route_to(
        &self,
        target: Target<'_>,
        session: &Arc<Session>,
        options: Options,
        is_known: bool,
    ) -> bool {
        let mut router = self.router.write().expect("no code panics while it holds the router");
        if !is_known && router.len() >= self.limits.subscriptions_total {
            return false;
        }
        router.subscribe(target, Subscriber { session: session.number, reach: Arc::clone(session), options });
        self.counters.subscriptions.set(router.len() as i64);
        true
    }

    pub(crate) fn unroute(&self, filter: &str, session: u64) {
        let Some(target) = Target::parse(filter) else { return };
        let mut router = self.router.write().expect("no code panics while it holds the router");
        router.unsubscribe(target, session);
        self.counters.subscriptions.set(router.len() as i64);
    }

    /// Whether there are no subscriptions at all.
    pub(crate) fn has_no_subscribers(&self) -> bool {
        self.router.read().expect("no code panics while it holds the router").len() == 0
    }

    /// The statistics of the server on the topics that a filter matches.
    pub(crate) fn statistics(&self, filter: &str) -> impl Iterator<Item = Arc<Publication>> {
        let messages = self.statistics.messages(&self.counters, Instant::now()).into_iter();
        messages.filter(|message| matches(filter, &message.topic)).map(Arc::new)
    }

    /// Publishes the statistics of the server, if a client has subscribed to them.
    pub(crate) fn tell_statistics(&self) {
        let now = Instant::now();
        self.statistics.note(&self.counters, now);
        let is_wanted =
            self.router.read().expect("no code panics while it holds the router").has_below(SYSTEM);
        if is_wanted {
            for message in self.statistics.messages(&self.counters, now) {
                self.route(&message);
            }
        }
    }

    /// Keeps a message that is to be retained; false if there is no room for it.
    pub(crate) fn retain(&self, publication: &Publication) -> bool {
        let mut retained = self.retained();
        let limits = &self.limits;
        let kept = Arc::new(publication.to_keep());
        let result = retained.set(&kept, limits.retained, limits.retained_bytes);
        self.counters.retained.set(retained.len() as i64);
        drop(retained);
        self.changes.retained(&publication.topic);
        match result {
            Ok(()) => {}
            Err(Full::Topics) => self.counters.refuse(Rule::Retained),
            Err(Full::Bytes) => self.counters.refuse(Rule::RetainedBytes),
        }
        result.is_ok()
    }

    /// Passes a message on to all who subscribe to its topic. Returns how many those are.
    pub(crate) fn route(&self, publication: &Publication) -> usize {
        self.hand_to(publication, &self.receivers(publication))
    }

    /// Passes a message on to those who subscribe to its topic and are connected. Returns how many those are.
    pub(crate) fn route_to_connected(&self, publication: &Publication) -> usize {
        let mut receivers = self.receivers(publication);
        receivers.retain(|(session, ..)| session.state().line.is_some());
        self.hand_to(publication, &receivers)
    }

    fn hand_to(&self, publication: &Publication, receivers: &[(Arc<Session>, Options, Vec<u32>)]) -> usize {
        if receivers.is_empty() {
            return 0;
        }
        let shared = Arc::new(publication.to_keep());
        for (session, options, identifiers) in receivers {
            let message = Outgoing {
                publication: Arc::clone(&shared),
                qos: shared.qos.min(options.qos),
                retain: shared.retain && options.retain_as_published,
                identifiers: identifiers.clone(),
            };
            self.deliver(session, message);
        }
        receivers.len()
    }

    /// Whether so many bytes more may wait for clients.
    pub(crate) fn has_room_for(&self, bytes: usize) -> bool {
        !self.queued.is_too_small_for(bytes)
    }

    /// Queues a message for a session, and counts it if there is no room.
    pub(crate) fn deliver(&self, session: &Arc<Session>, message: Outgoing) {
        let is_room = self.has_room_for(message.publication.bytes());
        let is_kept = message.qos > Qos::AtMostOnce;
        match session.deliver(message, &self.limits, is_room) {
            Delivered::Dropped(limit) => {
                self.counters.traffic.publishes_dropped.inc();
                self.counters.refuse(limit);
            }
            Delivered::Queued if is_kept => self.note(session),
            _ => {}
        }
    }

    /// A session that outlives its connection has changed.
    pub(crate) fn note(&self, session: &Arc<Session>) {
        let state = session.state();
        let is_to_be_written = state.is_written || !state.expiry.is_zero();
        drop(state);
        if is_to_be_written {
            self.changes.session(session);
        }
    }

    /// Each session once, however many of its own subscriptions match: with the highest QoS and all identifiers; and
    /// once more for each group that it was chosen in.
    fn receivers(&self, publication: &Publication) -> Vec<(Arc<Session>, Options, Vec<u32>)> {
        let router = self.router.read().expect("no code panics while it holds the router");
        let mut found: Vec<(&Subscriber<Arc<Session>>, bool)> = Vec::new();
        router.matching(&publication.topic, next_member, |subscriber, is_shared| {
            if !(subscriber.options.no_local && subscriber.session == publication.publisher) {
                found.push((subscriber, is_shared));
            }
        });
        found.sort_by_key(|(subscriber, is_shared)| (subscriber.session, *is_shared));
        let is_same = |(one, shared): &(&Subscriber<_>, bool), (other, also): &(&Subscriber<_>, bool)| {
            one.session == other.session && !shared && !also
        };
        found.chunk_by(is_same).map(merged).collect()
    }
}

/// The member of a group whose turn it is, or the next one whose client is there.
fn next_member(members: &[Subscriber<Arc<Session>>], turn: usize) -> usize {
    let is_there = |at: &usize| members[*at].reach.state().line.is_some();
    let mut order = (0..members.len()).map(|step| (turn + step) % members.len());
    order.clone().find(is_there).or_else(|| order.next()).unwrap_or(0)
}

fn merged(same: &[(&Subscriber<Arc<Session>>, bool)]) -> (Arc<Session>, Options, Vec<u32>) {
    let all = || same.iter().map(|(subscriber, _)| subscriber.options);
    let mut options = same[0].0.options;
    options.qos = all().map(|options| options.qos).max().unwrap_or(Qos::AtMostOnce);
    options.retain_as_published = all().any(|options| options.retain_as_published);
    let identifiers = all().map(|options| options.identifier);
    (Arc::clone(&same[0].0.reach), options, identifiers.filter(|identifier| *identifier != 0).collect())
}
