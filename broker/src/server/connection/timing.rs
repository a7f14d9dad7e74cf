//! When the connection is read, and what happens when nothing comes.

use std::future::Future as _;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::{Connection, End};
use crate::server::counters::Rule;
use crate::server::packet::{Fault, Reason, Version};
use crate::server::shared::{RETRY, SECOND_LOOK};

/// How late the end of a keep-alive is noticed if the process ran all the time; later, it did not.
const LATE: Duration = Duration::from_secs(1);

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Connection<S> {
    pub(super) fn may_receive(&self) -> bool {
        self.full().is_none()
            && !self.is_full()
            && self.paced_until().is_none()
            && !self.shared().stop.is_cancelled()
    }

    /// The limit that publishes in flight have reached.
    fn full(&self) -> Option<Rule> {
        let limits = &self.shared().limits;
        if self.ledger.len() >= self.most_unsettled() {
            return Some(Rule::InFlight);
        }
        if self.ledger.bytes() >= limits.in_flight_bytes {
            return Some(Rule::InFlightBytes);
        }
        self.shared().in_flight.is_too_small_for(0).then_some(Rule::InFlightBytesTotal)
    }

    /// Counts once that the connection is read later.
    pub(super) fn count_held(&mut self) {
        let full = self.full();
        if full != self.held_by {
            full.into_iter().for_each(|limit| self.shared().counters.refuse(limit));
            self.held_by = full;
        }
    }

    /// In MQTT 5 the client knows its window, and is disconnected when it passes it; others are read no further.
    fn most_unsettled(&self) -> usize {
        let window = usize::from(self.shared().limits.in_flight);
        if self.client.version == Version::V5 { 2 * window } else { window }
    }

    /// When the client may go on, if it has sent all that it may in this second.
    pub(super) fn paced_until(&self) -> Option<Instant> {
        let (began, count) = self.pace;
        let until = began + Duration::from_secs(1);
        (count >= self.shared().limits.messages_per_second && Instant::now() < until).then_some(until)
    }

    /// Waits for the next time at which something is to be done.
    pub(super) fn poll_timer(&mut self, context: &mut Context<'_>) -> Poll<End> {
        loop {
            let now = Instant::now();
            if self.is_silent(now) {
                let fault = Fault::new(Reason::KEEP_ALIVE_TIMEOUT, "nothing came within its keep-alive");
                return Poll::Ready(self.fault(fault));
            }
            let silent_until = self.silent_until();
            let retry = self.shared().in_flight.is_too_small_for(0).then(|| now + RETRY);
            let due = [silent_until.filter(|until| *until > now), self.paced_until(), retry];
            let Some(due) = due.into_iter().flatten().min() else { return Poll::Pending };
            // A timer that fires too early is cheaper than one that is set anew for each read.
            if self.timer.is_elapsed() || self.timer.deadline() > due {
                self.timer.as_mut().reset(due);
            }
            if self.timer.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            if self.may_receive() && silent_until.is_none_or(|until| until > Instant::now()) {
                // The window may have opened: look again at once.
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
    }
    /// When the client must have sent something.
    fn silent_until(&self) -> Option<Instant> {
        let until = self.heard_at + self.client.keep_alive?;
        Some(if self.is_overdue { until + SECOND_LOOK } else { until })
    }

    /// Whether the client has sent nothing for too long. Time in which the process did not run, or did not read, is not
    /// the client's: what it sent meanwhile may not have arrived here.
    fn is_silent(&mut self, now: Instant) -> bool {
        let Some(until) = self.silent_until().filter(|until| *until <= now) else { return false };
        if !self.may_receive() {
            return false;
        }
        if now - until > LATE {
            self.hears(now);
            return false;
        }
        std::mem::replace(&mut self.is_overdue, true)
    }

    /// Something came, from which on the keep-alive counts.
    pub(super) fn hears(&mut self, now: Instant) {
        self.heard_at = now;
        self.is_overdue = false;
    }
}
