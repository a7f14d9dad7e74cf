//! Everything that a client can make grow, and how far.

use std::time::Duration;

use serde::Deserialize;

use super::counters::Rule;
use super::topic::is_deeper;

/// The limits of a server. A client that would pass one gets the reason that MQTT has for it, and is counted.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Connections that have not sent their CONNECT yet, or whose login is not decided.
    pub handshakes: usize,
    /// How long a client may take to send its CONNECT, and to accept the answer.
    #[serde(with = "humantime_serde")]
    pub handshake_timeout: Duration,
    /// How long a client of MQTT 5 may be silent: the Server Keep Alive, in whole seconds. Older versions have no way to be
    /// told, so that what they ask for counts.
    #[serde(with = "humantime_serde")]
    pub keep_alive: Duration,
    /// The size of a CONNECT, in bytes.
    pub connect_bytes: usize,
    /// The size of any later packet, in bytes.
    pub packet_bytes: usize,
    /// Bytes of packets that have come in part, of all connections.
    pub partial_bytes_total: usize,
    /// Publishes of one connection that are not acknowledged: the Receive Maximum.
    pub in_flight: u16,
    /// Packet bytes of one connection that are not acknowledged.
    pub in_flight_bytes: usize,
    /// Packet bytes of all connections that are not acknowledged.
    pub in_flight_bytes_total: usize,
    /// Publishes and subscriptions of one client in a second; what comes faster is read later.
    pub messages_per_second: u32,
    /// Sessions, connected or not: with more, further ones end with their connection.
    pub sessions: usize,
    /// How long a session outlives its connection.
    #[serde(with = "humantime_serde")]
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
    /// Filters in one SUBSCRIBE.
    pub subscriptions_per_packet: usize,
    /// The size of a topic, filter or client id, in bytes.
    pub name_bytes: usize,
    /// Levels of a topic or filter.
    pub topic_levels: usize,
    /// Topics that keep a retained message.
    pub retained: usize,
    /// Bytes of all retained messages.
    pub retained_bytes: usize,
    /// Topic aliases of one connection, in each direction.
    pub topic_aliases: u16,
    /// How long a will may be delayed.
    #[serde(with = "humantime_serde")]
    pub will_delay: Duration,
    /// Denied publishes that are kept as rejected, in a minute.
    pub denied_kept_per_minute: u32,
}

/// The largest packet that MQTT has.
const LARGEST_PACKET: usize = 268_435_455;

/// The longest keep-alive that MQTT has, in seconds.
const LONGEST_KEEP_ALIVE: u64 = u16::MAX as u64;

/// A time that is for ever in MQTT 5.
const FOR_EVER: Duration = Duration::from_secs(u32::MAX as u64);

impl Limits {
    /// What is out of bounds: the name of the limit and what it must be.
    ///
    /// # Errors
    /// A limit would let no device publish, or MQTT cannot express it.
    pub fn check(&self) -> Result<(), (&'static str, &'static str)> {
        let positive = "must be at least 1";
        for (name, limit) in [
            ("handshakes", self.handshakes),
            ("in_flight", self.in_flight.into()),
            ("in_flight_bytes", self.in_flight_bytes),
            ("in_flight_bytes_total", self.in_flight_bytes_total),
            ("messages_per_second", self.messages_per_second as usize),
            ("name_bytes", self.name_bytes),
            ("topic_levels", self.topic_levels),
        ] {
            if limit == 0 {
                return Err((name, positive));
            }
        }
        for (name, limit) in [("connect_bytes", self.connect_bytes), ("packet_bytes", self.packet_bytes)] {
            if !(128..=LARGEST_PACKET).contains(&limit) {
                return Err((name, "must be 128 to 268435455 bytes"));
            }
        }
        if self.partial_bytes_total < self.packet_bytes {
            return Err(("partial_bytes_total", "must be at least mqtt.limits.packet_bytes"));
        }
        if self.handshake_timeout.is_zero() {
            return Err(("handshake_timeout", "must be more than 0"));
        }
        if self.keep_alive.subsec_nanos() != 0
            || !(1..=LONGEST_KEEP_ALIVE).contains(&self.keep_alive.as_secs())
        {
            return Err(("keep_alive", "must be 1 to 65535 whole seconds"));
        }
        for (name, limit) in [("session_expiry", self.session_expiry), ("will_delay", self.will_delay)] {
            if limit > FOR_EVER {
                return Err((name, "must be at most 136 years"));
            }
        }
        Ok(())
    }

    /// The limit that a topic or filter passes by its bytes or levels.
    pub(crate) fn passed_by(&self, topic: &str) -> Option<Rule> {
        if topic.len() > self.name_bytes {
            return Some(Rule::NameBytes);
        }
        is_deeper(topic, self.topic_levels).then_some(Rule::TopicLevels)
    }
}

const MIB: usize = 1024 * 1024;

impl Default for Limits {
    fn default() -> Self {
        Self {
            handshakes: 12_000,
            handshake_timeout: Duration::from_secs(10),
            keep_alive: Duration::from_secs(60),
            connect_bytes: 16 * 1024,
            packet_bytes: 8 * MIB,
            partial_bytes_total: 64 * MIB,
            in_flight: 1_024,
            in_flight_bytes: 2 * MIB,
            in_flight_bytes_total: 64 * MIB,
            messages_per_second: 200_000,
            sessions: 20_000,
            session_expiry: Duration::from_secs(24 * 60 * 60),
            queued: 1_000,
            queued_bytes: MIB,
            queued_bytes_total: 64 * MIB,
            subscriptions: 100,
            subscriptions_total: 100_000,
            subscriptions_per_packet: 100,
            name_bytes: 1_024,
            topic_levels: 64,
            retained: 1_000,
            retained_bytes: 16 * MIB,
            topic_aliases: 16,
            will_delay: Duration::from_secs(60 * 60),
            denied_kept_per_minute: 60,
        }
    }
}
