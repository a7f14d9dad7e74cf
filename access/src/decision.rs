//! What a caller may do: one function decides.

use store::{Role, TextCodec, Via};

use crate::caller::Caller;

/// What can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// To read what devices sent, and what followed from it.
    Read,
    /// To read what is about no device: the pipeline, and messages that no rule reads.
    System,
    /// To acknowledge incidents.
    Acknowledge,
    /// To silence incidents.
    Silence,
    /// To resend and to dismiss rejected messages.
    Resend,
    /// To send readings over HTTP.
    Send,
    /// To send commands to devices, and to say what they should be.
    Command,
    /// To register a device that has been heard.
    Adopt,
    /// To register, describe and remove devices, and to make and revoke their credentials.
    Devices,
    /// To add rules by which messages are read.
    Rules,
    /// To list and change users, and to see everybody's sessions and keys.
    Users,
    /// To read the audit.
    Audit,
    /// To list, make and revoke own keys.
    Keys,
    /// To change the own password, and to list and end own sessions.
    Password,
}

impl Action {
    /// All actions.
    pub const ALL: [Self; 14] = [
        Self::Read,
        Self::System,
        Self::Acknowledge,
        Self::Silence,
        Self::Resend,
        Self::Send,
        Self::Command,
        Self::Adopt,
        Self::Devices,
        Self::Rules,
        Self::Users,
        Self::Audit,
        Self::Keys,
        Self::Password,
    ];

    /// The least role that may do it.
    fn needs(self) -> Role {
        match self {
            Self::Read | Self::System | Self::Keys | Self::Password => Role::Viewer,
            Self::Acknowledge | Self::Silence | Self::Resend | Self::Send | Self::Command | Self::Adopt => {
                Role::Operator
            }
            Self::Devices | Self::Rules | Self::Users | Self::Audit => Role::Admin,
        }
    }

    /// Whether it concerns all devices, so that a caller who sees only some may not do it.
    fn is_about_all_devices(self) -> bool {
        matches!(self, Self::System | Self::Rules | Self::Users | Self::Audit)
    }

    /// Whether only people may do it, who have logged in.
    fn is_for_people(self) -> bool {
        matches!(self, Self::Keys | Self::Password)
    }
}

impl TextCodec for Action {
    fn word(&self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::System => "system",
            Self::Acknowledge => "acknowledge",
            Self::Silence => "silence",
            Self::Resend => "resend",
            Self::Send => "send",
            Self::Command => "command",
            Self::Adopt => "adopt",
            Self::Devices => "devices",
            Self::Rules => "rules",
            Self::Users => "users",
            Self::Audit => "audit",
            Self::Keys => "keys",
            Self::Password => "password",
        }
    }

    fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.word() == word)
    }
}

/// What is decided, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The caller may.
    Allowed,
    /// Only this role, or a greater one, may.
    NeedsRole(Role),
    /// Only people who have logged in may: a key may not.
    NeedsSession,
    /// The user has no password here.
    NoPassword,
    /// The device is outside the caller's filters: to the caller it does not exist.
    OutsideFilters,
    /// A device may do this with itself alone.
    OtherDevice,
    /// The device has a credential: who is unknown may not do this with it.
    Protected,
}

impl Decision {
    /// Whether the caller may.
    #[must_use]
    pub fn is_allowed(self) -> bool {
        self == Self::Allowed
    }

    /// Why, for the caller.
    #[must_use]
    pub fn why(self) -> String {
        match self {
            Self::Allowed => "role and filters allow it".into(),
            Self::NeedsRole(role) => format!("only the role {} may do this", role.word()),
            Self::NeedsSession => "only a person who has logged in may do this".into(),
            Self::NoPassword => {
                "you log in at the identity provider and have no password here: change it there".into()
            }
            Self::OutsideFilters => "it is outside your filters, or there is no such thing".into(),
            Self::OtherDevice => {
                "a device may send for itself alone: see millrace device credential --right".into()
            }
            Self::Protected => "the device has a credential: only who logs in may send for it".into(),
        }
    }
}

/// Whether a caller may do something: with a device, or at all where none is named. Something that concerns several
/// devices needs the decision for each of them.
#[must_use]
pub fn may(caller: &Caller, action: Action, device: Option<&str>) -> Decision {
    if action.is_for_people() && caller.via != Via::Session {
        return Decision::NeedsSession;
    }
    if action == Action::Password && caller.is_external {
        return Decision::NoPassword;
    }
    if caller.role < action.needs() {
        return Decision::NeedsRole(action.needs());
    }
    let is_outside = device.is_some_and(|device| !caller.scope.holds(device));
    if is_outside || (action.is_about_all_devices() && !caller.scope.is_all()) {
        return Decision::OutsideFilters;
    }
    Decision::Allowed
}

#[cfg(test)]
mod tests {
    use telemetry::Scope;

    use super::*;

    fn caller(role: Role, filters: &[&str], via: Via) -> Caller {
        let scope = Scope::read(filters.iter().copied()).unwrap();
        Caller { user: Some("ann".into()), role, scope, via, ..Caller::anyone(None) }
    }

    #[test]
    fn a_role_may_do_what_it_is_for() {
        // For each action: viewer, operator, admin.
        for (action, expected) in [
            (Action::Read, [true, true, true]),
            (Action::System, [true, true, true]),
            (Action::Acknowledge, [false, true, true]),
            (Action::Silence, [false, true, true]),
            (Action::Resend, [false, true, true]),
            (Action::Send, [false, true, true]),
            (Action::Command, [false, true, true]),
            (Action::Adopt, [false, true, true]),
            (Action::Devices, [false, false, true]),
            (Action::Rules, [false, false, true]),
            (Action::Users, [false, false, true]),
            (Action::Audit, [false, false, true]),
            (Action::Keys, [true, true, true]),
            (Action::Password, [true, true, true]),
        ] {
            for (role, expected) in [Role::Viewer, Role::Operator, Role::Admin].into_iter().zip(expected) {
                let decision = may(&caller(role, &[], Via::Session), action, Some("lab"));
                assert_eq!(decision.is_allowed(), expected, "{role:?} {action:?}: {}", decision.why());
            }
        }
    }

    #[test]
    fn what_is_outside_the_filters_does_not_exist() {
        let some = caller(Role::Operator, &["site-a/#"], Via::Session);
        assert_eq!(may(&some, Action::Read, Some("site-a/rack-1")), Decision::Allowed);
        assert_eq!(may(&some, Action::Read, None), Decision::Allowed);
        for action in [Action::Read, Action::Acknowledge, Action::Silence, Action::Resend, Action::Command] {
            assert_eq!(may(&some, action, Some("site-b/rack-1")), Decision::OutsideFilters, "{action:?}");
        }
        assert_eq!(may(&some, Action::System, None), Decision::OutsideFilters);
        let admin = caller(Role::Admin, &["site-a/#"], Via::Session);
        for action in [Action::Users, Action::Rules, Action::Audit] {
            assert_eq!(
                may(&admin, action, None),
                Decision::OutsideFilters,
                "{action:?}: it is about all devices"
            );
        }
    }

    #[test]
    fn a_key_makes_no_keys() {
        let key = caller(Role::Admin, &[], Via::Key);
        assert_eq!(may(&key, Action::Keys, None), Decision::NeedsSession);
        assert_eq!(may(&key, Action::Password, None), Decision::NeedsSession);
        assert_eq!(may(&key, Action::Users, None), Decision::Allowed);
    }

    #[test]
    fn who_logs_in_at_the_identity_provider_has_no_password_to_change() {
        let external = Caller { is_external: true, ..caller(Role::Admin, &[], Via::Session) };
        assert_eq!(may(&external, Action::Password, None), Decision::NoPassword);
        assert_eq!(may(&external, Action::Keys, None), Decision::Allowed);
    }

    #[test]
    fn every_action_has_a_word() {
        for action in Action::ALL {
            assert_eq!(Action::read(action.word()), Some(action));
        }
        assert_eq!(Action::read("other"), None);
    }
}
