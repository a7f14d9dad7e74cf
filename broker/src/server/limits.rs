//! Everything that a client can make grow, and how far.

use std::time::Duration;

/// The limits of a server. A client that would pass one gets the reason that MQTT has for it, and is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once.
    pub connections: usize,
    /// Connections at once from one address.
    pub connections_per_address: usize,
    /// Connections that have not sent their CONNECT yet, or whose login is not decided.
    pub handshakes: usize,
    /// How long a connection may take until its CONNECT is accepted.
    pub handshake_timeout: Duration,
    /// The size of a CONNECT, in bytes.
    pub connect_bytes: usize,
    /// The size of any later packet, in bytes.
    pub packet_bytes: usize,
    /// Bytes of packets that have come in part, of all connections.
    pub partial_bytes_total: usize,
    /// Publishes of one connection that are not acknowledged: the Receive Maximum.
    pub in_flight: u16,
    /// Payload bytes of one connection that are not acknowledged.
    pub in_flight_bytes: usize,
    /// Payload bytes of all connections that are not acknowledged.
    pub in_flight_bytes_total: usize,
    /// Publishes and subscriptions of one client in a second; what comes faster is read later.
    pub messages_per_second: u32,
    /// Sessions, connected or not.
    pub sessions: usize,
    /// How long a session outlives its connection.
    pub session_expiry: Duration,
    /// Messages that wait for one client.
    pub queued: usize,
    /// Bytes that wait for one client.
    pub queued_bytes: usize,
    /// Bytes that wait for all clients.
    pub queued_bytes_total: usize,
    /// Subscriptions of one client.
    pub subscriptions: usize,
    /// Subscriptions of all clients.
    pub subscriptions_total: usize,
    /// Filters in one SUBSCRIBE or UNSUBSCRIBE.
    pub subscriptions_per_packet: usize,
    /// Levels of a topic or filter.
    pub topic_levels: usize,
    /// Topics that keep a retained message.
    pub retained: usize,
    /// Bytes of all retained messages.
    pub retained_bytes: usize,
    /// Topic aliases of one connection, in each direction.
    pub topic_aliases: u16,
    /// How long a will may be delayed.
    pub will_delay: Duration,
    /// Denied publishes that are kept as rejected, in a minute.
    pub denied_kept_per_minute: u32,
}

const MIB: usize = 1024 * 1024;

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            connections_per_address: 10_000,
            handshakes: 1_000,
            handshake_timeout: Duration::from_secs(10),
            connect_bytes: 64 * 1024,
            packet_bytes: MIB,
            partial_bytes_total: 64 * MIB,
            in_flight: 1_024,
            in_flight_bytes: 2 * MIB,
            in_flight_bytes_total: 64 * MIB,
            messages_per_second: 200_000,
            sessions: 10_000,
            session_expiry: Duration::from_secs(24 * 60 * 60),
            queued: 1_000,
            queued_bytes: MIB,
            queued_bytes_total: 64 * MIB,
            subscriptions: 100,
            subscriptions_total: 100_000,
            subscriptions_per_packet: 100,
            topic_levels: 64,
            retained: 1_000,
            retained_bytes: 16 * MIB,
            topic_aliases: 16,
            will_delay: Duration::from_secs(60 * 60),
            denied_kept_per_minute: 60,
        }
    }
}
