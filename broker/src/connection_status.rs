//! How a connection to the broker is doing.

/// What the one who waits for messages may know of the connection they come over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConnectionStatus {
    pub connected: bool,
    /// Grows whenever messages may have been missed: what is shown is to be read from the store again.
    pub missed: u64,
    /// Why there is no connection and what can be done about it; none while there is one.
    pub problem: Option<String>,
    /// Debts that were paid and whose ack may not have reached the broker: their messages may come again.
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
