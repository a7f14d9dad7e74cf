//! `GET /api/types`, `GET`, `PUT` and `DELETE /api/types/{name}`: types of devices.

use access::{Action, Caller, Decision};
use store::DeviceType as Stored;
use warp::http::{HeaderValue, Method, StatusCode};
use warp::reply::{Reply, Response};
use warp::{Filter, Rejection};

use crate::context::Api;
use crate::device_types::{Types, check_description, check_type_name, form};
use crate::error::ApiError;
use crate::forms::{self, TypeDescription};
use crate::guards::{Request, Wanted, reads, requests};
use crate::query::{self, Parameters};
use crate::requests::read;
use crate::response::{answer, json};

/// Bytes of what is said of a type, at most.
const MAX_BODY_BYTES: usize = 64 * 1024;

pub(super) fn routes(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    all(api).or(one(api)).unify()
}

fn all(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let context = api.clone();
    warp::path!("api" / "types").and(reads(api, Action::Read)).then(move |parameters, _caller: Caller| {
        let api = context.clone();
        async move { answer(list(&api, &parameters).await) }
    })
}

fn one(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let requests = requests(api, MAX_BODY_BYTES);
    let api = api.clone();
    warp::path!("api" / "types" / String).and(requests).then(move |name: String, request: Request| {
        let api = api.clone();
        let answer = async move {
            match request.method {
                Method::GET | Method::HEAD => show(&api, &name, request).await,
                Method::PUT => set(&api, &name, request).await,
                Method::DELETE => remove(&api, &name, request).await,
                _ => Err(ApiError::Method("GET, HEAD, PUT, DELETE")),
            }
        };
        async move { answer.await.unwrap_or_else(ApiError::into_response) }
    })
}

async fn list(api: &Api, parameters: &Parameters) -> Result<String, ApiError> {
    query::nothing(parameters).map_err(ApiError::BadRequest)?;
    Ok(forms::list("types", Types::load(api).await?.all()))
}

async fn show(api: &Api, name: &str, request: Request) -> Result<Response, ApiError> {
    let (parameters, _) = request.reads(Action::Read).await?;
    query::nothing(&parameters).map_err(ApiError::BadRequest)?;
    if let Some(stored) = api.store.device_type(name).await? {
        return said(StatusCode::OK, &stored);
    }
    let types = Types::load(api).await?;
    let built_in = types.all().find(|known| known.name == name).ok_or_else(|| unknown(name))?;
    Ok(json(StatusCode::OK, forms::text(built_in)))
}

/// Adds a type, or replaces what it says.
async fn set(api: &Api, name: &str, request: Request) -> Result<Response, ApiError> {
    let wanted = request.revision();
    let (body, caller) = request.json(Action::Devices).await?;
    must_see_all(&caller)?;
    check_type_name(name).map_err(ApiError::BadRequest)?;
    let description = read_description(&body).map_err(ApiError::BadRequest)?;
    let (name, body, changed_at) = (name.to_owned(), forms::text(&description), api.clock.wall());
    let Some(old) = api.store.device_type(&name).await? else {
        if !matches!(wanted, Wanted::Any) {
            return Err(ApiError::Changed);
        }
        let new = api.access.add_type(&caller, Stored { name, body, changed_at, revision: 0 }).await?;
        return said(StatusCode::CREATED, &new);
    };
    check_revision(&old, &wanted)?;
    let new = Stored { name, body, changed_at, revision: old.revision };
    said(StatusCode::OK, &api.access.set_type(&caller, &old, new).await?)
}

fn read_description(body: &[u8]) -> Result<TypeDescription, String> {
    // An array would be read by the order of the fields.
    let object: serde_json::Map<_, _> = read(body)?;
    let description =
        serde_json::from_value(object.into()).map_err(|e| format!("the body cannot be read: {e}"))?;
    check_description(&description)?;
    Ok(description)
}

async fn remove(api: &Api, name: &str, request: Request) -> Result<Response, ApiError> {
    let wanted = request.revision();
    let caller = request.changes(Action::Devices).await?;
    must_see_all(&caller)?;
    let old = match api.store.device_type(name).await? {
        Some(old) => old,
        None if Types::load(api).await?.all().any(|known| known.name == name) => {
            return Err(ApiError::Conflict(format!(
                "the type {name} is built in: it can be replaced, not removed"
            )));
        }
        None => return Err(unknown(name)),
    };
    check_revision(&old, &wanted)?;
    api.access.remove_type(&caller, &old).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// A type is that of devices which a caller with filters may not see.
fn must_see_all(caller: &Caller) -> Result<(), ApiError> {
    if caller.scope.is_all() {
        return Ok(());
    }
    Err(ApiError::NotFound(Decision::OutsideFilters.why()))
}

fn check_revision(old: &Stored, wanted: &Wanted) -> Result<(), ApiError> {
    match wanted {
        Wanted::Any => Ok(()),
        Wanted::Revision(revision) if *revision == old.revision => Ok(()),
        _ => Err(ApiError::Changed),
    }
}

/// A type as it is stored, with the revision as its tag.
fn said(status: StatusCode, stored: &Stored) -> Result<Response, ApiError> {
    let mut response = json(status, forms::text(&form(stored)));
    let tag = HeaderValue::from_str(&format!("\"{}\"", stored.revision));
    response.headers_mut().insert("etag", tag.map_err(|e| ApiError::Failed(e.to_string()))?);
    Ok(response)
}

fn unknown(name: &str) -> ApiError {
    ApiError::NotFound(format!("there is no type {name}: GET /api/types lists them"))
}
