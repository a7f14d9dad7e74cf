//! `GET /api/devices/{name}/data`: the newest readings of a device.

use std::collections::VecDeque;
use std::time::Duration;

use access::Action;
use jiff::Timestamp;
use store::{ReadingQuery, StoredReading, TimeRange};
use telemetry::Scope;
use warp::http::StatusCode;
use warp::reply::Response;
use warp::{Filter, Rejection};

use super::{must_see, name_of, unknown};
use crate::context::Api;
use crate::error::ApiError;
use crate::forms::{self, Page};
use crate::guards::reads;
use crate::query::{self, Parameters};
use crate::response::json;

/// The parameters that there are.
pub(in crate::routes) const PARAMETERS: &[&str] = &["limit"];

/// Readings in one answer, at most, and where no limit is asked for.
const MAX_LIMIT: usize = 1_000;
const DEFAULT_LIMIT: usize = 100;

/// The first range in which readings are looked for; the next ones are four times as long each.
const FIRST_RANGE: Duration = Duration::from_secs(10);

/// Readings that are read at once.
const AT_ONCE: usize = 10_000;

pub(super) fn route(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let reads = reads(api, Action::Read);
    let api = api.clone();
    warp::path!("api" / "devices" / String / "data").and(reads).then(
        move |name: String, parameters: Parameters, caller| {
            let api = api.clone();
            let name = name_of(&name);
            async move {
                let answer = must_see(&caller, &name).map(|()| newest(&api, &name, parameters));
                match answer {
                    Ok(answer) => answer.await.unwrap_or_else(ApiError::into_response),
                    Err(error) => error.into_response(),
                }
            }
        },
    )
}

async fn newest(api: &Api, name: &str, mut parameters: Parameters) -> Result<Response, ApiError> {
    let limit = query::number(&mut parameters, "limit", MAX_LIMIT);
    let limit = limit.map_err(ApiError::BadRequest)?.unwrap_or(DEFAULT_LIMIT);
    query::nothing_left(&parameters, PARAMETERS).map_err(ApiError::BadRequest)?;
    let Some(heard) = api.series.device(name) else {
        return match api.store.device(name).await? {
            Some(_) => Ok(json(StatusCode::OK, Page::new("readings", limit).end(None))),
            None => Err(unknown(name)),
        };
    };
    let found = api.limits.within(last(api, name, heard.last_seen, limit)).await?;
    let runs = api.limits.within(api.history.clock_runs()).await?;
    let mut page = Page::new("readings", limit);
    for reading in &found {
        if !page.push(&forms::Reading::stamped(reading, &runs)) {
            break;
        }
    }
    Ok(json(StatusCode::OK, page.end(None)))
}

/// The last readings until the newest one, newest first. What a clock stamped that was ahead is among them.
async fn last(
    api: &Api,
    name: &str,
    newest: Timestamp,
    limit: usize,
) -> store::Result<VecDeque<StoredReading>> {
    let mut range = FIRST_RANGE;
    loop {
        let from = newest.checked_sub(range).unwrap_or(Timestamp::MIN);
        let found = last_since(api, name, from, limit).await?;
        if found.len() >= limit || from == Timestamp::MIN {
            return Ok(found);
        }
        range = range.saturating_mul(4);
    }
}

async fn last_since(
    api: &Api,
    name: &str,
    from: Timestamp,
    limit: usize,
) -> store::Result<VecDeque<StoredReading>> {
    let range = TimeRange { from, to: Timestamp::MAX };
    let (mut last, mut after) = (VecDeque::new(), None);
    loop {
        let device = Some(name.to_owned());
        let query = ReadingQuery { device, metric: None, range, limit: AT_ONCE, after, scope: Scope::all() };
        let page = api.history.readings(query).await?;
        for reading in page.readings {
            last.push_front(reading);
            last.truncate(limit);
        }
        after = page.next;
        if after.is_none() {
            return Ok(last);
        }
    }
}
