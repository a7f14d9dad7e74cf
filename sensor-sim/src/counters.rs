//! Counts the readings that were sent and acked.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde::Serialize;
use telemetry::Series;
use tracing::error;

use crate::numbered_series::{NumberedSeries, Sent};

/// The longest wait for a PUBACK that is recorded exactly; longer ones count as this one.
const DAY_MICROS: u64 = 24 * 3600 * 1_000_000;

/// What was sent and acked so far, in readings; shared by all connections.
#[derive(Debug)]
pub struct Counters {
    started: Instant,
    sent: AtomicU64,
    acked: AtomicU64,
    acks: Mutex<Acks>,
    series: Mutex<Vec<Arc<NumberedSeries>>>,
    bad_acked: AtomicU64,
    not_taken: Mutex<NotTaken>,
    log: Option<Mutex<File>>,
    log_failed: AtomicBool,
}

/// Topics that are named of those that nobody takes, at most.
const MAX_TOPICS: usize = 10;

/// Readings whose PUBACK said that nobody takes them.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct NotTaken {
    /// How many.
    pub readings: u64,
    /// How many of each topic, at most ten.
    pub topics: BTreeMap<String, u64>,
    /// How many of further topics.
    pub others: u64,
}

#[derive(Debug)]
struct Acks {
    last: Option<Instant>,
    micros: Histogram<u64>,
}

/// The result of a run. Counts are readings, each once however often it was published.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Readings handed to a connection.
    pub sent: u64,
    /// Readings whose PUBACK has come.
    pub acked: u64,
    /// Payloads that are no readings, sent on purpose and acked.
    pub bad_acked: u64,
    /// Acked readings of which the broker said that nobody takes them; a replay asks for it.
    pub not_taken: u64,
    /// From the start to the last PUBACK.
    pub seconds: f64,
    /// Acked readings per second.
    pub rate: f64,
    /// How long messages waited for their PUBACK.
    pub puback_ms: PubackMs,
    /// What each device sent; a device that sent nothing is left out, and one whose readings keep recorded numbers.
    pub devices: Vec<Sent>,
    /// How many devices sent something, and of how many metrics in all.
    #[serde(skip)]
    pub devices_and_metrics: (usize, usize),
    /// What was not taken, by topic.
    #[serde(skip)]
    pub not_taken_of: NotTaken,
}

/// How long messages waited for their PUBACK, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PubackMs {
    /// The median.
    pub p50: f64,
    /// The 95th percentile.
    pub p95: f64,
    /// The 99th percentile.
    pub p99: f64,
    /// The longest.
    pub max: f64,
}

impl Default for Counters {
    fn default() -> Self {
        let micros = Histogram::new_with_bounds(1, DAY_MICROS, 3).expect("the bounds are in order");
        Self {
            started: Instant::now(),
            sent: AtomicU64::default(),
            acked: AtomicU64::default(),
            acks: Mutex::new(Acks { last: None, micros }),
            series: Mutex::default(),
            bad_acked: AtomicU64::default(),
            not_taken: Mutex::default(),
            log: None,
            log_failed: AtomicBool::default(),
        }
    }
}

impl Counters {
    /// Also writes a line `device boot seq` for each reading that is acked, never for one that is not.
    ///
    /// # Errors
    /// The file cannot be created.
    pub fn logging_to(path: &Path) -> io::Result<Self> {
        Ok(Self { log: Some(Mutex::new(File::create(path)?)), ..Self::default() })
    }

    /// Begins to number the readings of a series.
    pub(crate) fn series(&self, series: Series, unit: Option<String>, boot: u64) -> Arc<NumberedSeries> {
        let numbered = Arc::new(NumberedSeries::new(series, unit, boot));
        lock(&self.series).push(Arc::clone(&numbered));
        numbered
    }

    /// Begins to count readings that keep the numbers that they were recorded with.
    pub(crate) fn recorded_series(&self, series: Series, unit: Option<String>) -> Arc<NumberedSeries> {
        let recorded = Arc::new(NumberedSeries::recorded(series, unit));
        lock(&self.series).push(Arc::clone(&recorded));
        recorded
    }

    pub(crate) fn is_logging(&self) -> bool {
        self.log.is_some()
    }

    pub(crate) fn sent(&self, count: u64) {
        self.sent.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn acked(&self, series: &NumberedSeries, first_seq: u64, count: u64, waited: Duration) {
        if let Some(log) = &self.log {
            self.write(&mut lock(log), series, first_seq..first_seq + count);
        }
        self.acked.fetch_add(count, Ordering::Relaxed);
        series.waited(waited);
        let mut acks = lock(&self.acks);
        acks.last = Some(Instant::now());
        acks.micros.saturating_record(u64::try_from(waited.as_micros()).unwrap_or(u64::MAX));
    }

    pub(crate) fn bad_acked(&self) {
        self.bad_acked.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts readings that were acked, though nobody takes them.
    pub(crate) fn not_taken(&self, series: &NumberedSeries, count: u64) {
        lock(&self.not_taken).add(series.series().as_str(), count);
    }

    fn write(&self, log: &mut File, series: &NumberedSeries, seqs: std::ops::Range<u64>) {
        // Replays refuse a log where the readings keep other numbers.
        let Some(boot) = series.boot() else { return };
        let line = |seq| format!("{} {boot} {seq}\n", series.series().device());
        let lines: String = seqs.map(line).collect();
        if let Err(e) = log.write_all(lines.as_bytes())
            && !self.log_failed.swap(true, Ordering::Relaxed)
        {
            error!("cannot write the log of acked readings: {e}");
        }
    }

    /// Whether a line of the log is missing.
    #[must_use]
    pub fn log_failed(&self) -> bool {
        self.log_failed.load(Ordering::Relaxed)
    }

    /// The counts so far.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let acked = self.acked.load(Ordering::Relaxed);
        let acks = lock(&self.acks);
        let until = acks.last.unwrap_or_else(Instant::now);
        let seconds = until.duration_since(self.started).as_secs_f64();
        let millis = |micros: u64| micros as f64 / 1e3;
        let not_taken_of = lock(&self.not_taken).clone();
        let devices = lock(&self.series).iter().filter_map(|series| series.sent()).collect();
        Summary {
            sent: self.sent.load(Ordering::Relaxed),
            acked,
            bad_acked: self.bad_acked.load(Ordering::Relaxed),
            not_taken: not_taken_of.readings,
            seconds: rounded(seconds, 1e3),
            rate: rounded(acked as f64 / seconds.max(1e-6), 10.0),
            puback_ms: PubackMs {
                p50: millis(acks.micros.value_at_quantile(0.5)),
                p95: millis(acks.micros.value_at_quantile(0.95)),
                p99: millis(acks.micros.value_at_quantile(0.99)),
                max: millis(acks.micros.max()),
            },
            devices,
            devices_and_metrics: self.devices_and_metrics(),
            not_taken_of,
        }
    }
}

impl Counters {
    fn devices_and_metrics(&self) -> (usize, usize) {
        let all = lock(&self.series);
        let sent = || all.iter().filter(|series| series.count() > 0).map(|series| series.series());
        let devices: HashSet<_> = sent().map(Series::device).collect();
        let metrics: HashSet<_> = sent().map(Series::metric).collect();
        (devices.len(), metrics.len())
    }
}

impl NotTaken {
    fn add(&mut self, topic: &str, count: u64) {
        self.readings += count;
        if self.topics.len() < MAX_TOPICS || self.topics.contains_key(topic) {
            *self.topics.entry(topic.to_owned()).or_default() += count;
        } else {
            self.others += count;
        }
    }
}

/// `5 of power/lab, 3 of other topics`.
impl fmt::Display for NotTaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let topics = self.topics.iter().map(|(topic, count)| format!("{count} of {topic}"));
        let others = (self.others > 0).then(|| format!("{} of other topics", self.others));
        f.write_str(&topics.chain(others).collect::<Vec<_>>().join(", "))
    }
}

/// `1 device`, `2 devices`.
fn plural(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no code panics while it counts")
}

fn rounded(value: f64, steps_per_unit: f64) -> f64 {
    (value * steps_per_unit).round() / steps_per_unit
}

impl Summary {
    /// Readings that were sent and have no PUBACK.
    #[must_use]
    pub fn unacked(&self) -> u64 {
        self.sent.saturating_sub(self.acked)
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let PubackMs { p50, p95, p99, max } = self.puback_ms;
        let Self { sent, acked, seconds, rate, devices_and_metrics: (devices, metrics), .. } = self;
        let (devices, metrics) = (plural(*devices, "device"), plural(*metrics, "metric"));
        writeln!(f, "sent {sent} readings of {devices} and {metrics}, acked {acked}")?;
        writeln!(f, "{seconds} s, {rate} readings/s")?;
        write!(f, "PUBACK after {p50} ms (p50), {p95} ms (p95), {p99} ms (p99), {max} ms (max)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::NamedTempFile;

    fn series_of(device: &str) -> Series {
        Series::new("temperature", device).unwrap()
    }

    #[test]
    fn a_summary_counts_readings_and_waits_of_messages() {
        let counters = Counters::default();
        let lab = counters.series(series_of("lab"), None, 7);
        counters.series(series_of("roof"), None, 7);
        lab.advance(30);
        counters.sent(30);
        for (first_seq, millis) in [(1, 1), (11, 20), (21, 3_600_000)] {
            counters.acked(&lab, first_seq, 10, Duration::from_millis(millis));
        }
        let summary = counters.summary();
        assert_eq!((summary.sent, summary.acked, summary.unacked()), (30, 30, 0));
        let lab =
            Sent { device: "lab".into(), boot: 7, first_seq: 1, last_seq: 30, puback_max_ms: 3_600_000.0 };
        assert_eq!(summary.devices, [lab], "a device that sent nothing is left out");
        let PubackMs { p50, max, .. } = summary.puback_ms;
        assert!((20.0..20.1).contains(&p50) && (3_600_000.0..3_604_000.0).contains(&max), "{p50} {max}");
    }

    #[test]
    fn few_topics_that_nobody_takes_are_named_and_all_their_readings_are_counted() {
        let mut not_taken = NotTaken::default();
        for number in 0..MAX_TOPICS + 5 {
            not_taken.add(&format!("power/{number:02}"), 2);
            not_taken.add("power/00", 1);
        }
        assert_eq!((not_taken.readings, not_taken.topics.len(), not_taken.others), (45, MAX_TOPICS, 10));
        let text = not_taken.to_string();
        assert!(
            text.starts_with("17 of power/00, 2 of power/01, ") && text.ends_with("10 of other topics"),
            "{text}"
        );
    }

    #[test]
    fn the_json_has_exactly_the_promised_fields() {
        let counters = Counters::default();
        counters.series(series_of("lab"), None, 7).advance(2);
        counters.sent(2);
        let mut json: serde_json::Value = serde_json::to_value(counters.summary()).unwrap();
        json["seconds"] = 1.into();
        let expected = serde_json::json!({
            "sent": 2, "acked": 0, "bad_acked": 0, "not_taken": 0, "seconds": 1, "rate": 0.0,
            "puback_ms": {"p50": 0.0, "p95": 0.0, "p99": 0.0, "max": 0.0},
            "devices": [{"device": "lab", "boot": 7, "first_seq": 1, "last_seq": 2, "puback_max_ms": 0.0}],
        });
        assert_eq!(json, expected);
    }

    #[test]
    fn the_log_has_a_line_for_each_reading_that_is_acked() {
        let file = NamedTempFile::new().unwrap();
        let counters = Counters::logging_to(file.path()).unwrap();
        let series = counters.series(series_of("site/lab"), None, 7);
        counters.acked(&series, 1, 1, Duration::ZERO);
        counters.acked(&series, 5, 2, Duration::ZERO);
        assert_eq!(
            std::fs::read_to_string(file.path()).unwrap(),
            "site/lab 7 1\nsite/lab 7 5\nsite/lab 7 6\n"
        );
        assert!(!counters.log_failed());
    }

    #[test]
    fn a_failed_write_of_the_log_is_reported() {
        let counters = Counters::logging_to(Path::new("/dev/full")).unwrap();
        counters.acked(&counters.series(series_of("lab"), None, 7), 1, 1, Duration::ZERO);
        assert!(counters.log_failed());
    }
}
