//! The clock was ahead for a while: nothing waits for the time that it showed then.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use alerter::Notifiers;
use jiff::SignedDuration;
use store::Channel;
use tokio::time::Instant;

use crate::harness::{Harness, RuntimeClock, incident, mail, opened, rules};
use crate::kept::Recorder;
use crate::store::FakeStore;

const HOUR: u64 = 3_600;

/// By how many hours the clock was ahead.
const AHEAD: [i64; 3] = [1, 48, 800 * 24];

struct Played {
    store: Arc<FakeStore>,
    recorder: Arc<Recorder>,
    clock: Arc<RuntimeClock>,
    harness: Option<Harness>,
}

impl Played {
    /// An incident opens while the clock is ahead; so often the mail server is away.
    async fn start(ahead: i64, away: usize) -> Self {
        let (store, recorder, clock) = (
            Arc::new(FakeStore::default()),
            Arc::new(Recorder::default()),
            Arc::new(RuntimeClock::default()),
        );
        recorder.away.store(away, Ordering::Relaxed);
        clock.step(SignedDuration::from_hours(ahead));
        let mut incident = incident("a", "repeats", "lab");
        incident.judged_at = telemetry::Clock::wall(clock.as_ref());
        store.kept.lock().unwrap().apply(&opened(incident, &[mail("ann")]));
        let harness = Some(Self::run(&store, &recorder, &clock));
        Self { store, recorder, clock, harness }
    }

    fn run(store: &Arc<FakeStore>, recorder: &Arc<Recorder>, clock: &Arc<RuntimeClock>) -> Harness {
        let notifiers = Notifiers::default().with(Channel::Mail, recorder.clone());
        Harness::by(store, notifiers, rules(""), clock.clone())
    }

    /// The clock is set right, before the eyes of the outbox or behind its back.
    async fn set_right(&mut self, ahead: i64, restart: bool) {
        let step = -SignedDuration::from_hours(ahead);
        if !restart {
            return self.clock.step(step);
        }
        self.harness.take().unwrap().crash().await;
        self.clock.step(step);
        self.harness = Some(Self::run(&self.store, &self.recorder, &self.clock));
    }

    /// How long it takes until a line is there.
    async fn wait_for(&self, line: &str) -> Duration {
        let since = Instant::now();
        while !self.recorder.journal.lines().iter().any(|there| there == line) {
            assert!(since.elapsed() < Duration::from_secs(24 * HOUR), "{:?}", self.recorder.journal.lines());
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        since.elapsed()
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_failed_while_the_clock_was_ahead_is_tried_again_soon_after_it_is_right() {
    for ahead in AHEAD {
        let mut played = Played::start(ahead, 2).await;
        let tried = |played: &Played| played.recorder.away.load(Ordering::Relaxed) == 0;
        while !tried(&played) {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        played.set_right(ahead, false).await;
        let waited = played.wait_for("ann: Opened a").await;
        // The longest wait between two tries.
        assert!(waited <= Duration::from_secs(5 * 60 + 10), "{ahead} h: {waited:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_asked_for_while_the_clock_was_ahead_is_told_soon_after_it_is_right() {
    for restart in [false, true] {
        for ahead in AHEAD {
            let mut played = Played::start(ahead, 0).await;
            played.set_right(ahead, restart).await;
            let waited = played.wait_for("ann: Opened a").await;
            assert!(waited < Duration::from_secs(60), "{ahead} h, {restart}: {waited:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_reminder_waits_its_time_and_no_longer() {
    for restart in [false, true] {
        for ahead in AHEAD {
            let mut played = Played::start(ahead, 0).await;
            played.wait_for("ann: Opened a").await;
            played.set_right(ahead, restart).await;
            let waited = played.wait_for("ann: Reminder a").await;
            // The rule reminds every four hours.
            let most = Duration::from_secs(4 * HOUR + 60);
            assert!(
                waited <= most && waited > Duration::from_secs(2 * HOUR),
                "{ahead} h, {restart}: {waited:?}"
            );
        }
    }
}
