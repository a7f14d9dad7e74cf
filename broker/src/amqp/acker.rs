//! Tells the broker what was settled, in few words.

use std::ops::RangeInclusive;

use lapin::Channel;
use lapin::options::{BasicAckOptions, BasicRejectOptions};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::frontier::Frontier;
use crate::{Backoff, Outcome, Unsettled};

/// Payments taken in one go.
const MANY: usize = 1_000;

/// The debt of one delivery, or of some that follow each other: an ack on the channel they came over.
#[derive(Debug)]
pub(crate) struct Debt {
    first: u64,
    last: u64,
    session: u64,
    /// None once it is paid, or part of another.
    payments: Option<Payments>,
}

/// Where debts are paid; bounded by the prefetch.
pub(super) type Payments = mpsc::UnboundedSender<Payment>;

/// How the deliveries of these tags were settled.
#[derive(Debug)]
pub(super) struct Payment {
    tags: RangeInclusive<u64>,
    outcome: Outcome,
}

impl Payment {
    fn count(&self) -> u64 {
        self.tags.end() - self.tags.start() + 1
    }
}

impl Debt {
    pub(super) fn new(tag: u64, session: u64, payments: &Payments) -> Self {
        Self { first: tag, last: tag, session, payments: Some(payments.clone()) }
    }

    pub(crate) fn session(&self) -> u64 {
        self.session
    }

    /// Deliveries.
    pub(crate) fn count(&self) -> u64 {
        self.last - self.first + 1
    }

    /// Takes over the debt of the deliveries that follow; returns any other.
    pub(crate) fn join(&mut self, mut next: Self) -> Option<Self> {
        if next.session != self.session || next.first != self.last + 1 {
            return Some(next);
        }
        self.last = next.last;
        next.payments = None;
        None
    }

    pub(crate) fn settle(mut self, outcome: Outcome) -> Result<(), Unsettled> {
        self.pay(outcome)
    }

    fn pay(&mut self, outcome: Outcome) -> Result<(), Unsettled> {
        let Some(payments) = self.payments.take() else { return Ok(()) };
        payments.send(Payment { tags: self.first..=self.last, outcome }).map_err(|_| Unsettled)
    }
}

impl Drop for Debt {
    fn drop(&mut self) {
        // On a connection that is gone, the broker knows already.
        let _ = self.pay(Outcome::Retry);
    }
}

/// What of one channel is settled and not yet told.
pub(super) struct Acker {
    channel: Channel,
    frontier: Frontier,
    /// To be given back once the pause is over: giving back at once would be a hot loop.
    retries: Vec<u64>,
    retry_at: Instant,
    pause: Backoff,
    untold: u64,
}

impl Acker {
    pub(super) fn new(channel: Channel) -> Self {
        let now = Instant::now();
        Self {
            channel,
            frontier: Frontier::default(),
            retries: Vec::new(),
            retry_at: now,
            pause: Backoff::default(),
            untold: 0,
        }
    }

    /// Sends acks until every debt is paid or the connection is gone; how many may not have arrived.
    pub(super) async fn run(
        mut self,
        mut paid: mpsc::UnboundedReceiver<Payment>,
        gone: CancellationToken,
    ) -> u64 {
        // Whether it ended or failed, what is untold says it all.
        let _ = gone.run_until_cancelled(self.tell(&mut paid)).await;
        paid.close();
        while let Ok(payment) = paid.try_recv() {
            self.owe(&payment);
        }
        self.untold
    }

    async fn tell(&mut self, paid: &mut mpsc::UnboundedReceiver<Payment>) -> lapin::Result<()> {
        let mut taken = Vec::new();
        loop {
            tokio::select! {
                count = paid.recv_many(&mut taken, MANY) => match count {
                    // What is still to be given back goes back with the end of the channel.
                    0 => return Ok(()),
                    _ => self.take(&mut taken).await?,
                },
                () = sleep_until(self.retry_at), if !self.retries.is_empty() => self.give_back().await?,
            }
            if let Some(ack) = self.frontier.ack() {
                self.channel.basic_ack(ack.tag, BasicAckOptions { multiple: true }).await?;
                self.untold -= ack.count;
            }
        }
    }

    /// What is to be given back is none of the acks that may be lost.
    fn owe(&mut self, payment: &Payment) {
        if payment.outcome != Outcome::Retry {
            self.untold += payment.count();
        }
    }

    async fn take(&mut self, taken: &mut Vec<Payment>) -> lapin::Result<()> {
        taken.iter().for_each(|payment| self.owe(payment));
        for Payment { tags, outcome } in taken.drain(..) {
            match outcome {
                Outcome::Done => tags.for_each(|tag| self.frontier.done(tag)),
                Outcome::Reject => {
                    for tag in tags {
                        self.reject(tag, false).await?;
                        self.untold -= 1;
                    }
                }
                Outcome::Retry => {
                    if self.retries.is_empty() {
                        let since = self.retry_at.elapsed();
                        self.retry_at = Instant::now() + self.pause.after(since);
                    }
                    self.retries.extend(tags);
                }
            }
        }
        Ok(())
    }

    async fn give_back(&mut self) -> lapin::Result<()> {
        for tag in std::mem::take(&mut self.retries) {
            self.reject(tag, true).await?;
        }
        Ok(())
    }

    async fn reject(&mut self, tag: u64, requeue: bool) -> lapin::Result<()> {
        self.channel.basic_reject(tag, BasicRejectOptions { requeue }).await?;
        self.frontier.told(tag);
        Ok(())
    }
}
