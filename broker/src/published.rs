//! A message, and who published it.

use std::ops::Deref;

use telemetry::Message;

/// A message as a broker delivers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The message.
    pub message: Message,
    /// The MQTT client id of the publisher, where the broker says so: RabbitMQ does over AMQP, with
    /// `set_client_id_annotation`.
    pub client_id: Option<Box<str>>,
}

impl From<Message> for Published {
    fn from(message: Message) -> Self {
        Self { message, client_id: None }
    }
}

impl Deref for Published {
    type Target = Message;

    fn deref(&self) -> &Message {
        &self.message
    }
}
