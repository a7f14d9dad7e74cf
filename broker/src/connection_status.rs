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
    /// Messages that were no new readings: retained ones, which come with each subscription, and empty ones.
    pub skipped: u64,
}

impl ConnectionStatus {
    pub(crate) fn connected(&mut self) {
        self.connected = true;
        self.missed += 1;
        self.problem = None;
    }

    pub(crate) fn disconnected(&mut self, problem: Option<String>) {
        self.connected = false;
        self.problem = problem;
    }
}
