//! The readings of one series, numbered without a gap.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use telemetry::{Message, Reading, Series};

/// One measured value and its time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Measured {
    pub(crate) value: f64,
    pub(crate) at: Timestamp,
    /// The numbers that it had when it was recorded, if the recording has them.
    pub(crate) recorded: Option<RecordedNumbers>,
}

/// The numbers of a reading that was recorded with them; a device need not send any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RecordedNumbers {
    pub(crate) boot: Option<u64>,
    pub(crate) seq: Option<u64>,
}

/// Numbers the readings of one series within one boot, from 1.
///
/// A number is used up only once its reading is in the outbox, so that a send that is cancelled leaves no gap.
#[derive(Debug)]
pub(crate) struct NumberedSeries {
    series: Series,
    unit: Option<String>,
    /// None where the readings keep the numbers that they were recorded with.
    boot: Option<u64>,
    sent: AtomicU64,
    longest_wait_micros: AtomicU64,
    noted: AtomicBool,
}

/// Which readings of a device were sent, and how long it waited for a PUBACK at most.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sent {
    /// The device's name.
    pub device: String,
    /// The boot that the numbers belong to.
    pub boot: u64,
    /// The `seq` of the first reading.
    pub first_seq: u64,
    /// The `seq` of the last reading.
    pub last_seq: u64,
    /// The longest wait for a PUBACK, in milliseconds.
    pub puback_max_ms: f64,
}

impl NumberedSeries {
    pub(crate) fn new(series: Series, unit: Option<String>, boot: u64) -> Self {
        Self::with_boot(series, unit, Some(boot))
    }

    /// Readings that keep the numbers that they were recorded with.
    pub(crate) fn recorded(series: Series, unit: Option<String>) -> Self {
        Self::with_boot(series, unit, None)
    }

    fn with_boot(series: Series, unit: Option<String>, boot: Option<u64>) -> Self {
        let (sent, longest_wait_micros, noted) =
            (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
        Self { series, unit, boot, sent, longest_wait_micros, noted }
    }

    pub(crate) fn series(&self) -> &Series {
        &self.series
    }

    pub(crate) fn boot(&self) -> Option<u64> {
        self.boot
    }

    /// Notes that the series occurs; true the first time.
    pub(crate) fn note(&self) -> bool {
        !self.noted.swap(true, Ordering::Relaxed)
    }

    /// How many readings were sent.
    pub(crate) fn count(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    pub(crate) fn next_seq(&self) -> u64 {
        self.sent.load(Ordering::Relaxed) + 1
    }

    /// The next readings of this series; they are sent only with [`NumberedSeries::advance`].
    pub(crate) fn readings(&self, measured: &[Measured]) -> Vec<Reading> {
        let numbered = measured.iter().zip(self.next_seq()..);
        numbered.map(|(measured, seq)| self.reading(*measured, seq)).collect()
    }

    /// Why the pipeline would reject the next reading.
    pub(crate) fn refusal(&self, measured: Measured) -> Option<String> {
        let payload = self.reading(measured, self.next_seq()).to_payload();
        let message = Message {
            topic: self.series.to_string(),
            payload: payload.into(),
            received_at: Timestamp::now(),
        };
        message.decode().rejected.into_iter().next().map(|rejected| rejected.reason)
    }

    fn reading(&self, measured: Measured, seq: u64) -> Reading {
        let own = RecordedNumbers { boot: self.boot, seq: Some(seq) };
        let RecordedNumbers { boot, seq } = measured.recorded.unwrap_or(own);
        Reading {
            series: self.series.clone(),
            value: measured.value,
            unit: self.unit.clone(),
            measured_at: measured.at,
            received_at: measured.at,
            boot,
            seq,
        }
    }

    pub(crate) fn advance(&self, count: u64) {
        self.sent.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn waited(&self, for_puback: Duration) {
        let micros = u64::try_from(for_puback.as_micros()).unwrap_or(u64::MAX);
        self.longest_wait_micros.fetch_max(micros, Ordering::Relaxed);
    }

    /// The numbers that were sent. `None` while nothing was sent, or where the readings keep other numbers.
    pub(crate) fn sent(&self) -> Option<Sent> {
        let last_seq = self.sent.load(Ordering::Relaxed);
        let (device, boot) = (self.series.device().to_owned(), self.boot?);
        let puback_max_ms = self.longest_wait_micros.load(Ordering::Relaxed) as f64 / 1e3;
        (last_seq > 0).then_some(Sent { device, boot, first_seq: 1, last_seq, puback_max_ms })
    }
}

/// The boot of devices that start now: Unix milliseconds.
pub(crate) fn boot_of_now() -> u64 {
    u64::try_from(Timestamp::now().as_millisecond()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series() -> NumberedSeries {
        NumberedSeries::new(Series::parse("temperature/lab").unwrap(), Some("celsius".into()), 7)
    }

    fn measured(count: i64) -> Vec<Measured> {
        let at = |n| Timestamp::from_second(1_768_473_000 + n).unwrap();
        (0..count).map(|n| Measured { value: 20.5, at: at(n), recorded: None }).collect()
    }

    #[test]
    fn numbers_have_no_gap_though_readings_are_given_up() {
        let series = series();
        assert_eq!(series.sent(), None);
        let seqs = |readings: Vec<Reading>| readings.iter().map(|r| r.seq.unwrap()).collect::<Vec<_>>();
        assert_eq!(seqs(series.readings(&measured(2))), [1, 2]);
        assert_eq!(seqs(series.readings(&measured(1))), [1]);
        series.advance(1);
        assert_eq!(seqs(series.readings(&measured(2))), [2, 3]);
        series.advance(2);
        [2, 5, 3].into_iter().for_each(|millis| series.waited(Duration::from_millis(millis)));
        let expected = Sent { device: "lab".into(), boot: 7, first_seq: 1, last_seq: 3, puback_max_ms: 5.0 };
        assert_eq!(series.sent(), Some(expected));
    }

    #[test]
    fn one_reading_or_many_are_read_back_by_the_pipeline() {
        for count in [1, 2, 500] {
            let readings = series().readings(&measured(count));
            let message = Message {
                topic: "temperature/lab".into(),
                payload: telemetry::to_payload(&readings).into(),
                received_at: Timestamp::from_second(1_768_473_600).unwrap(),
            };
            let decoded = message.decode();
            assert_eq!(decoded.rejected, []);
            let pairs = decoded.readings.iter().zip(&readings);
            assert!(
                pairs
                    .clone()
                    .all(|(a, b)| (a.seq, a.measured_at, &a.unit) == (b.seq, b.measured_at, &b.unit))
            );
            assert_eq!(pairs.len(), readings.len());
        }
    }
}
