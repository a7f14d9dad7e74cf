//! Reason codes, and what is wrong with a packet.

use crate::server::counters::Rule;

/// A reason code of MQTT 5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Reason(pub(crate) u8);

impl Reason {
    pub(crate) const SUCCESS: Self = Self(0x00);
    pub(crate) const NO_MATCHING_SUBSCRIBERS: Self = Self(0x10);
    pub(crate) const NO_SUBSCRIPTION_EXISTED: Self = Self(0x11);
    pub(crate) const UNSPECIFIED: Self = Self(0x80);
    pub(crate) const MALFORMED: Self = Self(0x81);
    pub(crate) const PROTOCOL_ERROR: Self = Self(0x82);
    pub(crate) const UNSUPPORTED_VERSION: Self = Self(0x84);
    pub(crate) const CLIENT_ID_NOT_VALID: Self = Self(0x85);
    pub(crate) const BAD_CREDENTIALS: Self = Self(0x86);
    pub(crate) const NOT_AUTHORIZED: Self = Self(0x87);
    pub(crate) const UNAVAILABLE: Self = Self(0x88);
    pub(crate) const SHUTTING_DOWN: Self = Self(0x8b);
    pub(crate) const BAD_AUTHENTICATION_METHOD: Self = Self(0x8c);
    pub(crate) const KEEP_ALIVE_TIMEOUT: Self = Self(0x8d);
    pub(crate) const TAKEN_OVER: Self = Self(0x8e);
    pub(crate) const FILTER_INVALID: Self = Self(0x8f);
    pub(crate) const TOPIC_INVALID: Self = Self(0x90);
    pub(crate) const PACKET_ID_NOT_FOUND: Self = Self(0x92);
    pub(crate) const RECEIVE_MAXIMUM_EXCEEDED: Self = Self(0x93);
    pub(crate) const TOPIC_ALIAS_INVALID: Self = Self(0x94);
    pub(crate) const PACKET_TOO_LARGE: Self = Self(0x95);
    pub(crate) const QUOTA_EXCEEDED: Self = Self(0x97);
    pub(crate) const PAYLOAD_FORMAT_INVALID: Self = Self(0x99);

    pub(crate) fn is_failure(self) -> bool {
        self.0 >= 0x80
    }

    /// The return code of a CONNACK before MQTT 5.
    pub(crate) fn before_v5(self) -> u8 {
        match self {
            Self::SUCCESS => 0,
            Self::UNSUPPORTED_VERSION => 1,
            Self::CLIENT_ID_NOT_VALID => 2,
            Self::BAD_CREDENTIALS => 4,
            Self::NOT_AUTHORIZED | Self::TOPIC_INVALID => 5,
            _ => 3,
        }
    }
}

/// Why a connection must be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) reason: Reason,
    /// A sentence for the client's maker.
    pub(crate) why: &'static str,
    /// The limit that would have been passed.
    limit: Option<Rule>,
}

impl Fault {
    pub(crate) const fn new(reason: Reason, why: &'static str) -> Self {
        Self { reason, why, limit: None }
    }

    /// A limit would have been passed.
    pub(crate) const fn limit(limit: Rule, reason: Reason, why: &'static str) -> Self {
        Self { reason, why, limit: Some(limit) }
    }

    /// The limit or rule by which it is counted.
    pub(crate) fn rule(&self) -> Rule {
        match (self.limit, self.reason) {
            (Some(limit), _) => limit,
            (None, Reason::PACKET_TOO_LARGE) => Rule::PacketBytes,
            (None, Reason::RECEIVE_MAXIMUM_EXCEEDED) => Rule::InFlight,
            (None, Reason::KEEP_ALIVE_TIMEOUT) => Rule::KeepAliveTimeout,
            (None, Reason::BAD_CREDENTIALS | Reason::NOT_AUTHORIZED | Reason::UNAVAILABLE) => Rule::Access,
            (None, _) => Rule::Protocol,
        }
    }

    /// The packet cannot be read.
    pub(crate) const fn malformed(why: &'static str) -> Self {
        Self::new(Reason::MALFORMED, why)
    }

    /// The packet can be read, and must not have been sent.
    pub(crate) const fn protocol(why: &'static str) -> Self {
        Self::new(Reason::PROTOCOL_ERROR, why)
    }
}
