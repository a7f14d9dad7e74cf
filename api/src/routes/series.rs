//! `GET /api/series`: the newest reading of every series.

use std::sync::Arc;

use access::{Action, Caller};
use telemetry::Series;
use warp::reply::Response;
use warp::{Filter, Rejection};

use crate::context::{Api, Newest};
use crate::error::ApiError;
use crate::guards::reads;
use crate::query::{self, MAX_LIMIT, Parameters};
use crate::response::answer;

/// The parameters that there are.
pub(super) const PARAMETERS: &[&str] = &["after", "limit"];

pub(super) fn route(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let series = api.series.clone();
    warp::path!("api" / "series")
        .and(reads(api, Action::Read))
        .map(move |parameters, caller| answer(list(&series, parameters, &caller)))
}

fn list(series: &Arc<dyn Newest>, parameters: Parameters, caller: &Caller) -> Result<String, ApiError> {
    let (after, limit) = read(parameters).map_err(ApiError::BadRequest)?;
    series.page(&caller.scope, after.as_ref(), limit).ok_or(ApiError::NotLoaded)
}

/// # Errors
/// Says which parameter is wrong and what it may be.
fn read(mut parameters: Parameters) -> Result<(Option<Series>, usize), String> {
    let after = query::text(&mut parameters, "after")?;
    let after = after.map(|topic| Series::parse(&topic).map_err(|_| query::NO_CURSOR)).transpose()?;
    let limit = query::number(&mut parameters, "limit", MAX_LIMIT)?.unwrap_or(MAX_LIMIT);
    query::nothing_left(&parameters, PARAMETERS)?;
    Ok((after, limit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_series_are_asked_for_where_no_limit_is_given() {
        assert_eq!(query::read(read, &[]), Ok((None, MAX_LIMIT)));
        let after = Series::parse("temperature/site-a/lab").unwrap();
        let some = [("after", "temperature/site-a/lab"), ("limit", "5")];
        assert_eq!(query::read(read, &some), Ok((Some(after), 5)));
        assert!(query::read(read, &[("after", "x")]).unwrap_err().contains("after must be the `next`"));
    }
}
