//! Replays a recording: its readings are published with their recorded times.

mod cell;
mod clock;
mod export;
mod mapping;
mod numbering;
mod recording;
mod table;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use broker::{BrokerUrl, OutboxConfig};
use jiff::Timestamp;
use telemetry::Series;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use self::mapping::DeviceFrom;
use self::recording::Recording;
use self::table::Row;
use crate::counters::Counters;
use crate::numbered_series::{Measured, NumberedSeries, boot_of_now};
use crate::publisher::{CountingPublisher, until_stopped};

/// Un-acked readings, at most.
const WINDOW: u16 = 1000;

/// Bad rows that the report lists one by one.
const EXAMPLES: usize = 5;

/// Which file to publish, and what its columns mean.
#[derive(Debug, Clone)]
pub struct ReplayConfig {
    /// Where to publish.
    pub broker: BrokerUrl,
    /// The CSV file.
    pub file: PathBuf,
    /// Columns that are joined by a space; found by name where none is given.
    pub time: Option<String>,
    /// As in strftime; RFC 3339, `YYYY-MM-DD HH:MM:SS` or Unix milliseconds where none is given. UTC without a zone.
    pub time_format: Option<String>,
    /// `METRIC=COLUMN` or `COLUMN`; found by name where none is given.
    pub values: Vec<String>,
    /// Of values that name none.
    pub metric: String,
    /// `METRIC=UNIT` or `UNIT`; a file's unit is never guessed.
    pub units: Vec<String>,
    /// Where the device's name comes from.
    pub device: DeviceFrom,
    /// Found in the first line where none is given.
    pub delimiter: Option<u8>,
    /// Whether numbers are written as `23,5`.
    pub decimal_comma: bool,
    /// Cells that stand for no value, as empty ones do.
    pub missing: Vec<String>,
    /// 1 is as recorded, 60 a minute per second; as fast as they are acked where none is given.
    pub speed: Option<f64>,
    /// Readings per message, up to [`MAX_BATCH`](crate::MAX_BATCH).
    pub batch: usize,
    /// How long to wait for PUBACKs after the last reading; without an end where none is given.
    pub grace: Option<Duration>,
}

/// A file whose columns are understood, and where its readings go.
#[derive(Debug)]
pub struct Replay {
    outbox: OutboxConfig,
    recording: Recording,
    counters: Arc<Counters>,
    speed: Option<f64>,
    batch: usize,
    grace: Option<Duration>,
}

/// What became of the rows.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Report {
    /// Rows read, without the header.
    pub rows: u64,
    /// Cells without a value.
    pub missing: u64,
    /// Readings that could not be made of a row.
    pub bad: u64,
    /// The first of them: line number and reason.
    pub examples: Vec<(u64, String)>,
    /// The readings of each column and metric.
    pub columns: Vec<ColumnReport>,
    /// Columns that were ignored.
    pub ignored: Vec<String>,
}

/// The readings that were made of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnReport {
    /// The column's name.
    pub column: String,
    /// The first series that was read from it.
    pub series: Series,
    /// How many devices of this metric there are.
    pub devices: usize,
    /// How many readings.
    pub readings: u64,
    /// When the first and the last of them were measured.
    pub times: (Timestamp, Timestamp),
}

impl Replay {
    /// Opens the file and finds its columns.
    ///
    /// # Errors
    /// The file cannot be read, or a column, device, metric, unit or time format makes no sense; nothing is sent.
    pub fn open(config: &ReplayConfig, counters: Arc<Counters>) -> Result<Self> {
        let outbox = OutboxConfig {
            url: config.broker.clone(),
            client_id: format!("replay-{:x}", boot_of_now()),
            window: WINDOW,
            presence: None,
        };
        let recording = Recording::open(config, &counters)?;
        Ok(Self {
            outbox,
            recording,
            counters,
            speed: config.speed,
            batch: config.batch,
            grace: config.grace,
        })
    }

    /// Publishes every reading in the order of the file until `stop`, then waits until all are acked.
    ///
    /// # Errors
    /// The file could not be read to its end.
    pub async fn run(mut self, stop: CancellationToken) -> Result<Report> {
        let publisher = CountingPublisher::open_over_mqtt_5(self.outbox.clone(), &self.counters);
        let mut report = Report { ignored: self.recording.ignored(), ..Report::default() };
        let mut read = Ok(());
        until_stopped(&stop, None, async { read = self.publish(&publisher, &mut report).await }).await;
        publisher.close(self.grace).await;
        read.map(|()| report)
    }

    async fn publish(&mut self, publisher: &CountingPublisher, report: &mut Report) -> Result<()> {
        let mut pace = self.speed.map(Pace::new);
        let mut gathered = Gathered::default();
        while let Some(readings) = self.recording.next(report)? {
            for (series, measured) in readings {
                if let Some(pace) = &mut pace {
                    pace.due(measured.at).await;
                }
                let gathered_now = gathered.add(series, measured);
                if gathered_now.1.len() >= self.batch {
                    publisher.send(&gathered_now.0, &gathered_now.1).await;
                    gathered_now.1.clear();
                }
            }
        }
        for (series, measured) in gathered.rest() {
            publisher.send(series, measured).await;
        }
        Ok(())
    }
}

/// Readings that wait for their message to be full, by series.
#[derive(Debug, Default)]
struct Gathered(Vec<(Arc<NumberedSeries>, Vec<Measured>)>);

impl Gathered {
    /// All that waits of a series, with one reading more.
    fn add(
        &mut self,
        series: Arc<NumberedSeries>,
        measured: Measured,
    ) -> &mut (Arc<NumberedSeries>, Vec<Measured>) {
        let known = self.0.iter().position(|(other, _)| Arc::ptr_eq(other, &series));
        let index = known.unwrap_or_else(|| {
            self.0.push((series, Vec::new()));
            self.0.len() - 1
        });
        self.0[index].1.push(measured);
        &mut self.0[index]
    }

    fn rest(&self) -> impl Iterator<Item = (&Arc<NumberedSeries>, &[Measured])> {
        self.0
            .iter()
            .filter(|(_, measured)| !measured.is_empty())
            .map(|(series, all)| (series, all.as_slice()))
    }
}

impl Report {
    /// Counts a reading. Several devices in one column are reported by their number.
    fn take(&mut self, column: &str, series: &NumberedSeries, at: Timestamp) {
        let is_new = series.note();
        let series = series.series();
        let known = self
            .columns
            .iter()
            .position(|known| known.column == column && known.series.metric() == series.metric());
        let Some(place) = known else {
            let (column, series) = (column.to_owned(), series.clone());
            return self.columns.push(ColumnReport {
                column,
                series,
                devices: 1,
                readings: 1,
                times: (at, at),
            });
        };
        let known = &mut self.columns[place];
        known.devices += usize::from(is_new);
        known.readings += 1;
        known.times = (known.times.0.min(at), known.times.1.max(at));
    }

    fn bad(&mut self, row: &Row, why: String) {
        self.bad += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push((row.line, why));
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rows, missing, bad, examples, columns, ignored } = self;
        columns.iter().try_for_each(|column| writeln!(f, "{column}"))?;
        if !ignored.is_empty() {
            writeln!(f, "columns ignored: {}", ignored.join(", "))?;
        }
        write!(f, "{rows} rows, {missing} values missing, {bad} readings bad")?;
        examples.iter().try_for_each(|(line, why)| write!(f, "\nline {line}: {why}"))?;
        match bad.saturating_sub(examples.len() as u64) {
            0 => Ok(()),
            more => write!(f, "\nand {more} more"),
        }
    }
}

impl fmt::Display for ColumnReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { column, series, devices, readings, times: (first, last) } = self;
        let to = match devices {
            1 => series.to_string(),
            _ => format!("{} of {devices} devices", series.metric()),
        };
        let day = |at: &Timestamp| at.strftime("%Y-%m-%d");
        write!(f, "{column} → {to}, {} to {}, {readings} readings", day(first), day(last))
    }
}

/// Recorded time, faster or slower.
#[derive(Debug)]
struct Pace {
    speed: f64,
    begun: Option<(Timestamp, Instant)>,
}

impl Pace {
    fn new(speed: f64) -> Self {
        Self { speed, begun: None }
    }

    /// Waits until a reading of that time is due; one that goes back in time is due at once.
    async fn due(&mut self, at: Timestamp) {
        let (first, start) = *self.begun.get_or_insert_with(|| (at, Instant::now()));
        let recorded = at.duration_since(first).as_secs_f64();
        if let Ok(wait) = Duration::try_from_secs_f64(recorded / self.speed) {
            tokio::time::sleep_until(start + wait).await;
        }
    }
}
