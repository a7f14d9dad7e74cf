//! `GET`, `PUT` and `DELETE /api/devices/{name}/desired`, and `GET /api/devices/{name}/twin`.

use access::{Action, Caller};
use commands::{MAX_DESIRED_BYTES, MAX_LIFE, compact, new_id};
use jiff::Timestamp;
use serde_json::value::RawValue;
use store::{Change, Command, DESIRED, NewDesired, Twin};
use telemetry::time::saturating_add;
use warp::http::{HeaderValue, Method, StatusCode};
use warp::reply::Response;
use warp::{Filter, Rejection};

use super::{MAX_BODY_BYTES, must_be_there, too_many};
use crate::context::Api;
use crate::error::ApiError;
use crate::forms;
use crate::guards::{Request, Wanted, requests};
use crate::query;
use crate::requests::read;
use crate::response::json;
use crate::routes::devices::{must_see, name_of};

/// Tries to replace whatever there is while others replace it, too.
const MAX_TRIES: usize = 5;

pub(super) fn routes(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    desired(api).or(twin(api)).unify()
}

fn desired(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let requests = requests(api, MAX_BODY_BYTES);
    let api = api.clone();
    warp::path!("api" / "devices" / String / "desired").and(requests).then(
        move |name: String, request: Request| {
            let api = api.clone();
            let answer = async move {
                let name = name_of(&name);
                match request.method {
                    Method::GET | Method::HEAD => show(&api, &name, request).await,
                    Method::PUT => put(&api, &name, request).await,
                    Method::DELETE => remove(&api, &name, request).await,
                    _ => Err(ApiError::Method("GET, HEAD, PUT, DELETE")),
                }
            };
            async move { answer.await.unwrap_or_else(ApiError::into_response) }
        },
    )
}

fn twin(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let requests = requests(api, MAX_BODY_BYTES);
    let api = api.clone();
    warp::path!("api" / "devices" / String / "twin").and(requests).then(
        move |name: String, request: Request| {
            let api = api.clone();
            let answer = async move {
                if !matches!(request.method, Method::GET | Method::HEAD) {
                    return Err(ApiError::Method("GET, HEAD"));
                }
                let twin = read_twin(&api, &name_of(&name), request).await?;
                Ok(json(StatusCode::OK, forms::text(&forms::Twin::from(&twin))))
            };
            async move { answer.await.unwrap_or_else(ApiError::into_response) }
        },
    )
}

async fn read_twin(api: &Api, name: &str, request: Request) -> Result<Twin, ApiError> {
    let (parameters, caller) = request.reads(Action::Read).await?;
    query::nothing(&parameters).map_err(ApiError::BadRequest)?;
    must_see(&caller, name)?;
    stored(api, name).await
}

/// A device of which nothing is said has an empty one.
async fn stored(api: &Api, name: &str) -> Result<Twin, ApiError> {
    let empty = || Twin {
        device: name.to_owned(),
        desired: None,
        version: 0,
        desired_at: None,
        reported: None,
        reported_version: None,
        reported_at: None,
    };
    Ok(api.store.twin(name).await?.unwrap_or_else(empty))
}

async fn show(api: &Api, name: &str, request: Request) -> Result<Response, ApiError> {
    let twin = read_twin(api, name, request).await?;
    if twin.desired.is_none() {
        return Err(ApiError::NotFound(format!("nobody says what {name} should be: PUT it here")));
    }
    answer(&twin)
}

async fn put(api: &Api, name: &str, request: Request) -> Result<Response, ApiError> {
    let wanted = request.revision();
    let (body, caller) = request.json(Action::Command).await?;
    if body.len() > MAX_DESIRED_BYTES {
        return Err(ApiError::TooLarge(MAX_DESIRED_BYTES));
    }
    let document: Box<RawValue> = read(&body).map_err(ApiError::BadRequest)?;
    if !document.get().starts_with('{') {
        return Err(ApiError::BadRequest("a desired state is a JSON object".into()));
    }
    replace(api, &caller, name, wanted, Some(&compact(document.get()))).await
}

async fn remove(api: &Api, name: &str, request: Request) -> Result<Response, ApiError> {
    let wanted = request.revision();
    let caller = request.changes(Action::Command).await?;
    replace(api, &caller, name, wanted, None).await
}

async fn replace(
    api: &Api,
    caller: &Caller,
    name: &str,
    wanted: Wanted,
    document: Option<&str>,
) -> Result<Response, ApiError> {
    must_be_there(api, caller, name).await?;
    for _ in 0..MAX_TRIES {
        let twin = stored(api, name).await?;
        if !matches!(wanted, Wanted::Any) && wanted != Wanted::Revision(twin.version) {
            return Err(ApiError::Changed);
        }
        let new = new_desired(caller, &twin, document, api.clock.wall());
        let after = document.map(str::to_owned);
        if api
            .access
            .perform(caller, Change::SetDesired(new), ("set desired state", name), after)
            .await?
            .is_some()
        {
            return answer(&stored(api, name).await?);
        }
        if stored(api, name).await?.version == twin.version {
            return Err(too_many(name));
        }
    }
    Err(ApiError::Conflict("others change it all the time: ask again".into()))
}

/// The state, and the command that brings it to the device.
fn new_desired(caller: &Caller, twin: &Twin, document: Option<&str>, now: Timestamp) -> NewDesired {
    let command = document.map(|document| {
        let new = Command::new(new_id(), &twin.device, DESIRED, now, saturating_add(now, MAX_LIFE));
        let args = format!(r#"{{"version":{},"state":{document}}}"#, twin.version + 1);
        Command { args: Some(args), created_by: caller.user.clone(), ..new }
    });
    let document = document.map(str::to_owned);
    NewDesired { device: twin.device.clone(), replaces: twin.version, document, at: now, command }
}

fn answer(twin: &Twin) -> Result<Response, ApiError> {
    let mut response = json(StatusCode::OK, forms::text(&forms::Desired::from(twin)));
    let tag = HeaderValue::from_str(&format!("\"{}\"", twin.version));
    response.headers_mut().insert("etag", tag.map_err(|e| ApiError::Failed(e.to_string()))?);
    Ok(response)
}
