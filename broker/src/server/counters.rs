//! What the server counts.

use std::fmt::{self, Write as _};

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;

/// What the server counts. Clones share the counts.
#[derive(Debug, Clone, Default)]
pub struct Counters {
    /// Clients that are connected.
    pub connections: Gauge,
    /// Sessions, whether their client is connected or not.
    pub sessions: Gauge,
    /// Subscriptions of all sessions.
    pub subscriptions: Gauge,
    /// Topics that keep a retained message.
    pub retained: Gauge,
    /// Messages of metrics that are not collected.
    pub not_collected: Counter,
    /// What was refused because of a limit or a rule, by what it would have broken.
    pub refused: Family<RefusedBy, Counter>,
}

/// The label of what was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RefusedBy {
    /// The limit or rule.
    pub by: Rule,
}

/// A limit or rule by which the server refuses something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rule {
    /// Connections without a CONNECT.
    Handshakes,
    /// The time for a CONNECT.
    HandshakeTimeout,
    /// The size of a packet.
    PacketBytes,
    /// Bytes of packets that have come in part.
    PartialBytes,
    /// Publishes without an acknowledgement: the Receive Maximum.
    InFlight,
    /// Messages in a second: they were read later.
    MessageRate,
    /// Sessions that outlive their connection.
    Sessions,
    /// Messages that wait for a client.
    Queued,
    /// Subscriptions.
    Subscriptions,
    /// Retained messages.
    Retained,
    /// The largest packet that a receiver takes.
    TooLargeForReceiver,
    /// The right to connect, publish or subscribe.
    Access,
    /// Denied publishes that are kept as rejected.
    DeniedKept,
    /// The rules of MQTT.
    Protocol,
    /// The time in which a client must send something.
    KeepAlive,
}

impl EncodeLabelValue for Rule {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        encoder.write_str(match self {
            Self::Handshakes => "handshakes",
            Self::HandshakeTimeout => "handshake_timeout",
            Self::PacketBytes => "packet_bytes",
            Self::PartialBytes => "partial_bytes",
            Self::InFlight => "in_flight",
            Self::MessageRate => "message_rate",
            Self::Sessions => "sessions",
            Self::Queued => "queued",
            Self::Subscriptions => "subscriptions",
            Self::Retained => "retained",
            Self::TooLargeForReceiver => "too_large_for_receiver",
            Self::Access => "access",
            Self::DeniedKept => "denied_kept",
            Self::Protocol => "protocol",
            Self::KeepAlive => "keep_alive",
        })
    }
}

impl Counters {
    pub(crate) fn refuse(&self, by: Rule) {
        self.refused.get_or_create(&RefusedBy { by }).inc();
    }
}
