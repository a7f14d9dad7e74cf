//! A message of a request, as a device would publish it.

use bytes::Bytes;
use service::ReadAs;
use telemetry::{MAX_TOPIC_BYTES, Series};

/// The topic under which is kept what names none.
const UNNAMED: &str = "api/readings";

/// A message, and which element of the request it is of.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Element {
    /// From 0 on; one element may hold several readings.
    pub(crate) index: usize,
    pub(crate) topic: String,
    pub(crate) payload: Bytes,
    pub(crate) read_as: ReadAs,
}

impl Element {
    /// A message in Millrace's own format; rejected if the names cannot be those of a topic.
    pub(super) fn own(index: usize, metric: &str, device: &str, payload: impl Into<Bytes>) -> Self {
        match Series::new(metric, device) {
            Ok(series) => {
                let (topic, payload) = (series.to_string(), payload.into());
                Self { index, topic, payload, read_as: ReadAs::OwnFormat }
            }
            Err(e) => Self {
                topic: topic_of(&format!("{metric}/{device}")),
                ..Self::wrong(index, payload, e.to_string())
            },
        }
    }

    pub(super) fn on(index: usize, topic: &str, payload: impl Into<Bytes>) -> Self {
        match Series::parse(topic) {
            Ok(series) => Self::own(index, series.metric(), series.device(), payload),
            Err(e) => Self { topic: topic_of(topic), ..Self::wrong(index, payload, e.to_string()) },
        }
    }

    /// What is no reading.
    pub(super) fn wrong(index: usize, payload: impl Into<Bytes>, reason: impl Into<String>) -> Self {
        let (topic, payload) = (UNNAMED.to_owned(), payload.into());
        Self { index, topic, payload, read_as: ReadAs::Wrong(reason.into()) }
    }

    /// The device that the topic names.
    pub(crate) fn device(&self) -> &str {
        self.topic.split_once('/').map_or("", |(_, device)| device)
    }
}

/// A topic under which something can be kept and published.
fn topic_of(text: &str) -> String {
    let is_topic =
        text.len() <= MAX_TOPIC_BYTES && !text.contains(|c: char| c.is_control() || "+#".contains(c));
    if is_topic { text.to_owned() } else { UNNAMED.to_owned() }
}
