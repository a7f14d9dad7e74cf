//! `GET /analyze?device_id=`: the field's short form for one series.

use std::time::Duration;

use access::{Action, Caller};
use analytics::WINDOW;
use telemetry::time::saturating_add;
use warp::{Filter, Rejection, reply::Response};

use super::realtime::newest_of;
use super::select::{Selection, stored};
use crate::cached::{Cached, MAX_AGE};
use crate::context::Api;
use crate::error::ApiError;
use crate::forms;
use crate::guards::reads;
use crate::query::{self, Parameters};

/// The parameters that there are.
pub(in crate::routes) const PARAMETERS: &[&str] = &["device_id", "metric", MAX_AGE];

/// The metric, where a device has several and none is named.
const METRIC: &str = "rps";

/// Series of a device that are looked through for it.
const MAX_SERIES: usize = 10_000;

pub(super) fn route(
    api: &Api,
    cached: &Cached,
) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let reads = reads(api, Action::Read);
    let (api, cached) = (api.clone(), cached.clone());
    warp::path!("analyze").and(reads).then(move |parameters, caller| {
        let (api, cached) = (api.clone(), cached.clone());
        async move {
            let compute = |parameters| api.limits.within(analyzed(&api, parameters, &caller));
            cached.answer(("analyze", &caller), parameters, compute).await
        }
    })
}

async fn analyzed(api: &Api, parameters: Parameters, caller: &Caller) -> Result<String, ApiError> {
    let (device, metric) = read(parameters).map_err(ApiError::BadRequest)?;
    let selected = Selection::of_device(device, MAX_SERIES).of(api, caller)?;
    let newest = choose(&selected.series, metric.as_deref())?;
    let (series, now) = (stored(newest)?, api.clock.wall());
    let until = saturating_add(now, Duration::from_micros(1));
    let last = api.history.last(&series, until, WINDOW + 1).await?;
    let judged =
        newest_of(&last).ok_or_else(|| ApiError::NotFound(format!("{series} has no reading up to now")))?;
    Ok(forms::text(&forms::analyzed(series.device(), series.metric(), judged, now.into())))
}

/// # Errors
/// Says which parameter is wrong and what it may be.
fn read(mut parameters: Parameters) -> Result<(String, Option<String>), String> {
    let device = query::text(&mut parameters, "device_id")?;
    let metric = query::text(&mut parameters, "metric")?;
    query::nothing_left(&parameters, PARAMETERS)?;
    Ok((device.ok_or("device_id must name a device")?, metric))
}

/// # Errors
/// The device has no such series, or several of which none is meant.
fn choose<'a>(
    series: &'a [forms::Series<'static>],
    metric: Option<&str>,
) -> Result<&'a forms::Series<'static>, ApiError> {
    let of = |metric: &str| series.iter().find(|series| series.metric == metric);
    match (metric, series) {
        (Some(metric), _) => {
            of(metric).ok_or_else(|| ApiError::NotFound(format!("the device has no {metric}")))
        }
        (None, [only]) => Ok(only),
        (None, several) => of(METRIC).ok_or_else(|| {
            let metrics: Vec<_> = several.iter().map(|series| series.metric.as_ref()).collect();
            ApiError::BadRequest(format!("write which metric: {}", metrics.join(", ")))
        }),
    }
}
