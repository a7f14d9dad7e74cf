//! `GET /api/analytics/historical` and `GET /api/devices/{name}/analytics`: series summed up over a range.

use std::time::Duration;

use access::{Action, Caller};
use analytics::{Summary, anomalies};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use store::TimeRange;
use telemetry::{Reading, time::saturating_add};
use warp::{Filter, Rejection, reply::Response};

use super::select::{Selected, Selection, stored, topic};
use crate::cached::{Cached, MAX_AGE};
use crate::context::Api;
use crate::error::ApiError;
use crate::forms::{self, Anomaly, Historical, Page};
use crate::guards::reads;
use crate::query::{self, Parameters};
use crate::routes::devices::name_of;

/// The parameters that there are.
pub(in crate::routes) const PARAMETERS: &[&str] =
    &["device", "metric", "start_date", "end_date", "points", "after", "limit", MAX_AGE];
pub(in crate::routes) const OF_DEVICE: &[&str] = &["period", MAX_AGE];

/// Series in one answer, at most.
const MAX_SERIES: usize = 20;

/// Parts of a range, at most.
const MAX_POINTS: usize = 500;

/// Readings of a series that quantiles and anomalies are of, at most: the last ones.
const MAX_EXAMINED: usize = 10_000;

/// Anomalies of a series that are named, at most: the last ones.
const MAX_ANOMALIES: usize = 100;

/// The range, where no other is asked for.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The longest period.
const MAX_PERIOD: Duration = Duration::from_secs(10 * 366 * 24 * 60 * 60);

/// What is asked of each series.
#[derive(Debug)]
struct Asked {
    range: TimeRange,
    points: Option<usize>,
}

pub(super) fn route(
    api: &Api,
    cached: &Cached,
) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let reads = reads(api, Action::Read);
    let (api, cached) = (api.clone(), cached.clone());
    warp::path!("api" / "analytics" / "historical").and(reads).then(move |parameters, caller| {
        let (api, cached) = (api.clone(), cached.clone());
        async move {
            let compute = |parameters| api.limits.within(of_series(&api, parameters, &caller));
            cached.answer(("historical", &caller), parameters, compute).await
        }
    })
}

pub(super) fn of_device(
    api: &Api,
    cached: &Cached,
) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let reads = reads(api, Action::Read);
    let (api, cached) = (api.clone(), cached.clone());
    warp::path!("api" / "devices" / String / "analytics").and(reads).then(
        move |name: String, parameters, caller| {
            let (api, cached) = (api.clone(), cached.clone());
            async move {
                let compute =
                    |parameters| api.limits.within(of_period(&api, name_of(&name), parameters, &caller));
                cached.answer((&format!("device {name}"), &caller), parameters, compute).await
            }
        },
    )
}

async fn of_series(api: &Api, mut parameters: Parameters, caller: &Caller) -> Result<String, ApiError> {
    let selection = Selection::read(&mut parameters, MAX_SERIES).map_err(ApiError::BadRequest)?;
    let asked = read(parameters, api.clock.wall()).map_err(ApiError::BadRequest)?;
    page(api, selection.of(api, caller)?, &asked).await
}

async fn of_period(
    api: &Api,
    device: String,
    parameters: Parameters,
    caller: &Caller,
) -> Result<String, ApiError> {
    let range = read_period(parameters, api.clock.wall()).map_err(ApiError::BadRequest)?;
    let selection = Selection::of_device(device, MAX_SERIES);
    page(api, selection.of(api, caller)?, &Asked { range, points: None }).await
}

/// # Errors
/// Says which parameter is wrong and what it may be.
fn read(mut parameters: Parameters, now: Timestamp) -> Result<Asked, String> {
    let from = date(&mut parameters, "start_date", 0)?;
    let to = date(&mut parameters, "end_date", 1)?;
    let points = query::number(&mut parameters, "points", MAX_POINTS)?;
    query::nothing_left(&parameters, PARAMETERS)?;
    let to = to.unwrap_or_else(|| saturating_add(now, Duration::from_micros(1)));
    let from = from.unwrap_or_else(|| to.checked_sub(DAY).unwrap_or(Timestamp::MIN));
    if from > to {
        return Err("start_date is later than end_date".into());
    }
    Ok(Asked { range: TimeRange { from, to }, points })
}

/// A time as everywhere, or a day in UTC, which is included.
fn date(parameters: &mut Parameters, name: &str, days_later: i64) -> Result<Option<Timestamp>, String> {
    let day = parameters.get(name).and_then(|text| text.parse::<Date>().ok().filter(|_| text.len() == 10));
    let Some(day) = day else { return query::time(parameters, name) };
    parameters.remove(name);
    let day = day.checked_add(jiff::Span::new().days(days_later)).and_then(|day| day.to_zoned(TimeZone::UTC));
    Ok(Some(day.map_err(|_| format!("{name} is outside the calendar"))?.timestamp()))
}

fn read_period(mut parameters: Parameters, now: Timestamp) -> Result<TimeRange, String> {
    let text = query::text(&mut parameters, "period")?;
    query::nothing_left(&parameters, OF_DEVICE)?;
    let period = match text {
        None => DAY,
        Some(text) => humantime::parse_duration(&text)
            .ok()
            .filter(|period| (Duration::from_secs(1)..=MAX_PERIOD).contains(period))
            .ok_or("period must be a time such as 90s, 24h or 7d, up to 10 years")?,
    };
    let from = now.checked_sub(period).unwrap_or(Timestamp::MIN);
    Ok(TimeRange { from, to: saturating_add(now, Duration::from_micros(1)) })
}

async fn page(api: &Api, selected: Selected, asked: &Asked) -> Result<String, ApiError> {
    let mut page = Page::new("series", MAX_SERIES);
    let mut last = None;
    for series in &selected.series {
        if !page.push(&row(api, series, asked).await?) {
            return Ok(page.end(last.map(topic).as_deref()));
        }
        last = Some(series);
    }
    Ok(page.end(selected.next.as_deref()))
}

async fn row(
    api: &Api,
    newest: &forms::Series<'static>,
    asked: &Asked,
) -> Result<Historical<'static>, ApiError> {
    let series = stored(newest)?;
    let (device, metric, range) = (series.device(), series.metric(), asked.range);
    let all = api.history.buckets(device, metric, range, 1).await?;
    let mut last = api.history.last(&series, range.to, MAX_EXAMINED).await?;
    last.retain(|reading| reading.measured_at >= range.from);
    let buckets = match asked.points {
        Some(points) => api.history.buckets(device, metric, range, points).await?,
        None => Vec::new(),
    };
    let summary = Summary::of(last.iter().map(|reading| reading.value));
    let found = found(&last);
    Ok(Historical {
        device: newest.device.clone(),
        metric: newest.metric.clone(),
        unit: newest.unit.clone(),
        all: all.first().map(Into::into),
        examined: last.len(),
        deviation: summary.map(|summary| summary.deviation),
        p50: summary.map(|summary| summary.p50),
        p95: summary.map(|summary| summary.p95),
        p99: summary.map(|summary| summary.p99),
        anomaly_count: found.len(),
        anomalies: found[found.len().saturating_sub(MAX_ANOMALIES)..].to_vec(),
        buckets: buckets.iter().map(Into::into).collect(),
    })
}

fn found(readings: &[Reading]) -> Vec<Anomaly> {
    let found = anomalies(readings.iter().map(|reading| reading.value));
    found
        .map(|(at, judged)| Anomaly {
            measured_at: readings[at].measured_at.into(),
            value: readings[at].value,
            mean: judged.mean,
            deviation: judged.deviation,
            z_score: judged.z,
        })
        .collect()
}
