//! Tells the broker what was settled, in few words.

use lapin::Channel;
use lapin::options::{BasicAckOptions, BasicRejectOptions};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::frontier::Frontier;
use crate::{Backoff, Outcome, Unsettled};

/// Debts paid in one go.
const MANY: usize = 10_000;

/// The debt of one delivery: an ack on the channel it came over.
#[derive(Debug)]
pub(crate) struct Debt {
    tag: u64,
    session: u64,
    /// None once it is paid.
    payments: Option<Payments>,
}

/// Where debts are paid; bounded by the prefetch.
pub(super) type Payments = mpsc::UnboundedSender<(u64, Outcome)>;

impl Debt {
    pub(super) fn new(tag: u64, session: u64, payments: &Payments) -> Self {
        Self { tag, session, payments: Some(payments.clone()) }
    }

    pub(crate) fn session(&self) -> u64 {
        self.session
    }

    pub(crate) fn settle(mut self, outcome: Outcome) -> Result<(), Unsettled> {
        self.pay(outcome)
    }

    fn pay(&mut self, outcome: Outcome) -> Result<(), Unsettled> {
        let Some(payments) = self.payments.take() else { return Ok(()) };
        payments.send((self.tag, outcome)).map_err(|_| Unsettled)
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
        mut paid: mpsc::UnboundedReceiver<(u64, Outcome)>,
        gone: CancellationToken,
    ) -> u64 {
        // Whether it ended or failed, what is untold says it all.
        let _ = gone.run_until_cancelled(self.tell(&mut paid)).await;
        paid.close();
        while let Ok((_, outcome)) = paid.try_recv() {
            self.untold += u64::from(outcome != Outcome::Retry);
        }
        self.untold
    }

    async fn tell(&mut self, paid: &mut mpsc::UnboundedReceiver<(u64, Outcome)>) -> lapin::Result<()> {
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

    async fn take(&mut self, taken: &mut Vec<(u64, Outcome)>) -> lapin::Result<()> {
        self.untold += taken.iter().filter(|(_, outcome)| *outcome != Outcome::Retry).count() as u64;
        for (tag, outcome) in taken.drain(..) {
            match outcome {
                Outcome::Done => self.frontier.done(tag),
                Outcome::Reject => {
                    self.reject(tag, false).await?;
                    self.untold -= 1;
                }
                Outcome::Retry => {
                    if self.retries.is_empty() {
                        let since = self.retry_at.elapsed();
                        self.retry_at = Instant::now() + self.pause.after(since);
                    }
                    self.retries.push(tag);
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
