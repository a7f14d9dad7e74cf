//! Time buckets of a series, from rollups where they hold.

use std::collections::BTreeMap;

use super::cover::{Piece, cover};
use super::rows::{self, Minutes};
use super::width::Width;
use crate::engine::statement::Engine;
use crate::readings::history::{Bucket, TimeRange};
use crate::readings::time_bucket::{Reduced, TimeBuckets};
use crate::unavailable::Result;

/// Reduces readings themselves, as each database does it best.
pub(crate) trait Readings: Engine {
    /// The first time that the database has, in microseconds since 1970.
    const FIRST: i64;

    /// Of each bucket that has readings from one time to another, excluded, by a time in it.
    async fn reduce(
        &self,
        series: i64,
        buckets: TimeBuckets,
        from: i64,
        to: i64,
    ) -> Result<Vec<(i64, Reduced)>>;
}

/// At most `points` buckets of a range, those without a reading left out.
pub(crate) async fn read<S: Readings>(
    store: &S,
    device: &str,
    metric: &str,
    range: TimeRange,
    points: usize,
) -> Result<Vec<Bucket>> {
    let buckets = TimeBuckets::within(range, points, S::FIRST);
    let Some((series, known)) = rows::known(store, device, metric).await? else { return Ok(vec![]) };
    let mut answer = Answer { buckets, reduced: BTreeMap::new() };
    for piece in cover((buckets.from, buckets.to), Width::of(buckets.width), &known) {
        let Piece { width, from, to } = piece;
        match width {
            None => answer.add(store.reduce(series, buckets, from, to).await?),
            Some(Width::Minute) => answer.add_minutes(store, series, from, to).await?,
            Some(width) => {
                let rollups = rows::select(store, series, width, (from, to)).await?;
                answer.add(rollups.into_iter().map(|(at, rollup)| (at, rollup.reduced)).collect());
            }
        }
    }
    Ok(answer.reduced.into_iter().map(|(start, reduced)| buckets.bucket(start, reduced)).collect())
}

struct Answer {
    buckets: TimeBuckets,
    reduced: BTreeMap<i64, Reduced>,
}

impl Answer {
    fn add(&mut self, parts: Vec<(i64, Reduced)>) {
        for (at, part) in parts {
            let entry = self.reduced.entry(self.buckets.around(at).0);
            entry.and_modify(|reduced| *reduced = reduced.merged(part)).or_insert(part);
        }
    }

    /// From the minutes of hours that have many readings, and from the readings of the others.
    async fn add_minutes(&mut self, store: &impl Readings, series: i64, from: i64, to: i64) -> Result<()> {
        let Minutes { found, few } = rows::select_minutes(store, series, (from, to)).await?;
        self.add(found.into_iter().map(|(at, rollup)| (at, rollup.reduced)).collect());
        for (from, to) in few {
            self.add(store.reduce(series, self.buckets, from, to).await?);
        }
        Ok(())
    }
}
