//! From a request to its answer: who sends it, what is in it, and that it is acknowledged.

use std::time::Duration;

use access::{Decision, Sender};
use bytes::Bytes;
use jiff::Timestamp;
use service::{Incoming as Messages, Offered, Promise, Taken};
use store::{KeptAnswer, KeyedRequest, sha256_of};
use telemetry::Message;
use tokio::time::timeout;
use warp::http::{HeaderValue, StatusCode};
use warp::reply::Response;

use super::answer::Summary;
use super::form::{self, Form, Sent, decide, refuse};
use super::incoming::{Head, Incoming, whole};
use super::sender::sender;
use crate::context::Api;
use crate::error::ApiError;
use crate::guards::{Left, Rates, UNKNOWN_HOST};
use crate::ingest::elements::has_value;
use crate::ingest::keys::{self, Keyed};
use crate::ingest::{Charge, Element};
use crate::query;
use crate::response::json;
use crate::routes::devices;

/// How long an answer waits for the commands of its device: the store may be away, and the readings are acknowledged.
const COMMANDS_WITHIN: Duration = Duration::from_millis(250);

/// Answers a request that sends readings.
///
/// # Errors
/// Nothing of it is taken, or it is not known what.
pub(super) async fn take(
    api: &Api,
    rates: &Rates,
    form: Form,
    Incoming { head, body }: Incoming,
    left: &mut Option<Left>,
) -> Result<Response, ApiError> {
    check_site(api, &head)?;
    query::nothing(&head.parameters).map_err(ApiError::BadRequest)?;
    let sender = admitted(api, rates, &form, &head, left).await?;
    let asked = format!("POST {}", form.path());
    form.check(api, &sender, &asked).await?;
    let key = head.header("idempotency-key").map(|key| keys::read(key).map(str::to_owned)).transpose()?;
    let media_type = head.media_type();
    let mut charge = api.ingest.charge();
    let body = whole(body, head.is_packed()?, api.limits, form.max_bytes(), &mut charge).await?;
    if matches!(form, Form::Sensor) && !has_value(&body) {
        form::check_json(&media_type)?;
        return register(api, sender, &body, &asked).await;
    }
    let sent = allowed(api, &sender, form.read(&body, &media_type)?, &asked).await?;
    let device = matches!(form, Form::Metric).then_some(sent.device).flatten();
    let commanded = form.device().filter(|device| sender.is_device(device)).map(Into::into);
    let sending =
        Sending { api, sender: &sender, elements: sent.elements, refused: sent.refused, device, commanded };
    let count = sent.count;
    let Some(key) = key else {
        let (status, text) = sending.send(api.ingest.intake().stamp(count), charge, false).await?;
        return Ok(json(status, text));
    };
    let body = sha256_of(&[form.path().as_bytes(), b"\n", &body]);
    sending.send_once(key, body, count, charge).await
}

/// Another site's page sends an origin; one that has another name stand for our address knows no credential.
fn check_site(api: &Api, head: &Head) -> Result<(), ApiError> {
    let (host, origin) = (head.header("host"), head.header("origin"));
    if head.header("authorization").is_none() && !api.site.is_known_host(host) {
        return Err(ApiError::Forbidden(UNKNOWN_HOST));
    }
    if !api.site.is_same_origin(origin, host) {
        return Err(ApiError::Forbidden("only this page itself may send readings: see http.public_url"));
    }
    Ok(())
}

async fn admitted(
    api: &Api,
    rates: &Rates,
    form: &Form,
    head: &Head,
    left: &mut Option<Left>,
) -> Result<Sender, ApiError> {
    let client = head.client.as_ref();
    let address = client.map(|client| client.address.ip());
    match sender(api, &head.headers, client, form.device()).await {
        Ok(sender) => {
            *left = rates.admit_sender(&sender, address).await?;
            Ok(sender)
        }
        Err(error) => {
            rates.admit_stranger(address).await?;
            Err(error)
        }
    }
}

/// Registers a device, as `POST /api/devices` does.
async fn register(api: &Api, sender: Sender, body: &[u8], asked: &str) -> Result<Response, ApiError> {
    let Sender::Caller(caller) = &sender else {
        return Err(ApiError::NotAllowed("a device cannot register one".into()));
    };
    refuse(api, &sender, access::may(caller, access::Action::Adopt, None), asked).await?;
    devices::register(api, caller, body).await
}

/// What of a request its sender may send.
struct Allowed {
    elements: Vec<Element>,
    refused: Vec<(usize, String)>,
    device: Option<String>,
    count: usize,
}

/// # Errors
/// The sender may send nothing of it.
async fn allowed(api: &Api, sender: &Sender, sent: Sent, asked: &str) -> Result<Allowed, ApiError> {
    let count = sent.count();
    let mut refused = Vec::new();
    let mut first = None;
    let may = |element: &Element| {
        // What the rules read is looked at once it is read; what names no device is nobody's.
        if element.read_as != service::ReadAs::OwnFormat {
            return true;
        }
        let decision = decide(api, sender, &element.topic, element.device());
        if !decision.is_allowed() {
            refused.push((element.index, decision.why()));
            first.get_or_insert(decision);
        }
        decision.is_allowed()
    };
    let elements: Vec<_> = sent.elements.into_iter().filter(may).collect();
    match first {
        Some(decision) if elements.is_empty() => {
            Err(refuse(api, sender, decision, asked).await.err().unwrap_or(
                // It is not allowed, as was just said.
                ApiError::NotAllowed(decision.why()),
            ))
        }
        _ => Ok(Allowed { elements, refused, device: sent.device, count }),
    }
}

/// Readings on their way.
struct Sending<'a> {
    api: &'a Api,
    sender: &'a Sender,
    elements: Vec<Element>,
    refused: Vec<(usize, String)>,
    /// The device that a short form names.
    device: Option<String>,
    /// The device that sends by its own credential, and is told its command.
    commanded: Option<String>,
}

impl Sending<'_> {
    /// As [`send`](Self::send), unless the same request was answered before.
    async fn send_once(
        self,
        key: String,
        body: String,
        count: usize,
        charge: Charge,
    ) -> Result<Response, ApiError> {
        let (api, caller) = (self.api, self.sender.name());
        let (keys, store) = (api.ingest.keys(), api.store.as_ref());
        let _claim = keys.claim(&caller, &key)?;
        let received_at = api.ingest.intake().stamp(count);
        let request = KeyedRequest { caller, key, body, received_at };
        let known = api.limits.within(keys.note(store, request)).await?;
        let request = match known {
            Keyed::Answered(KeptAnswer { status, body }) => {
                let status = StatusCode::from_u16(status).map_err(|e| ApiError::Failed(e.to_string()))?;
                let mut answer = json(status, body);
                answer.headers_mut().insert("idempotency-replayed", HeaderValue::from_static("true"));
                return Ok(answer);
            }
            Keyed::Request(request) => request,
        };
        let (status, body) = self.send(request.received_at, charge, true).await?;
        keys.answered(store, &request, KeptAnswer { status: status.as_u16(), body: body.clone() }).await;
        Ok(json(status, body))
    }

    /// Hands all elements on, and waits until they are acknowledged.
    async fn send(
        self,
        received_at: Timestamp,
        mut charge: Charge,
        has_key: bool,
    ) -> Result<(StatusCode, String), ApiError> {
        let Self { api, sender, elements, refused, device, commanded } = self;
        charge.wait()?;
        let messages =
            elements.iter().enumerate().map(|(place, element)| offered(element, received_at, place));
        let objection = |topic: &str, device: &str| match decide(api, sender, topic, device) {
            Decision::Allowed => None,
            refused => Some(refused.why()),
        };
        let messages = messages.collect();
        let messages = Messages { messages, objection: &objection, charge: Box::new(charge) };
        let Taken { outcomes, acknowledged } = api.ingest.intake().take_in(messages);
        match timeout(api.ingest.ack_timeout(), acknowledged).await {
            Ok(Ok(())) => {}
            Ok(Err(problem)) => return Err(ApiError::NotAcknowledged(problem)),
            Err(_) => return Err(not_acknowledged(api.ingest.ack_timeout())),
        }
        let mut summary = Summary::new(&elements, outcomes, has_key);
        let promise = api.ingest.intake().promise();
        if summary.rejected() > 0 && promise == Promise::Stored {
            summary.find_ids(api.store.as_ref()).await;
        }
        refused.into_iter().for_each(|(index, reason)| summary.refuse(index, reason));
        api.ingest.count_elements(summary.taken, summary.rejected());
        if let Some(device) = commanded {
            // What is not told now is told with the next answer.
            let next = commands::poll(api.store.as_ref(), &device, api.clock.wall());
            if let Ok(Ok(Some(command))) = timeout(COMMANDS_WITHIN, next).await {
                summary.command(&command);
            }
        }
        Ok(summary.answer(promise, device.as_deref()))
    }
}

fn not_acknowledged(within: Duration) -> ApiError {
    ApiError::NotAcknowledged(format!("not acknowledged within {within:?}"))
}

/// Each a microsecond after the one before it.
fn offered(element: &Element, received_at: Timestamp, place: usize) -> Offered {
    let received_at = received_at + Duration::from_micros(place as u64);
    let (topic, payload): (String, Bytes) = (element.topic.clone(), element.payload.clone());
    Offered { message: Message { topic, payload, received_at }, reading: element.read_as.clone() }
}
