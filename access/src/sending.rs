//! Whether somebody may send readings over HTTP: one function decides.

use crate::caller::Caller;
use crate::decision::{Action, Decision, may};
use crate::rights::{self, Rights, device_user, is_at_or_below};

/// Who sends readings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sender {
    /// A device, by its credential.
    Device {
        /// The user name of the credential.
        user: String,
        /// What the credential allows beside what each device may.
        rights: Rights,
    },
    /// A person or a program.
    Caller(Caller),
}

impl Sender {
    /// Who sends, as others are told apart by: a device is never taken for a person.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Device { user, .. } => format!("device:{user}"),
            Self::Caller(Caller { user: Some(user), .. }) => format!("user:{user}"),
            Self::Caller(_) => "anyone".to_owned(),
        }
    }

    /// Whether this is a device or one below it, by its credential.
    #[must_use]
    pub fn is_device(&self, device: &str) -> bool {
        self.device_user().is_some_and(|user| is_at_or_below(device, device_user(user)))
    }

    /// The user that has proved to be a device.
    #[must_use]
    pub fn device_user(&self) -> Option<&str> {
        match self {
            Self::Device { user, .. } => Some(user),
            Self::Caller(_) => None,
        }
    }
}

/// Whether a sender may send readings of a device on a topic. `is_protected` says whether the device has a credential, so
/// that nobody unknown may send for it.
///
/// Over MQTT the same holds: a device sends its own readings, and those that the rights of its credential name.
#[must_use]
pub fn may_send(sender: &Sender, topic: &str, device: &str, is_protected: bool) -> Decision {
    match sender {
        Sender::Device { rights, .. } => {
            if sender.is_device(device) || rights.may_publish(topic) {
                Decision::Allowed
            } else {
                Decision::OtherDevice
            }
        }
        Sender::Caller(caller) if caller.via == store::Via::Open && is_protected => Decision::Protected,
        Sender::Caller(caller) => may(caller, Action::Send, Some(device)),
    }
}

/// Whether a sender may send messages on a topic whose device only the rules know; [`may_send`] decides on each of their
/// readings.
#[must_use]
pub fn may_send_on(sender: &Sender, topic: &str) -> Decision {
    match sender {
        Sender::Device { user, rights } => {
            let is_own = rights::may_publish(device_user(user), topic);
            if is_own || rights.may_publish(topic) { Decision::Allowed } else { Decision::OtherDevice }
        }
        Sender::Caller(caller) => may(caller, Action::Send, None),
    }
}

#[cfg(test)]
mod tests {
    use store::{Role, Via};
    use telemetry::Scope;

    use super::*;

    fn device(user: &str, rights: &[&str]) -> Sender {
        Sender::Device { user: user.into(), rights: Rights::read(rights.iter().copied()).unwrap() }
    }

    fn caller(role: Role, filters: &[&str], via: Via) -> Sender {
        let scope = Scope::read(filters.iter().copied()).unwrap();
        Sender::Caller(Caller { role, scope, via, ..Caller::anyone(None) })
    }

    #[test]
    fn a_device_sends_its_own_readings_and_what_its_rights_name() {
        let (lab, gateway) =
            (device("site-a.lab~2", &[]), device("gw", &["write zigbee2mqtt/#", "write +/x/#"]));
        for (sender, topic, device, expected) in [
            (&lab, "temperature/site-a/lab", "site-a/lab", Decision::Allowed),
            (&lab, "temperature/site-a/lab/inside", "site-a/lab/inside", Decision::Allowed),
            (&lab, "temperature/site-a/lab2", "site-a/lab2", Decision::OtherDevice),
            (&lab, "temperature/site-a", "site-a", Decision::OtherDevice),
            (&gateway, "zigbee2mqtt/kitchen", "kitchen", Decision::Allowed),
            (&gateway, "temperature/x/1", "x/1", Decision::Allowed),
            (&gateway, "temperature/y", "y", Decision::OtherDevice),
        ] {
            assert_eq!(may_send(sender, topic, device, true), expected, "{topic}");
        }
        assert!(may_send_on(&gateway, "zigbee2mqtt/kitchen").is_allowed());
        assert!(may_send_on(&lab, "temperature/site-a/lab").is_allowed());
        for topic in ["alerts/site-a/lab", "commands/site-a/lab", "$SYS/x", "zigbee2mqtt/kitchen"] {
            assert_eq!(may_send_on(&lab, topic), Decision::OtherDevice, "{topic}");
        }
    }

    #[test]
    fn people_send_within_their_filters() {
        let send = |sender: &Sender, device| may_send(sender, "temperature/lab", device, true);
        let some = caller(Role::Operator, &["site-a/#"], Via::Key);
        assert_eq!(send(&some, "site-a/lab"), Decision::Allowed);
        assert_eq!(send(&some, "site-b/lab"), Decision::OutsideFilters);
        let viewer = caller(Role::Viewer, &[], Via::Session);
        assert_eq!(send(&viewer, "lab"), Decision::NeedsRole(Role::Operator));
        assert_eq!(may_send_on(&viewer, "x/y"), Decision::NeedsRole(Role::Operator));
    }

    #[test]
    fn who_is_unknown_does_not_send_for_a_device_with_a_credential() {
        let anyone = caller(Role::Admin, &[], Via::Open);
        assert_eq!(may_send(&anyone, "temperature/lab", "lab", false), Decision::Allowed);
        assert_eq!(may_send(&anyone, "temperature/lab", "lab", true), Decision::Protected);
        let admin = caller(Role::Admin, &[], Via::Session);
        assert_eq!(may_send(&admin, "temperature/lab", "lab", true), Decision::Allowed);
    }
}
