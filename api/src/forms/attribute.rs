//! What a device says of itself in words.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::Time;

/// The newest value of an attribute: a row of `GET /api/attributes`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribute<'a> {
    /// Whose it is: the device that was asked for, or one above it.
    pub device: Cow<'a, str>,
    /// What it is called.
    pub name: Cow<'a, str>,
    /// Its newest value.
    pub value: Cow<'a, str>,
    /// When the broker received the first message that has this value.
    pub since: Time,
}

impl<'a> From<&'a telemetry::Attribute> for Attribute<'a> {
    fn from(attribute: &'a telemetry::Attribute) -> Self {
        let telemetry::Attribute { device, name, value, since } = attribute;
        let text = |text: &'a String| text.as_str().into();
        Self { device: text(device), name: text(name), value: text(value), since: Time(*since) }
    }
}
