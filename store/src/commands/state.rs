//! A command, and the states that it goes through.

use jiff::Timestamp;

use crate::text_codec::text_codec;

/// What is known of a command.
///
/// ```text
/// queued ──▶ sent ──▶ accepted ──▶ done | failed
///    └────────┴───────────┴──────▶ expired | cancelled
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CommandState {
    /// It is stored, and nobody has taken it yet.
    Queued,
    /// The broker, or the device itself by a poll, has taken it.
    Sent,
    /// The device says that it has it.
    Accepted,
    /// The device says that it carried it out.
    Done,
    /// The device says that it could not carry it out.
    Failed,
    /// Its time was over before the device said how it went.
    Expired,
    /// Somebody took it back, or something newer took its place.
    Cancelled,
}

text_codec!(
    CommandState: Queued "queued", Sent "sent", Accepted "accepted", Done "done", Failed "failed", Expired "expired",
    Cancelled "cancelled"
);

impl CommandState {
    /// All states.
    pub const ALL: [Self; 7] =
        [Self::Queued, Self::Sent, Self::Accepted, Self::Done, Self::Failed, Self::Expired, Self::Cancelled];

    /// Whether something may still become of the command.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Queued | Self::Sent | Self::Accepted)
    }

    /// Whether a command may go from this state to another.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        match next {
            Self::Queued => false,
            Self::Sent => self == Self::Queued,
            Self::Accepted => matches!(self, Self::Queued | Self::Sent),
            _ => self.is_open(),
        }
    }
}

/// A command to a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Its place among all commands: a later one has a greater number. 0 until it is stored.
    pub serial: i64,
    /// Names it: 24 hexadecimal digits, or what the caller chose.
    pub id: String,
    /// The device.
    pub device: String,
    /// Its place among the commands of the device, which carries them out in this order. 0 until it is stored.
    pub number: i64,
    /// What to do: `reboot`.
    pub command: String,
    /// With what, as JSON.
    pub args: Option<String>,
    /// The user who made it.
    pub created_by: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// It is not sent before this time.
    pub not_before: Timestamp,
    /// It is not sent after this time.
    pub expires_at: Timestamp,
    /// What is known of it.
    pub state: CommandState,
    /// When it was sent last.
    pub sent_at: Option<Timestamp>,
    /// How often it was sent.
    pub sent_count: i64,
    /// When the device said that it has it.
    pub accepted_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// What the device says of how it went, as JSON.
    pub result: Option<String>,
    /// Why it failed or was cancelled.
    pub reason: Option<String>,
    /// The group of commands that it was made with.
    pub job: Option<String>,
    /// When it is to be sent, or sent again.
    pub next_at: Timestamp,
}

impl Command {
    /// A command that nobody has taken yet, to be sent at once.
    #[must_use]
    pub fn new(
        id: impl Into<String>,
        device: impl Into<String>,
        command: impl Into<String>,
        created_at: Timestamp,
        expires_at: Timestamp,
    ) -> Self {
        Self {
            serial: 0,
            id: id.into(),
            device: device.into(),
            number: 0,
            command: command.into(),
            args: None,
            created_by: None,
            created_at,
            not_before: created_at,
            expires_at,
            state: CommandState::Queued,
            sent_at: None,
            sent_count: 0,
            accepted_at: None,
            ended_at: None,
            result: None,
            reason: None,
            job: None,
            next_at: created_at,
        }
    }

    /// Whether it may be sent at a time. One that need not wait for its turn in a group may at any time: the clock may have
    /// been set back since it was made.
    #[must_use]
    pub fn is_released(&self, at: Timestamp) -> bool {
        self.not_before <= at || self.not_before == self.created_at
    }

    /// The same, not to be sent before a time.
    #[must_use]
    pub fn not_before(self, at: Timestamp) -> Self {
        Self { not_before: at, next_at: at, ..self }
    }
}

/// Commands to many devices that were made together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandJob {
    /// Names it.
    pub id: String,
    /// The filter that selected the devices.
    pub devices: String,
    /// What to do.
    pub command: String,
    /// How many commands were made.
    pub made: i64,
    /// How many are sent within a minute, at most.
    pub per_minute: Option<i64>,
    /// After so many failures, those that were not sent yet are cancelled.
    pub stop_after: Option<i64>,
    /// The user who made it.
    pub created_by: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was stopped for its failures.
    pub stopped_at: Option<Timestamp>,
}

/// How many commands of a group are in which state.
pub type JobCounts = std::collections::BTreeMap<CommandState, u64>;

/// How many commands were made, and how they ended: `made = done + failed + expired + cancelled + open`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CommandCounts {
    /// Commands that were made.
    pub made: u64,
    /// Those that a device carried out.
    pub done: u64,
    /// Those that a device could not carry out.
    pub failed: u64,
    /// Those whose time was over.
    pub expired: u64,
    /// Those that were taken back.
    pub cancelled: u64,
    /// Those that something may still become of.
    pub open: u64,
}

impl CommandCounts {
    /// Whether each command is open or has ended once.
    #[must_use]
    pub fn add_up(&self) -> bool {
        self.made == self.done + self.failed + self.expired + self.cancelled + self.open
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_goes_forward_and_ends_once() {
        use CommandState::{Accepted, Cancelled, Done, Expired, Failed, Queued, Sent};
        for (from, to) in [
            (Queued, vec![Sent, Accepted, Done, Failed, Expired, Cancelled]),
            (Sent, vec![Accepted, Done, Failed, Expired, Cancelled]),
            (Accepted, vec![Done, Failed, Expired, Cancelled]),
            (Done, vec![]),
            (Failed, vec![]),
            (Expired, vec![]),
            (Cancelled, vec![]),
        ] {
            let allowed: Vec<_> =
                CommandState::ALL.into_iter().filter(|next| from.may_become(*next)).collect();
            assert_eq!(allowed, to, "{from:?}");
            assert_eq!(from.is_open(), !to.is_empty(), "{from:?}");
        }
    }
}
