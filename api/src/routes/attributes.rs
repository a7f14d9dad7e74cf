//! `GET /api/attributes`: what a device says of itself in words.

use std::sync::Arc;

use access::{Action, Caller};
use store::Store;
use warp::reply::Response;
use warp::{Filter, Rejection};

use crate::context::Api;
use crate::error::ApiError;
use crate::forms::{self, Attribute};
use crate::guards::{Limits, reads, within};
use crate::query::{self, Parameters};
use crate::response::answer;

/// The parameters that there are.
pub(super) const PARAMETERS: &[&str] = &["device"];

pub(super) fn route(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let (store, limits) = (api.store.clone(), api.limits);
    warp::path!("api" / "attributes").and(reads(api, Action::Read)).then(move |parameters, caller| {
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
    let device = read(parameters).map_err(ApiError::BadRequest)?;
    within(caller, &device)?;
    let mut attributes = limits.within(store.attributes_of(&device)).await?;
    // Those of a device above it may be outside the caller's filters.
    attributes.retain(|attribute| caller.scope.holds(&attribute.device));
    Ok(forms::list("attributes", attributes.iter().map(Attribute::from)))
}

/// # Errors
/// Says which parameter is wrong and what it may be.
fn read(mut parameters: Parameters) -> Result<String, String> {
    let device = query::text(&mut parameters, "device")?;
    query::nothing_left(&parameters, PARAMETERS)?;
    device.ok_or_else(|| "device is missing: write for example ?device=lab".into())
}
