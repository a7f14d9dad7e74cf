//! What the readings of a series come to between any times, from rollups where they hold.

use async_trait::async_trait;
use jiff::Timestamp;
use telemetry::Series;

use super::cover::{Piece, cover_between};
use super::rollup::{Rollup, all, of_values};
use super::rows::{self, Minutes, known};
use super::values;
use super::width::Width;
use crate::engine::statement::Engine;
use crate::micros::{clamped, micros_from};
use crate::readings::history::TimeRange;
use crate::readings::time_bucket::Reduced;
use crate::unavailable::Result;

/// What the readings of a series come to between two times.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// Included.
    pub from: Timestamp,
    /// Excluded.
    pub to: Timestamp,
    /// How many readings there are; at least 1.
    pub count: u64,
    /// The lowest value.
    pub min: f64,
    /// The highest value.
    pub max: f64,
    /// The mean of all values.
    pub mean: f64,
    /// The value that was measured first.
    pub first: f64,
    /// The value that was measured last.
    pub last: f64,
}

/// Where readings are summed up between any times.
///
/// # Errors
/// Every call: the store cannot be read now: report that, and ask again later.
#[async_trait]
pub trait Summaries: Send + Sync {
    /// Between each two of `times`, which are in order; where no reading is, there is none.
    async fn summaries(&self, series: &Series, times: &[Timestamp]) -> Result<Vec<Summary>>;

    /// When what was measured in a range, in order, at most `limit`.
    async fn values(&self, series: &Series, range: TimeRange, limit: usize) -> Result<Vec<(Timestamp, f64)>>;
}

#[async_trait]
impl<E: Engine> Summaries for E {
    async fn summaries(&self, series: &Series, times: &[Timestamp]) -> Result<Vec<Summary>> {
        let times: Vec<_> = times.iter().map(|time| micros_from(*time)).collect();
        let Some((series, known)) = known(self, series.device(), series.metric()).await? else {
            return Ok(vec![]);
        };
        let mut parts = Parts { engine: self, series, times: &times, found: Vec::new() };
        for piece in cover_between(&times, &known) {
            parts.read(piece).await?;
        }
        Ok(parts.summed_up())
    }

    async fn values(&self, series: &Series, range: TimeRange, limit: usize) -> Result<Vec<(Timestamp, f64)>> {
        let Some((series, _)) = known(self, series.device(), series.metric()).await? else {
            return Ok(vec![]);
        };
        let range = (micros_from(range.from), micros_from(range.to));
        let values = values::select(self, series, range, limit).await?;
        Ok(values.into_iter().map(|(at, value)| (clamped(at), value)).collect())
    }
}

/// What was read so far: each by a time in it, none in two of the ranges.
struct Parts<'a, E> {
    engine: &'a E,
    series: i64,
    times: &'a [i64],
    found: Vec<(i64, Rollup)>,
}

impl<E: Engine> Parts<'_, E> {
    async fn read(&mut self, Piece { width, from, to }: Piece) -> Result<()> {
        match width {
            None => self.read_values(from, to).await,
            Some(Width::Minute) => self.read_minutes(from, to).await,
            Some(width) => {
                self.found.extend(rows::select(self.engine, self.series, width, (from, to)).await?);
                Ok(())
            }
        }
    }

    async fn read_values(&mut self, from: i64, to: i64) -> Result<()> {
        let mut at = from;
        while at < to {
            let (values, end) = values::up_to_an_hour(self.engine, self.series, (at, to)).await?;
            let times = self.times;
            for part in values.chunk_by(|a, b| number(times, a.0) == number(times, b.0)) {
                let rollup = of_values(part.iter().map(|(_, value)| *value));
                self.found.extend(rollup.map(|rollup| (part[0].0, rollup)));
            }
            at = end;
        }
        Ok(())
    }

    /// From the minutes of hours that have many readings, and from the readings of the others.
    async fn read_minutes(&mut self, from: i64, to: i64) -> Result<()> {
        let Minutes { found, few } = rows::select_minutes(self.engine, self.series, (from, to)).await?;
        self.found.extend(found);
        for (from, to) in few {
            self.read_values(from, to).await?;
        }
        Ok(())
    }

    fn summed_up(mut self) -> Vec<Summary> {
        // An hour is read before the minutes and the values beside it.
        self.found.sort_by_key(|(at, _)| *at);
        let times = self.times;
        let parts = self.found.chunk_by(|a, b| number(times, a.0) == number(times, b.0));
        let summary = |parts: &[(i64, Rollup)]| {
            let number = number(times, parts[0].0);
            let (from, to) = (*times.get(number.checked_sub(1)?)?, *times.get(number)?);
            let Rollup { reduced, first, last, .. } = all(parts.iter().map(|(_, rollup)| *rollup))?;
            let Reduced { count, min, max, mean } = reduced;
            Some(Summary { from: clamped(from), to: clamped(to), count, min, max, mean, first, last })
        };
        parts.filter_map(summary).collect()
    }
}

/// How many of some times, which are in order, have come by a time.
fn number(times: &[i64], at: i64) -> usize {
    times.partition_point(|time| *time <= at)
}
