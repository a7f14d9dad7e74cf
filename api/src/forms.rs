//! The JSON forms of the API, each one type that both writes and reads it. Times are RFC 3339 in UTC with microseconds.

mod access;
mod analytics;
mod attribute;
mod boot;
mod broker;
mod clock_period;
mod command;
pub mod csv;
mod device;
mod device_type;
mod edge;
mod frame;

mod incident;
mod incident_group;
mod inputs;
mod page;
mod reading;
mod rejected;
mod series;
mod silence;
mod time;
pub(crate) mod words;

use std::collections::BTreeMap;

use serde::Serialize;

pub use self::access::{Access, AuditRecord, Key, LoginMethods, Me, OidcMethod, Session, Token, User};
pub use self::analytics::{Anomaly, Historical, Hour, Realtime, analyzed};
pub use self::attribute::Attribute;
pub use self::boot::Boot;
pub use self::broker::Broker;
pub use self::clock_period::{ClockPeriod, clock_ahead_seconds};
pub use self::command::{Command, CommandJob, Desired, Twin};
pub use self::device::{
    Connection, Credential, Device, DeviceDetails, DeviceRow, DeviceState, Gap, LastWill, OpenIncidents,
    RejectedOfDevice,
};
pub use self::device_type::{DeviceType, TypeCommand, TypeDescription, TypeMetric};
pub use self::edge::Edge;
pub use self::frame::{Frame, FrameKind};
pub use self::incident::{Acknowledgement, Incident, Notification};
pub use self::incident_group::IncidentGroup;
pub use self::inputs::{AddedRules, IgnoringRule, Inputs, Mappings, PresetInUse, Suggestion, UnmappedGroup};
pub use self::page::{MAX_PAGE_BYTES, Page};
pub use self::reading::{Aggregate, Bucket, Reading};
pub use self::rejected::{Dismissed, NotResent, Rejected, RejectedGroup, Resent, ResentSelected};
pub use self::series::{Series, State};
pub use self::silence::Silence;
pub use self::time::Time;
pub use self::words::{MetricWords, StateWord};

/// `{"<name>": [<rows>]}`, as every list of the API is written.
pub fn list<T: Serialize>(name: &str, rows: impl Iterator<Item = T>) -> String {
    text(&BTreeMap::from([(name, rows.collect::<Vec<_>>())]))
}

/// A form as JSON.
///
/// # Panics
/// Never for a form of this module: they hold maps, numbers and strings only.
pub fn text(form: &impl Serialize) -> String {
    serde_json::to_string(form).expect("a form is maps, numbers and strings")
}

/// An empty text stands for a name or a note that was not given.
fn given(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}
