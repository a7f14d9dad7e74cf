//! `GET` and `POST /api/commands`, `GET` and `DELETE /api/commands/{id}`, groups of commands, the commands of a device for
//! itself, and the states of devices.

mod body;
mod device;
mod job;
mod twin;

use access::{Action, Caller, Decision, may};
use store::{Cancelled, Change, Command, CommandQuery, CommandState, MAX_OPEN_COMMANDS, TextCodec as _};
use warp::http::{Method, StatusCode};
use warp::reply::{Reply, Response};
use warp::{Filter, Rejection};

use self::body::NewCommand;
#[cfg(test)]
pub(super) use self::device::PARAMETERS as DEVICE_PARAMETERS;
use crate::context::Api;
use crate::device_types::Types;
use crate::error::ApiError;
use crate::forms::{self, Page};
use crate::guards::{Request, requests, within};
use crate::query::{self, MAX_LIMIT, Parameters};
use crate::response::json;
use crate::routes::devices;

/// The parameters that there are.
pub(super) const PARAMETERS: &[&str] = &["after", "device", "job", "limit", "state"];

/// Commands on one page where no limit is asked for.
const DEFAULT_LIMIT: usize = 100;

/// Commands that are read at once.
const READ_AT_ONCE: usize = 500;

/// Bytes of a request's body, at most: the arguments, and what is around them.
const MAX_BODY_BYTES: usize = ::commands::MAX_ARGS_BYTES + 4 * 1024;

pub(super) fn routes(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    all(api)
        .or(job::routes(api))
        .unify()
        .or(one(api))
        .unify()
        .or(device::routes(api))
        .unify()
        .or(twin::routes(api))
        .unify()
}

fn all(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let requests = requests(api, MAX_BODY_BYTES);
    let api = api.clone();
    warp::path!("api" / "commands").and(requests).then(move |request: Request| {
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
    warp::path!("api" / "commands" / String).and(requests).then(move |id: String, request: Request| {
        let api = api.clone();
        let answer = async move {
            match request.method {
                Method::GET | Method::HEAD => show(&api, &id, request).await,
                Method::DELETE => cancel(&api, &id, request).await,
                _ => Err(ApiError::Method("GET, HEAD, DELETE")),
            }
        };
        async move { answer.await.unwrap_or_else(ApiError::into_response) }
    })
}

async fn list(api: &Api, request: Request) -> Result<Response, ApiError> {
    let (parameters, caller) = request.reads(Action::Read).await?;
    let query = read_query(parameters).map_err(ApiError::BadRequest)?;
    query.device.as_deref().map_or(Ok(()), |device| within(&caller, device))?;
    Ok(json(StatusCode::OK, api.limits.within(page(api, &caller, query)).await?))
}

async fn page(api: &Api, caller: &Caller, mut query: CommandQuery) -> Result<String, ApiError> {
    let mut page = Page::new("commands", query.limit);
    loop {
        query.limit = READ_AT_ONCE;
        let commands = api.history.commands(&query).await?;
        for command in &commands {
            if caller.scope.holds(&command.device) && !page.push(&forms::Command::from(command)) {
                return Ok(page.end(query.before.map(|before| before.to_string()).as_deref()));
            }
            query.before = Some(command.serial);
        }
        if commands.len() < query.limit {
            return Ok(page.end(None));
        }
    }
}

/// # Errors
/// Says which parameter is wrong and what it may be.
fn read_query(mut parameters: Parameters) -> Result<CommandQuery, String> {
    let states = CommandState::ALL.map(|state| (state.word(), state));
    let query = CommandQuery {
        device: query::text(&mut parameters, "device")?,
        state: query::one_of(&mut parameters, "state", &states)?,
        job: query::text(&mut parameters, "job")?,
        before: query::cursor(&mut parameters)?,
        limit: query::number(&mut parameters, "limit", MAX_LIMIT)?.unwrap_or(DEFAULT_LIMIT),
    };
    query::nothing_left(&parameters, PARAMETERS)?;
    Ok(query)
}

async fn add(api: &Api, request: Request) -> Result<Response, ApiError> {
    let (body, caller) = request.json(Action::Command).await?;
    let new = NewCommand::read(&body, api.commanding.config.expires_in).map_err(ApiError::BadRequest)?;
    check_room(api).await?;
    match (&new.device, &new.devices) {
        (Some(device), None) => add_one(api, &caller, device, &new).await,
        (None, Some(filter)) => job::add(api, &caller, filter, &new).await,
        _ => Err(ApiError::BadRequest("send either device, a name, or devices, a filter".into())),
    }
}

async fn check_room(api: &Api) -> Result<(), ApiError> {
    let (open, most) = (api.store.command_counts().await?.open, api.commanding.config.max_open);
    if open < most {
        return Ok(());
    }
    Err(ApiError::Conflict(format!("there are {open} open commands already: see commands.max_open")))
}

/// # Errors
/// The caller may not command this device, or there is none of this name.
async fn must_be_there(api: &Api, caller: &Caller, device: &str) -> Result<(), ApiError> {
    match may(caller, Action::Command, Some(device)) {
        Decision::Allowed => {}
        Decision::OutsideFilters => return Err(ApiError::NotFound(Decision::OutsideFilters.why())),
        refused => return Err(ApiError::NotAllowed(refused.why())),
    }
    devices::must_see(caller, device)?;
    if devices::is_known(api, device).await? { Ok(()) } else { Err(devices::unknown(device)) }
}

async fn add_one(api: &Api, caller: &Caller, device: &str, new: &NewCommand) -> Result<Response, ApiError> {
    must_be_there(api, caller, device).await?;
    check_arguments(api, device, new).await?;
    let now = api.clock.wall();
    let command = new.command(device, caller.user.clone(), now, now);
    if let Some(known) = known(api, &command).await? {
        return Ok(answer(StatusCode::OK, &known));
    }
    let after = Some(forms::text(&forms::Command::from(&command)));
    let made =
        api.access.perform(caller, Change::AddCommand(command.clone()), ("command", device), after).await?;
    match (made, api.store.command(&command.id).await?) {
        (Some(_), Some(stored)) => Ok(answer(StatusCode::CREATED, &stored)),
        // Somebody else may have sent the same meanwhile.
        _ => match known(api, &command).await? {
            Some(known) => Ok(answer(StatusCode::OK, &known)),
            None => Err(too_many(device)),
        },
    }
}

/// # Errors
/// The type of the device says what the arguments must be, and they are something else.
async fn check_arguments(api: &Api, device: &str, new: &NewCommand) -> Result<(), ApiError> {
    let device = api.store.device(device).await?;
    new.check(&Types::load(api).await?, device.as_ref()).map_err(ApiError::BadRequest)
}

fn too_many(device: &str) -> ApiError {
    ApiError::Conflict(format!(
        "{device} has {MAX_OPEN_COMMANDS} open commands already: cancel some, or wait"
    ))
}

/// The command that has this id already.
///
/// # Errors
/// It is another one.
async fn known(api: &Api, new: &Command) -> Result<Option<Command>, ApiError> {
    let Some(known) = api.store.command(&new.id).await? else { return Ok(None) };
    let is_same = (&known.device, &known.command, &known.args) == (&new.device, &new.command, &new.args);
    if is_same { Ok(Some(known)) } else { Err(ApiError::Unreadable("another command has this id".into())) }
}

async fn show(api: &Api, id: &str, request: Request) -> Result<Response, ApiError> {
    let (parameters, caller) = request.reads(Action::Read).await?;
    query::nothing(&parameters).map_err(ApiError::BadRequest)?;
    Ok(answer(StatusCode::OK, &seen(api, &caller, id).await?))
}

/// # Errors
/// There is no such command, or it is of a device outside the caller's filters.
async fn seen(api: &Api, caller: &Caller, id: &str) -> Result<Command, ApiError> {
    let command = api.store.command(id).await?.ok_or_else(no_command)?;
    within(caller, &command.device)?;
    Ok(command)
}

fn no_command() -> ApiError {
    ApiError::NotFound("there is no such command: GET /api/commands lists them".into())
}

async fn cancel(api: &Api, id: &str, request: Request) -> Result<Response, ApiError> {
    let caller = request.changes(Action::Command).await?;
    let command = seen(api, &caller, id).await?;
    let change = Change::CancelCommands(Cancelled::Command(id.to_owned()));
    let ended =
        api.access.perform(&caller, change, ("cancel command", &command.device), Some(id_of(id))).await?;
    match ended {
        Some(_) => Ok(StatusCode::NO_CONTENT.into_response()),
        None => Err(ApiError::Conflict(format!(
            "it has ended already: {}",
            seen(api, &caller, id).await?.state.word()
        ))),
    }
}

/// What is recorded of a command that is cancelled.
fn id_of(id: &str) -> String {
    serde_json::json!({ "id": id }).to_string()
}

fn answer(status: StatusCode, command: &Command) -> Response {
    json(status, forms::text(&forms::Command::from(command)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_asked_for_by_device_and_state() {
        let query = query::read(read_query, &[("device", "lab"), ("state", "sent"), ("after", "7")]).unwrap();
        assert_eq!((query.device.as_deref(), query.state), (Some("lab"), Some(CommandState::Sent)));
        assert_eq!((query.before, query.limit), (Some(7), DEFAULT_LIMIT));
        for wrong in [("state", "new"), ("after", "x"), ("limit", "0"), ("colour", "red")] {
            assert!(query::read(read_query, &[wrong]).is_err(), "{wrong:?}");
        }
    }
}
