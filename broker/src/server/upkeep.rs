//! What is done beside the connections: wills that are due, and sessions that end.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until};

use super::session::Session;
use super::shared::{Event, Shared};

/// Publishes wills and ends sessions when their time has come.
#[must_use = "without it no will is published, and no session ends"]
pub struct Upkeep {
    shared: Arc<Shared>,
    events: mpsc::UnboundedReceiver<Event>,
    /// The sessions that something is due in, by when and by their number.
    due: BTreeMap<(Instant, u64), Arc<Session>>,
    statistics: Option<Interval>,
}

impl Upkeep {
    pub(crate) fn new(shared: Arc<Shared>, events: mpsc::UnboundedReceiver<Event>) -> Self {
        Self { shared, events, due: BTreeMap::new(), statistics: None }
    }

    /// The same, which also publishes statistics of the server below `$SYS`, so often; not at all if that is zero.
    pub fn with_statistics(self, every: Duration) -> Self {
        if every.is_zero() {
            return self;
        }
        let now = Instant::now();
        self.shared.statistics.note(&self.shared.counters, now);
        let mut ticks = interval_at(now + every, every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { statistics: Some(ticks), ..self }
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
                () = tick(&mut self.statistics) => self.shared.tell_statistics(),
            }
        }
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Look(at, session) => drop(self.due.insert((at, session.number), session)),
            // It may take long until a will is settled; others are not to wait for it.
            Event::Publish(publication) => {
                let shared = Arc::clone(&self.shared);
                tokio::spawn(async move { shared.publish(publication).await });
            }
            Event::Will(publication, session) => {
                let shared = Arc::clone(&self.shared);
                tokio::spawn(async move {
                    shared.publish(publication).await;
                    drop(session.state().will.take_if(|will| will.is_out));
                    shared.note(&session);
                });
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
        if let Some(will) = state.will.as_mut().filter(|will| will.at <= now && !will.is_out) {
            will.is_out = true;
            self.shared.soon(Event::Will(will.publication.clone(), Arc::clone(session)));
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

async fn tick(ticks: &mut Option<Interval>) {
    match ticks {
        Some(ticks) => {
            ticks.tick().await;
        }
        None => std::future::pending().await,
    }
}

impl fmt::Debug for Upkeep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upkeep").field("due", &self.due.len()).finish_non_exhaustive()
    }
}
