//! Plans what is queued: reads notifications that are due, and stores what the planner decides on them.

use std::sync::Arc;

use jiff::Timestamp;
use store::{Decisions, DueQuery, Known, LongestWaits, SilenceIndex};
use telemetry::time::saturating_add;

use super::sending::REFUSED_AGAIN;
use super::{ASK_EVERY, AlertingOutbox};
use crate::plan::{CAPPED, MAX_PLANNED, MadeMails, Plan, PlanInput, Ready, WaitingSet, plan, sort};
use crate::rules::Rules;

/// Notifications read in one go.
const NOTIFICATIONS: usize = MAX_PLANNED;

/// Decisions at one time, at most; the rest a little later.
const ROUNDS: usize = 100;

/// What is known of notifications that are not in a message yet, while this alerter alone decides on them.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// Up to where notifications were looked at.
    known: Known,
    waiting: WaitingSet,
    made: MadeMails,
    /// When what was decided on in this look is due again.
    due_again: Option<Timestamp>,
}

impl AlertingOutbox {
    pub(super) async fn load(&mut self, now: Timestamp) -> store::Result<Queue> {
        self.store.bring_forward(now, &self.longest_waits()).await?;
        self.longest_wait = REFUSED_AGAIN;
        let postponed = self.store.postponed_messages(now).await?;
        self.retries.remember(postponed, now);
        let made = self.store.messages_since(now.checked_sub(CAPPED).unwrap_or(now)).await?;
        // A clock that was ahead must not use up the mails of hours to come.
        let made = made.into_iter().map(|(address, at)| (address, at.min(now)));
        Ok(Queue { made: MadeMails::new(made), ..Queue::default() })
    }

    fn longest_waits(&self) -> LongestWaits {
        let rules = Arc::clone(&self.rules.borrow());
        let reminders = rules.rules.iter().filter_map(|rule| Some((rule.name.clone(), rule.repeat?)));
        LongestWaits { messages: self.longest_wait, reminders: reminders.collect() }
    }

    /// Decides until there is nothing more to decide now; returns when there will be.
    pub(super) async fn plan(&self, now: Timestamp, queue: &mut Queue) -> store::Result<Option<Timestamp>> {
        queue.due_again = None;
        let rules = Arc::clone(&self.rules.borrow());
        let silences = SilenceIndex::new(self.store.silences(now).await?);
        let next_due = self.read_new(now, queue, &rules, &silences).await?;
        for _ in 0..ROUNDS {
            let Ready { numbers, next } = queue.waiting.ready(now, &rules, &queue.made);
            if numbers.is_empty() {
                return Ok([next, next_due, queue.due_again].into_iter().flatten().min());
            }
            let due = self.store.waiting_notifications(&numbers).await?;
            self.counters.notifications_read.inc_by(due.len() as u64);
            let input = PlanInput { rules: &rules, silences: &silences, made: &queue.made };
            let Plan { decisions, look_again, waiting } = plan(now, &due, &input);
            queue.waiting.replace(&numbers, waiting);
            if decisions == Decisions::default() && !due.is_empty() {
                let again = look_again.unwrap_or_else(|| saturating_add(now, ASK_EVERY));
                return Ok([Some(again), next, next_due, queue.due_again].into_iter().flatten().min());
            }
            self.decide(&decisions, queue).await?;
        }
        Ok(Some(saturating_add(now, ASK_EVERY)))
    }

    /// Reads new notifications; one that waits for its group or for room under the cap is not read again before that is
    /// over.
    async fn read_new(
        &self,
        now: Timestamp,
        queue: &mut Queue,
        rules: &Rules,
        silences: &SilenceIndex,
    ) -> store::Result<Option<Timestamp>> {
        let mut query = DueQuery { now, known: queue.known, after: 0, limit: NOTIFICATIONS };
        loop {
            let (new, next) = self.store.notifications_due(&query).await?;
            self.counters.notifications_read.inc_by(new.len() as u64);
            let Plan { decisions, waiting, .. } =
                sort(now, &new, &PlanInput { rules, silences, made: &queue.made });
            queue.waiting.add(waiting);
            self.decide(&decisions, queue).await?;
            let last = new.last().map_or(0, |(notification, _)| notification.number);
            query.after = query.after.max(last);
            queue.known.number = queue.known.number.max(last);
            if new.len() < query.limit {
                queue.known.at = now;
                return Ok(next);
            }
        }
    }

    async fn decide(&self, decisions: &Decisions, queue: &mut Queue) -> store::Result<()> {
        if *decisions == Decisions::default() {
            return Ok(());
        }
        self.store.decide(decisions).await?;
        decisions.messages.iter().for_each(|message| queue.made.add(&message.address, message.made_at));
        let held = decisions.held.iter().map(|deferral| deferral.until);
        let reminders = decisions.reminders.iter().map(|reminder| reminder.due_at);
        queue.due_again = held.chain(reminders).chain(queue.due_again).min();
        self.counters.notifications_dropped.inc_by(decisions.dropped.len() as u64);
        Ok(())
    }
}
