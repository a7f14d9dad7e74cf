//! Readings in memory, by the key that makes each unique.

use std::sync::Arc;

use std::cmp::Ordering;
use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;
use store::{
    Batch, Bucket, Cursor, History, Latest, Page, ReadingQuery, ReadingStore, RejectionQuota, Result,
    RetentionClock, RolledUp, StoredReading, Summaries, Summary, TimeBuckets, TimeRange, Written,
};
use telemetry::{Reading, Series, is_ahead};

use super::{Data, MemoryStore, whole_micros};

/// Measured at, device, metric, boot, seq and value: the order of a page.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(Timestamp, String, String, Option<u64>, Option<u64>, Value);

/// A value in the order of numbers.
#[derive(Clone, Copy)]
struct Value(f64);

impl Key {
    fn of(reading: &Reading) -> Self {
        let Reading { series, value, measured_at, boot, seq, .. } = reading;
        let (device, metric) = (series.device().to_owned(), series.metric().to_owned());
        // Adding 0 makes 0.0 of -0.0: they are equal.
        Self(whole_micros(*measured_at), device, metric, *boot, *seq, Value(*value + 0.0))
    }
}

impl Ord for Value {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Value {}

#[async_trait]
impl ReadingStore for MemoryStore {
    async fn write(&self, batch: &Arc<Batch>) -> Result<Written> {
        let mut data = self.call("write")?;
        let stored_at = self.now();
        let before = data.readings.len();
        for reading in &batch.readings {
            let (measured_at, received_at) =
                (whole_micros(reading.measured_at), whole_micros(reading.received_at));
            let as_stored = Reading { measured_at, received_at, ..reading.clone() };
            let stored = StoredReading { reading: as_stored, stored_at };
            data.readings.entry(Key::of(reading)).or_insert(stored);
        }
        let stored = (data.readings.len() - before) as u64;
        batch.rejected.iter().for_each(|message| data.rejected.add(message, stored_at));
        data.announce(&batch.announcements);
        data.set_attributes(&batch.attributes);
        data.merge_uplinks(&batch.uplinks);
        let duplicate = batch.readings.len() as u64 - stored;
        Ok(Written { stored, duplicate, rejected: batch.rejected.len() as u64 })
    }

    async fn probe(&self) -> Result<()> {
        self.call("probe").map(drop)
    }

    async fn purge(&self, older_than: Timestamp) -> Result<u64> {
        let mut data = self.call("purge")?;
        let data = &mut *data;
        let before = data.readings.len();
        data.readings.retain(|_, stored| stored.stored_at >= older_than);
        data.silences.retain(|silence| silence.until >= older_than);
        data.purge_attributes(older_than);
        let removed = before - data.readings.len()
            + data.rejected.purge(older_than)
            + data.alerts.purge(&mut data.outbox, older_than);
        Ok(removed as u64)
    }

    /// Every answer is made from all readings.
    async fn roll_up(&self, _: Timestamp) -> Result<RolledUp> {
        self.call("roll_up").map(|_| RolledUp::default())
    }

    async fn keep_quota(&self, quota: RejectionQuota) -> Result<u64> {
        Ok(self.call("keep_quota")?.rejected.keep_quota(quota) as u64)
    }

    async fn retention_clock(&self) -> Result<Option<RetentionClock>> {
        Ok(self.call("retention_clock")?.retention)
    }

    async fn set_retention_clock(&self, clock: RetentionClock) -> Result<()> {
        self.call("set_retention_clock")?.retention = Some(clock);
        Ok(())
    }
}

#[async_trait]
impl History for MemoryStore {
    async fn latest(&self) -> Result<Vec<Latest>> {
        let data = self.call("latest")?;
        let series =
            |reading: &Reading| (reading.series.device().to_owned(), reading.series.metric().to_owned());
        let now = self.now();
        let (ahead, present): (Vec<_>, Vec<_>) = data
            .readings
            .values()
            .map(|stored| (series(&stored.reading), stored.reading.clone()))
            .partition(|(_, reading)| is_ahead(reading.received_at, now));
        // What is collected last stays.
        let newest: BTreeMap<_, _> = ahead.into_iter().chain(present).collect();
        let is_shown =
            |reading: &Reading| !data.registry.has_forgotten(reading.series.device(), reading.received_at);
        Ok(newest.into_values().filter(is_shown).collect())
    }

    async fn readings(&self, query: ReadingQuery) -> Result<Page> {
        let data = self.call("readings")?;
        let ReadingQuery { device, metric, range, limit, after, scope } = query;
        let named = |name: &Option<String>, is: &str| name.as_deref().is_none_or(|name| name == is);
        let wanted = |stored: &&StoredReading| {
            let Reading { series, measured_at, .. } = &stored.reading;
            (range.from..range.to).contains(measured_at)
                && scope.holds(series.device())
                && named(&device, series.device())
                && named(&metric, series.metric())
        };
        let behind =
            |(key, _): &(&Key, &StoredReading)| after.as_ref().is_none_or(|after| place(after) < **key);
        let mut rest = data.readings.iter().filter(behind).map(|(_, stored)| stored).filter(wanted);
        let readings: Vec<_> = rest.by_ref().take(limit.max(1)).cloned().collect();
        let more = rest.next().is_some();
        let next = readings.last().filter(|_| more).map(|last| Cursor::after(&last.reading));
        Ok(Page { readings, next })
    }

    async fn buckets(
        &self,
        device: &str,
        metric: &str,
        range: TimeRange,
        points: usize,
    ) -> Result<Vec<Bucket>> {
        let data = self.call("buckets")?;
        let mut buckets: Vec<Bucket> = Vec::new();
        let cut = TimeBuckets::new(range, points);
        for Reading { series, measured_at, value, .. } in data.readings.values().map(|stored| &stored.reading)
        {
            if (series.device(), series.metric()) != (device, metric)
                || !(range.from..range.to).contains(measured_at)
            {
                continue;
            }
            let TimeRange { from, to } = cut.bounds(*measured_at);
            match buckets.last_mut() {
                Some(last) if last.from == from => add(last, *value),
                _ => buckets.push(Bucket { from, to, min: *value, max: *value, mean: *value, count: 1 }),
            }
        }
        buckets.iter_mut().for_each(finish);
        Ok(buckets)
    }

    async fn last(&self, series: &Series, before: Timestamp, limit: usize) -> Result<Vec<Reading>> {
        let data = self.call("last")?;
        let wanted = |reading: &&Reading| reading.series == *series && reading.measured_at < before;
        let readings: Vec<_> =
            data.readings.values().map(|stored| &stored.reading).filter(wanted).cloned().collect();
        Ok(readings[readings.len().saturating_sub(limit)..].to_vec())
    }

    async fn time_bounds(&self, device: &str, metric: &str) -> Result<Option<(Timestamp, Timestamp)>> {
        let data = self.call("time_bounds")?;
        let of_series =
            |reading: &&Reading| (reading.series.device(), reading.series.metric()) == (device, metric);
        let readings = || data.readings.values().map(|stored| &stored.reading).filter(of_series);
        let oldest = readings().map(|reading| reading.measured_at).min();
        Ok(oldest.zip(readings().map(|reading| reading.measured_at).max()))
    }
}

#[async_trait]
impl Summaries for MemoryStore {
    async fn summaries(&self, series: &Series, times: &[Timestamp]) -> Result<Vec<Summary>> {
        let mut all = Vec::new();
        for (from, to) in times.iter().zip(times.iter().skip(1)) {
            let range = TimeRange { from: *from, to: *to };
            let values = self.values(series, range, usize::MAX).await?;
            let (Some((_, first)), Some((_, last))) = (values.first(), values.last()) else { continue };
            for bucket in self.buckets(series.device(), series.metric(), range, 1).await? {
                let Bucket { from, to, min, max, mean, count } = bucket;
                all.push(Summary { from, to, count, min, max, mean, first: *first, last: *last });
            }
        }
        Ok(all)
    }

    async fn values(&self, series: &Series, range: TimeRange, limit: usize) -> Result<Vec<(Timestamp, f64)>> {
        let data = self.call("values")?;
        let wanted = |reading: &&Reading| {
            reading.series == *series && (range.from..range.to).contains(&reading.measured_at)
        };
        let readings = data.readings.values().map(|stored| &stored.reading).filter(wanted);
        Ok(readings.map(|reading| (reading.measured_at, reading.value)).take(limit).collect())
    }
}

/// Of a cursor, whose fields are those of its text.
fn place(cursor: &Cursor) -> Key {
    let text = cursor.to_string();
    let fields: Vec<&str> = text.splitn(5, '.').collect();
    let series = Series::parse(fields[4]).unwrap();
    let value = f64::from_bits(u64::from_str_radix(fields[3], 16).unwrap());
    Key(
        Timestamp::from_microsecond(fields[0].parse().unwrap()).unwrap(),
        series.device().into(),
        series.metric().into(),
        fields[1].parse().ok(),
        fields[2].parse().ok(),
        Value(value + 0.0),
    )
}

fn add(bucket: &mut Bucket, value: f64) {
    (bucket.min, bucket.max) = (bucket.min.min(value), bucket.max.max(value));
    bucket.count += 1;
    bucket.mean += value;
}

/// Until now `mean` was the sum, which huge values make infinite.
fn finish(bucket: &mut Bucket) {
    let mean = bucket.mean / bucket.count as f64;
    bucket.mean = mean.clamp(bucket.min, bucket.max);
}

impl Data {
    /// Whether there are readings of a device.
    pub(super) fn has_readings(&self, device: &str) -> bool {
        self.readings.values().any(|stored| stored.reading.series.device() == device)
    }

    /// Moves the readings of one device to another; returns how many those were.
    pub(super) fn move_readings(&mut self, old: &str, device: &str) -> u64 {
        let moved: Vec<_> =
            self.readings.extract_if(.., |_, stored| stored.reading.series.device() == old).collect();
        let count = moved.len() as u64;
        for (_, mut stored) in moved {
            stored.reading.series = Series::new(stored.reading.series.metric(), device).unwrap();
            self.readings.entry(Key::of(&stored.reading)).or_insert(stored);
        }
        count
    }
}
