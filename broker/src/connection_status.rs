//! The status of a connection to the broker.

/// The status of the connection that deliveries come over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConnectionStatus {
    /// Whether messages can arrive.
    pub connected: bool,
    /// Grows whenever messages may have been missed: read what is shown from the store again.
    pub missed: u64,
    /// Why there is no connection and what to do about it. `None` while there is one.
    pub problem: Option<String>,
    /// Deliveries that were settled and whose ack may not have reached the broker: they may be delivered again.
    pub lost_acks: u64,
}

impl ConnectionStatus {
    pub(crate) fn connected(&mut self) {
        *self = Self { connected: true, missed: self.missed + 1, problem: None, lost_acks: self.lost_acks };
    }

    pub(crate) fn disconnected(&mut self, problem: Option<String>) {
        self.connected = false;
        self.problem = problem;
    }
}
