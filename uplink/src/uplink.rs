//! The loop of the uplink: reads what has no acknowledgement, sends it, and notes what was acknowledged.

use std::sync::Arc;
use std::time::Duration;

use broker::{
    Acked, Answer, Backoff, ConnectionStatus, Delivery, Outbox, OutboxConfig, Published, Qos, Subscription,
};
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use service::Retry;
use store::Journal;
use telemetry::{Clock, JournalRun, NumberSet, uplink_topic};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::ask::Ask;
use crate::batch::{Batch, Head};
use crate::config::Config;
use crate::counters::Counters;
use crate::progress::Progress;

/// Batches without a PUBACK, at most.
const WINDOW: u16 = 4;

/// Readings in a batch, at most: the message costs as little for so many as for more.
const MAX_READINGS: u64 = 5_000;

/// Connections that may end without a PUBACK for a batch before it is halved: it may be why they end.
const CONNECTIONS: u32 = 3;

/// How long nothing may be told: then a batch without readings says how far the journal is.
const TELL_EVERY: Duration = Duration::from_secs(60);

/// The connection for what the cloud asks is quiet as long as nothing is missing.
const IDLE: Duration = Duration::from_secs(3600);

/// The wait after a batch that was not taken.
const AGAIN: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(60)];

/// Forwards what the journal has.
pub struct Uplink {
    config: Config,
    journal: Arc<dyn Journal>,
    clock: Arc<dyn Clock>,
    counters: Counters,
}

/// What became of a batch; no answer where it was given up.
type Outcome = (Batch, Option<Acked>);

impl Uplink {
    /// Forwards to where the config says, once it is run.
    #[must_use]
    pub fn new(config: Config, journal: Arc<dyn Journal>, clock: Arc<dyn Clock>, counters: Counters) -> Self {
        Self { config, journal, clock, counters }
    }

    /// Forwards until the stop. What has no PUBACK by then is sent again after the next start.
    pub async fn run(self, stop: CancellationToken) {
        let client = self.config.client();
        let outbox = OutboxConfig {
            window: WINDOW,
            ..OutboxConfig::new(self.config.url.clone(), format!("{client}-uplink"))
        };
        let (outbox, connection) = outbox.open_over_mqtt_5();
        let (asks, asked) = mpsc::channel(1);
        let subscription = Subscription {
            url: self.config.url.clone(),
            client_id: format!("{client}-asks"),
            filters: vec![Ask::topic(&self.config.edge)],
            qos: Qos::AtMostOnce,
            idle_timeout: IDLE,
            clock: self.clock.clone(),
        };
        let status = watch::Sender::new(ConnectionStatus::default());
        let consumed = broker::consume(subscription, asks, status, stop.clone());
        info!(broker = %self.config.url, edge = self.config.edge, "what is stored from now on is forwarded");
        let sending = async {
            let mut sending = Sending::resume(self, outbox).await;
            sending.run(asked).await;
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = connection => {}
            () = async { tokio::join!(sending, consumed); } => {}
        }
    }
}

/// What is under way.
struct Sending {
    uplink: Uplink,
    topic: String,
    run: JournalRun,
    outbox: Outbox,
    progress: Progress,
    /// Whether the store does not have the progress as it is.
    is_changed: bool,
    in_flight: FuturesUnordered<BoxFuture<'static, Outcome>>,
    backoff: Backoff,
    /// Until when nothing is sent, because a batch was not taken.
    paused_until: Instant,
    told_at: Option<Instant>,
}

impl Sending {
    async fn resume(uplink: Uplink, outbox: Outbox) -> Self {
        let (retry, journal) = (Retry::new(uplink.counters.store_failures.clone()), &uplink.journal);
        let run = retry.call(|| journal.start_journal()).await;
        let stored = retry.call(|| journal.journal_progress()).await;
        let last = retry.call(|| journal.last_number()).await;
        Self {
            topic: uplink_topic(&uplink.config.edge),
            run,
            outbox,
            progress: Progress::resume(stored, last),
            is_changed: false,
            in_flight: FuturesUnordered::new(),
            backoff: Backoff::new(AGAIN[0], AGAIN[1]),
            paused_until: Instant::now(),
            told_at: None,
            uplink,
        }
    }

    async fn run(&mut self, mut asked: mpsc::Receiver<Delivery<Published>>) {
        let mut tick = tokio::time::interval(self.uplink.config.every);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            self.uplink.counters.show(&self.progress.counts());
            tokio::select! {
                _ = tick.tick() => self.look().await,
                Some(outcome) = self.in_flight.next() => self.settle(outcome),
                () = tokio::time::sleep_until(self.paused_until), if self.is_paused() => {}
                Some(delivery) = asked.recv() => self.hear(&delivery.split().0.payload),
            }
            self.note().await;
            self.send().await;
        }
    }

    /// Looks how far the journal is.
    async fn look(&mut self) {
        match self.uplink.journal.last_number().await {
            Ok(last) => self.progress.grown_to(last),
            Err(e) => self.failed(&e),
        }
    }

    fn failed(&self, error: &store::Unavailable) {
        self.uplink.counters.store_failures.inc();
        warn!("the uplink waits for the store: {error}");
    }

    /// Sends as much as there is room for.
    async fn send(&mut self) {
        while self.in_flight.len() < usize::from(WINDOW) && !self.is_paused() {
            let Some(numbers) = self.next() else { return };
            let refused = self.progress.refused(&numbers);
            let others = self.progress.counts().unsent.saturating_sub(numbers.count());
            let head = Head {
                run: self.run,
                told_at: self.uplink.clock.wall(),
                last: self.progress.last(),
                unsent: others,
            };
            match Batch::read(self.uplink.journal.as_ref(), head, numbers.clone(), refused).await {
                Ok(batch) if batch.fits() || !self.progress.halve(&numbers) => self.publish(batch),
                Ok(_) => {
                    self.uplink.counters.halved.inc();
                }
                Err(e) => {
                    self.failed(&e);
                    self.progress.put_back(&numbers);
                    self.pause();
                }
            }
        }
    }

    /// The next numbers; none of them where it is only to be told how far the journal is.
    fn next(&mut self) -> Option<NumberSet> {
        let is_due = self.told_at.is_none_or(|at| at.elapsed() >= TELL_EVERY);
        let numbers = self.progress.next(MAX_READINGS);
        numbers.or_else(|| (is_due && self.in_flight.is_empty()).then(NumberSet::default))
    }

    fn publish(&mut self, batch: Batch) {
        self.told_at = Some(Instant::now());
        let (outbox, topic) = (self.outbox.clone(), self.topic.clone());
        self.in_flight.push(Box::pin(async move {
            let acked = match outbox.publish_over(&topic, batch.payload.clone(), CONNECTIONS).await {
                Ok(ack) => ack.acked().await,
                // An edge's name is a topic, and a batch is smaller than a packet.
                Err(_) => None,
            };
            (batch, acked)
        }));
    }

    fn settle(&mut self, (batch, acked): Outcome) {
        let counters = &self.uplink.counters;
        match acked.map(|acked| acked.answer) {
            Some(Answer::Taken) => {
                counters.batches.inc();
                counters.bytes.inc_by(batch.payload.len() as u64);
                self.progress.acked(&batch.numbers, &batch.gone);
                self.is_changed |= !batch.numbers.is_empty();
                self.backoff = Backoff::new(AGAIN[0], AGAIN[1]);
            }
            Some(Answer::Refused) => {
                counters.not_taken.inc();
                warn!(readings = batch.numbers.count(), "the cloud's broker refuses a batch: it is halved");
                self.refused(&batch.numbers);
            }
            Some(Answer::Failed) if self.progress.halve(&batch.numbers) => {
                counters.not_taken.inc();
                counters.halved.inc();
                self.pause();
            }
            // The batch may be why connections end, but one reading is not.
            None if self.progress.halve(&batch.numbers) => {
                counters.halved.inc();
            }
            None => self.progress.put_back(&batch.numbers),
            Some(answer) => {
                counters.not_taken.inc();
                self.progress.put_back(&batch.numbers);
                let wait = self.pause();
                warn!(retry_in = ?wait, "the cloud's broker does not take a batch: {}", why(answer));
            }
        }
    }

    fn refused(&mut self, numbers: &NumberSet) {
        if self.progress.refuse(numbers) {
            self.uplink.counters.halved.inc();
        }
        // A broker may refuse whatever comes.
        self.pause();
    }

    fn is_paused(&self) -> bool {
        Instant::now() < self.paused_until
    }

    fn pause(&mut self) -> Duration {
        let wait = self.backoff.after(Duration::ZERO);
        self.paused_until = Instant::now() + wait;
        wait
    }

    /// The cloud asks for what it does not have.
    fn hear(&mut self, payload: &Bytes) {
        let Some(ask) = Ask::read(payload).filter(|ask| ask.run == self.run) else { return };
        let again = self.progress.ask(&ask.missing);
        if again > 0 {
            self.uplink.counters.asked.inc_by(again);
            self.is_changed = true;
            warn!(readings = again, "the cloud lacks readings that its broker had acknowledged: sent again");
        }
    }

    /// Notes how far it has come. A store that fails is asked again with the next acknowledgement: what it does not know is
    /// sent again, which does no harm.
    async fn note(&mut self) {
        if !self.is_changed {
            return;
        }
        match self.uplink.journal.set_journal_progress(self.progress.stored().clone()).await {
            Ok(()) => self.is_changed = false,
            Err(e) => self.failed(&e),
        }
    }
}

fn why(answer: Answer) -> &'static str {
    match answer {
        Answer::NobodySubscribes => "nobody takes uplink/#: is the cloud's db-writer set up?",
        Answer::QuotaExceeded => "it has no room now",
        Answer::NotAuthorized => "this user may not publish there: it must be the device of the edge's name",
        Answer::Failed | Answer::Refused | Answer::Taken => "it says no reason",
    }
}
