//! What stood in the store at a time: users, keys, devices and credentials, as the audit says. No secrets are among it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use store::{AuditOutcome, AuditQuery, AuditRecord, Store, Unavailable};

use crate::archive::{last_archived, range};
use crate::segment::Segment;

/// Records that are read at once.
const PAGE: usize = 1_000;

/// What stood in the store at a time, each as the audit has it: see `GET /api/audit`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct State {
    /// Users, by name.
    pub users: BTreeMap<String, Value>,
    /// Keys that were not revoked, by id. Some may have ended by themselves.
    pub keys: BTreeMap<String, Value>,
    /// Registered devices, by name.
    pub devices: BTreeMap<String, Value>,
    /// Credentials of devices, by user name.
    pub credentials: BTreeMap<String, Value>,
    /// What existed, but of which the contents were erased from the audit.
    pub erased: BTreeSet<String>,
    /// Changes of devices, credentials and keys of which the contents were erased, by the number and the action of the record.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
    /// The records that were not read because they are in files: what they alone say is missing here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archived: Option<String>,
}

/// Actions of which nothing is known without the contents, not even of what they are.
const UNREADABLE: [&str; 7] = [
    "add credential",
    "revoke credential",
    "add key",
    "revoke key",
    "import devices",
    "rename device",
    "merge device",
];

/// The kinds of things that records are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    User,
    Key,
    Device,
    Credential,
}

/// What a record says of a thing: that it was this from then on, or that it was gone.
struct Said {
    kind: Kind,
    name: String,
    left: Option<Value>,
}

/// Reads from the audit what stood in the store before a time.
///
/// # Errors
/// The store does not answer.
pub async fn state_at(store: &dyn Store, at: Timestamp) -> Result<State, Unavailable> {
    Ok(StateReader::of_store(store, at).await?.finish())
}

/// A state as far as it is read: first from the store, then from files, the newest first.
pub struct StateReader {
    at: Timestamp,
    /// The last record that is still to be read; 0 where there is none.
    missing: i64,
    state: Unfinished,
}

impl StateReader {
    /// Reads what the store has.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn of_store(store: &dyn Store, at: Timestamp) -> Result<Self, Unavailable> {
        let missing = last_archived(store).await?.map_or(0, |ends| ends.last);
        let (mut state, mut before) = (Unfinished::default(), None);
        loop {
            let query = AuditQuery { to: Some(at), before, limit: PAGE, ..AuditQuery::default() };
            let page = store.audit(&query).await?;
            let Some(oldest) = page.last() else { return Ok(Self { at, missing, state }) };
            before = Some(oldest.number);
            page.iter().for_each(|record| state.add(record));
        }
    }

    /// Reads the file that comes before what was read.
    ///
    /// # Errors
    /// It is another file.
    pub fn add_file(&mut self, segment: &Segment) -> anyhow::Result<()> {
        anyhow::ensure!(
            segment.ends.last == self.missing,
            "it holds {}, and a file that ends with record {} is needed here: give all files in their order, the oldest first",
            range(&segment.ends),
            self.missing
        );
        let before = segment.records.iter().rev().filter(|record| record.at < self.at);
        before.for_each(|record| self.state.add(record));
        self.missing = segment.ends.first - 1;
        Ok(())
    }

    /// What was read, and what was not.
    #[must_use]
    pub fn finish(self) -> State {
        let archived = (self.missing > 0).then(|| format!("records 1 to {}", self.missing));
        State { archived, ..self.state.finish() }
    }
}

/// A state as far as it is read, from the newest record backwards: the first word on a thing counts.
#[derive(Default)]
struct Unfinished {
    state: State,
    decided: HashSet<(Kind, String)>,
    /// Devices that a credential registered, and of which nothing else is known yet.
    by_credential: BTreeSet<String>,
    /// What devices were called later, by the names that they had.
    renamed: HashMap<String, String>,
}

impl Unfinished {
    fn add(&mut self, record: &AuditRecord) {
        if record.outcome != AuditOutcome::Done {
            return;
        }
        if ["rename device", "merge device"].contains(&&*record.action) && !record.is_erased() {
            return self.rename(record);
        }
        if record.action == "add credential" {
            let device = self.later_name(&record.target);
            if !self.is_gone(Kind::Device, &device) {
                self.by_credential.insert(device);
            }
        }
        if record.action == "import devices" && !record.is_erased() {
            return imported(record).for_each(|said| self.take(said));
        }
        match said(record) {
            Some(said) => self.take(said),
            None => self.note_erased(record),
        }
    }

    fn take(&mut self, mut said: Said) {
        if let (Kind::Credential, Some(left)) = (said.kind, &mut said.left) {
            left["device"] = json!(self.later_name(left["device"].as_str().unwrap_or_default()));
        }
        if self.belongs_to_gone(&said) || !self.decided.insert((said.kind, said.name.clone())) {
            return;
        }
        if let Some(left) = said.left {
            self.things(said.kind).insert(said.name, left);
        }
    }

    /// The device is gone under its old name, and there under the new one, if it was registered and no other was.
    fn rename(&mut self, record: &AuditRecord) {
        let after = record.after.as_deref().and_then(|after| serde_json::from_str::<Value>(after).ok());
        let Some(after) = after else { return };
        let Some(name) = after["name"].as_str() else { return };
        let name = self.later_name(name);
        self.renamed.insert(record.target.clone(), name.clone());
        self.decided.insert((Kind::Device, record.target.clone()));
        if !after["device"].is_null() && self.decided.insert((Kind::Device, name.clone())) {
            self.state.devices.insert(name, after["device"].clone());
        }
    }

    /// What a device was called last that once had this name.
    fn later_name(&self, name: &str) -> String {
        self.renamed.get(name).map_or_else(|| name.to_owned(), Clone::clone)
    }

    fn things(&mut self, kind: Kind) -> &mut BTreeMap<String, Value> {
        match kind {
            Kind::User => &mut self.state.users,
            Kind::Key => &mut self.state.keys,
            Kind::Device => &mut self.state.devices,
            Kind::Credential => &mut self.state.credentials,
        }
    }

    fn is_gone(&mut self, kind: Kind, name: &str) -> bool {
        self.decided.contains(&(kind, name.to_owned())) && !self.things(kind).contains_key(name)
    }

    /// Keys went with their owner, and credentials with their device.
    fn belongs_to_gone(&mut self, said: &Said) -> bool {
        let (kind, field) = match said.kind {
            Kind::Key => (Kind::User, "owner"),
            Kind::Credential => (Kind::Device, "device"),
            Kind::User | Kind::Device => return false,
        };
        let owner = said.left.as_ref().and_then(|left| left[field].as_str()).map(str::to_owned);
        owner.is_some_and(|owner| self.is_gone(kind, &owner))
    }

    fn note_erased(&mut self, record: &AuditRecord) {
        let kind = match record.action.as_str() {
            "add user" | "change user" => Kind::User,
            "register device" | "change device" => Kind::Device,
            action => {
                if record.is_erased() && UNREADABLE.contains(&action) {
                    self.state.unknown.push(format!("{} {action}", record.number));
                }
                return;
            }
        };
        if record.is_erased() && self.decided.insert((kind, record.target.clone())) {
            self.state.erased.insert(record.target.clone());
        }
    }

    fn finish(mut self) -> State {
        for device in std::mem::take(&mut self.by_credential) {
            let nothing_else = json!({ "name": device });
            self.state.devices.entry(device).or_insert(nothing_else);
        }
        self.state
    }
}

/// What the record of an import says; nothing where its contents were erased.
fn imported(record: &AuditRecord) -> impl Iterator<Item = Said> {
    let devices: Vec<Value> =
        record.after.as_deref().and_then(|after| serde_json::from_str(after).ok()).unwrap_or_default();
    devices.into_iter().filter_map(|left| {
        let name = left["name"].as_str()?.to_owned();
        Some(Said { kind: Kind::Device, name, left: Some(left) })
    })
}

/// What a record says; None where it is about something else, or its contents were erased.
fn said(record: &AuditRecord) -> Option<Said> {
    let read = |content: &Option<String>| serde_json::from_str::<Value>(content.as_deref()?).ok();
    let (target, text) = (record.target.clone(), |value: &Value| value.as_str().map(str::to_owned));
    let (kind, name, left) = match record.action.as_str() {
        "add user" | "change user" => (Kind::User, target, Some(read(&record.after)?)),
        "remove user" => (Kind::User, target, None),
        "register device" | "change device" => (Kind::Device, target, Some(read(&record.after)?)),
        "remove device" | "forget device" => (Kind::Device, target, None),
        "add credential" => {
            let left = read(&record.after)?;
            (Kind::Credential, text(&left["user"])?, Some(left))
        }
        "revoke credential" => (Kind::Credential, text(&read(&record.before)?["user"])?, None),
        "add key" => {
            let left = read(&record.after)?;
            (Kind::Key, text(&left["id"])?, Some(left))
        }
        "revoke key" => (Kind::Key, text(&read(&record.before)?["id"])?, None),
        _ => return None,
    };
    Some(Said { kind, name, left })
}

#[cfg(test)]
mod tests {
    use store::{Head, NewRecord, Via};

    use super::*;

    /// A state of records, the oldest first.
    fn state(records: &[(&'static str, &str, Value, Value)]) -> State {
        let content = |value: &Value| (!value.is_null()).then(|| value.to_string());
        let record = |(action, target, before, after): &(&'static str, &str, Value, Value)| NewRecord {
            at: Timestamp::UNIX_EPOCH,
            actor: None,
            via: Via::Command,
            address: None,
            action,
            target: (*target).to_owned(),
            outcome: AuditOutcome::Done,
            before: content(before),
            after: content(after),
        };
        let mut unfinished = Unfinished::default();
        for one in records.iter().rev() {
            unfinished.add(&AuditRecord::following(&Head::default(), &record(one)));
        }
        unfinished.finish()
    }

    fn names(things: &BTreeMap<String, Value>) -> Vec<&str> {
        things.keys().map(String::as_str).collect()
    }

    #[test]
    fn the_newest_word_counts() {
        let (v1, v2) = (json!({"title": "1"}), json!({"title": "2"}));
        let state = state(&[
            ("register device", "lab", Value::Null, v1.clone()),
            ("change device", "lab", v1.clone(), v2.clone()),
            ("register device", "gone", Value::Null, v1.clone()),
            ("remove device", "gone", v1.clone(), Value::Null),
            ("register device", "back", Value::Null, v1.clone()),
            ("forget device", "back", v1, json!({"data": "keep"})),
            ("register device", "back", Value::Null, v2.clone()),
            ("log in", "ann", Value::Null, Value::Null),
        ]);
        assert_eq!(state.devices, BTreeMap::from([("lab".into(), v2.clone()), ("back".into(), v2)]));
        assert_eq!(state.users, BTreeMap::new());
    }

    #[test]
    fn what_belongs_to_something_goes_with_it() {
        let (user, key) = (json!({"username": "ann"}), json!({"id": "k1", "owner": "ann"}));
        let credential = |user: &str, device: &str| json!({"user": user, "device": device});
        let state = state(&[
            ("add user", "ann", Value::Null, user.clone()),
            ("add key", "backup", Value::Null, key),
            ("remove user", "ann", user, Value::Null),
            ("add credential", "lab", Value::Null, credential("lab", "lab")),
            ("add credential", "lab", Value::Null, credential("lab~2", "lab")),
            ("revoke credential", "lab", credential("lab", "lab"), Value::Null),
            ("add credential", "old", Value::Null, credential("old", "old")),
            ("remove device", "old", json!({"name": "old"}), Value::Null),
        ]);
        assert_eq!((names(&state.users), names(&state.keys)), (vec![], vec![]));
        assert_eq!(names(&state.credentials), ["lab~2"]);
        assert_eq!(state.devices, BTreeMap::from([("lab".into(), json!({"name": "lab"}))]));
    }

    #[test]
    fn a_device_that_was_renamed_has_its_new_name_and_its_credentials() {
        let device = |name: &str| json!({"name": name, "title": "Lab"});
        let credential = json!({"user": "lab", "device": "lab"});
        let state = state(&[
            ("register device", "lab", Value::Null, device("lab")),
            ("add credential", "lab", Value::Null, credential),
            ("rename device", "lab", device("lab"), json!({"name": "hall", "device": device("hall")})),
            ("merge device", "heard", Value::Null, json!({"name": "hall", "device": null})),
        ]);
        assert_eq!(state.devices, BTreeMap::from([("hall".into(), device("hall"))]));
        assert_eq!(state.credentials["lab"]["device"], "hall");
    }

    #[test]
    fn an_import_says_something_of_each_device() {
        let device = |name: &str, title: &str| json!({"name": name, "title": title});
        let state = state(&[
            ("import devices", "2 devices", Value::Null, json!([device("a", "1"), device("b", "1")])),
            ("change device", "a", device("a", "1"), device("a", "2")),
            ("import devices", "1 devices", json!([device("b", "1")]), json!([device("b", "3")])),
        ]);
        let expected = [device("a", "2"), device("b", "3")];
        assert_eq!(state.devices.into_values().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_was_erased_is_named() {
        let new = NewRecord {
            at: Timestamp::UNIX_EPOCH,
            actor: None,
            via: Via::Command,
            address: None,
            action: "register device",
            target: "lab".into(),
            outcome: AuditOutcome::Done,
            before: None,
            after: Some("{}".into()),
        };
        let record = AuditRecord { after: None, ..AuditRecord::following(&Head::default(), &new) };
        let mut unfinished = Unfinished::default();
        unfinished.add(&record);
        let state = unfinished.finish();
        assert_eq!(state.erased, BTreeSet::from(["lab".into()]));
        assert!(state.devices.is_empty());
    }
}
