//! Which series a request is about.

use access::Caller;
use telemetry::Series;

use crate::context::Api;
use crate::error::ApiError;
use crate::forms;
use crate::guards::within;
use crate::query::{self, Parameters};

/// Series of a device, of a metric, of both, or all.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Selection {
    pub(super) device: Option<String>,
    pub(super) metric: Option<String>,
    after: Option<Series>,
    limit: usize,
}

/// Series, by device and metric, and where the next ones begin.
pub(super) struct Selected {
    pub(super) series: Vec<forms::Series<'static>>,
    pub(super) next: Option<String>,
}

impl Selection {
    /// # Errors
    /// Says which parameter is wrong and what it may be.
    pub(super) fn read(parameters: &mut Parameters, max: usize) -> Result<Self, String> {
        let device = query::text(parameters, "device")?;
        let metric = query::text(parameters, "metric")?;
        let after = query::text(parameters, "after")?;
        let after = after.map(|topic| Series::parse(&topic).map_err(|_| query::NO_CURSOR)).transpose()?;
        let limit = query::number(parameters, "limit", max)?.unwrap_or(max);
        Ok(Self { device, metric, after, limit })
    }

    pub(super) fn of_device(device: String, limit: usize) -> Self {
        Self { device: Some(device), limit, ..Self::default() }
    }

    /// The series that a caller sees.
    ///
    /// # Errors
    /// The device is not known, or outside the caller's filters; or it is not known yet what is stored.
    pub(super) fn of(&self, api: &Api, caller: &Caller) -> Result<Selected, ApiError> {
        let mut series = match &self.device {
            Some(device) => {
                within(caller, device)?;
                of_device(api, device)?
            }
            None => {
                let heard = api.series.devices(&caller.scope).ok_or(ApiError::NotLoaded)?;
                heard.into_values().flat_map(|heard| heard.series).collect()
            }
        };
        series.retain(|series| self.holds(series));
        series.sort_by(|a, b| key(a).cmp(&key(b)));
        let is_more = series.len() > self.limit;
        series.truncate(self.limit);
        let last = series.last().filter(|_| is_more);
        let next = last.map(topic);
        Ok(Selected { series, next })
    }

    fn holds(&self, series: &forms::Series<'_>) -> bool {
        let is_after = |after: &Series| key(series) > (after.device(), after.metric());
        self.metric.as_ref().is_none_or(|metric| series.metric == *metric)
            && self.after.as_ref().is_none_or(is_after)
    }
}

/// The topic of a series, which is the cursor of those after it.
pub(super) fn topic(series: &forms::Series<'_>) -> String {
    format!("{}/{}", series.metric, series.device)
}

fn key<'a>(series: &'a forms::Series<'_>) -> (&'a str, &'a str) {
    (&series.device, &series.metric)
}

fn of_device(api: &Api, device: &str) -> Result<Vec<forms::Series<'static>>, ApiError> {
    if let Some(heard) = api.series.device(device) {
        return Ok(heard.series);
    }
    match api.series.devices(&telemetry::Scope::all()) {
        Some(_) => Err(ApiError::NotFound(format!("no reading of {device} is stored"))),
        None => Err(ApiError::NotLoaded),
    }
}

/// The series as the store names it.
pub(in crate::routes) fn stored(series: &forms::Series<'_>) -> Result<Series, ApiError> {
    let topic = topic(series);
    Series::parse(&topic).map_err(|e| ApiError::Failed(format!("{topic}: {e}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_named() {
        let read =
            |parameters| query::read(|mut parameters| Selection::read(&mut parameters, 100), parameters);
        let all = read(&[]).unwrap();
        assert_eq!(all, Selection { limit: 100, ..Selection::default() });
        for (parameters, expected) in [
            (&[("limit", "101")][..], "limit must be a number from 1 to 100"),
            (&[("after", "x")], "after must be the `next`"),
            (&[("device", "a\u{7}")], "device must be without control characters"),
        ] {
            assert!(read(parameters).unwrap_err().contains(expected), "{parameters:?}");
        }
    }
}
