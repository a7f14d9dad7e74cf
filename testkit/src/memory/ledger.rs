//! The ledger in memory: counted anew from all readings.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;
use store::{Boot, DELAYED_AFTER, Ledger, LedgerQuery, MAX_MISSING_RANGES, Result};
use telemetry::Reading;

use super::MemoryStore;

#[async_trait]
impl Ledger for MemoryStore {
    async fn completeness(&self, query: LedgerQuery) -> Result<Vec<Boot>> {
        let data = self.call("completeness")?;
        let mut boots: BTreeMap<(&str, u64), BTreeMap<u64, Vec<&Reading>>> = BTreeMap::new();
        for reading in data.readings.values().map(|stored| &stored.reading) {
            let device = reading.series.device();
            let wanted = query.device.as_deref().is_none_or(|name| name == device)
                && (query.range.from..query.range.to).contains(&reading.measured_at);
            if let (true, Some(boot), Some(seq)) = (wanted, reading.boot, reading.seq) {
                boots.entry((device, boot)).or_default().entry(seq).or_default().push(reading);
            }
        }
        Ok(boots.into_iter().map(|((device, boot), numbers)| count(device, boot, &numbers)).collect())
    }

    async fn counted_from(&self, device: &str, readings: usize) -> Result<Timestamp> {
        let data = self.call("counted_from")?;
        let mut series: BTreeMap<&str, Vec<Timestamp>> = BTreeMap::new();
        let of_device = data.readings.values().map(|stored| &stored.reading);
        for reading in of_device.filter(|reading| reading.series.device() == device) {
            series.entry(reading.series.metric()).or_default().push(reading.measured_at);
        }
        let each = (readings / series.len().max(1)).max(1);
        let from = series.into_values().filter_map(|mut times| {
            times.sort_by(|one, other| other.cmp(one));
            times.get(each).copied()
        });
        Ok(from.max().unwrap_or(Timestamp::MIN))
    }
}

fn count(device: &str, boot: u64, numbers: &BTreeMap<u64, Vec<&Reading>>) -> Boot {
    let all = || numbers.values().flatten();
    let is_delayed = |reading: &&&Reading| {
        reading.received_at.duration_since(reading.measured_at) > DELAYED_AFTER.try_into().unwrap()
    };
    let seqs: Vec<u64> = numbers.keys().copied().collect();
    let (first, last, stored) = (seqs[0], seqs[seqs.len() - 1], seqs.len() as u64);
    let gaps = seqs.windows(2).filter(|pair| pair[1] > pair[0] + 1).map(|pair| pair[0] + 1..=pair[1] - 1);
    Boot {
        device: device.into(),
        boot,
        first,
        last,
        stored,
        repeated: all().count() as u64 - stored,
        delayed: all().filter(is_delayed).count() as u64,
        missing: last - first + 1 - stored,
        missing_ranges: gaps.take(MAX_MISSING_RANGES).collect(),
        oldest_measured_at: all().map(|reading| reading.measured_at).min().unwrap(),
        newest_measured_at: all().map(|reading| reading.measured_at).max().unwrap(),
    }
}
