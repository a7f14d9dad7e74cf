//! `sensor-sim replay`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use clap::Args;
use tokio_util::sync::CancellationToken;

use super::{Common, Failure};
use crate::{Counters, DeviceFrom, MAX_BATCH, Replay, ReplayConfig};

/// Readings per message of a replay that is to be quick.
const DEFAULT_BATCH: usize = 100;

/// What a PUBACK says of a reading that is replayed.
const ACKED: &str = "acked readings that somebody takes are stored; one that was stored before is not stored twice, and the broker does not \
                     tell which were new";

#[derive(Debug, Args)]
pub(super) struct ReplayArgs {
    #[command(flatten)]
    pub(super) common: Common,
    /// The CSV file
    file: PathBuf,
    /// Column of the time, by name or number (from 1); several, separated by commas, are joined by a space
    #[arg(long, value_name = "COLUMN[,COLUMN]")]
    time: Option<String>,
    /// Format of the time as in strftime, such as '%d/%m/%Y %H:%M:%S'; a time without a zone is UTC [default: RFC 3339,
    /// YYYY-MM-DD HH:MM:SS or Unix milliseconds]
    #[arg(long, value_name = "FORMAT")]
    time_format: Option<String>,
    /// Column of values, by name or number (from 1); may be repeated
    #[arg(long, value_name = "[METRIC=]COLUMN")]
    value: Vec<String>,
    /// Metric of values without one
    #[arg(long, default_value = "temperature")]
    metric: String,
    /// Unit of the values; may be repeated, once for each metric
    #[arg(long, value_name = "[METRIC=]UNIT")]
    unit: Vec<String>,
    /// Name of the device [default: the file's name]
    #[arg(long, value_name = "NAME")]
    device: Option<String>,
    /// Column of the device's name
    #[arg(long, value_name = "COLUMN", conflicts_with = "device")]
    device_column: Option<String>,
    /// Character between columns, or `tab` [default: as in the first line]
    #[arg(long, value_name = "CHARACTER", value_parser = delimiter)]
    delimiter: Option<u8>,
    /// Read numbers that are written as 23,5
    #[arg(long)]
    decimal_comma: bool,
    /// Number that means "no value", such as -200; may be repeated
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
    missing: Vec<String>,
    /// Speed: 1 as recorded, 60 a minute per second [default: as fast as the readings are acked]
    #[arg(long, value_name = "FACTOR")]
    speed: Option<f64>,
    /// Readings per message [default: 100, or 1 with --speed]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=MAX_BATCH as i64))]
    batch: Option<u16>,
    /// Exit with 0 even if some rows cannot be read
    #[arg(long)]
    skip_bad: bool,
    /// How long to wait for PUBACKs at the end [default: no limit]
    #[arg(long, value_parser = humantime::parse_duration)]
    grace: Option<Duration>,
}

impl ReplayArgs {
    /// Replays the file; returns a report on its rows.
    pub(super) async fn replay(
        self,
        counters: Arc<Counters>,
        stop: CancellationToken,
    ) -> Result<String, Failure> {
        let skip_bad = self.skip_bad;
        let replay = Replay::open(&self.config()?, counters).map_err(Failure::Usage)?;
        let report = replay.run(stop).await.map_err(Failure::Job)?;
        if report.bad > 0 && !skip_bad {
            return Err(Failure::Job(anyhow!(
                "{report}\nall others were sent; with --skip-bad this is no error"
            )));
        }
        Ok(format!("{report}\n{ACKED}"))
    }

    fn config(self) -> Result<ReplayConfig, Failure> {
        if self.speed.is_some_and(|speed| !(1e-6..=1e9).contains(&speed)) {
            return Err(Failure::Usage(anyhow!("--speed must be a positive number, for example 60")));
        }
        Ok(ReplayConfig {
            broker: self.common.broker()?,
            device: match (self.device, self.device_column) {
                (Some(name), _) => DeviceFrom::Name(name),
                (None, Some(column)) => DeviceFrom::Column(column),
                (None, None) => DeviceFrom::FileName,
            },
            file: self.file,
            time: self.time,
            time_format: self.time_format,
            values: self.value,
            metric: self.metric,
            units: self.unit,
            delimiter: self.delimiter,
            decimal_comma: self.decimal_comma,
            missing: self.missing,
            speed: self.speed,
            batch: match (self.batch, self.speed) {
                (Some(batch), _) => batch.into(),
                (None, Some(_)) => 1,
                (None, None) => DEFAULT_BATCH,
            },
            grace: self.grace,
        })
    }
}

fn delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        b"tab" | b"\\t" => Ok(b'\t'),
        [character] => Ok(*character),
        _ => Err("one character, or tab".into()),
    }
}
