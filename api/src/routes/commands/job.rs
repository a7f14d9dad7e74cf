//! Commands to many devices: made together, sent by a rate, and stopped after failures.

use std::collections::BTreeSet;

use access::{Action, Caller, may};
use commands::{MAX_LIFE, new_id, release_times};
use store::{Cancelled, Change, Command, CommandJob, JobCounts};
use telemetry::Filter as Devices;
use warp::http::{Method, StatusCode};
use warp::reply::Response;
use warp::{Filter, Rejection};

use super::body::NewCommand;
use super::{MAX_BODY_BYTES, id_of};
use crate::context::Api;
use crate::device_types::Types;
use crate::error::ApiError;
use crate::forms;
use crate::guards::{Request, requests};
use crate::query;
use crate::response::json;

/// Commands of one group, at most.
const MAX_DEVICES: usize = 10_000;

pub(super) fn routes(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let requests = requests(api, MAX_BODY_BYTES);
    let api = api.clone();
    warp::path!("api" / "commands" / "jobs" / String).and(requests).then(
        move |id: String, request: Request| {
            let api = api.clone();
            let answer = async move {
                match request.method {
                    Method::GET | Method::HEAD => show(&api, &id, request).await,
                    Method::DELETE => cancel(&api, &id, request).await,
                    _ => Err(ApiError::Method("GET, HEAD, DELETE")),
                }
            };
            async move { answer.await.unwrap_or_else(ApiError::into_response) }
        },
    )
}

/// Makes one command for each device that a filter matches, as far as the caller may command it.
pub(super) async fn add(
    api: &Api,
    caller: &Caller,
    filter: &Devices,
    new: &NewCommand,
) -> Result<Response, ApiError> {
    let devices = matching(api, caller, filter, new).await?;
    let commands = of_group(api, caller, &devices, new)?;
    let job = CommandJob {
        id: new.id.clone(),
        devices: filter.as_str().to_owned(),
        command: new.command.clone(),
        made: 0,
        per_minute: new.per_minute.map(Into::into),
        stop_after: new.stop_after.map(Into::into),
        created_by: caller.user.clone(),
        created_at: api.clock.wall(),
        stopped_at: None,
    };
    if let Some(known) = api.store.command_job(&job.id).await? {
        return same(&known, &job);
    }
    let after = Some(forms::text(&forms::CommandJob::from(&(job.clone(), JobCounts::new()))));
    let change = Change::AddCommands { job: job.clone(), commands };
    let made = api.access.perform(caller, change, ("command group", filter.as_str()), after).await?;
    match (made, api.store.command_job(&job.id).await?) {
        (Some(_), Some(made)) => Ok(answer(StatusCode::CREATED, &made)),
        (_, Some(known)) => same(&known, &job),
        (_, None) => {
            Err(ApiError::Conflict("each of these devices has too many open commands already".into()))
        }
    }
}

/// The same again answers the same.
fn same(known: &(CommandJob, JobCounts), new: &CommandJob) -> Result<Response, ApiError> {
    if (&known.0.devices, &known.0.command) == (&new.devices, &new.command) {
        return Ok(answer(StatusCode::OK, known));
    }
    Err(ApiError::Unreadable("another group has this id".into()))
}

/// The devices that match, each of which must take the arguments.
async fn matching(
    api: &Api,
    caller: &Caller,
    filter: &Devices,
    new: &NewCommand,
) -> Result<Vec<String>, ApiError> {
    let heard = api.series.devices(&caller.scope).ok_or(ApiError::NotLoaded)?;
    let may_command =
        |name: &String| filter.matches(name) && may(caller, Action::Command, Some(name)).is_allowed();
    let mut registered = api.store.all_devices().await?;
    registered.retain(|device| may_command(&device.name));
    let types = Types::load(api).await?;
    for device in &registered {
        let at = |problem| ApiError::BadRequest(format!("{}: {problem}", device.name));
        new.check(&types, Some(device)).map_err(at)?;
    }
    let registered = registered.into_iter().map(|device| device.name);
    let devices: BTreeSet<_> = heard.into_keys().filter(may_command).chain(registered).collect();
    match devices.len() {
        0 => Err(ApiError::NotFound(format!("no device of yours matches {}", filter.as_str()))),
        count if count > MAX_DEVICES => Err(ApiError::Conflict(format!(
            "{count} devices match: a group has at most {MAX_DEVICES}, name fewer"
        ))),
        _ => Ok(devices.into_iter().collect()),
    }
}

fn of_group(
    api: &Api,
    caller: &Caller,
    devices: &[String],
    new: &NewCommand,
) -> Result<Vec<Command>, ApiError> {
    let now = api.clock.wall();
    let times = release_times(now, new.per_minute);
    let of_device = |(device, at): (&String, _)| {
        let command = new.command(device, caller.user.clone(), now, at);
        // Each has an id of its own; that of the request is the group's.
        Command { id: new_id(), job: Some(new.id.clone()), ..command }
    };
    let commands: Vec<_> = devices.iter().zip(times).map(of_device).collect();
    let is_late = |command: &Command| command.expires_at.duration_since(now).unsigned_abs() > MAX_LIFE;
    if commands.last().is_some_and(is_late) {
        return Err(ApiError::BadRequest(
            "per_minute is too low: the last would expire after more than 31 days".into(),
        ));
    }
    Ok(commands)
}

async fn show(api: &Api, id: &str, request: Request) -> Result<Response, ApiError> {
    let (parameters, caller) = request.reads(Action::Read).await?;
    query::nothing(&parameters).map_err(ApiError::BadRequest)?;
    Ok(answer(StatusCode::OK, &seen(api, &caller, id).await?))
}

/// # Errors
/// There is no such group, or it is of devices that the caller does not see.
async fn seen(api: &Api, caller: &Caller, id: &str) -> Result<(CommandJob, JobCounts), ApiError> {
    let unknown = || ApiError::NotFound("there is no such group of commands".into());
    let job = api.store.command_job(id).await?.ok_or_else(unknown)?;
    let is_covered = job.0.devices.parse().is_ok_and(|devices: Devices| caller.scope.covers(&devices));
    let is_own = caller.user.is_some() && job.0.created_by == caller.user;
    if is_covered || is_own { Ok(job) } else { Err(unknown()) }
}

async fn cancel(api: &Api, id: &str, request: Request) -> Result<Response, ApiError> {
    let caller = request.changes(Action::Command).await?;
    let job = seen(api, &caller, id).await?;
    let change = Change::CancelCommands(Cancelled::Job(id.to_owned()));
    let target = ("cancel command group", job.0.devices.as_str());
    match api.access.perform(&caller, change, target, Some(id_of(id))).await? {
        Some(_) => Ok(answer(StatusCode::OK, &seen(api, &caller, id).await?)),
        None => Err(ApiError::Conflict("all of its commands have ended already".into())),
    }
}

fn answer(status: StatusCode, job: &(CommandJob, JobCounts)) -> Response {
    json(status, forms::text(&forms::CommandJob::from(job)))
}
