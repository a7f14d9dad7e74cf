//! `GET /api/completeness`: whether all readings that devices numbered are stored.

use std::sync::Arc;

use access::{Action, Caller};
use store::{LedgerQuery, Store};
use warp::reply::Response;
use warp::{Filter, Rejection};

use crate::context::Api;
use crate::error::ApiError;
use crate::forms::{self, Boot};
use crate::guards::{Limits, reads, within};
use crate::query::{self, Parameters};
use crate::response::answer;

/// The parameters that there are.
pub(super) const PARAMETERS: &[&str] = &["device", "from", "to"];

pub(super) fn route(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let (store, limits) = (api.history.clone(), api.limits);
    warp::path!("api" / "completeness").and(reads(api, Action::Read)).then(move |parameters, caller| {
        let store = store.clone();
        async move { answer(list(&store, limits, parameters, &caller).await) }
    })
}

async fn list(
    store: &Arc<dyn Store>,
    limits: Limits,
    parameters: Parameters,
    caller: &Caller,
) -> Result<String, ApiError> {
    let query = read(parameters).map_err(ApiError::BadRequest)?;
    query.device.as_deref().map_or(Ok(()), |device| within(caller, device))?;
    let mut boots = limits.within(store.completeness(query)).await?;
    boots.retain(|boot| caller.scope.holds(&boot.device));
    Ok(forms::list("completeness", boots.iter().map(Boot::from)))
}

/// # Errors
/// Says which parameter is wrong and what it may be.
fn read(mut parameters: Parameters) -> Result<LedgerQuery, String> {
    let device = query::text(&mut parameters, "device")?;
    let (from, to) = query::times(&mut parameters)?;
    query::nothing_left(&parameters, PARAMETERS)?;
    Ok(LedgerQuery { device, range: query::range(from, to), full: false })
}
