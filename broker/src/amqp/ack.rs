//! Sends acks and rejects of settled deliveries, in as few frames as possible.

use std::ops::RangeInclusive;

use lapin::Channel;
use lapin::options::{BasicAckOptions, BasicRejectOptions};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::window::AckWindow;
use crate::ack::{Acknowledge, Outcome, Unsettled};
use crate::backoff::Backoff;

/// Most settlements handled in one go.
const MANY: usize = 1_000;

/// The acknowledgement of one delivery, or of several that followed each other, on the channel they came over.
#[derive(Debug)]
pub(crate) struct Ack {
    first: u64,
    last: u64,
    session: u64,
    /// `None` once it is settled, or joined with another.
    settlements: Option<Settlements>,
}

/// Where settlements go; bounded by the prefetch.
pub(super) type Settlements = mpsc::UnboundedSender<Settlement>;

/// The outcome of the deliveries with these tags.
#[derive(Debug)]
pub(super) struct Settlement {
    tags: RangeInclusive<u64>,
    outcome: Outcome,
}

impl Settlement {
    fn count(&self) -> u64 {
        self.tags.end() - self.tags.start() + 1
    }
}

impl Ack {
    pub(super) fn new(tag: u64, session: u64, settlements: &Settlements) -> Self {
        Self { first: tag, last: tag, session, settlements: Some(settlements.clone()) }
    }

    fn send(&mut self, outcome: Outcome) -> Result<(), Unsettled> {
        let Some(settlements) = self.settlements.take() else { return Ok(()) };
        settlements.send(Settlement { tags: self.first..=self.last, outcome }).map_err(|_| Unsettled)
    }
}

impl Acknowledge for Ack {
    fn session(&self) -> u64 {
        self.session
    }

    fn count(&self) -> u64 {
        self.last - self.first + 1
    }

    fn join(&mut self, mut next: Self) -> Option<Self> {
        if next.session != self.session || next.first != self.last + 1 {
            return Some(next);
        }
        self.last = next.last;
        next.settlements = None;
        None
    }

    async fn settle(mut self, outcome: Outcome) -> Result<(), Unsettled> {
        self.send(outcome)
    }
}

impl Drop for Ack {
    fn drop(&mut self) {
        // The end of a connection requeues it anyway.
        let _ = self.send(Outcome::Retry);
    }
}

/// Sends the acks and rejects of one channel.
pub(super) struct Acker {
    channel: Channel,
    window: AckWindow,
    /// Requeued after a pause: doing it at once would be a hot loop.
    retries: Vec<u64>,
    retry_at: Instant,
    pause: Backoff,
    unsent: u64,
}

impl Acker {
    pub(super) fn new(channel: Channel) -> Self {
        let now = Instant::now();
        Self {
            channel,
            window: AckWindow::default(),
            retries: Vec::new(),
            retry_at: now,
            pause: Backoff::default(),
            unsent: 0,
        }
    }

    /// Runs until every delivery is settled or the connection is gone. Returns how many acks may not have arrived.
    pub(super) async fn run(
        mut self,
        mut settled: mpsc::UnboundedReceiver<Settlement>,
        gone: CancellationToken,
    ) -> u64 {
        // Whether it ended or failed, `unsent` has the result.
        let _ = gone.run_until_cancelled(self.send_acks(&mut settled)).await;
        settled.close();
        while let Ok(settlement) = settled.try_recv() {
            self.count(&settlement);
        }
        self.unsent
    }

    async fn send_acks(&mut self, settled: &mut mpsc::UnboundedReceiver<Settlement>) -> lapin::Result<()> {
        let mut received = Vec::new();
        loop {
            tokio::select! {
                count = settled.recv_many(&mut received, MANY) => match count {
                    // The end of the channel requeues what waits for its retry.
                    0 => return Ok(()),
                    _ => self.accept(&mut received).await?,
                },
                () = sleep_until(self.retry_at), if !self.retries.is_empty() => self.requeue().await?,
            }
            if let Some(ack) = self.window.ack() {
                self.channel.basic_ack(ack.tag, BasicAckOptions { multiple: true }).await?;
                self.unsent -= ack.count;
            }
        }
    }

    /// Retries are not counted: a requeued message has no ack to lose.
    fn count(&mut self, settlement: &Settlement) {
        if settlement.outcome != Outcome::Retry {
            self.unsent += settlement.count();
        }
    }

    async fn accept(&mut self, received: &mut Vec<Settlement>) -> lapin::Result<()> {
        received.iter().for_each(|settlement| self.count(settlement));
        for Settlement { tags, outcome } in received.drain(..) {
            match outcome {
                Outcome::Done => tags.for_each(|tag| self.window.done(tag)),
                Outcome::Reject => {
                    for tag in tags {
                        self.reject(tag, false).await?;
                        self.unsent -= 1;
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

    async fn requeue(&mut self) -> lapin::Result<()> {
        for tag in std::mem::take(&mut self.retries) {
            self.reject(tag, true).await?;
        }
        Ok(())
    }

    async fn reject(&mut self, tag: u64, requeue: bool) -> lapin::Result<()> {
        self.channel.basic_reject(tag, BasicRejectOptions { requeue }).await?;
        self.window.acked_individually(tag);
        Ok(())
    }
}
