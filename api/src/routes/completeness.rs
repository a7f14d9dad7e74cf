//! `GET /api/completeness`: whether all readings that devices numbered are stored.

use std::sync::Arc;

use store::{LedgerQuery, Store};
use warp::reply::Response;
use warp::{Filter, Rejection};

use crate::context::Api;
use crate::error::ApiError;
use crate::forms::{self, Boot};
use crate::guards::{Limits, reads};
use crate::query::{self, Parameters};
use crate::response::answer;

/// The parameters that there are.
pub(super) const PARAMETERS: &[&str] = &["device", "from", "to"];

pub(super) fn route(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let (store, limits) = (api.history.clone(), api.limits);
    warp::path!("api" / "completeness").and(reads(&api.site)).then(move |parameters| {
        let store = store.clone();
        async move { answer(list(&store, limits, parameters).await) }
    })
}

async fn list(store: &Arc<dyn Store>, limits: Limits, parameters: Parameters) -> Result<String, ApiError> {
    let query = read(parameters).map_err(ApiError::BadRequest)?;
    let boots = limits.within(store.completeness(query)).await?;
    Ok(forms::list("completeness", boots.iter().map(Boot::from)))
}

/// # Errors
/// Says which parameter is wrong and what it may be.
fn read(mut parameters: Parameters) -> Result<LedgerQuery, String> {
    let device = query::text(&mut parameters, "device")?;
    let (from, to) = query::times(&mut parameters)?;
    query::nothing_left(&parameters, PARAMETERS)?;
    Ok(LedgerQuery { device, range: query::range(from, to) })
}
