//! Counts what was sent and what came back.

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

use crate::stream::{Sent, Stream};

/// The longest wait for a PUBACK that is told apart from longer ones.
const DAY_MICROS: u64 = 24 * 3600 * 1_000_000;

/// What was sent and acked so far, in readings; shared by all connections.
#[derive(Debug)]
pub struct Tally {
    started: Instant,
    sent: AtomicU64,
    acked: AtomicU64,
    acks: Mutex<Acks>,
    streams: Mutex<Vec<Arc<Stream>>>,
    bad_acked: AtomicU64,
    log: Option<Mutex<File>>,
    log_failed: AtomicBool,
}

#[derive(Debug)]
struct Acks {
    last: Option<Instant>,
    micros: Histogram<u64>,
}

/// What came of it all. Counts are readings, each once however often it was published.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Readings handed to a connection.
    pub sent: u64,
    /// Readings whose PUBACK has come.
    pub acked: u64,
    /// Payloads that are no readings, sent on purpose and acked.
    pub bad_acked: u64,
    /// From the start to the last PUBACK.
    pub seconds: f64,
    /// Acked readings per second.
    pub rate: f64,
    /// How long messages waited for their PUBACK.
    pub puback_ms: PubackMs,
    /// What each device sent; a device that sent nothing is left out.
    pub devices: Vec<Sent>,
}

/// How long messages waited for their PUBACK, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PubackMs {
    /// The median.
    pub p50: f64,
    /// The 99th percentile.
    pub p99: f64,
    /// The longest.
    pub max: f64,
}

impl Default for Tally {
    fn default() -> Self {
        let micros = Histogram::new_with_bounds(1, DAY_MICROS, 3).expect("the bounds are in order");
        Self {
            started: Instant::now(),
            sent: AtomicU64::default(),
            acked: AtomicU64::default(),
            acks: Mutex::new(Acks { last: None, micros }),
            streams: Mutex::default(),
            bad_acked: AtomicU64::default(),
            log: None,
            log_failed: AtomicBool::default(),
        }
    }
}

impl Tally {
    /// Also writes a line `device boot seq` for each reading that is acked, never for one that is not.
    ///
    /// # Errors
    /// The file cannot be created.
    pub fn logging_to(path: &Path) -> io::Result<Self> {
        Ok(Self { log: Some(Mutex::new(File::create(path)?)), ..Self::default() })
    }

    /// Begins to number the readings of a topic.
    pub(crate) fn stream(&self, series: Series, unit: Option<String>, boot: u64) -> Arc<Stream> {
        let stream = Arc::new(Stream::new(series, unit, boot));
        lock(&self.streams).push(Arc::clone(&stream));
        stream
    }

    pub(crate) fn sent(&self, count: u64) {
        self.sent.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn acked(&self, stream: &Stream, first_seq: u64, count: u64, waited: Duration) {
        if let Some(log) = &self.log {
            self.write(&mut lock(log), stream, first_seq..first_seq + count);
        }
        self.acked.fetch_add(count, Ordering::Relaxed);
        stream.waited(waited);
        let mut acks = lock(&self.acks);
        acks.last = Some(Instant::now());
        acks.micros.saturating_record(u64::try_from(waited.as_micros()).unwrap_or(u64::MAX));
    }

    pub(crate) fn bad_acked(&self) {
        self.bad_acked.fetch_add(1, Ordering::Relaxed);
    }

    fn write(&self, log: &mut File, stream: &Stream, seqs: std::ops::Range<u64>) {
        let line = |seq| format!("{} {} {seq}\n", stream.topic().device(), stream.boot());
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

    /// What came of it so far.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let acked = self.acked.load(Ordering::Relaxed);
        let acks = lock(&self.acks);
        let until = acks.last.unwrap_or_else(Instant::now);
        let seconds = until.duration_since(self.started).as_secs_f64();
        let millis = |micros: u64| micros as f64 / 1e3;
        Summary {
            sent: self.sent.load(Ordering::Relaxed),
            acked,
            bad_acked: self.bad_acked.load(Ordering::Relaxed),
            seconds: rounded(seconds, 1e3),
            rate: rounded(acked as f64 / seconds.max(1e-6), 10.0),
            puback_ms: PubackMs {
                p50: millis(acks.micros.value_at_quantile(0.5)),
                p99: millis(acks.micros.value_at_quantile(0.99)),
                max: millis(acks.micros.max()),
            },
            devices: lock(&self.streams).iter().filter_map(|stream| stream.sent()).collect(),
        }
    }
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
        let PubackMs { p50, p99, max } = self.puback_ms;
        let Self { sent, acked, seconds, rate, devices, .. } = self;
        writeln!(f, "sent {sent} readings of {} devices, acked {acked}", devices.len())?;
        writeln!(f, "{seconds} s, {rate} readings/s")?;
        write!(f, "PUBACK after {p50} ms (p50), {p99} ms (p99), {max} ms (max)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::NamedTempFile;

    fn topic(device: &str) -> Series {
        Series::new("temperature", device).unwrap()
    }

    #[test]
    fn a_summary_counts_readings_and_waits_of_messages() {
        let tally = Tally::default();
        let lab = tally.stream(topic("lab"), None, 7);
        tally.stream(topic("roof"), None, 7);
        lab.advance(30);
        tally.sent(30);
        for (first_seq, millis) in [(1, 1), (11, 20), (21, 3_600_000)] {
            tally.acked(&lab, first_seq, 10, Duration::from_millis(millis));
        }
        let summary = tally.summary();
        assert_eq!((summary.sent, summary.acked, summary.unacked()), (30, 30, 0));
        let lab =
            Sent { device: "lab".into(), boot: 7, first_seq: 1, last_seq: 30, puback_max_ms: 3_600_000.0 };
        assert_eq!(summary.devices, [lab], "a device that sent nothing is left out");
        let PubackMs { p50, max, .. } = summary.puback_ms;
        assert!((20.0..20.1).contains(&p50) && (3_600_000.0..3_604_000.0).contains(&max), "{p50} {max}");
    }

    #[test]
    fn the_json_has_exactly_the_promised_fields() {
        let tally = Tally::default();
        tally.stream(topic("lab"), None, 7).advance(2);
        tally.sent(2);
        let mut json: serde_json::Value = serde_json::to_value(tally.summary()).unwrap();
        json["seconds"] = 1.into();
        let expected = serde_json::json!({
            "sent": 2, "acked": 0, "bad_acked": 0, "seconds": 1, "rate": 0.0,
            "puback_ms": {"p50": 0.0, "p99": 0.0, "max": 0.0},
            "devices": [{"device": "lab", "boot": 7, "first_seq": 1, "last_seq": 2, "puback_max_ms": 0.0}],
        });
        assert_eq!(json, expected);
    }

    #[test]
    fn the_log_has_a_line_for_each_reading_that_is_acked() {
        let file = NamedTempFile::new().unwrap();
        let tally = Tally::logging_to(file.path()).unwrap();
        let stream = tally.stream(topic("site/lab"), None, 7);
        tally.acked(&stream, 1, 1, Duration::ZERO);
        tally.acked(&stream, 5, 2, Duration::ZERO);
        assert_eq!(
            std::fs::read_to_string(file.path()).unwrap(),
            "site/lab 7 1\nsite/lab 7 5\nsite/lab 7 6\n"
        );
        assert!(!tally.log_failed());
    }

    #[test]
    fn a_log_that_cannot_be_written_is_not_passed_over() {
        let tally = Tally::logging_to(Path::new("/dev/full")).unwrap();
        tally.acked(&tally.stream(topic("lab"), None, 7), 1, 1, Duration::ZERO);
        assert!(tally.log_failed());
    }
}
