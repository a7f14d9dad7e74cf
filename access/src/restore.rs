//! What has to change so that the registry, or the users, are as they were, and each change.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use store::{Credential, Device, Role, TextCodec as _, User};
use telemetry::Scope;

use crate::authority::{Authority, Problem, UserChange};
use crate::caller::Caller;
use crate::contents;
use crate::state::State;

/// One change on the way back to a former state.
#[allow(clippy::large_enum_variant, reason = "there are as many as devices that differ, for one command")]
#[derive(Debug, Clone)]
pub enum Step {
    /// Registers a device again.
    AddDevice(Device),
    /// Says of a device what was said of it.
    SetDevice {
        /// As it is.
        old: Device,
        /// As it was.
        new: Device,
    },
    /// Removes a device that was not registered.
    RemoveDevice(Device),
    /// Revokes a credential that did not exist.
    Revoke(Credential),
    /// Gives a user the role, the filters and the address of then.
    SetUser {
        /// The name.
        name: String,
        /// What changes.
        change: UserChange,
    },
    /// Removes a user who did not exist.
    RemoveUser(String),
    /// Cannot be brought back by itself: what to do instead.
    ByHand(String),
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddDevice(device) => write!(f, "register device {}", device.name),
            Self::SetDevice { new, .. } => write!(f, "change device {}", new.name),
            Self::RemoveDevice(device) => write!(f, "remove device {}", device.name),
            Self::Revoke(credential) => write!(f, "revoke credential {}", credential.user),
            Self::SetUser { name, .. } => write!(f, "change user {name}"),
            Self::RemoveUser(name) => write!(f, "remove user {name}"),
            Self::ByHand(what) => write!(f, "by hand: {what}"),
        }
    }
}

/// The steps that bring the registry back. Credentials are never made again, as their passwords are not known.
#[must_use]
pub fn registry_steps(
    then: &State,
    devices: &[Device],
    credentials: &[Credential],
    now: Timestamp,
) -> Vec<Step> {
    let are: BTreeMap<&str, &Device> = devices.iter().map(|device| (device.name.as_str(), device)).collect();
    let mut steps = Vec::new();
    for (name, was) in &then.devices {
        match are.get(name.as_str()) {
            None => steps.push(Step::AddDevice(read_device(was, Device::new(name, now)))),
            Some(is) if contents::of_device(is) == *was => {}
            Some(is) => {
                let blank =
                    Device { revision: is.revision, changed_at: now, ..Device::new(name, is.created_at) };
                steps.push(Step::SetDevice { old: (*is).clone(), new: read_device(was, blank) });
            }
        }
    }
    let is_new = |name: &str| !then.devices.contains_key(name) && !then.erased.contains(name);
    let is_revoked = |one: &&Credential| !then.credentials.contains_key(&one.user) && !is_new(&one.device);
    steps.extend(credentials.iter().filter(is_revoked).cloned().map(Step::Revoke));
    steps.extend(devices.iter().filter(|device| is_new(&device.name)).cloned().map(Step::RemoveDevice));
    let has = |user: &str| credentials.iter().any(|one| one.user == user);
    let missing = then.credentials.iter().filter(|(user, _)| !has(user));
    steps.extend(missing.map(|(user, was)| {
        let device = was["device"].as_str().unwrap_or_default();
        Step::ByHand(format!("the credential {user} is gone: millrace device credential {device}"))
    }));
    steps
}

/// The steps that bring the users back. Who was removed needs a new password.
#[must_use]
pub fn user_steps(then: &State, users: &[User]) -> Vec<Step> {
    let mut steps = Vec::new();
    for (name, was) in &then.users {
        match users.iter().find(|user| user.name == *name) {
            None => {
                let role = was["role"].as_str().unwrap_or_default();
                steps.push(Step::ByHand(format!(
                    "the user {name} was removed: millrace user add {name} --role {role}"
                )));
            }
            Some(is) if contents::of_user(is) == *was || is.subject.is_some() => {}
            Some(_) => steps.push(match read_user(was) {
                Some(change) => Step::SetUser { name: name.clone(), change },
                None => Step::ByHand(format!("what the audit has of the user {name} cannot be read")),
            }),
        }
    }
    // First who gets more: the last admin of all devices can neither be removed nor made less.
    steps.sort_by_key(|step| {
        !matches!(step, Step::SetUser { change: UserChange { role: Some(Role::Admin), .. }, .. })
    });
    let is_new = |user: &&User| !then.users.contains_key(&user.name) && !then.erased.contains(&user.name);
    steps.extend(users.iter().filter(is_new).map(|user| Step::RemoveUser(user.name.clone())));
    steps
}

/// The steps back to a state of which contents were erased: what may have been there then is removed by hand alone.
#[must_use]
pub fn careful_steps(then: &State, steps: Vec<Step>) -> Vec<Step> {
    if then.unknown.is_empty() {
        return steps;
    }
    let is_removal = |step: &Step| matches!(step, Step::RemoveDevice(_) | Step::Revoke(_));
    let by_hand = |step: Step| {
        Step::ByHand(format!("{step}, if it was not there: the audit's contents of that time are erased"))
    };
    steps.into_iter().map(|step| if is_removal(&step) { by_hand(step) } else { step }).collect()
}

/// Takes one step back: a new change, with its own record in the audit.
///
/// # Errors
/// It was changed meanwhile, the last admin would be made less, or the store does not answer.
pub async fn take_step(authority: &Authority, caller: &Caller, step: Step) -> Result<(), Problem> {
    match step {
        Step::AddDevice(device) => authority.add_device(caller, device).await.map(drop),
        Step::SetDevice { old, new } => authority.set_device(caller, &old, new).await.map(drop),
        Step::RemoveDevice(device) => authority.remove_device(caller, &device).await,
        Step::Revoke(credential) => {
            authority.revoke_credential(caller, &credential.device, &credential.user).await
        }
        Step::SetUser { name, change } => authority.set_user(caller, &name, change).await.map(drop),
        Step::RemoveUser(name) => authority.remove_user(caller, &name).await,
        Step::ByHand(_) => Ok(()),
    }
}

/// The device with what the audit says of it.
fn read_device(was: &Value, device: Device) -> Device {
    let text = |field: &str| was[field].as_str().map(str::to_owned);
    let degrees = |field: &str| was[field].as_f64().map(|degrees| (degrees * 1e6).round() as i64);
    let tags = was["tags"].as_array().into_iter().flatten();
    Device {
        title: text("title"),
        kind: text("type"),
        location: text("location"),
        place: degrees("latitude").zip(degrees("longitude")),
        interval: was["sampling_rate"].as_f64().and_then(|rate| Duration::try_from_secs_f64(rate).ok()),
        tags: tags.filter_map(|tag| tag.as_str().map(str::to_owned)).collect(),
        note: text("note"),
        retired: was["retired"].as_bool().unwrap_or(false),
        ..device
    }
}

fn read_user(was: &Value) -> Option<UserChange> {
    let filters = was["filters"].as_array()?.iter().filter_map(Value::as_str);
    Some(UserChange {
        email: Some(was["email"].as_str().map(str::to_owned)),
        password: None,
        role: Some(Role::read(was["role"].as_str()?)?),
        scope: Some(Scope::read(filters).ok()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn device() -> Device {
        Device {
            title: Some("Lab".into()),
            kind: Some("bme280".into()),
            location: Some("cellar".into()),
            place: Some((52_520_000, -13_400_000)),
            interval: Some(Duration::from_millis(1_500)),
            tags: vec!["a".into(), "b".into()],
            note: Some("n".into()),
            retired: true,
            revision: 4,
            ..Device::new("lab", NOW)
        }
    }

    fn credential(user: &str, device: &str) -> Credential {
        Credential {
            user: user.into(),
            device: device.into(),
            hash: String::new(),
            rights: String::new(),
            client_id: None,
            created_at: NOW,
        }
    }

    fn said(steps: &[Step]) -> Vec<String> {
        steps.iter().map(Step::to_string).collect()
    }

    #[test]
    fn the_audit_has_all_that_is_said_of_a_device() {
        let read =
            read_device(&contents::of_device(&device()), Device { revision: 4, ..Device::new("lab", NOW) });
        assert_eq!(read, device());
    }

    #[test]
    fn the_registry_gets_what_it_had_and_loses_what_it_had_not() {
        let gone = Device::new("gone", NOW);
        let then = State {
            devices: [device(), gone].map(|one| (one.name.clone(), contents::of_device(&one))).into(),
            credentials: ["lab", "lab~2"]
                .map(|user| (user.into(), contents::of_credential(&credential(user, "lab"))))
                .into(),
            ..State::default()
        };
        let now = [Device { title: None, ..device() }, Device::new("new", NOW)];
        let credentials = [credential("lab", "lab"), credential("lab~3", "lab"), credential("new", "new")];
        assert_eq!(
            said(&registry_steps(&then, &now, &credentials, NOW)),
            [
                "register device gone",
                "change device lab",
                "revoke credential lab~3",
                "remove device new",
                "by hand: the credential lab~2 is gone: millrace device credential lab",
            ]
        );
        assert_eq!(said(&registry_steps(&then, &[device(), Device::new("gone", NOW)], &[], NOW)).len(), 2);
    }

    #[test]
    fn an_admin_is_made_before_another_is_made_less() {
        let user = |name: &str, role| User {
            name: name.into(),
            email: None,
            role,
            scope: Scope::default(),
            password_hash: "x".into(),
            subject: None,
            created_at: NOW,
            last_login_at: None,
            revision: 0,
        };
        let was = [user("ann", Role::Viewer), user("ben", Role::Admin), user("cleo", Role::Viewer)];
        let then = State {
            users: was.map(|user| (user.name.clone(), contents::of_user(&user))).into(),
            ..State::default()
        };
        let now = [user("ann", Role::Admin), user("ben", Role::Viewer), user("new", Role::Viewer)];
        assert_eq!(
            said(&user_steps(&then, &now)),
            [
                "change user ben",
                "change user ann",
                "by hand: the user cleo was removed: millrace user add cleo --role viewer",
                "remove user new",
            ]
        );
    }
}
