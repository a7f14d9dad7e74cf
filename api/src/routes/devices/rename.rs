//! `POST /api/devices/{name}/rename` and `POST /api/devices/{name}/merge`.

use access::{Action, Caller};
use jiff::Timestamp;
use serde::Deserialize;
use store::Renaming;
use warp::http::{Method, StatusCode};
use warp::reply::Response;
use warp::{Filter, Rejection};

use super::{answer, is_stored, must_see, name_of, unknown};
use crate::context::Api;
use crate::error::ApiError;
use crate::guards::{MAX_BODY_BYTES, Request, requests};
use crate::requests::read;

/// The body of a renaming.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewName {
    name: String,
}

/// The body of a merge.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MergeInto {
    into: String,
}

pub(super) fn routes(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let (requests, api) = (requests(api, MAX_BODY_BYTES), api.clone());
    let is_merge = |merge: bool| move |name: String| (name, merge);
    let renames = warp::path!("api" / "devices" / String / "rename").map(is_merge(false));
    let merges = warp::path!("api" / "devices" / String / "merge").map(is_merge(true));
    renames.or(merges).unify().and(requests).then(move |(name, merge): (String, bool), request: Request| {
        let api = api.clone();
        async move { rename(&api, name_of(&name), merge, request).await.unwrap_or_else(ApiError::into_response) }
    })
}

async fn rename(api: &Api, old: String, merge: bool, request: Request) -> Result<Response, ApiError> {
    if request.method != Method::POST {
        return Err(ApiError::Method("POST"));
    }
    let (body, caller) = request.json(Action::Devices).await?;
    let new = new_name(&body, merge).map_err(ApiError::BadRequest)?;
    must_exist(api, &caller, &old).await?;
    if merge {
        must_exist(api, &caller, &new).await?;
    } else {
        crate::guards::within(&caller, &new)?;
    }
    let renaming = Renaming { old, new, at: api.clock.wall(), merge };
    api.access.rename_device(&caller, &renaming).await?;
    api.series.forget(&renaming.old, Timestamp::MAX);
    let device = api.store.device(&renaming.new).await?;
    answer(api, StatusCode::OK, device.as_ref(), &renaming.new).await
}

fn new_name(body: &[u8], merge: bool) -> Result<String, String> {
    if merge {
        read::<MergeInto>(body).map(|body| body.into)
    } else {
        read::<NewName>(body).map(|body| body.name)
    }
}

/// # Errors
/// The caller sees no such device.
async fn must_exist(api: &Api, caller: &Caller, name: &str) -> Result<(), ApiError> {
    must_see(caller, name)?;
    let is_known = api.series.device(name).is_some() || api.store.device(name).await?.is_some();
    if is_known || is_stored(api, name).await? { Ok(()) } else { Err(unknown(name)) }
}
