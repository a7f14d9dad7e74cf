//! What is done beside the connections: wills that are due, and sessions that end.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::session::Session;
use super::shared::{Event, Shared};

/// Publishes wills and ends sessions when their time has come.
#[must_use = "without it no will is published, and no session ends"]
pub struct Upkeep {
    shared: Arc<Shared>,
    events: mpsc::UnboundedReceiver<Event>,
    /// The sessions that something is due in, by when and by their number.
    due: BTreeMap<(Instant, u64), Arc<Session>>,
}

impl Upkeep {
    pub(crate) fn new(shared: Arc<Shared>, events: mpsc::UnboundedReceiver<Event>) -> Self {
        Self { shared, events, due: BTreeMap::new() }
    }

    /// Runs until the server and all its connections are gone, or this is dropped.
    pub async fn run(mut self) {
        loop {
            let next = self.due.keys().next().map(|(at, _)| *at);
            tokio::select! {
                event = self.events.recv() => match event {
                    Some(event) => self.take(event),
                    None => return,
                },
                () = at(next) => self.look(),
            }
        }
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Look(at, session) => drop(self.due.insert((at, session.number), session)),
            Event::Publish(publication) => {
                let shared = Arc::clone(&self.shared);
                // It may take long until the publish is settled; others are not to wait for it.
                tokio::spawn(async move { shared.publish(publication).await });
            }
        }
    }

    /// Looks at the sessions whose time has come.
    fn look(&mut self) {
        let now = Instant::now();
        while let Some(first) = self.due.first_entry()
            && first.key().0 <= now
        {
            let (_, session) = first.remove_entry();
            self.look_at(&session, now);
        }
    }

    fn look_at(&self, session: &Arc<Session>, now: Instant) {
        let mut sessions = self.shared.sessions();
        let mut state = session.state();
        state.checked_at = None;
        if state.line.is_some() {
            return;
        }
        if state.is_expired(now) {
            drop(state);
            return self.shared.end(&mut sessions, session);
        }
        if let Some(will) = state.will.take_if(|will| will.at <= now) {
            self.shared.soon(Event::Publish(will.publication));
        }
        self.shared.look_later(session, &mut state);
    }
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

impl fmt::Debug for Upkeep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upkeep").field("due", &self.due.len()).finish_non_exhaustive()
    }
}
