//! `GET /api/rejected`, and `POST /api/rejected/<id>/resend`.

use std::sync::Arc;

use store::{RejectionQuery, Store};
use telemetry::MAX_PAYLOAD_BYTES;
use warp::http::{Method, StatusCode};
use warp::reply::Response;
use warp::{Filter, Rejection};

use crate::context::Api;
use crate::error::ApiError;
use crate::forms::{self, Rejected};
use crate::guards::{MAX_BODY_BYTES, Request, reads, requests};
use crate::query::{self, DEFAULT_LIMIT, MAX_LIMIT, Parameters};
use crate::requests::Correction;
use crate::resend;
use crate::response::{answer, json};

/// The parameters that there are.
pub(super) const PARAMETERS: &[&str] = &["limit", "before", "resent"];

/// Bytes of a body with a corrected payload: JSON writes a byte as six, at most.
const MAX_CORRECTION_BYTES: usize = 6 * MAX_PAYLOAD_BYTES + MAX_BODY_BYTES;

pub(super) fn routes(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    rejected(api).or(resends(api)).unify()
}

fn rejected(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let store = api.store.clone();
    warp::path!("api" / "rejected").and(reads(&api.site)).then(move |parameters| {
        let store = store.clone();
        async move { answer(list(&store, parameters).await) }
    })
}

fn resends(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let requests = requests(&api.site, api.limits, MAX_CORRECTION_BYTES);
    let api = api.clone();
    warp::path!("api" / "rejected" / String / "resend").and(requests).then(move |id: String, request| {
        let api = api.clone();
        async move { resend(&api, &id, request).await.unwrap_or_else(ApiError::into_response) }
    })
}

async fn list(store: &Arc<dyn Store>, parameters: Parameters) -> Result<String, ApiError> {
    let rejected = store.rejected(read(parameters).map_err(ApiError::BadRequest)?).await?;
    Ok(forms::list("rejected", rejected.iter().map(Rejected::from)))
}

async fn resend(api: &Api, id: &str, request: Request) -> Result<Response, ApiError> {
    if request.method != Method::POST {
        return Err(ApiError::Method("POST"));
    }
    let correction = Correction::read(&request.json()?).map_err(ApiError::BadRequest)?;
    let id = id.parse().map_err(|_| resend::not_found())?;
    Ok(json(StatusCode::OK, api.resend.one(api.store.as_ref(), id, correction).await?))
}

/// # Errors
/// Says which parameter is wrong and what it may be.
fn read(mut parameters: Parameters) -> Result<RejectionQuery, String> {
    let query = RejectionQuery {
        id: None,
        before: query::row(&mut parameters, "before")?,
        resent: query::truth(&mut parameters, "resent")?,
        limit: query::number(&mut parameters, "limit", MAX_LIMIT)?.unwrap_or(DEFAULT_LIMIT),
    };
    query::nothing_left(&parameters, PARAMETERS)?;
    Ok(query)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejected_payloads_are_read_page_by_page() {
        let all = RejectionQuery { limit: DEFAULT_LIMIT, ..RejectionQuery::default() };
        assert_eq!(query::read(read, &[]), Ok(all));
        let some = [("limit", "5"), ("before", "17"), ("resent", "false")];
        let expected = RejectionQuery { before: Some(17), resent: Some(false), limit: 5, ..all };
        assert_eq!(query::read(read, &some), Ok(expected));
        assert!(query::read(read, &[("before", "x")]).unwrap_err().contains("before must be the `id`"));
        assert!(query::read(read, &[("resent", "1")]).unwrap_err().contains("true or false"));
    }
}
