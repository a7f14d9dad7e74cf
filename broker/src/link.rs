//! How a connection to the broker is doing.

/// What the one who waits for messages may know of the connection they come over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Link {
    pub connected: bool,
    /// Grows whenever messages may have been missed: what is shown is to be read from the store again.
    pub gaps: u64,
    /// Why there is no connection and what can be done about it; none while there is one.
    pub problem: Option<String>,
    /// Debts that were paid and whose ack may not have reached the broker: their messages may come again.
    pub lost_acks: u64,
}

impl Link {
    pub(crate) fn made(&mut self) {
        *self = Self { connected: true, gaps: self.gaps + 1, problem: None, lost_acks: self.lost_acks };
    }

    pub(crate) fn ended(&mut self, problem: Option<String>) {
        self.connected = false;
        self.problem = problem;
    }
}
