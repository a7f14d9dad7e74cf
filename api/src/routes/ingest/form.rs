//! What a request sends, by its route.

use access::{Decision, Sender, may_send, may_send_on};
use bytes::Bytes;
use service::ReadAs;
use service::RegistryView;
use store::TextCodec as _;
use telemetry::{MAX_READINGS, Series};

use crate::context::Api;
use crate::error::ApiError;
use crate::ingest::Element;
use crate::ingest::elements::{self, MAX_BODY_BYTES, MAX_UNPACKED_BYTES};

/// What a request sends, by its route.
pub(super) enum Form {
    /// Readings of this device.
    Data(String),
    /// What a device would publish of one metric.
    One { metric: String, device: String },
    /// Readings of any devices, in JSON, in lines of JSON or in a table.
    List,
    /// What is published on this topic, in any format.
    Input(String),
    /// Readings of the device that the body names.
    Metric,
    /// The same, or a device to be registered.
    Sensor,
}

/// A topic, as the rest of a path.
///
/// # Errors
/// Nobody can publish on it.
pub(super) fn input(path: &str) -> Result<Form, ApiError> {
    let topic = unescaped(path).filter(|topic| {
        topic.len() <= MAX_TOPIC_BYTES && !topic.contains(['+', '#']) && !topic.contains(char::is_control)
    });
    let wrong = || {
        ApiError::BadRequest(format!(
            "a topic has at most {MAX_TOPIC_BYTES} bytes, without + and # and control characters"
        ))
    };
    topic.map(Form::Input).ok_or_else(wrong)
}

/// The longest topic that the embedded broker takes.
const MAX_TOPIC_BYTES: usize = 1000;

fn unescaped(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [first, others @ ..] = rest {
        rest = others;
        bytes.push(*first);
        if *first == b'%' {
            let (digits, after) = others.split_at_checked(2)?;
            let byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
            *bytes.last_mut()? = byte;
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}

/// The messages of a request, and the device that a short form names.
pub(super) struct Sent {
    pub(super) elements: Vec<Element>,
    pub(super) device: Option<String>,
}

impl Form {
    /// The path, by which requests with a key are told apart.
    pub(super) fn path(&self) -> String {
        match self {
            Self::Data(device) => format!("devices/{device}/data"),
            Self::One { metric, device } => format!("readings/{metric}/{device}"),
            Self::List => "readings".into(),
            Self::Input(topic) => format!("inputs/{topic}"),
            Self::Metric => "metric".into(),
            Self::Sensor => "sensors".into(),
        }
    }

    /// The device that the path names.
    pub(super) fn device(&self) -> Option<&str> {
        match self {
            Self::Data(device) | Self::One { device, .. } => Some(device),
            _ => None,
        }
    }

    /// Whether a sender may send what the path names.
    ///
    /// # Errors
    /// It may not.
    pub(super) async fn check(&self, api: &Api, sender: &Sender, asked: &str) -> Result<(), ApiError> {
        let decision = match self {
            Self::Data(device) => self.of_device(api, sender, "data", device)?,
            Self::One { metric, device } => self.of_device(api, sender, metric, device)?,
            Self::Input(topic) => may_send_on(sender, topic),
            // Each element is looked at.
            Self::List | Self::Metric | Self::Sensor => match sender {
                Sender::Device { .. } => Decision::Allowed,
                Sender::Caller(_) => may_send_on(sender, ""),
            },
        };
        refuse(api, sender, decision, asked).await
    }

    fn of_device(
        &self,
        api: &Api,
        sender: &Sender,
        metric: &str,
        device: &str,
    ) -> Result<Decision, ApiError> {
        // It is part of no topic, which a person may mistype.
        if matches!(self, Self::Data(_)) {
            Series::new("m", device).map_err(|e| ApiError::BadRequest(e.to_string()))?;
        }
        Ok(decide(api, sender, &format!("{metric}/{device}"), device))
    }

    /// Bytes of the body when it is unpacked, at most.
    pub(super) fn max_bytes(&self) -> usize {
        match self {
            Self::One { .. } | Self::Input(_) => MAX_BODY_BYTES,
            _ => MAX_UNPACKED_BYTES,
        }
    }

    /// Reads the body, which is declared as this.
    ///
    /// # Errors
    /// It cannot be read at all.
    pub(super) fn read(&self, body: &Bytes, media_type: &str) -> Result<Sent, ApiError> {
        let (elements, device) = match self {
            Self::Data(device) => {
                check_json(media_type)?;
                (elements::of_device(body, device)?, None)
            }
            Self::One { metric, device } => {
                (vec![payload(format!("{metric}/{device}"), body, ReadAs::OwnFormat)], None)
            }
            Self::Input(topic) => (vec![payload(topic.clone(), body, ReadAs::AnyFormat)], None),
            Self::List => (list(body, media_type)?, None),
            Self::Metric | Self::Sensor => {
                check_json(media_type)?;
                let (device, elements) = elements::with_device(body)?;
                (elements, Some(device))
            }
        };
        Ok(Sent { elements, device })
    }
}

impl Sent {
    /// How many microseconds it needs for what names no time: an array holds no more readings than it has objects.
    pub(super) fn count(&self) -> usize {
        match &self.elements[..] {
            [one] if one.read_as == ReadAs::OwnFormat => {
                one.payload.iter().filter(|byte| **byte == b'{').count().clamp(1, MAX_READINGS)
            }
            all => all.len(),
        }
    }
}

fn payload(topic: String, body: &Bytes, read_as: ReadAs) -> Element {
    Element { index: 0, topic, payload: body.clone(), read_as }
}

fn list(body: &[u8], media_type: &str) -> Result<Vec<Element>, ApiError> {
    match media_type {
        "application/json" => elements::list(body),
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" => elements::lines(body),
        "text/csv" => elements::table(body),
        _ => Err(ApiError::MediaType("application/json, application/x-ndjson or text/csv")),
    }
}

/// # Errors
/// The body is declared as something else.
pub(super) fn check_json(media_type: &str) -> Result<(), ApiError> {
    if media_type == "application/json" { Ok(()) } else { Err(ApiError::NotJson) }
}

/// Whether a sender may send readings of a device on a topic.
pub(super) fn decide(api: &Api, sender: &Sender, topic: &str, device: &str) -> Decision {
    let Some(known) = api.ingest.registry().map(RegistryView::known) else {
        return may_send(sender, topic, device, false);
    };
    let device = known.current_name(device);
    let is_protected = known.is_protected(device);
    // A device logs in by the name that it had when its credential was made.
    let by_name = |name| may_send(sender, topic, name, is_protected);
    let is_own =
        sender.device_user().is_some() && known.names_of(device).any(|name| by_name(name).is_allowed());
    if is_own { Decision::Allowed } else { by_name(device) }
}

/// # Errors
/// The decision is that the sender may not. That a role does not allow it goes into the audit.
pub(super) async fn refuse(
    api: &Api,
    sender: &Sender,
    decision: Decision,
    asked: &str,
) -> Result<(), ApiError> {
    match (decision, sender) {
        (Decision::Allowed, _) => Ok(()),
        (Decision::OutsideFilters, _) => Err(ApiError::NotFound(decision.why())),
        (Decision::Protected, _) => Err(ApiError::NotRecognized(decision.why())),
        (_, Sender::Device { .. }) => Err(ApiError::NotAllowed(decision.why())),
        (_, Sender::Caller(caller)) => {
            api.access.refused(caller, access::Action::Send.word(), asked).await;
            Err(ApiError::NotAllowed(decision.why()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_the_rest_of_a_path() {
        for (path, expected) in [
            ("zigbee2mqtt/kitchen", Some("zigbee2mqtt/kitchen")),
            ("tele/a%20b/SENSOR", Some("tele/a b/SENSOR")),
            ("a%2Fb", Some("a/b")),
            ("a/%2B", None),
            ("a/%00", None),
            ("a/%ff", None),
            ("a/%4", None),
        ] {
            let topic = match input(path) {
                Ok(Form::Input(topic)) => Some(topic),
                _ => None,
            };
            assert_eq!(topic.as_deref(), expected, "{path}");
        }
    }
}
