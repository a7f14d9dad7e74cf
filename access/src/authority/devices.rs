//! Registering devices, and giving them credentials.

use serde_json::{Value, json};
use store::{
    Change, Credential, Device, Forgetting, MAX_CREDENTIALS, MAX_DEVICES, MAX_FORGOTTEN_DEVICES, Renaming,
};
use telemetry::Series;

use super::{Authority, Deed, Problem};
use crate::caller::Caller;
use crate::contents;
use crate::device_password::{hash_device_password, new_device_password};
use crate::rights::Rights;

/// User names of Millrace's own services: no device gets one.
const OWN_USERS: [&str; 9] =
    ["millrace", "device", "db-writer", "alerter", "dashboard", "gateway", "operator", "guest", "test"];

/// Characters of a title, a type, a location and a tag, at most.
const MAX_TEXT_CHARS: usize = 256;

/// Characters of a note, at most.
const MAX_NOTE_CHARS: usize = 4_096;

/// Tags of one device, at most.
const MAX_TAGS: usize = 32;

/// Characters that the client ids of a device may begin with, at most (MQTT 3.1.1 has 23 for whole ones that every server must take).
const MAX_CLIENT_ID_CHARS: usize = 64;

/// A credential to be made.
#[derive(Debug, Clone, Default)]
pub struct NewCredential {
    /// What the device may do beside what each device may.
    pub rights: Rights,
    /// How the client ids begin with which it subscribes in the cluster, unless with its user name.
    pub client_id: Option<String>,
    /// Whether only a certificate with the user name gives access.
    pub certificate_only: bool,
}

impl Authority {
    /// Registers a device.
    ///
    /// # Errors
    /// The name is taken or cannot be one, or something said of the device is too long.
    pub async fn add_device(&self, caller: &Caller, device: Device) -> Result<Device, Problem> {
        check_device(&device)?;
        let after = Some(contents::of_device(&device).to_string());
        let deed = Deed { after, ..Deed::new("register device", device.name.clone()) };
        if self.make(caller, Change::AddDevice(device.clone()), deed).await?.is_some() {
            return Ok(device);
        }
        Err(Problem::Conflict(match self.inner.store.device(&device.name).await? {
            Some(_) => format!("there is a device {} already", device.name),
            None => format!("there are {MAX_DEVICES} devices already"),
        }))
    }

    /// Replaces what is said of a device, if it still has the revision in `device`.
    ///
    /// # Errors
    /// It was changed meanwhile, or something said of it is too long.
    pub async fn set_device(&self, caller: &Caller, old: &Device, device: Device) -> Result<Device, Problem> {
        check_device(&device)?;
        let deed = Deed {
            before: Some(contents::of_device(old).to_string()),
            after: Some(contents::of_device(&device).to_string()),
            ..Deed::new("change device", device.name.clone())
        };
        match self.make(caller, Change::SetDevice(device.clone()), deed).await? {
            Some(_) => Ok(Device { revision: device.revision + 1, ..device }),
            None => {
                Err(Problem::Conflict("the device was changed or removed meanwhile: read it again".into()))
            }
        }
    }

    /// Registers devices, and changes others, of each as it was and as it is to be: all of them with one record, or none. False
    /// where one was changed or registered meanwhile, or there are too many.
    ///
    /// # Errors
    /// Something said of a device is too long.
    pub async fn import_devices(
        &self,
        caller: &Caller,
        added: Vec<Device>,
        changed: Vec<(Device, Device)>,
    ) -> Result<bool, Problem> {
        let contents = |devices: Vec<&Device>| {
            Value::from(devices.into_iter().map(contents::of_device).collect::<Vec<_>>())
        };
        let (old, new): (Vec<_>, Vec<_>) = changed.into_iter().unzip();
        let all: Vec<_> = added.iter().chain(&new).collect();
        all.iter().try_for_each(|device| check_device(device))?;
        let deed = Deed {
            before: (!old.is_empty()).then(|| contents(old.iter().collect()).to_string()),
            after: Some(contents(all.clone()).to_string()),
            ..Deed::new("import devices", format!("{} devices", all.len()))
        };
        Ok(self.make(caller, Change::ImportDevices { added, changed: new }, deed).await?.is_some())
    }

    /// Removes a device from the registry, with its credentials. Its readings stay.
    ///
    /// # Errors
    /// No such device is registered.
    pub async fn remove_device(&self, caller: &Caller, device: &Device) -> Result<(), Problem> {
        let deed = Deed {
            before: Some(contents::of_device(device).to_string()),
            ..Deed::new("remove device", device.name.clone())
        };
        let removed = self.make(caller, Change::RemoveDevice(device.name.clone()), deed).await?;
        removed.map(drop).ok_or_else(|| unknown(&device.name))
    }

    /// Forgets a device, which may be registered: what was received of it is shown no more, and deleted where that is asked
    /// for. Its credentials are revoked, and its open commands cancelled.
    ///
    /// # Errors
    /// Too many devices are forgotten.
    pub async fn forget_device(
        &self,
        caller: &Caller,
        device: Option<&Device>,
        forgetting: &Forgetting,
    ) -> Result<(), Problem> {
        let data = if forgetting.erase { "erase" } else { "keep" };
        let deed = Deed {
            before: device.map(|device| contents::of_device(device).to_string()),
            after: Some(json!({ "data": data }).to_string()),
            ..Deed::new("forget device", forgetting.device.clone())
        };
        let forgotten = self.make(caller, Change::ForgetDevice(forgetting.clone()), deed).await?;
        forgotten.map(drop).ok_or_else(|| {
            Problem::Conflict(format!("{MAX_FORGOTTEN_DEVICES} devices are forgotten already"))
        })
    }

    /// Gives a device another name, or makes it one with another device: its history follows, and what goes on arriving under the
    /// old name is the device's. Credentials stay valid.
    ///
    /// # Errors
    /// The new name cannot be one, or is taken.
    pub async fn rename_device(&self, caller: &Caller, renaming: &Renaming) -> Result<(), Problem> {
        let Renaming { old, new, merge, .. } = renaming;
        check_name(new)?;
        let store = &self.inner.store;
        if old == new {
            return Err(Problem::Invalid("a device has this name already: name another one".into()));
        }
        if let Some(device) = store.renamed(old).await? {
            return Err(Problem::Conflict(format!("{old} is an old name of {device}: rename that")));
        }
        if let Some(device) = store.renamed(new).await?.filter(|device| device != old) {
            return Err(Problem::Conflict(format!("{new} is an old name of {device}: choose another")));
        }
        let (before, other) = (store.device(old).await?, store.device(new).await?);
        if *merge
            && store.credentials(Some(old)).await?.len() + store.credentials(Some(new)).await?.len()
                > MAX_CREDENTIALS
        {
            return Err(Problem::Conflict(format!(
                "together they have more than {MAX_CREDENTIALS} credentials: revoke some first"
            )));
        }
        let moved =
            before.clone().filter(|_| other.is_none()).map(|device| Device { name: new.clone(), ..device });
        let after = json!({ "name": new, "device": moved.as_ref().map(contents::of_device) });
        let deed = Deed {
            before: before.as_ref().map(|device| contents::of_device(device).to_string()),
            after: Some(after.to_string()),
            ..Deed::new(if *merge { "merge device" } else { "rename device" }, old.clone())
        };
        self.make(caller, Change::RenameDevice(renaming.clone()), deed)
            .await?
            .map(drop)
            .ok_or_else(|| taken(renaming))
    }

    /// Makes a credential of a device, which is registered with it; returns it with its password, which cannot be had
    /// again. Earlier ones stay valid until they are revoked.
    ///
    /// # Errors
    /// The device's name cannot be one or is that of a service, or it has too many credentials.
    pub async fn add_credential(
        &self,
        caller: &Caller,
        device: &str,
        new: NewCredential,
    ) -> Result<(Credential, Option<String>), Problem> {
        check_name(device)?;
        new.client_id.as_deref().map_or(Ok(()), check_client_id)?;
        let taken = self.inner.store.credentials(Some(device)).await?;
        let Some(user) = free_user(device, &taken) else {
            return Err(Problem::Conflict(format!(
                "{device} has {MAX_CREDENTIALS} credentials already: revoke one first"
            )));
        };
        let password = (!new.certificate_only).then(new_device_password);
        let credential = Credential {
            user,
            device: device.to_owned(),
            hash: password.as_deref().map(hash_device_password).unwrap_or_default(),
            rights: new.rights.lines().map(|line| line + "\n").collect(),
            client_id: new.client_id,
            created_at: self.now(),
        };
        let deed = Deed {
            after: Some(contents::of_credential(&credential).to_string()),
            ..Deed::new("add credential", device)
        };
        match self.make(caller, Change::AddCredential(credential.clone()), deed).await? {
            Some(_) => Ok((credential, password)),
            None => Err(Problem::Conflict("somebody else has just made one: ask again".into())),
        }
    }

    /// Revokes a credential of a device: who is connected with it is cut off.
    ///
    /// # Errors
    /// The device has no such credential.
    pub async fn revoke_credential(&self, caller: &Caller, device: &str, user: &str) -> Result<(), Problem> {
        let unknown = || Problem::NotFound(format!("{device} has no credential {user}"));
        let credentials = self.inner.store.credentials(Some(device)).await?;
        let credential =
            credentials.into_iter().find(|credential| credential.user == user).ok_or_else(unknown)?;
        let deed = Deed {
            before: Some(contents::of_credential(&credential).to_string()),
            ..Deed::new("revoke credential", device)
        };
        self.make(caller, Change::RevokeCredential(credential.user), deed)
            .await?
            .map(drop)
            .ok_or_else(unknown)
    }
}

fn taken(Renaming { old, new, merge, .. }: &Renaming) -> Problem {
    Problem::Conflict(if *merge {
        format!("{old} or {new} is being erased, or too many devices had other names: try later")
    } else {
        format!(
            "{new} is registered or has data, is being erased, or had too many names: merge the two with POST \
             /api/devices/{old}/merge, or choose another name"
        )
    })
}

/// The problem of a device that is not registered.
#[must_use]
pub(crate) fn unknown(name: &str) -> Problem {
    Problem::NotFound(format!("no device {name} is registered"))
}

/// The first user name of a device that none of its credentials has.
fn free_user(device: &str, taken: &[Credential]) -> Option<String> {
    let name = device.replace('/', ".");
    let further = (2..).map(|number| format!("{name}~{number}"));
    let is_free = |user: &String| taken.iter().all(|credential| credential.user != *user);
    let free = std::iter::once(name.clone()).chain(further).take(MAX_CREDENTIALS).find(is_free);
    free.filter(|_| taken.len() < MAX_CREDENTIALS)
}

/// # Errors
/// It cannot be the name of a device, or is that of a service.
fn check_name(name: &str) -> Result<(), Problem> {
    Series::new("m", name).map_err(|e| Problem::Invalid(format!("name: {e}")))?;
    if OWN_USERS.contains(&name) {
        return Err(Problem::Invalid(format!(
            "name: {name} is the user of a service of Millrace: choose another"
        )));
    }
    Ok(())
}

/// Whether a device may be registered as it is.
///
/// # Errors
/// Its name cannot be one, or something said of it is too long.
pub fn check_device(device: &Device) -> Result<(), Problem> {
    check_name(&device.name)?;
    for (field, text, max) in [
        ("title", &device.title, MAX_TEXT_CHARS),
        ("type", &device.kind, MAX_TEXT_CHARS),
        ("location", &device.location, MAX_TEXT_CHARS),
        ("note", &device.note, MAX_NOTE_CHARS),
    ] {
        let text = text.as_deref().unwrap_or_default();
        let is_plain = |c: char| !c.is_control() || (field == "note" && c == '\n');
        if text.chars().count() > max || !text.chars().all(is_plain) {
            return Err(Problem::Invalid(format!(
                "{field} has at most {max} characters, none of them a control character"
            )));
        }
    }
    let is_tag = |tag: &String| {
        !tag.is_empty()
            && tag.chars().count() <= MAX_TEXT_CHARS
            && !tag.contains(|c: char| c.is_whitespace() || c.is_control())
    };
    if device.tags.len() > MAX_TAGS || !device.tags.iter().all(is_tag) {
        return Err(Problem::Invalid(format!(
            "tags: at most {MAX_TAGS}, each of 1 to {MAX_TEXT_CHARS} characters without blanks"
        )));
    }
    Ok(())
}

/// In the cluster it becomes a part of a pattern: what has a meaning there is not in it.
fn check_client_id(begin: &str) -> Result<(), Problem> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-:".contains(c);
    if begin.is_empty()
        || begin.len() > MAX_CLIENT_ID_CHARS
        || !begin.chars().all(is_plain)
        || begin.starts_with("millrace-")
    {
        return Err(Problem::Invalid(format!(
            "client_id must be 1 to {MAX_CLIENT_ID_CHARS} of the characters A-Z a-z 0-9 _ - : and not begin with millrace-"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credential(user: &str) -> Credential {
        Credential {
            user: user.into(),
            device: "a/b".into(),
            hash: String::new(),
            rights: String::new(),
            client_id: None,
            created_at: jiff::Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_further_credential_has_a_number() {
        assert_eq!(free_user("a/b", &[]).as_deref(), Some("a.b"));
        assert_eq!(free_user("a/b", &[credential("a.b")]).as_deref(), Some("a.b~2"));
        assert_eq!(free_user("a/b", &[credential("a.b~2")]).as_deref(), Some("a.b"));
        let all: Vec<_> = (0..MAX_CREDENTIALS).map(|number| credential(&format!("x{number}"))).collect();
        assert_eq!(free_user("a/b", &all), None);
    }

    #[test]
    fn a_device_is_described_within_limits() {
        let at = jiff::Timestamp::UNIX_EPOCH;
        let lab = Device::new("site-a/lab", at);
        let text = |text: &str| Some(text.to_owned());
        for (device, is_good) in [
            (lab.clone(), true),
            (Device { title: text("Labor Süd"), note: text("one\ntwo"), ..lab.clone() }, true),
            (Device { tags: vec!["floor=2".into()], ..lab.clone() }, true),
            (Device::new("no blank", at), false),
            (Device::new("a//b", at), false),
            (Device::new("", at), false),
            (Device::new("alerter", at), false),
            (Device { title: text("a\nb"), ..lab.clone() }, false),
            (Device { title: text(&"x".repeat(257)), ..lab.clone() }, false),
            (Device { tags: vec!["two words".into()], ..lab.clone() }, false),
            (Device { tags: vec!["x".into(); 33], ..lab }, false),
        ] {
            assert_eq!(check_device(&device).is_ok(), is_good, "{device:?}");
        }
        for (begin, is_good) in [("DVES_", true), ("", false), ("a.*", false), ("millrace-x", false)] {
            assert_eq!(check_client_id(begin).is_ok(), is_good, "{begin}");
        }
    }
}
