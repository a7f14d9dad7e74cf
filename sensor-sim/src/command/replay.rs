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

#[derive(Debug, Args)]
pub(super) struct ReplayArgs {
    #[command(flatten)]
    pub(super) common: Common,
    file: PathBuf,
    /// The column of the time, by its name or its number from 1; several with commas between are joined by a space.
    #[arg(long, value_name = "COLUMN[,COLUMN]")]
    time: Option<String>,
    /// As in strftime, for example '%d/%m/%Y %H:%M:%S'; else RFC 3339, YYYY-MM-DD HH:MM:SS or Unix milliseconds.
    /// A time without a zone is UTC.
    #[arg(long, value_name = "FORMAT")]
    time_format: Option<String>,
    /// A column of values, by its name or its number from 1; may be given several times.
    #[arg(long, value_name = "[METRIC=]COLUMN")]
    value: Vec<String>,
    /// Of values that name none.
    #[arg(long, default_value = "temperature")]
    metric: String,
    /// The unit of the values; may be given once per metric.
    #[arg(long, value_name = "[METRIC=]UNIT")]
    unit: Vec<String>,
    /// The name of the device; that of the file where none is given.
    #[arg(long, value_name = "NAME")]
    device: Option<String>,
    /// The column of the device's name.
    #[arg(long, value_name = "COLUMN", conflicts_with = "device")]
    device_column: Option<String>,
    /// The character between columns, or `tab`; found in the first line where none is given.
    #[arg(long, value_name = "CHARACTER", value_parser = delimiter)]
    delimiter: Option<u8>,
    /// Numbers are written as 23,5.
    #[arg(long)]
    decimal_comma: bool,
    /// A value that stands for none, for example -200; may be given several times.
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
    missing: Vec<String>,
    /// 1 is as recorded, 60 a minute per second; as fast as they are acked where none is given.
    #[arg(long, value_name = "FACTOR")]
    speed: Option<f64>,
    /// Readings per message; 100 where none is given, but 1 with --speed.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=MAX_BATCH as i64))]
    batch: Option<u16>,
    /// Is content with a file of which not every row can be read.
    #[arg(long)]
    skip_bad: bool,
    /// How long to wait at the end for what is un-acked; without an end where none is given.
    #[arg(long, value_parser = humantime::parse_duration)]
    grace: Option<Duration>,
}

impl ReplayArgs {
    /// Replays the file; what there is to say of its rows.
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
                "{report}\nall others are sent; --skip-bad is content with that"
            )));
        }
        Ok(report.to_string())
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
