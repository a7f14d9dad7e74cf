//! The readings of series or of groups of devices, brought down to one value for each step of the calendar.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use analytics::quantile;
use jiff::Timestamp;
use store::{Device, Summary, TimeRange};
use telemetry::{Scope, Series, Unit};

use super::aggregate::{Aggregate, AggregateQuery, Group};
use crate::context::Api;
use crate::error::ApiError;
use crate::forms;
use crate::routes::analytics::select::stored;

/// Series in one answer, at most.
const MAX_SERIES: usize = 1_000;

/// Buckets of a series, at most.
const MAX_BUCKETS: usize = 5_000;

/// Buckets of all series, at most.
const MAX_CELLS: usize = 100_000;

/// Readings whose percentiles are looked for, at most: each is read, where all else is summed up already.
const MAX_EXAMINED: u64 = 1_000_000;

/// # Errors
/// The request asks for too much, or for what has no common unit; or the store cannot be read.
pub(super) async fn read(
    api: &Api,
    query: &AggregateQuery,
    scope: &Scope,
) -> Result<Vec<forms::Aggregate>, ApiError> {
    let chosen = Chosen::of(api, query, scope)?;
    let Some(times) = times(api, query, &chosen.series).await? else { return Ok(vec![]) };
    if chosen.series.len() * times.len() > MAX_CELLS {
        return Err(ApiError::BadRequest(format!(
            "{} series in {} buckets are more than {MAX_CELLS} values: ask for fewer devices, a shorter range, or a longer every",
            chosen.series.len(),
            times.len() - 1
        )));
    }
    let groups = Groups::of(api, query.group).await?;
    let mut cells = Cells::default();
    for one in &chosen.series {
        let summaries = api.history.summaries(&one.series, &times).await?;
        let before = before(api, query.aggregate, &one.series, times[0]).await?;
        cells.add(&groups.of_device(one.series.device()), one, &summaries, before);
    }
    if let Aggregate::Percentile(_) = query.aggregate {
        cells.examine(api, &groups, &chosen.series, &times).await?;
    }
    let unit = unit_of(query.aggregate, chosen.unit);
    Ok(cells.rows(query, unit.as_deref()))
}

/// A series, and the unit in which its values are.
struct One {
    series: Series,
    /// From its own unit into the one of the answer, where they differ.
    convert: Option<(&'static Unit, &'static Unit)>,
}

impl One {
    fn value(&self, value: f64) -> f64 {
        self.convert.and_then(|(from, into)| from.convert(value, into)).unwrap_or(value)
    }

    fn difference(&self, difference: f64) -> f64 {
        self.convert.and_then(|(from, into)| from.convert_difference(difference, into)).unwrap_or(difference)
    }
}

struct Chosen {
    series: Vec<One>,
    /// The unit of the first one that has any.
    unit: Option<String>,
}

impl Chosen {
    fn of(api: &Api, query: &AggregateQuery, scope: &Scope) -> Result<Self, ApiError> {
        let heard = api.series.devices(scope).ok_or(ApiError::NotLoaded)?;
        let devices = heard.into_iter().filter(|(name, _)| query.devices.matches(name));
        let series =
            devices.flat_map(|(_, heard)| heard.series).filter(|series| series.metric == query.metric);
        let series: Vec<_> = series.take(MAX_SERIES + 1).collect();
        if series.len() > MAX_SERIES {
            return Err(ApiError::BadRequest(format!(
                "more than {MAX_SERIES} devices are meant: name fewer, for example device=site-a/#"
            )));
        }
        let unit = series.iter().find_map(|series| series.unit.as_deref()).map(str::to_owned);
        let has_unit = query.aggregate != Aggregate::Count;
        let one = |found: &forms::Series<'_>| {
            let series = stored(found)?;
            let convert = if has_unit { conversion(found.unit.as_deref(), unit.as_deref())? } else { None };
            Ok(One { series, convert })
        };
        let series = series.iter().map(one).collect::<Result<_, ApiError>>()?;
        Ok(Self { series, unit })
    }
}

/// How values come into the unit of the answer. A series without a unit is taken as it is.
fn conversion(
    from: Option<&str>,
    into: Option<&str>,
) -> Result<Option<(&'static Unit, &'static Unit)>, ApiError> {
    let (Some(from), Some(into)) = (from, into) else { return Ok(None) };
    if from == into {
        return Ok(None);
    }
    let units = Unit::of(from).zip(Unit::of(into)).filter(|(from, into)| from.converts(into));
    units.map(Some).ok_or_else(|| {
        ApiError::BadRequest(format!(
            "some of these series are in {from} and some in {into}, which are not converted: name the device, or fewer of them"
        ))
    })
}

fn unit_of(aggregate: Aggregate, unit: Option<String>) -> Option<String> {
    match aggregate {
        Aggregate::Count => None,
        Aggregate::Rate => unit.map(|unit| format!("{unit}/s")),
        _ => unit,
    }
}

/// When the buckets begin and the last one ends, as far as there are readings; None where there are none.
async fn times(
    api: &Api,
    query: &AggregateQuery,
    series: &[One],
) -> Result<Option<Vec<Timestamp>>, ApiError> {
    let mut bounds: Option<(Timestamp, Timestamp)> = None;
    for One { series, .. } in series {
        let Some((oldest, newest)) = api.history.time_bounds(series.device(), series.metric()).await? else {
            continue;
        };
        let (first, last) = bounds.unwrap_or((oldest, newest));
        bounds = Some((first.min(oldest), last.max(newest)));
    }
    let Some((oldest, newest)) = bounds else { return Ok(None) };
    // The end of a range is exclusive, and the newest reading must be inside.
    let after_newest = newest + Duration::from_micros(1);
    let (asked_from, asked_to) = (query.from.unwrap_or(Timestamp::MIN), query.to.unwrap_or(Timestamp::MAX));
    let (from, to) = (asked_from.max(oldest), asked_to.min(after_newest));
    if from >= to {
        return Ok(None);
    }
    let Some(every) = query.every else {
        return Ok(Some(vec![query.from.unwrap_or(oldest), query.to.unwrap_or(after_newest)]));
    };
    let mut times = every.times(from, to, &query.zone, MAX_BUCKETS).ok_or_else(|| {
        ApiError::BadRequest(format!(
            "this range has more than {MAX_BUCKETS} buckets: ask for a shorter one, or a longer every"
        ))
    })?;
    // What was asked for cuts the first and the last one.
    if let [first, .., last] = &mut times[..] {
        (*first, *last) = ((*first).max(asked_from), (*last).min(asked_to));
    }
    Ok(Some(times))
}

/// The last value before the first bucket, where it matters.
async fn before(
    api: &Api,
    aggregate: Aggregate,
    series: &Series,
    time: Timestamp,
) -> Result<Option<f64>, ApiError> {
    if !matches!(aggregate, Aggregate::Delta | Aggregate::Rate) {
        return Ok(None);
    }
    Ok(api.history.last(series, time, 1).await?.last().map(|reading| reading.value))
}

/// The groups of devices.
struct Groups {
    group: Group,
    devices: BTreeMap<String, Device>,
}

impl Groups {
    async fn of(api: &Api, group: Group) -> Result<Self, ApiError> {
        let needs_registry = matches!(group, Group::Type | Group::Tag);
        let devices = if needs_registry { api.history.all_devices().await? } else { Vec::new() };
        Ok(Self { group, devices: devices.into_iter().map(|device| (device.name.clone(), device)).collect() })
    }

    /// The groups that a device is in; one without a name where it has no type or tag.
    fn of_device<'a>(&'a self, device: &'a str) -> BTreeSet<Cow<'a, str>> {
        let registered = self.devices.get(device);
        match self.group {
            Group::All => ["".into()].into(),
            Group::Device => [device.into()].into(),
            Group::Levels(count) => {
                let end = device.match_indices('/').nth(count - 1).map_or(device.len(), |(at, _)| at);
                [device[..end].into()].into()
            }
            Group::Type => {
                [registered.and_then(|device| device.kind.as_deref()).unwrap_or_default().into()].into()
            }
            Group::Tag => match registered.map(|device| &device.tags[..]) {
                Some(tags @ [_, ..]) => tags.iter().map(|tag| tag.as_str().into()).collect(),
                _ => ["".into()].into(),
            },
        }
    }
}

/// What the readings of a group in a bucket come to.
struct Cell {
    to: Timestamp,
    count: u64,
    min: f64,
    max: f64,
    mean: f64,
    change: f64,
    values: Vec<f64>,
}

impl Cell {
    fn empty(to: Timestamp) -> Self {
        Self {
            to,
            count: 0,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            mean: 0.0,
            change: 0.0,
            values: Vec::new(),
        }
    }

    fn add(&mut self, one: &One, summary: &Summary, change: f64) {
        let count = self.count + summary.count;
        let share = |part: u64| part as f64 / count as f64;
        self.mean = self.mean * share(self.count) + one.value(summary.mean) * share(summary.count);
        (self.min, self.max) = (self.min.min(one.value(summary.min)), self.max.max(one.value(summary.max)));
        self.change += one.difference(change);
        self.count = count;
    }

    fn value(&mut self, from: Timestamp, aggregate: Aggregate) -> f64 {
        let value = match aggregate {
            Aggregate::Mean => self.mean,
            Aggregate::Min => self.min,
            Aggregate::Max => self.max,
            Aggregate::Sum => self.mean * self.count as f64,
            Aggregate::Count => self.count as f64,
            Aggregate::Delta => self.change,
            Aggregate::Rate => {
                self.change / (self.to - from).total(jiff::Unit::Second).unwrap_or(f64::INFINITY)
            }
            Aggregate::Percentile(hundredths) => {
                self.values.sort_by(f64::total_cmp);
                quantile(&self.values, f64::from(hundredths) / 100.0).unwrap_or(self.mean)
            }
        };
        // JSON has no infinity, which sums of huge values come to.
        value.clamp(f64::MIN, f64::MAX)
    }
}

/// By group and the beginning of the bucket.
#[derive(Default)]
struct Cells(BTreeMap<(String, Timestamp), Cell>);

impl Cells {
    fn add(
        &mut self,
        groups: &BTreeSet<Cow<'_, str>>,
        one: &One,
        summaries: &[Summary],
        before: Option<f64>,
    ) {
        let mut before = before;
        for summary in summaries {
            let change = summary.last - before.unwrap_or(summary.first);
            before = Some(summary.last);
            for group in groups {
                let key = (group.clone().into_owned(), summary.from);
                self.0.entry(key).or_insert_with(|| Cell::empty(summary.to)).add(one, summary, change);
            }
        }
    }

    /// Reads each value.
    async fn examine(
        &mut self,
        api: &Api,
        groups: &Groups,
        series: &[One],
        times: &[Timestamp],
    ) -> Result<(), ApiError> {
        let count: u64 = self.0.values().map(|cell| cell.count).sum();
        if count > MAX_EXAMINED {
            return Err(ApiError::BadRequest(format!(
                "{count} readings are more than the {MAX_EXAMINED} that percentiles are looked for in: ask for fewer devices, \
                 a shorter range, or for mean, min and max"
            )));
        }
        let [from, .., to] = *times else { return Ok(()) };
        for one in series {
            let values =
                api.history.values(&one.series, TimeRange { from, to }, MAX_EXAMINED as usize).await?;
            for group in groups.of_device(one.series.device()) {
                self.fill(&group, one, &values, times);
            }
        }
        Ok(())
    }

    fn fill(&mut self, group: &str, one: &One, values: &[(Timestamp, f64)], times: &[Timestamp]) {
        for (at, value) in values {
            let from = times[..times.partition_point(|time| time <= at)].last();
            let cell = from.and_then(|from| self.0.get_mut(&(group.to_owned(), *from)));
            cell.into_iter().for_each(|cell| cell.values.push(one.value(*value)));
        }
    }

    fn rows(self, query: &AggregateQuery, unit: Option<&str>) -> Vec<forms::Aggregate> {
        let row = |((group, from), mut cell): ((String, Timestamp), Cell)| forms::Aggregate {
            group: (query.group != Group::All).then_some(group),
            from: from.into(),
            to: cell.to.into(),
            value: cell.value(from, query.aggregate),
            unit: unit.map(str::to_owned),
            count: cell.count,
        };
        self.0.into_iter().map(row).collect()
    }
}
