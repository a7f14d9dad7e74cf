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
    /// Connections that were cut off by another one with their client id, again and again.
    pub client_id_conflicts: Counter,
    /// What was refused because of a limit or a rule, by what it would have broken.
    pub refused: Family<RefusedBy, Counter>,
    /// Connections that have ended, by the reason.
    pub ends: Family<EndsFor, Counter>,
    /// What went over the connections.
    pub traffic: Traffic,
}

/// What went over the connections, in each direction.
#[derive(Debug, Clone, Default)]
pub struct Traffic {
    /// Connections whose CONNECT was accepted.
    pub connects: Counter,
    /// MQTT packets of any type that clients sent.
    pub packets_received: Counter,
    /// MQTT packets of any type that the server sent.
    pub packets_sent: Counter,
    /// PUBLISH packets that clients sent.
    pub publishes_received: Counter,
    /// PUBLISH packets that the server sent.
    pub publishes_sent: Counter,
    /// Messages that a subscriber did not get, as too many wait for it already.
    pub publishes_dropped: Counter,
    /// Bytes that clients sent, without those of TLS and WebSocket.
    pub bytes_received: Counter,
    /// Bytes that the server sent, without those of TLS and WebSocket.
    pub bytes_sent: Counter,
}

/// The label of what was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RefusedBy {
    /// The limit or rule.
    pub by: Rule,
}

/// The label of a connection that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct EndsFor {
    /// Why it ended.
    pub reason: Ending,
}

/// Why a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ending {
    /// The client disconnected.
    ByClient,
    /// The client was gone without a DISCONNECT.
    Lost,
    /// Another connection has the client's id.
    TakenOver,
    /// The server stopped.
    ServerStopped,
    /// The server ended it, by this limit or rule.
    By(Rule),
}

impl Ending {
    /// The name of the reason: that of the limit or rule, if there is one.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ByClient => "client",
            Self::Lost => "lost",
            Self::TakenOver => "taken_over",
            Self::ServerStopped => "server_stopped",
            Self::By(rule) => rule.name(),
        }
    }
}

impl EncodeLabelValue for Ending {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        encoder.write_str(self.name())
    }
}

/// A limit or rule by which the server refuses something. Those of the first part are the [limits](super::Limits), which
/// have the same names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rule {
    /// Connections without a CONNECT.
    Handshakes,
    /// The time for a CONNECT.
    HandshakeTimeout,
    /// The keep-alive of a client: it was granted less than it asked for.
    KeepAlive,
    /// The size of a CONNECT.
    ConnectBytes,
    /// The size of a packet.
    PacketBytes,
    /// Bytes of packets that have come in part.
    PartialBytesTotal,
    /// Publishes without an acknowledgement: the Receive Maximum.
    InFlight,
    /// Bytes of one connection without an acknowledgement: what follows was read later.
    InFlightBytes,
    /// Bytes of all connections without an acknowledgement: what follows was read later.
    InFlightBytesTotal,
    /// Messages in a second: they were read later.
    MessagesPerSecond,
    /// Sessions that outlive their connection.
    Sessions,
    /// The life of a session: it was granted less than it asked for.
    SessionExpiry,
    /// Messages that wait for a client.
    Queued,
    /// Bytes that wait for a client.
    QueuedBytes,
    /// Bytes that wait for all clients, or those of wills.
    QueuedBytesTotal,
    /// Subscriptions of a client.
    Subscriptions,
    /// Subscriptions of all clients.
    SubscriptionsTotal,
    /// Filters in one SUBSCRIBE.
    SubscriptionsPerPacket,
    /// The size of a topic, filter or client id.
    NameBytes,
    /// Levels of a topic or filter.
    TopicLevels,
    /// Topics that keep a retained message.
    Retained,
    /// Bytes of retained messages.
    RetainedBytes,
    /// Topic aliases of a connection.
    TopicAliases,
    /// The delay of a will: it was granted less than it asked for.
    WillDelay,
    /// Denied publishes that are kept as rejected.
    DeniedKeptPerMinute,
    /// The largest packet that a receiver takes.
    TooLargeForReceiver,
    /// The right to connect, publish or subscribe.
    Access,
    /// The rules of MQTT.
    Protocol,
    /// The time in which a client must send something.
    KeepAliveTimeout,
}

impl Rule {
    /// The name of the limit, or of the rule.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Handshakes => "handshakes",
            Self::HandshakeTimeout => "handshake_timeout",
            Self::KeepAlive => "keep_alive",
            Self::ConnectBytes => "connect_bytes",
            Self::PacketBytes => "packet_bytes",
            Self::PartialBytesTotal => "partial_bytes_total",
            Self::InFlight => "in_flight",
            Self::InFlightBytes => "in_flight_bytes",
            Self::InFlightBytesTotal => "in_flight_bytes_total",
            Self::MessagesPerSecond => "messages_per_second",
            Self::Sessions => "sessions",
            Self::SessionExpiry => "session_expiry",
            Self::Queued => "queued",
            Self::QueuedBytes => "queued_bytes",
            Self::QueuedBytesTotal => "queued_bytes_total",
            Self::Subscriptions => "subscriptions",
            Self::SubscriptionsTotal => "subscriptions_total",
            Self::SubscriptionsPerPacket => "subscriptions_per_packet",
            Self::NameBytes => "name_bytes",
            Self::TopicLevels => "topic_levels",
            Self::Retained => "retained",
            Self::RetainedBytes => "retained_bytes",
            Self::TopicAliases => "topic_aliases",
            Self::WillDelay => "will_delay",
            Self::DeniedKeptPerMinute => "denied_kept_per_minute",
            Self::TooLargeForReceiver => "too_large_for_receiver",
            Self::Access => "access",
            Self::Protocol => "protocol",
            Self::KeepAliveTimeout => "keep_alive_timeout",
        }
    }
}

impl EncodeLabelValue for Rule {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        encoder.write_str(self.name())
    }
}

impl Counters {
    pub(crate) fn refuse(&self, by: Rule) {
        self.refused.get_or_create(&RefusedBy { by }).inc();
    }
}
