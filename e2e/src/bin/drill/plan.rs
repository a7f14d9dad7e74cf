//! What a drill is: a fault while readings flow, and the load that it is proved with.

use crate::harness::Harness;

/// Readings per second of the load.
pub(crate) const RATE: u32 = 1_000;

/// Connections of the load, each of one device.
pub(crate) const CONNECTIONS: u32 = 50;

/// A fault under load.
#[derive(Clone, Copy)]
pub(crate) struct Drill {
    pub(crate) name: &'static str,
    /// What happens, for people.
    pub(crate) what: &'static str,
    pub(crate) kind: Kind,
    /// Whether `make test` runs it. The others differ from one that it runs only in where or for how long.
    pub(crate) in_each_run: bool,
    /// Arguments of `sensor-sim load` beside the usual ones.
    pub(crate) load: &'static [&'static str],
    /// Whether an incident spans the fault; a drill that stops the mail server brings its own.
    pub(crate) canary: bool,
    pub(crate) fault: fn(&mut Harness<'_>) -> Hit,
}

/// What a fault has in common with others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    NodeDies,
    NodeSilent,
    Restart,
    Database,
    Service,
    BadPayload,
    Repeated,
    Mail,
    Backpressure,
    Device,
}

impl Kind {
    /// In a few words, for people.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::NodeDies => "a broker node dies",
            Self::NodeSilent => "a broker node does not answer",
            Self::Restart => "planned restart",
            Self::Database => "the database is away",
            Self::Service => "a service ends",
            Self::BadPayload => "bad payloads",
            Self::Repeated => "repeated messages",
            Self::Mail => "the mail server is away",
            Self::Backpressure => "the broker holds publishers back",
            Self::Device => "a device is away",
        }
    }
}

/// The nodes of the broker that were hit.
#[derive(Debug, Default)]
pub(crate) struct Hit {
    pub(crate) nodes: Vec<String>,
}
