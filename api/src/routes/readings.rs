//! `GET /api/readings`: stored readings, or a series summed up for a chart.

mod aggregate;
mod aggregated;
mod every;
mod file;
mod pages;
mod query;
mod streamed;

use std::time::Duration;

use access::{Action, Caller};
use store::{Bucket, Store, TimeRange, Unavailable};
use warp::http::{HeaderMap, HeaderValue};
use warp::reply::{Reply, Response};
use warp::{Filter, Rejection};

use self::file::FileKind;
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

/// An answer, before it is sent.
#[allow(clippy::large_enum_variant, reason = "there is one for each request, and it is used at once")]
enum Answer {
    Json(String),
    /// A file, and its name.
    File(FileKind, String, String),
    /// A file with more rows than are held at once: its beginning, the rest, and its name.
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
        Asked::Readings(query, Format::File(kind)) => {
            let name = kind.name(query.metric.as_deref(), query.device.as_deref());
            let mut parts = Parts::new(store, limits, query, kind);
            let first = parts.next().await?;
            Ok(if parts.is_over() {
                Answer::File(kind, first, name)
            } else {
                Answer::Long(first, Box::new(parts), name)
            })
        }
        Asked::Buckets(query, format) => {
            let buckets = limits.within(buckets(store.as_ref(), &query)).await?;
            let rows = buckets.iter().map(forms::Bucket::from);
            Ok(match format {
                Format::Json => Answer::Json(forms::list("buckets", rows)),
                Format::File(kind) => Answer::File(
                    kind,
                    kind.text::<_, csv::BucketCells>(csv::BUCKET, rows),
                    kind.name(Some(&query.metric), Some(&query.device)),
                ),
            })
        }
        Asked::Aggregates(query, format) => {
            let rows = limits.within(aggregated::read(api, &query, &caller.scope)).await?.into_iter();
            Ok(match format {
                Format::Json => Answer::Json(forms::list("aggregates", rows)),
                Format::File(kind) => Answer::File(
                    kind,
                    kind.text::<_, csv::AggregateCells>(csv::AGGREGATE, rows),
                    kind.name(Some(&query.metric), query.devices.literal()),
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
    let (mut response, file) = match answer {
        Answer::Json(text) => (text.into_response(), None),
        Answer::File(kind, text, name) => (text.into_response(), Some((kind, name))),
        Answer::Long(first, rest, name) => {
            let kind = rest.kind();
            (streamer.send(first, *rest), Some((kind, name)))
        }
    };
    set(response.headers_mut(), file);
    response
}

fn set(headers: &mut HeaderMap, file: Option<(FileKind, String)>) {
    let media_type = file.as_ref().map_or(JSON, |(kind, _)| kind.media_type());
    headers.insert("content-type", HeaderValue::from_static(media_type));
    headers.insert("cache-control", HeaderValue::from_static("no-store"));
    if let Some((_, name)) = file {
        let name = format!("attachment; filename=\"{name}\"").parse().expect("a file's name is plain ASCII");
        headers.insert("content-disposition", name);
    }
}
