//! `GET /api/devices/{name}/commands` and `POST /api/devices/{name}/commands/{id}/result`: a device without MQTT, by its
//! credential. `GET /commands` is the same for the device of the credential.

use std::time::Duration;

use commands::{command_payload, next_command, poll, read_result};
use store::{Command, Recorded, TextCodec as _};
use tokio::time::{Instant, sleep};
use warp::http::{Method, StatusCode};
use warp::reply::{Reply, Response};
use warp::{Filter, Rejection};

use super::MAX_BODY_BYTES;
use crate::context::Api;
use crate::error::ApiError;
use crate::guards::{Request, requests};
use crate::query::{self, Parameters};
use crate::response::json;
use crate::routes::devices::name_of;

/// The parameters that there are.
pub(in crate::routes) const PARAMETERS: &[&str] = &["wait"];

/// How long a device may wait for a command, at most.
const MAX_WAIT: Duration = Duration::from_secs(60);

/// How often it is looked whether there is one.
const LOOK_EVERY: Duration = Duration::from_millis(500);

pub(super) fn routes(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    short(api).or(next(api)).unify().or(result(api)).unify()
}

fn short(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let requests = requests(api, MAX_BODY_BYTES);
    let api = api.clone();
    warp::path!("commands").and(requests).then(move |request: Request| {
        let api = api.clone();
        async move { wait(&api, None, request).await.unwrap_or_else(ApiError::into_response) }
    })
}

fn next(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let requests = requests(api, MAX_BODY_BYTES);
    let api = api.clone();
    warp::path!("api" / "devices" / String / "commands").and(requests).then(
        move |name: String, request: Request| {
            let api = api.clone();
            async move { wait(&api, Some(&name_of(&name)), request).await.unwrap_or_else(ApiError::into_response) }
        },
    )
}

fn result(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let requests = requests(api, MAX_BODY_BYTES);
    let api = api.clone();
    warp::path!("api" / "devices" / String / "commands" / String / "result").and(requests).then(
        move |name: String, id: String, request: Request| {
            let api = api.clone();
            async move {
                record(&api, &name_of(&name), &id, request).await.unwrap_or_else(ApiError::into_response)
            }
        },
    )
}

/// The open command of the device, which counts as sent with this; 204 where there is none in time.
async fn wait(api: &Api, name: Option<&str>, request: Request) -> Result<Response, ApiError> {
    let is_head = request.method == Method::HEAD;
    if !matches!(request.method, Method::GET | Method::HEAD) {
        return Err(ApiError::Method("GET, HEAD"));
    }
    let (device, parameters) = request.device(&api.access, name).await?;
    let wait = read_wait(parameters).map_err(ApiError::BadRequest)?;
    if is_head {
        // It asks whether there is one, and does not take it.
        let is_there = next_command(api.store.as_ref(), &device, api.clock.wall()).await?.is_some();
        let status = if is_there { StatusCode::OK } else { StatusCode::NO_CONTENT };
        return Ok(status.into_response());
    }
    let _place = api
        .commanding
        .polls
        .try_acquire()
        .map_err(|_| ApiError::Failed("too many devices wait for commands here: ask again".into()))?;
    Ok(match first(api, &device, Instant::now() + wait).await? {
        Some(command) => json(StatusCode::OK, command_payload(&command)),
        None => StatusCode::NO_CONTENT.into_response(),
    })
}

async fn first(api: &Api, device: &str, until: Instant) -> Result<Option<Command>, ApiError> {
    loop {
        let found = poll(api.store.as_ref(), device, api.clock.wall()).await?;
        if found.is_some() || Instant::now() >= until || api.stop.is_cancelled() {
            return Ok(found);
        }
        sleep(LOOK_EVERY.min(until - Instant::now())).await;
    }
}

/// # Errors
/// Says which parameter is wrong and what it may be.
fn read_wait(mut parameters: Parameters) -> Result<Duration, String> {
    let wait = query::text(&mut parameters, "wait")?;
    query::nothing_left(&parameters, PARAMETERS)?;
    let Some(text) = wait else { return Ok(Duration::ZERO) };
    let seconds = text.parse().ok().map(Duration::from_secs);
    let wait = seconds.or_else(|| humantime::parse_duration(&text).ok());
    wait.filter(|wait| *wait <= MAX_WAIT).ok_or_else(|| "wait must be 0s to 60s, such as 30s".into())
}

async fn record(api: &Api, name: &str, id: &str, request: Request) -> Result<Response, ApiError> {
    if request.method != Method::POST {
        return Err(ApiError::Method("POST"));
    }
    let (device, body) = request.json_of_device(&api.access, name).await?;
    let said = read_result(&body, Some(id)).map_err(ApiError::BadRequest)?;
    match api.commanding.inbox.record(&device, said, api.clock.wall()).await? {
        Recorded::New | Recorded::Again => {
            let state = api.store.command(id).await?.map(|command| command.state.word());
            Ok(json(StatusCode::OK, serde_json::json!({ "id": id, "state": state }).to_string()))
        }
        Recorded::TooLate => {
            Err(ApiError::Conflict("the command has ended otherwise: this comes too late".into()))
        }
        Recorded::Unknown => Err(ApiError::NotFound("this device has no such command".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_waits_for_a_minute_at_most() {
        for (text, seconds) in
            [("30s", Some(30)), ("30", Some(30)), ("1m", Some(60)), ("61s", None), ("x", None)]
        {
            let wait = query::read(read_wait, &[("wait", text)]).ok();
            assert_eq!(wait, seconds.map(Duration::from_secs), "{text}");
        }
        assert_eq!(query::read(read_wait, &[]), Ok(Duration::ZERO));
        assert!(query::read(read_wait, &[("limit", "1")]).is_err());
    }
}
