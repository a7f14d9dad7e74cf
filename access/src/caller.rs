//! Who asks.

use std::net::IpAddr;

use store::{Role, User, Via};
use telemetry::Scope;

/// Who asks, how that is known, and what follows from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The user, or the owner of the key. None while there is no user at all.
    pub user: Option<String>,
    /// Where mails reach the user.
    pub email: Option<String>,
    /// What the caller may do ...
    pub role: Role,
    /// ... and with which devices.
    pub scope: Scope,
    /// Whether the user logs in at the identity provider, and has no password here.
    pub is_external: bool,
    /// How the caller was recognised.
    pub via: Via,
    /// The id of the session or the key.
    pub id: Option<String>,
    /// From where the caller asks.
    pub address: Option<IpAddr>,
}

impl Caller {
    /// A person who has logged in, in this session.
    #[must_use]
    pub fn person(user: User, session: Option<String>, address: Option<IpAddr>) -> Self {
        Self {
            user: Some(user.name),
            email: user.email,
            role: user.role,
            scope: user.scope,
            is_external: user.subject.is_some(),
            via: Via::Session,
            id: session,
            address,
        }
    }

    /// Everyone, while there is no user.
    #[must_use]
    pub fn anyone(address: Option<IpAddr>) -> Self {
        Self {
            user: None,
            email: None,
            role: Role::Admin,
            scope: Scope::all(),
            is_external: false,
            via: Via::Open,
            id: None,
            address,
        }
    }

    /// Someone who has the database at hand: a command in a terminal.
    #[must_use]
    pub fn command() -> Self {
        Self { via: Via::Command, ..Self::anyone(None) }
    }

    /// Whether a person has logged in.
    #[must_use]
    pub fn is_person(&self) -> bool {
        self.via == Via::Session
    }
}

/// The audit record of a command in a terminal: of someone who has the database at hand.
#[must_use]
pub fn record_of_command(
    at: jiff::Timestamp,
    action: &'static str,
    target: &str,
    after: Option<String>,
) -> store::NewRecord {
    store::NewRecord {
        at,
        actor: None,
        via: Via::Command,
        address: None,
        action,
        target: target.to_owned(),
        outcome: store::AuditOutcome::Done,
        before: None,
        after,
    }
}
