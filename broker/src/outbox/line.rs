//! The connection of an outbox: over MQTT 3.1.1, which every broker speaks, or over MQTT 5, where a PUBACK says whether
//! anybody takes the message.

use bytes::Bytes;
use rumqttc::v5::mqttbytes::v5::{Packet as Packet5, PubAckReason, PublishProperties};
use rumqttc::{AsyncClient, Event, EventLoop, MqttOptions, Outgoing, Packet, QoS, v5};

use super::{Answer, Asking};
use crate::BrokerUrl;
use crate::mqtt::{KEEP_ALIVE, MAX_RECEIVED_BYTES, client, explained, hung_up, transport, within_closing};

/// How a connection is made.
#[derive(Debug, Clone)]
pub(super) enum Options {
    V311(Box<MqttOptions>),
    V5(Box<v5::MqttOptions>),
}

/// What publishes over the connection.
#[derive(Debug, Clone)]
pub(super) enum Client {
    V311(AsyncClient),
    V5(v5::AsyncClient),
}

/// What comes over the connection.
pub(super) enum Line {
    V311(Box<EventLoop>),
    V5(Box<v5::EventLoop>),
}

/// What happened on the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    Connected,
    /// The next message that was handed over has this packet identifier.
    Numbered(u16),
    /// The message with this packet identifier is acknowledged.
    Acked {
        id: u16,
        answer: Answer,
    },
    /// Our DISCONNECT is on its way.
    HungUp,
    Other,
}

impl Options {
    /// Over MQTT 5, without a presence.
    pub(super) fn over_5(url: &BrokerUrl, client_id: &str, in_flight: u16) -> Self {
        let mut options = v5::MqttOptions::new(client_id, url.host.trim_matches(['[', ']']), url.port);
        if let Some((user, password)) = &url.credentials {
            options.set_credentials(user, password);
        }
        if let Some(tls) = &url.tls {
            options.set_transport(transport(tls));
        }
        options.set_keep_alive(KEEP_ALIVE).set_clean_start(true);
        options.set_max_packet_size(u32::try_from(MAX_RECEIVED_BYTES).ok());
        options.set_outgoing_inflight_upper_limit(in_flight);
        Self::V5(Box::new(options))
    }

    /// A connection that is made when it is listened to, with room for this many requests.
    pub(super) fn open(self, room: usize) -> (Client, Line) {
        match self {
            Self::V311(options) => {
                let (client, events) = client(*options, room);
                (Client::V311(client), Line::V311(Box::new(events)))
            }
            Self::V5(mut options) => {
                let mut network = options.network_options();
                network.set_tcp_nodelay(true);
                options.set_network_options(network);
                let (client, events) = v5::AsyncClient::new(*options, room);
                (Client::V5(client), Line::V5(Box::new(events)))
            }
        }
    }
}

impl Client {
    /// # Errors
    /// The connection is going down.
    pub(super) fn try_publish(
        &self,
        topic: &str,
        retain: bool,
        payload: Bytes,
        asking: Option<&Asking>,
    ) -> Result<(), String> {
        match self {
            Self::V311(client) => {
                client.try_publish(topic, QoS::AtLeastOnce, retain, payload).map_err(|e| e.to_string())
            }
            Self::V5(client) => {
                let qos = v5::mqttbytes::QoS::AtLeastOnce;
                let published = match asking {
                    None => client.try_publish(topic, qos, retain, payload),
                    Some(asking) => {
                        client.try_publish_with_properties(topic, qos, retain, payload, properties(asking))
                    }
                };
                published.map_err(|e| e.to_string())
            }
        }
    }

    /// A connection that is already going down ends just as well.
    pub(super) fn try_disconnect(&self) {
        let _ = match self {
            Self::V311(client) => client.try_disconnect().map_err(drop),
            Self::V5(client) => client.try_disconnect().map_err(drop),
        };
    }
}

fn properties(asking: &Asking) -> PublishProperties {
    PublishProperties {
        message_expiry_interval: Some(u32::try_from(asking.lasts.as_secs()).unwrap_or(u32::MAX)),
        response_topic: Some(asking.reply_to.clone()),
        correlation_data: Some(asking.correlation.clone().into()),
        ..PublishProperties::default()
    }
}

impl Line {
    /// # Errors
    /// The connection has ended: why, for a person.
    pub(super) async fn listen(&mut self) -> Result<Heard, String> {
        match self {
            Self::V311(events) => events.poll().await.map(|event| (&event).into()).map_err(|e| explained(&e)),
            Self::V5(events) => events.poll().await.map(|event| (&event).into()).map_err(|e| e.to_string()),
        }
    }

    /// What came together with the end of the connection.
    pub(super) fn last(&self) -> Vec<Heard> {
        match self {
            Self::V311(events) => events.state.events.iter().map(Heard::from).collect(),
            Self::V5(events) => events.state.events.iter().map(Heard::from).collect(),
        }
    }

    /// Waits for the broker to close the connection after our DISCONNECT, within a limit.
    pub(super) async fn hung_up(&mut self) {
        match self {
            Self::V311(events) => hung_up(events).await,
            Self::V5(events) => within_closing(async { while events.poll().await.is_ok() {} }).await,
        }
    }
}

impl From<&PubAckReason> for Answer {
    fn from(reason: &PubAckReason) -> Self {
        match reason {
            PubAckReason::Success => Self::Taken,
            PubAckReason::NoMatchingSubscribers => Self::NobodySubscribes,
            PubAckReason::QuotaExceeded => Self::QuotaExceeded,
            PubAckReason::NotAuthorized => Self::NotAuthorized,
            PubAckReason::PayloadFormatInvalid => Self::Refused,
            _ => Self::Failed,
        }
    }
}

impl From<&Event> for Heard {
    fn from(event: &Event) -> Self {
        match event {
            Event::Incoming(Packet::ConnAck(_)) => Self::Connected,
            Event::Incoming(Packet::PubAck(ack)) => Self::Acked { id: ack.pkid, answer: Answer::Taken },
            Event::Outgoing(outgoing) => outgoing.into(),
            Event::Incoming(_) => Self::Other,
        }
    }
}

impl From<&v5::Event> for Heard {
    fn from(event: &v5::Event) -> Self {
        match event {
            v5::Event::Incoming(Packet5::ConnAck(_)) => Self::Connected,
            v5::Event::Incoming(Packet5::PubAck(ack)) => {
                Self::Acked { id: ack.pkid, answer: (&ack.reason).into() }
            }
            v5::Event::Outgoing(outgoing) => outgoing.into(),
            v5::Event::Incoming(_) => Self::Other,
        }
    }
}

impl From<&Outgoing> for Heard {
    fn from(outgoing: &Outgoing) -> Self {
        match outgoing {
            Outgoing::Publish(id) => Self::Numbered(*id),
            Outgoing::Disconnect => Self::HungUp,
            _ => Self::Other,
        }
    }
}
