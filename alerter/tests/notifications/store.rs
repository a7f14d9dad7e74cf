//! Incidents in memory, as the store's documentation has them; fails as often as a test wants it to.

mod kept;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use store::{
    Acknowledgement, Address, AlertState, Attempt, Changes, Decisions, DueNotifications, DueQuery, Incident,
    IncidentQuery, IncidentSummary, Incidents, Lease, Leases, LongestWaits, Notification, Notifications,
    OutgoingMessage, Postponed, QueuedMessage, Silence, Silences, Unavailable,
};

pub(crate) use self::kept::{Kept, Made};
use crate::journal::Journal;

#[derive(Default)]
pub(crate) struct FakeStore {
    pub(crate) journal: Journal,
    pub(crate) marks_fail: AtomicUsize,
    pub(crate) asks_fail: AtomicUsize,
    /// Another alerter that sends notifications.
    pub(crate) other: Mutex<Option<String>>,
    pub(crate) asked_to_hold: AtomicUsize,
    pub(crate) kept: Mutex<Kept>,
}

pub(crate) fn fail_next(calls: &AtomicUsize, times: usize) {
    calls.store(times, Ordering::Relaxed);
}

fn fails(calls: &AtomicUsize) -> store::Result<()> {
    match calls.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)) {
        Ok(_) => Err(Unavailable(std::io::Error::other("the disk is full").into())),
        Err(_) => Ok(()),
    }
}

#[async_trait]
impl Incidents for FakeStore {
    async fn record(&self, changes: &Changes) -> store::Result<()> {
        changes.transitions.iter().for_each(|transition| self.kept.lock().unwrap().apply(transition));
        Ok(())
    }

    async fn alert_states(&self) -> store::Result<Vec<AlertState>> {
        unreachable!("the outbox evaluates nothing")
    }

    async fn incidents(&self, _: &IncidentQuery) -> store::Result<Vec<Incident>> {
        unreachable!("the outbox shows nothing")
    }

    async fn open_count(&self) -> store::Result<u64> {
        unreachable!("the outbox shows nothing")
    }

    async fn incident_summaries(&self, _: &IncidentQuery) -> store::Result<Vec<IncidentSummary>> {
        unreachable!("the outbox shows nothing")
    }

    async fn acknowledge(&self, _: &[String], _: &Acknowledgement) -> store::Result<u64> {
        unreachable!("the outbox acknowledges nothing")
    }
}

#[async_trait]
impl Notifications for FakeStore {
    async fn notifications_due(&self, query: &DueQuery) -> store::Result<DueNotifications> {
        fails(&self.asks_fail)?;
        let (due, next) = self.kept.lock().unwrap().due(query.now, usize::MAX);
        let is_new = |(Notification { number, due_at, .. }, _): &(Notification, Incident)| {
            (*number > query.known.number || *due_at > query.known.at) && *number > query.after
        };
        Ok((due.into_iter().filter(is_new).take(query.limit).collect(), next))
    }

    async fn waiting_notifications(&self, numbers: &[i64]) -> store::Result<Vec<(Notification, Incident)>> {
        let (due, _) = self.kept.lock().unwrap().due(Timestamp::MAX, usize::MAX);
        Ok(due.into_iter().filter(|(notification, _)| numbers.contains(&notification.number)).collect())
    }

    async fn decide(&self, decisions: &Decisions) -> store::Result<()> {
        self.kept.lock().unwrap().decide(decisions);
        Ok(())
    }

    async fn queued_heads(&self, now: Timestamp, limit: usize) -> store::Result<Vec<QueuedMessage>> {
        let kept = self.kept.lock().unwrap();
        let due = |made: &&Made| Kept::owes(made) && made.again_at.is_none_or(|at| at <= now);
        let head = |Made { message, .. }: &Made| QueuedMessage {
            message_id: message.message_id.clone(),
            address: message.address.clone(),
        };
        Ok(kept.messages.iter().filter(due).take(limit).map(head).collect())
    }

    async fn outgoing_message(&self, message_id: &str) -> store::Result<Option<OutgoingMessage>> {
        let kept = self.kept.lock().unwrap();
        let made = kept.messages.iter().find(|made| made.message.message_id == message_id);
        Ok(made.map(|made| kept.message(made)))
    }

    async fn postponed_messages(&self, now: Timestamp) -> store::Result<Vec<Postponed>> {
        let kept = self.kept.lock().unwrap();
        let owed = kept.messages.iter().filter(|made| Kept::owes(made));
        let postponed = owed.filter_map(|Made { message, tries, again_at, .. }| {
            let (message_id, address) = (message.message_id.clone(), message.address.clone());
            let again_at = again_at.filter(|at| *at > now)?;
            Some(Postponed { message_id, address, tries: *tries, again_at })
        });
        Ok(postponed.collect())
    }

    async fn bring_forward(&self, now: Timestamp, waits: &LongestWaits) -> store::Result<()> {
        self.kept.lock().unwrap().bring_forward(now, waits);
        Ok(())
    }

    async fn queued_count(&self) -> store::Result<u64> {
        Ok(self.kept.lock().unwrap().messages.iter().filter(|made| Kept::owes(made)).count() as u64)
    }

    async fn record_attempt(&self, message_id: &str, attempt: &Attempt) -> store::Result<()> {
        fails(&self.marks_fail).inspect_err(|_| self.journal.note("fail mark"))?;
        let mut kept = self.kept.lock().unwrap();
        let made = kept.messages.iter_mut().find(|made| made.message.message_id == message_id).unwrap();
        if !Kept::owes(made) {
            return Ok(());
        }
        made.tries += 1;
        let word = match attempt.clone() {
            Attempt::Sent { at, problem } => {
                (made.sent_at, made.problem) = (Some(at), problem);
                "mark"
            }
            Attempt::Failed { again_at, problem } => {
                (made.again_at, made.problem) = (Some(again_at), Some(problem));
                "later"
            }
            Attempt::GivenUp { at, problem } => {
                (made.given_up_at, made.problem) = (Some(at), Some(problem));
                "give up"
            }
        };
        self.journal.note(format!("{word} {message_id}"));
        Ok(())
    }

    async fn messages_since(&self, since: Timestamp) -> store::Result<Vec<(Address, Timestamp)>> {
        let kept = self.kept.lock().unwrap();
        let made = kept.messages.iter().map(|made| (made.message.address.clone(), made.message.made_at));
        Ok(made.filter(|(_, at)| *at >= since).collect())
    }
}

#[async_trait]
impl Silences for FakeStore {
    async fn add_silences(&self, silences: &[Silence]) -> store::Result<()> {
        self.kept.lock().unwrap().silences.extend_from_slice(silences);
        Ok(())
    }

    async fn end_silence(&self, _: &str, _: Timestamp) -> store::Result<bool> {
        unreachable!("the outbox ends no silence")
    }

    async fn silences(&self, after: Timestamp) -> store::Result<Vec<Silence>> {
        let kept = self.kept.lock().unwrap();
        Ok(kept.silences.iter().filter(|silence| silence.until > after).cloned().collect())
    }
}

#[async_trait]
impl Leases for FakeStore {
    async fn acquire(&self, _: Lease, holder: &str, _: Duration) -> store::Result<bool> {
        self.asked_to_hold.fetch_add(1, Ordering::Relaxed);
        Ok(self.other.lock().unwrap().as_ref().is_none_or(|other| other == holder))
    }

    async fn take_over(&self, _: Lease, _: &str, _: Duration) -> store::Result<()> {
        unreachable!("the outbox seizes nothing")
    }

    async fn release(&self, _: Lease, _: &str) -> store::Result<()> {
        self.journal.note("release");
        Ok(())
    }
}
