//! The publishes of one connection that are not acknowledged yet, in the order in which they came.

use std::collections::VecDeque;
use std::task::Context;

use super::packet::Reason;
use super::publication::Publication;
use super::session::Wait;

/// A publish that the connection has read.
pub(crate) struct Entry {
    /// What must be settled first; none if nothing must.
    pub(crate) wait: Option<Wait>,
    pub(crate) answer: Answer,
    /// The bytes of its packet, which count as in flight.
    pub(crate) bytes: usize,
    /// What goes to subscribers then.
    pub(crate) publication: Option<Box<Publication>>,
    /// Whether it is a message of QoS 2 that the client has sent before.
    pub(crate) is_repeat: bool,
    /// Whether the acknowledgement says when no subscriber matches: the publish was not handed to the sink.
    pub(crate) only_for_subscribers: bool,
}

impl Entry {
    /// Whether nothing but subscribers may take the publish, which shows once it is settled.
    pub(crate) fn is_only_for_subscribers(&self) -> bool {
        let is_taken = |wait: &Wait| wait.settled.is_taken(wait.count - 1);
        self.only_for_subscribers || !self.wait.as_ref().is_none_or(is_taken)
    }
}

/// The reason code for the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Nothing,
    Puback(u16, Reason),
    Pubrec(u16, Reason),
}

/// What a connection has read and not acknowledged.
#[derive(Default)]
pub(crate) struct Ledger {
    entries: VecDeque<Entry>,
    bytes: usize,
    /// Entries that the client waits for a PUBACK of.
    pubacks: usize,
}

impl Ledger {
    pub(crate) fn push(&mut self, entry: Entry) {
        self.bytes += entry.bytes;
        self.pubacks += usize::from(matches!(entry.answer, Answer::Puback(..)));
        self.entries.push_back(entry);
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn pubacks(&self) -> usize {
        self.pubacks
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The client has released the message of this id: repeats of it need no answer any more. One that came later would
    /// be taken for that of the next message with this id.
    pub(crate) fn released(&mut self, packet_id: u16) {
        for entry in &mut self.entries {
            if entry.is_repeat && matches!(entry.answer, Answer::Pubrec(id, _) if id == packet_id) {
                entry.answer = Answer::Nothing;
            }
        }
    }

    /// The first publish, once it is settled; otherwise the task is woken when it is.
    pub(crate) fn pop_settled(&mut self, context: &mut Context<'_>) -> Option<Entry> {
        let front = self.entries.front()?;
        if let Some(wait) = &front.wait
            && wait.settled.poll_reached(wait.count, context).is_pending()
        {
            return None;
        }
        let entry = self.entries.pop_front()?;
        self.bytes -= entry.bytes;
        self.pubacks -= usize::from(matches!(entry.answer, Answer::Puback(..)));
        if self.entries.is_empty() {
            self.entries = VecDeque::new();
        }
        Some(entry)
    }
}
