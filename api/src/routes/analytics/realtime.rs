//! `GET /api/analytics/realtime`: the newest value of each series beside the 50 before it, and the last hour.

use std::time::Duration;

use access::{Action, Caller};
use analytics::{Judged, Rolling, WINDOW, anomalies};
use jiff::Timestamp;
use store::TimeRange;
use telemetry::{Reading, time::saturating_add};
use warp::{Filter, Rejection, reply::Response};

use super::select::{Selection, stored};
use crate::cached::{Cached, MAX_AGE};
use crate::context::Api;
use crate::error::ApiError;
use crate::forms::{self, Page};
use crate::guards::reads;
use crate::query::{self, Parameters};

/// The parameters that there are.
pub(in crate::routes) const PARAMETERS: &[&str] = &["device", "metric", "after", "limit", MAX_AGE];

/// Series in one answer, at most.
const MAX_SERIES: usize = 100;

const HOUR: Duration = Duration::from_secs(60 * 60);

/// What the values of the window are judged by, before the window.
const READ: usize = 2 * WINDOW + 1;

pub(super) fn route(
    api: &Api,
    cached: &Cached,
) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let reads = reads(api, Action::Read);
    let (api, cached) = (api.clone(), cached.clone());
    warp::path!("api" / "analytics" / "realtime").and(reads).then(move |parameters, caller| {
        let (api, cached) = (api.clone(), cached.clone());
        async move {
            let compute = |parameters| api.limits.within(page(&api, parameters, &caller));
            cached.answer(("realtime", &caller), parameters, compute).await
        }
    })
}

async fn page(api: &Api, mut parameters: Parameters, caller: &Caller) -> Result<String, ApiError> {
    let selection = Selection::read(&mut parameters, MAX_SERIES).map_err(ApiError::BadRequest)?;
    query::nothing_left(&parameters, PARAMETERS).map_err(ApiError::BadRequest)?;
    let selected = selection.of(api, caller)?;
    let now = api.clock.wall();
    let mut page = Page::new("series", MAX_SERIES);
    for series in selected.series {
        // There is room for as many as are selected.
        let _ = page.push(&row(api, series, now).await?);
    }
    Ok(page.end(selected.next.as_deref()))
}

async fn row(
    api: &Api,
    newest: forms::Series<'static>,
    now: Timestamp,
) -> Result<forms::Realtime<'static>, ApiError> {
    let series = stored(&newest)?;
    // The end is exclusive.
    let until = saturating_add(now, Duration::from_micros(1));
    let last = api.history.last(&series, until, READ).await?;
    let from = now.checked_sub(HOUR).unwrap_or(Timestamp::MIN);
    let range = TimeRange { from, to: until };
    let hour = api.history.buckets(series.device(), series.metric(), range, 1).await?;
    let window = &last[last.len().saturating_sub(WINDOW + 1)..];
    let first = last.len() - window.len();
    let Judged { mean, deviation, z, is_anomaly } = newest_of(&last).unwrap_or(NOTHING);
    Ok(forms::Realtime {
        newest,
        window: window.len().saturating_sub(1),
        rolling_mean: mean,
        rolling_deviation: deviation,
        z_score: z,
        is_anomaly,
        anomalies: anomalies(last.iter().map(|reading| reading.value)).filter(|(at, _)| *at >= first).count(),
        rate: rate(window),
        hour: hour.first().map(Into::into),
    })
}

const NOTHING: Judged = Judged { mean: 0.0, deviation: 0.0, z: 0.0, is_anomaly: false };

/// The newest reading, judged by those before it.
pub(super) fn newest_of(last: &[Reading]) -> Option<Judged> {
    let mut rolling = Rolling::default();
    last.iter().map(|reading| rolling.judge(reading.value)).last()
}

/// Readings a second.
fn rate(readings: &[Reading]) -> Option<f64> {
    let (first, last) = (readings.first()?.measured_at, readings.last()?.measured_at);
    let seconds = last.duration_since(first).as_secs_f64();
    (seconds > 0.0).then(|| (readings.len() - 1) as f64 / seconds)
}
