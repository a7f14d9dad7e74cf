//! The harness of the writer: a broker that waits for its receipts, and a store that fails on request.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use broker::{Delivery, Outcome};
use bytes::Bytes;
use db_writer::{Config, Counters};
use jiff::Timestamp;
use service::{Health, Metrics};
use store::{
    AttributeStore, Batch, ReadingStore, RejectionQuota, RetentionClock, RolledUp, Unavailable, Written,
};
use telemetry::{Attribute, Decoded, Message};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Of paused time: longer than any wait of the writer.
const BOUND: Duration = Duration::from_secs(3600);

/// What happened, in order; with every entry it is checked that the counters add up.
#[derive(Clone)]
pub(crate) struct Journal {
    lines: watch::Sender<Vec<String>>,
    counters: Counters,
}

impl Journal {
    fn note(&self, line: String) {
        self.check_conserved();
        self.lines.send_modify(|lines| lines.push(line));
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.borrow().clone()
    }

    pub(crate) fn check_conserved(&self) {
        let Counters { received, stored, duplicate, rejected, in_flight, .. } = &self.counters;
        let in_flight = u64::try_from(in_flight.get()).unwrap();
        assert_eq!(received.get(), stored.get() + duplicate.get() + rejected.get() + in_flight);
    }
}

/// Stores batches in memory, fails as often as a test says, and waits while its gate is closed.
pub(crate) struct FakeStore {
    journal: Journal,
    gate: Semaphore,
    failures: AtomicUsize,
    kept: Mutex<HashSet<Vec<u8>>>,
    pub(crate) batches: Mutex<Vec<Batch>>,
    pub(crate) retention: Mutex<Option<RetentionClock>>,
}

impl FakeStore {
    pub(crate) fn close_gate(&self) {
        self.gate.forget_permits(Semaphore::MAX_PERMITS);
    }

    pub(crate) fn open_gate(&self) {
        self.gate.add_permits(Semaphore::MAX_PERMITS - self.gate.available_permits());
    }

    pub(crate) fn fail_next(&self, times: usize) {
        self.failures.store(times, Ordering::Relaxed);
    }

    fn fails(&self) -> bool {
        let less = |left: usize| left.checked_sub(1);
        self.failures.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }

    fn unavailable(&self) -> Unavailable {
        Unavailable(std::io::Error::other("the disk is full").into())
    }
}

#[async_trait]
impl AttributeStore for FakeStore {
    async fn attributes(&self) -> store::Result<Vec<Attribute>> {
        if self.fails() {
            return Err(self.unavailable());
        }
        Ok(vec![Attribute::new("lab", "mode", "heat", Timestamp::UNIX_EPOCH).unwrap()])
    }

    async fn attributes_of(&self, _: &str) -> store::Result<Vec<Attribute>> {
        self.attributes().await
    }
}

#[async_trait]
impl ReadingStore for FakeStore {
    async fn write(&self, batch: &Arc<Batch>) -> store::Result<Written> {
        let _open = self.gate.acquire().await.unwrap();
        // A disk takes its time, in which the receipts of the last batch are noted.
        tokio::time::sleep(Duration::from_millis(1)).await;
        let count = batch.readings.len() + batch.rejected.len();
        if self.fails() {
            self.journal.note(format!("fail {count}"));
            return Err(self.unavailable());
        }
        self.journal.note(format!("write {count}"));
        self.batches.lock().unwrap().push(Batch::clone(batch));
        let mut kept = self.kept.lock().unwrap();
        let stored = batch.readings.iter().filter(|reading| kept.insert(reading.to_payload())).count();
        Ok(Written {
            stored: stored as u64,
            duplicate: (batch.readings.len() - stored) as u64,
            rejected: batch.rejected.len() as u64,
        })
    }

    async fn probe(&self) -> store::Result<()> {
        match self.failures.load(Ordering::Relaxed) {
            0 => Ok(()),
            _ => Err(self.unavailable()),
        }
    }

    async fn roll_up(&self, _: Timestamp) -> store::Result<RolledUp> {
        match self.fails() {
            true => Err(self.unavailable()),
            false => Ok(RolledUp::default()),
        }
    }

    async fn keep_quota(&self, quota: RejectionQuota) -> store::Result<u64> {
        self.journal.note(format!("keep {} rejections", quota.rows));
        Ok(7)
    }

    async fn purge(&self, older_than: Timestamp) -> store::Result<u64> {
        if self.fails() {
            self.journal.note("fail purge".into());
            return Err(self.unavailable());
        }
        let age = Timestamp::now().duration_since(older_than).as_hours() / 24;
        self.journal.note(format!("purge {age} days"));
        Ok(3)
    }

    async fn retention_clock(&self) -> store::Result<Option<RetentionClock>> {
        Ok(*self.retention.lock().unwrap())
    }

    async fn set_retention_clock(&self, clock: RetentionClock) -> store::Result<()> {
        *self.retention.lock().unwrap() = Some(clock);
        Ok(())
    }
}

/// A writer that runs, and all that a test can see of it.
pub(crate) struct Harness {
    broker: mpsc::Sender<Delivery<Arc<Decoded>>>,
    given: AtomicUsize,
    pub(crate) store: Arc<FakeStore>,
    pub(crate) counters: Counters,
    pub(crate) health: Health,
    pub(crate) journal: Journal,
    writer: JoinHandle<()>,
}

impl Harness {
    pub(crate) fn start(config: Config) -> Self {
        Self::start_ahead(config, 1_000)
    }

    /// With so many messages between broker and writer.
    pub(crate) fn start_ahead(config: Config, ahead: usize) -> Self {
        let counters = Counters::register(&Metrics::default(), Arc::new(telemetry::SystemClock::default()));
        let health = Health::default();
        let journal = Journal { lines: watch::Sender::default(), counters: counters.clone() };
        let store = Arc::new(FakeStore {
            journal: journal.clone(),
            gate: Semaphore::new(Semaphore::MAX_PERMITS),
            failures: AtomicUsize::new(0),
            kept: Mutex::default(),
            batches: Mutex::default(),
            retention: Mutex::default(),
        });
        let (broker, deliveries) = mpsc::channel(ahead);
        let ready = health.check("store");
        let writer =
            tokio::spawn(db_writer::run(config, deliveries.into(), store.clone(), counters.clone(), ready));
        Self { broker, given: AtomicUsize::new(0), store, counters, health, journal, writer }
    }

    /// Publishes to `temperature/lab`; how it was settled is noted as `<n> done`, from 0 on.
    pub(crate) fn give(&self, payload: &str) {
        let number = self.given.fetch_add(1, Ordering::Relaxed);
        let (delivery, receipt) = Delivery::tracked(decoded(payload, number));
        self.broker.try_send(delivery).unwrap();
        let journal = self.journal.clone();
        tokio::spawn(async move {
            let word = match receipt.outcome().await {
                Outcome::Done => "done",
                Outcome::Retry => "retry",
                Outcome::Reject => "reject",
            };
            journal.note(format!("{number} {word}"));
        });
    }

    /// Publishes what holds a reading and says this of the device `lab`.
    pub(crate) fn give_attribute(&self, name: &str, value: &str) {
        let mut decoded = Decoded::clone(&decoded("1", self.given.fetch_add(1, Ordering::Relaxed)));
        let attribute = Attribute::new("lab", name, value, decoded.received_at);
        let metadata = decoded.metadata.get_or_insert_default();
        metadata.refused_attributes = usize::from(attribute.is_none());
        metadata.attributes.extend(attribute);
        self.broker.try_send(Delivery::tracked(Arc::new(decoded)).0).unwrap();
    }

    /// Publishes and does not wait for the receipt.
    pub(crate) fn give_and_go(&self, payload: &str) {
        let number = self.given.fetch_add(1, Ordering::Relaxed);
        let (delivery, _) = Delivery::tracked(decoded(payload, number));
        self.broker.try_send(delivery).unwrap();
    }

    pub(crate) fn has_room(&self) -> bool {
        self.broker.capacity() > 0
    }

    /// Waits until something holds.
    pub(crate) async fn until(&self, holds: impl Fn(&Self) -> bool) {
        let wait = async {
            while !holds(self) {
                self.journal.check_conserved();
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(BOUND, wait).await.unwrap_or_else(|_| panic!("{:?}", self.journal.lines()));
    }

    /// Waits until so many lines are in the journal.
    pub(crate) async fn journal_has(&self, lines: usize) -> Vec<String> {
        let mut journal = self.journal.lines.subscribe();
        let has = timeout(BOUND, journal.wait_for(|journal| journal.len() >= lines));
        has.await.unwrap_or_else(|_| panic!("{:?}", self.journal.lines())).unwrap().clone()
    }

    /// Ends the stream and waits for the writer.
    pub(crate) async fn end(self) -> Vec<String> {
        drop(self.broker);
        timeout(BOUND, self.writer).await.expect("the writer ends with its stream").unwrap();
        // The receipts' tasks have their turn.
        tokio::time::sleep(Duration::from_millis(1)).await;
        self.journal.check_conserved();
        assert_eq!(self.counters.in_flight.get(), 0);
        self.journal.lines()
    }

    /// Ends the writer as a crash does, wherever it stands.
    pub(crate) async fn crash(self) -> Vec<String> {
        self.writer.abort();
        assert!(self.writer.await.unwrap_err().is_cancelled());
        tokio::time::sleep(Duration::from_millis(1)).await;
        self.journal.lines()
    }
}

/// Each taken a second after the one before.
fn decoded(payload: &str, number: usize) -> Arc<Decoded> {
    let message = Message {
        topic: "temperature/lab".into(),
        payload: Bytes::copy_from_slice(payload.as_bytes()),
        received_at: taken_at(number),
    };
    Arc::new(message.decode())
}

/// When the broker took the message of this number.
pub(crate) fn taken_at(number: usize) -> Timestamp {
    Timestamp::from_second(1_768_473_000 + number as i64).unwrap()
}
