//! `POST /api/devices/import`.

use access::Action;
use warp::http::{Method, StatusCode};
use warp::reply::Response;
use warp::{Filter, Rejection};

use crate::context::Api;
use crate::device_import::{Existing, import_devices};
use crate::device_rows::{Row, read_json, read_table};
use crate::error::ApiError;
use crate::forms;
use crate::guards::{Request, requests};
use crate::query;
use crate::response::json;

/// Bytes of an import, at most: some 1,600 for each of the devices that it may have.
const MAX_IMPORT_BYTES: usize = 16 * 1024 * 1024;

pub(super) fn route(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let (requests, api) = (requests(api, MAX_IMPORT_BYTES), api.clone());
    warp::path!("api" / "devices" / "import").and(requests).then(move |request: Request| {
        let api = api.clone();
        async move { import(&api, request).await.unwrap_or_else(ApiError::into_response) }
    })
}

async fn import(api: &Api, request: Request) -> Result<Response, ApiError> {
    if request.method != Method::POST {
        return Err(ApiError::Method("POST"));
    }
    let (sent, caller) = request.sent(Action::Devices).await?;
    let mut parameters = sent.parameters;
    let existing = [("skip", Existing::Skip), ("update", Existing::Update)];
    let existing = query::one_of(&mut parameters, "existing", &existing).map_err(ApiError::BadRequest)?;
    query::nothing_left(&parameters, &["existing"]).map_err(ApiError::BadRequest)?;
    let rows = read(&sent.media_type, &sent.body)?;
    let with = (&api.access, api.store.as_ref());
    let existing = existing.unwrap_or(Existing::Skip);
    let imported = import_devices(with, &caller, &rows, existing, api.clock.wall()).await?;
    Ok(json(StatusCode::OK, forms::text(&imported)))
}

fn read(media_type: &str, body: &[u8]) -> Result<Vec<Row>, ApiError> {
    let rows = match media_type {
        "application/json" => read_json(body),
        "text/csv" => {
            std::str::from_utf8(body).map_err(|e| format!("the body is not UTF-8: {e}")).and_then(read_table)
        }
        _ => return Err(ApiError::MediaType("application/json or text/csv")),
    };
    rows.map_err(ApiError::BadRequest)
}
