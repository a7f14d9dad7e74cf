//! `GET` and `POST /api/devices`, `GET /sensors`, `GET /api/devices/{name}/data`, `GET`, `PUT`, `PATCH` and `DELETE /api/devices/{name}`, their credentials, renaming and merging.

mod body;
mod credentials;
mod data;
mod details;
mod find;
mod import;
mod rename;

use access::{Action, Caller, may};
use jiff::Timestamp;
use store::{Device, Forgetting, ReadingQuery, TimeRange};
use telemetry::{Scope, Series};
use warp::http::{HeaderValue, Method, StatusCode};
use warp::reply::{Reply, Response};
use warp::{Filter, Rejection};

pub(crate) use self::body::Body;
use crate::context::Api;
use crate::error::ApiError;
use crate::forms;
use crate::guards::{MAX_BODY_BYTES, Request, Wanted, requests};
use crate::query;
use crate::requests::read;
use crate::response::json;

#[cfg(test)]
pub(super) use self::data::PARAMETERS as DATA_PARAMETERS;
#[cfg(test)]
pub(super) use self::find::PARAMETERS;

pub(super) fn routes(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    import::route(api)
        .or(all(api))
        .unify()
        .or(one(api))
        .unify()
        .or(data::route(api))
        .unify()
        .or(credentials::routes(api))
        .unify()
        .or(rename::routes(api))
        .unify()
}

fn all(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let requests = requests(api, MAX_BODY_BYTES);
    let api = api.clone();
    let path = warp::path!("api" / "devices").or(warp::path!("sensors")).unify();
    path.and(requests).then(move |request: Request| {
        let api = api.clone();
        let answer = async move {
            match request.method {
                Method::GET | Method::HEAD => list(&api, request).await,
                Method::POST => add(&api, request).await,
                _ => Err(ApiError::Method("GET, HEAD, POST")),
            }
        };
        async move { answer.await.unwrap_or_else(ApiError::into_response) }
    })
}

fn one(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let requests = requests(api, MAX_BODY_BYTES);
    let api = api.clone();
    warp::path!("api" / "devices" / String).and(requests).then(move |name: String, request: Request| {
        let api = api.clone();
        let answer = async move {
            let name = name_of(&name);
            match request.method {
                Method::GET | Method::HEAD => show(&api, &name, request).await,
                Method::PUT => change(&api, &name, request, Body::replaces).await,
                Method::PATCH => change(&api, &name, request, Body::changes).await,
                Method::DELETE => forget(&api, &name, request).await,
                _ => Err(ApiError::Method("GET, HEAD, PUT, PATCH, DELETE")),
            }
        };
        async move { answer.await.unwrap_or_else(ApiError::into_response) }
    })
}

/// The name of a device, which has a `.` for each `/` in a path; `%2F` is taken, too.
pub(super) fn name_of(path: &str) -> String {
    path.replace("%2F", "/").replace("%2f", "/").replace('.', "/")
}

async fn list(api: &Api, request: Request) -> Result<Response, ApiError> {
    let accepts_csv = request.accepts("text/csv");
    let (mut parameters, caller) = request.reads(Action::Read).await?;
    let format = query::one_of(&mut parameters, "format", &[("json", false), ("csv", true)]);
    let is_csv = format.map_err(ApiError::BadRequest)?.unwrap_or(accepts_csv);
    let wanted = find::Wanted::read(parameters).map_err(ApiError::BadRequest)?;
    if is_csv {
        return Ok(table(find::table(api, &caller.scope, &wanted).await?));
    }
    Ok(json(StatusCode::OK, find::page(api, &caller.scope, &wanted).await?))
}

/// A table as a file.
fn table(text: String) -> Response {
    let headers = [
        ("content-type", "text/csv; charset=utf-8"),
        ("content-disposition", "attachment; filename=\"devices.csv\""),
    ];
    let mut response = text.into_response();
    for (name, value) in headers {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn add(api: &Api, request: Request) -> Result<Response, ApiError> {
    let (body, caller) = request.json(Action::Adopt).await?;
    register(api, &caller, &body).await
}

/// Registers the device that a body describes, for a caller who may adopt devices.
pub(super) async fn register(api: &Api, caller: &Caller, body: &[u8]) -> Result<Response, ApiError> {
    let body: Body = read(body).map_err(ApiError::BadRequest)?;
    // Whoever may only adopt says nothing of the device.
    if !body.is_only_a_name() && !may(caller, Action::Devices, None).is_allowed() {
        let only = "only the role admin may describe a device; send its name alone to adopt it";
        return Err(ApiError::NotAllowed(only.into()));
    }
    let now = api.clock.wall();
    let mut device = body.device(now).map_err(ApiError::BadRequest)?;
    if !body.names_it() {
        device.name = free_name(api, &device.name).await?;
    }
    must_see(caller, &device.name)?;
    let device = api.access.add_device(caller, device).await?;
    answer(api, StatusCode::CREATED, Some(&device), &device.name).await
}

/// The name, with a number where it is taken: nobody asked for just this one.
async fn free_name(api: &Api, name: &str) -> Result<String, ApiError> {
    let further = (2..1_000).map(|number| format!("{name}-{number}"));
    for name in std::iter::once(name.to_owned()).chain(further) {
        if find::one(api, &name).await?.is_none() {
            return Ok(name);
        }
    }
    Err(ApiError::Conflict(format!("a thousand devices are called {name}: send another name")))
}

async fn show(api: &Api, name: &str, request: Request) -> Result<Response, ApiError> {
    let (parameters, caller) = request.reads(Action::Read).await?;
    query::nothing(&parameters).map_err(ApiError::BadRequest)?;
    must_see(&caller, name)?;
    let device = api.store.device(name).await?;
    if device.is_none() && find::one(api, name).await?.is_none() {
        return Err(unknown(name));
    }
    let details = details::of(api, &caller, find::form(api, name, device.as_ref()).await?).await?;
    tagged(json(StatusCode::OK, forms::text(&details)), device.as_ref())
}

async fn change(
    api: &Api,
    name: &str,
    request: Request,
    apply: fn(&Body, &Device) -> Result<Device, String>,
) -> Result<Response, ApiError> {
    let wanted = request.revision();
    let (body, caller) = request.json(Action::Devices).await?;
    must_see(&caller, name)?;
    let body: Body = read(&body).map_err(ApiError::BadRequest)?;
    let old = registered(api, name, wanted).await?;
    let mut device = apply(&body, &old).map_err(ApiError::BadRequest)?;
    device.changed_at = api.clock.wall();
    let device = api.access.set_device(&caller, &old, device).await?;
    answer(api, StatusCode::OK, Some(&device), name).await
}

async fn forget(api: &Api, name: &str, request: Request) -> Result<Response, ApiError> {
    let wanted = request.revision();
    let (mut parameters, caller) = request.changes_selected(Action::Devices).await?;
    let erase = query::one_of(&mut parameters, "data", &[("keep", false), ("erase", true)]);
    let erase = erase.map_err(ApiError::BadRequest)?.unwrap_or(false);
    query::nothing_left(&parameters, &["data"]).map_err(ApiError::BadRequest)?;
    must_see(&caller, name)?;
    let device = api.store.device(name).await?;
    if wanted != Wanted::Any && device.is_none() {
        return Err(ApiError::Changed);
    }
    if let Some(device) = &device {
        is_wanted(device, wanted)?;
    } else if api.series.device(name).is_none() && !is_stored(api, name).await? {
        return Err(unknown(name));
    }
    let forgetting = Forgetting { device: name.to_owned(), at: api.clock.wall(), erase };
    api.access.forget_device(&caller, device.as_ref(), &forgetting).await?;
    api.series.forget(name, forgetting.at);
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Whether there are readings of a device, which may have been forgotten before.
async fn is_stored(api: &Api, name: &str) -> Result<bool, ApiError> {
    let range = TimeRange { from: Timestamp::MIN, to: Timestamp::MAX };
    let device = Some(name.to_owned());
    let query = ReadingQuery { device, metric: None, range, limit: 1, after: None, scope: Scope::all() };
    Ok(!api.history.readings(query).await?.readings.is_empty())
}

/// The registered device, if it has the revision that the request names.
async fn registered(api: &Api, name: &str, wanted: Wanted) -> Result<Device, ApiError> {
    let device = api.store.device(name).await?.ok_or_else(|| unknown(name))?;
    is_wanted(&device, wanted)?;
    Ok(device)
}

/// # Errors
/// The request names another revision of the device.
fn is_wanted(device: &Device, wanted: Wanted) -> Result<(), ApiError> {
    match wanted {
        Wanted::Any => Ok(()),
        Wanted::Revision(revision) if revision == device.revision => Ok(()),
        _ => Err(ApiError::Changed),
    }
}

/// The device as it is now, with the revision as its tag.
async fn answer(
    api: &Api,
    status: StatusCode,
    device: Option<&Device>,
    name: &str,
) -> Result<Response, ApiError> {
    let form = find::form(api, name, device).await?;
    tagged(json(status, forms::text(&form)), device)
}

fn tagged(mut response: Response, device: Option<&Device>) -> Result<Response, ApiError> {
    if let Some(device) = device {
        let tag = HeaderValue::from_str(&format!("\"{}\"", device.revision));
        response.headers_mut().insert("etag", tag.map_err(|e| ApiError::Failed(e.to_string()))?);
    }
    Ok(response)
}

/// # Errors
/// The device is outside the caller's filters, so that to the caller it does not exist, or no device can have this name.
pub(super) fn must_see(caller: &Caller, name: &str) -> Result<(), ApiError> {
    crate::guards::within(caller, name)?;
    Series::new("m", name).map(drop).map_err(|_| unknown(name))
}

/// Whether a device is registered, or was heard.
pub(super) async fn is_known(api: &Api, name: &str) -> Result<bool, ApiError> {
    Ok(find::one(api, name).await?.is_some())
}

pub(super) fn unknown(name: &str) -> ApiError {
    ApiError::NotFound(format!("there is no device {name}: GET /api/devices lists them"))
}
