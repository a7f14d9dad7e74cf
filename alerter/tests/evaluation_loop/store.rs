//! A store that notes what is recorded, and fails as often as a test wants it to.

mod delegated;

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use store::{
    Acknowledgement, AlertState, Batch, Bucket, Changes, ConditionKind, End, History, Incident,
    IncidentQuery, IncidentSummary, Incidents, Latest, Lease, Leases, Page, ReadingQuery, Result, Sqlite,
    Store, TimeRange, Transition, Unavailable,
};
use telemetry::{Clock, Reading, Series, SystemClock};
use tempfile::TempDir;
use testkit::{MemoryStore, PausableClock};

use crate::journal::Journal;

pub(crate) struct Watched {
    inner: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) journal: Journal,
    pub(crate) records_fail: AtomicUsize,
    pub(crate) standings_fail: AtomicUsize,
    pub(crate) latest_fail: AtomicUsize,
    /// Calls that acquire the lease for absence.
    pub(crate) holds_fail: AtomicUsize,
    /// Records are stored, but the calls never return.
    pub(crate) is_mute: AtomicBool,
    _folder: Option<TempDir>,
}

pub(crate) fn fail_next(calls: &AtomicUsize, times: usize) {
    calls.store(times, Ordering::Relaxed);
}

fn fails(calls: &AtomicUsize) -> Result<()> {
    match calls.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)) {
        Ok(_) => Err(Unavailable(std::io::Error::other("the disk is full").into())),
        Err(_) => Ok(()),
    }
}

impl Watched {
    /// A store on disk, and the machine's clock.
    pub(crate) fn fresh() -> Arc<Self> {
        let folder = tempfile::tempdir().unwrap();
        let inner = Sqlite::open(&folder.path().join(store::FILE)).unwrap();
        Self::of(Arc::new(inner), Arc::new(SystemClock::default()), Some(folder))
    }

    /// A store in memory, and the runtime's clock, for tests that let time pass without waiting.
    pub(crate) fn in_paused_time() -> Arc<Self> {
        let clock = Arc::new(PausableClock::default());
        Self::of(Arc::new(MemoryStore::with_clock(clock.clone())), clock, None)
    }

    fn of(inner: Arc<dyn Store>, clock: Arc<dyn Clock>, folder: Option<TempDir>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            clock,
            journal: Journal::default(),
            records_fail: AtomicUsize::new(0),
            standings_fail: AtomicUsize::new(0),
            latest_fail: AtomicUsize::new(0),
            holds_fail: AtomicUsize::new(0),
            is_mute: AtomicBool::new(false),
            _folder: folder,
        })
    }

    /// The time by the store's clock.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.wall()
    }

    /// Stores a reading as db-writer does.
    pub(crate) async fn know(&self, topic: &str, received_at: Timestamp) {
        let reading = Reading {
            series: Series::parse(topic).unwrap(),
            value: 20.0,
            unit: None,
            measured_at: received_at,
            received_at,
            boot: None,
            seq: None,
        };
        self.inner.write(&Batch { readings: vec![reading], ..Batch::default() }.into()).await.unwrap();
    }

    /// All incidents, by rule and opening.
    pub(crate) async fn all(&self) -> Vec<Incident> {
        let query = IncidentQuery { limit: 1_000, ..IncidentQuery::default() };
        let mut all = self.inner.incidents(&query).await.unwrap();
        all.sort_by(|a, b| (&a.rule, a.opened_at, &a.device).cmp(&(&b.rule, b.opened_at, &b.device)));
        all
    }

    /// The only incident.
    pub(crate) async fn only(&self) -> Incident {
        let [incident] = self.all().await.try_into().unwrap();
        incident
    }
}

/// `^26` opened by 26; `absent lab`; `*27` a peak; `!` announced; `v24` resolved; `x` rule gone. Nothing: a phase alone.
fn words(changes: &Changes) -> String {
    let words = changes.transitions.iter().map(|transition| match transition {
        Transition::Opened(opened, _) if opened.condition.kind == ConditionKind::Absent => {
            format!("absent {}", opened.device)
        }
        Transition::Opened(opened, _) => format!("^{}", opened.value.unwrap()),
        Transition::Announced { .. } => "!".into(),
        Transition::Peaked { value, .. } => format!("*{value}"),
        Transition::Resolved { end: End::RuleRemoved, .. } => "x".into(),
        Transition::Resolved { value, .. } => format!("v{}", value.unwrap()),
    });
    words.collect::<Vec<_>>().join(" ")
}

#[async_trait]
impl History for Watched {
    async fn latest(&self) -> Result<Vec<Latest>> {
        fails(&self.latest_fail)?;
        self.inner.latest().await
    }

    async fn readings(&self, query: ReadingQuery) -> Result<Page> {
        self.inner.readings(query).await
    }

    async fn buckets(
        &self,
        device: &str,
        metric: &str,
        range: TimeRange,
        points: usize,
    ) -> Result<Vec<Bucket>> {
        self.inner.buckets(device, metric, range, points).await
    }

    async fn last(&self, series: &Series, before: Timestamp, limit: usize) -> Result<Vec<Reading>> {
        self.inner.last(series, before, limit).await
    }

    async fn time_bounds(&self, device: &str, metric: &str) -> Result<Option<(Timestamp, Timestamp)>> {
        self.inner.time_bounds(device, metric).await
    }
}

#[async_trait]
impl Incidents for Watched {
    async fn record(&self, changes: &Changes) -> Result<()> {
        fails(&self.records_fail).inspect_err(|_| self.journal.note("fail record"))?;
        self.inner.record(changes).await?;
        self.journal.note(format!("record {}", words(changes)).trim_end());
        if self.is_mute.load(Ordering::Relaxed) {
            pending::<()>().await;
        }
        Ok(())
    }

    async fn alert_states(&self) -> Result<Vec<AlertState>> {
        fails(&self.standings_fail)?;
        self.inner.alert_states().await
    }

    async fn incidents(&self, query: &IncidentQuery) -> Result<Vec<Incident>> {
        self.inner.incidents(query).await
    }

    async fn open_count(&self) -> Result<u64> {
        self.inner.open_count().await
    }

    async fn incident_summaries(&self, query: &IncidentQuery) -> Result<Vec<IncidentSummary>> {
        self.inner.incident_summaries(query).await
    }

    async fn acknowledge(&self, incidents: &[String], acknowledgement: &Acknowledgement) -> Result<u64> {
        self.inner.acknowledge(incidents, acknowledgement).await
    }
}

#[async_trait]
impl Leases for Watched {
    async fn acquire(&self, lease: Lease, holder: &str, ttl: Duration) -> Result<bool> {
        if lease == Lease::Absence {
            fails(&self.holds_fail)?;
        }
        self.inner.acquire(lease, holder, ttl).await
    }

    async fn take_over(&self, lease: Lease, holder: &str, ttl: Duration) -> Result<()> {
        self.inner.take_over(lease, holder, ttl).await
    }

    async fn release(&self, lease: Lease, holder: &str) -> Result<()> {
        self.inner.release(lease, holder).await
    }
}
