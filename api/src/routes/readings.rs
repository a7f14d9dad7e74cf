//! `GET /api/readings`: stored readings, or a series summed up for a chart.

mod aggregate;
mod aggregated;
mod every;
mod pages;
mod query;
mod streamed;

use std::time::Duration;

use access::{Action, Caller};
use store::{Bucket, Store, TimeRange, Unavailable};
use warp::http::{HeaderMap, HeaderValue};
use warp::reply::{Reply, Response};
use warp::{Filter, Rejection};

use self::pages::Parts;
use self::query::{Asked, BucketQuery, Format};
use self::streamed::Streamer;
use crate::context::Api;
use crate::error::ApiError;
use crate::forms::{self, csv};
use crate::guards::{reads, within};
use crate::query::Parameters;

#[cfg(test)]
pub(super) use self::query::PARAMETERS;

const JSON: &str = "application/json";
const CSV: &str = "text/csv; charset=utf-8";

/// An answer, before it is sent.
#[allow(clippy::large_enum_variant, reason = "there is one for each request, and it is used at once")]
enum Answer {
    Json(String),
    /// A table, and the name of its file.
    Csv(String, String),
    /// A table with more rows than are held at once: its beginning, the rest, and the name of its file.
    Long(String, Box<Parts>, String),
}

pub(super) fn route(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let (reads, streamer) = (reads(api, Action::Read), Streamer::new(api));
    let api = api.clone();
    warp::path!("api" / "readings").and(reads).then(move |parameters, caller| {
        let (api, streamer) = (api.clone(), streamer.clone());
        async move {
            match read(&api, parameters, &caller).await {
                Ok(answer) => send(answer, &streamer),
                Err(error) => error.into_response(),
            }
        }
    })
}

/// Reads the beginning, so that a store that cannot be read is an error and not an answer that is cut off.
async fn read(api: &Api, parameters: Parameters, caller: &Caller) -> Result<Answer, ApiError> {
    let (store, limits) = (api.history.clone(), api.limits);
    let mut asked = query::read(parameters).map_err(ApiError::BadRequest)?;
    asked.device().map_or(Ok(()), |device| within(caller, device))?;
    asked.keep_within(&caller.scope);
    match asked {
        Asked::Readings(query, Format::Json) => {
            Ok(Answer::Json(pages::json(store.as_ref(), limits, query).await?))
        }
        Asked::Readings(query, Format::Csv) => {
            let name = csv::file_name(query.metric.as_deref(), query.device.as_deref());
            let mut parts = Parts::new(store, limits, query);
            let first = parts.next().await?;
            Ok(if parts.is_over() {
                Answer::Csv(first, name)
            } else {
                Answer::Long(first, Box::new(parts), name)
            })
        }
        Asked::Buckets(query, format) => {
            let buckets = limits.within(buckets(store.as_ref(), &query)).await?;
            let rows = buckets.iter().map(forms::Bucket::from);
            Ok(match format {
                Format::Json => Answer::Json(forms::list("buckets", rows)),
                Format::Csv => Answer::Csv(
                    csv::text(csv::BUCKET, rows.map(csv::BucketCells::from)),
                    csv::file_name(Some(&query.metric), Some(&query.device)),
                ),
            })
        }
        Asked::Aggregates(query, format) => {
            let rows = limits.within(aggregated::read(api, &query, &caller.scope)).await?;
            Ok(match format {
                Format::Json => Answer::Json(forms::list("aggregates", rows.into_iter())),
                Format::Csv => Answer::Csv(
                    csv::text(csv::AGGREGATE, rows.into_iter().map(csv::AggregateCells::from)),
                    csv::file_name(Some(&query.metric), query.devices.literal()),
                ),
            })
        }
    }
}

async fn buckets(store: &dyn Store, query: &BucketQuery) -> Result<Vec<Bucket>, Unavailable> {
    let BucketQuery { device, metric, from, to, points } = query;
    let Some((oldest, newest)) = store.time_bounds(device, metric).await? else { return Ok(vec![]) };
    // The end of a range is exclusive, and the newest reading must be inside.
    let after_newest = newest + Duration::from_micros(1);
    let range = TimeRange { from: from.unwrap_or(oldest), to: to.unwrap_or(after_newest) };
    store.buckets(device, metric, range, *points).await
}

fn send(answer: Answer, streamer: &Streamer) -> Response {
    let (mut response, file_name) = match answer {
        Answer::Json(text) => (text.into_response(), None),
        Answer::Csv(text, name) => (text.into_response(), Some(name)),
        Answer::Long(first, rest, name) => (streamer.send(first, *rest), Some(name)),
    };
    set(response.headers_mut(), file_name.as_deref());
    response
}

fn set(headers: &mut HeaderMap, file_name: Option<&str>) {
    let kind = if file_name.is_some() { CSV } else { JSON };
    headers.insert("content-type", HeaderValue::from_static(kind));
    headers.insert("cache-control", HeaderValue::from_static("no-store"));
    if let Some(name) = file_name {
        let name = format!("attachment; filename=\"{name}\"").parse().expect("a file's name is plain ASCII");
        headers.insert("content-disposition", name);
    }
}
