//! Users, sessions, keys and the audit in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;
use store::{
    AccessStore, ApiKey, AuditQuery, AuditRecord, Change, Head, MAX_SESSIONS, NewRecord, Result, Role,
    Session, TokenKey, User,
};

use super::{Data, MemoryStore, whole_micros};

/// What is stored of access.
#[derive(Default)]
pub(super) struct Access {
    users: BTreeMap<String, User>,
    sessions: Vec<Session>,
    keys: Vec<ApiKey>,
    token_keys: Vec<TokenKey>,
    audit: Vec<AuditRecord>,
    head: Head,
    closed: bool,
}

impl Access {
    fn record(&mut self, new: &NewRecord) {
        let record = AuditRecord::following(&self.head, new);
        self.head = record.head();
        self.audit.push(record);
    }

    fn archive(&mut self, first: i64, last: i64) -> Option<u64> {
        let is_in = |record: &AuditRecord| (first..=last).contains(&record.number);
        let rows = self.audit.iter().filter(|record| is_in(record)).count() as u64;
        if rows == 0 || i64::try_from(rows) != Ok(last - first + 1) {
            return None;
        }
        self.audit.retain(|record| !is_in(record));
        Some(rows)
    }

    fn erase(&mut self, numbers: &[i64]) -> Option<u64> {
        let is_in = |record: &&mut AuditRecord| numbers.contains(&record.number) && record.has_contents();
        let found: Vec<_> = self.audit.iter_mut().filter(is_in).collect();
        if found.len() < numbers.len() {
            return None;
        }
        found.into_iter().for_each(AuditRecord::erase);
        Some(numbers.len() as u64)
    }

    fn is_taken(&self, new: &User) -> bool {
        let is_same = |user: &User| user.subject.is_some() && user.subject == new.subject;
        self.users.contains_key(&new.name) || self.users.values().any(is_same)
    }

    fn is_last_admin(&self, name: &str) -> bool {
        let is_admin =
            |user: &&User| user.role == Role::Admin && user.scope.is_all() && user.subject.is_none();
        let admins = self.users.values().filter(is_admin);
        self.users.get(name).as_ref().is_some_and(is_admin) && admins.count() == 1
    }

    fn set_user(&mut self, user: &User, end_sessions: bool, but: Option<&str>) -> Option<u64> {
        let demoted = !(user.role == Role::Admin && user.scope.is_all()) && self.is_last_admin(&user.name);
        let stored = self.users.get_mut(&user.name).filter(|stored| stored.revision == user.revision)?;
        if demoted {
            return None;
        }
        *stored = User { revision: user.revision + 1, last_login_at: stored.last_login_at, ..user.clone() };
        let ends = |session: &Session| end_sessions && session.user == user.name && Some(&*session.id) != but;
        let before = self.sessions.len();
        self.sessions.retain(|session| !ends(session));
        Some(1 + (before - self.sessions.len()) as u64)
    }

    fn remove_user(&mut self, name: &str) -> Option<u64> {
        if self.is_last_admin(name) {
            return None;
        }
        self.users.remove(name)?;
        self.sessions.retain(|session| session.user != name);
        self.keys.retain(|key| key.owner != name);
        Some(1)
    }

    fn add_session(&mut self, session: &Session, at: Timestamp) -> Option<u64> {
        self.users.get_mut(&session.user)?.last_login_at = Some(whole_micros(at));
        let others = self.sessions.len();
        self.sessions.retain(|stored| stored.user != session.user || stored.expires_at > at);
        self.sessions.push(session.clone());
        let mut own: Vec<_> =
            self.sessions.iter().filter(|stored| stored.user == session.user).cloned().collect();
        own.sort_by(|a, b| b.created_at.cmp(&a.created_at).then_with(|| a.id.cmp(&b.id)));
        let kept: Vec<_> = own.into_iter().take(MAX_SESSIONS).map(|session| session.id).collect();
        self.sessions.retain(|stored| stored.user != session.user || kept.contains(&stored.id));
        Some(2 + (others + 1 - self.sessions.len()) as u64)
    }

    fn add_key(&mut self, key: &ApiKey, at: Timestamp) -> Option<u64> {
        self.users.get(&key.owner)?;
        let before = self.keys.len();
        self.keys.retain(|stored| stored.owner != key.owner || stored.expires_at > at);
        let pruned = before - self.keys.len();
        self.keys.push(key.clone());
        Some(1 + pruned as u64)
    }
}

impl Data {
    fn apply(&mut self, change: &Change, at: Timestamp) -> Option<u64> {
        let access = &mut self.access;
        match change {
            Change::Nothing => Some(0),
            Change::AddUser(user) if access.is_taken(user) => None,
            Change::AddUser(user) => {
                access.closed = true;
                access.users.insert(user.name.clone(), user.clone());
                Some(2)
            }
            Change::SetUser { user, end_sessions, but } => {
                access.set_user(user, *end_sessions, but.as_deref())
            }
            Change::RemoveUser(name) => access.remove_user(name),
            Change::AddSession(session) => access.add_session(session, at),
            Change::EndSession(id) => take(&mut access.sessions, |session| session.id == *id),
            Change::AddKey(key) => access.add_key(key, at),
            Change::RevokeKey(id) => take(&mut access.keys, |key| key.id == *id),
            Change::AddDevice(device) => self.registry.add(device),
            Change::SetDevice(device) => self.registry.set(device),
            Change::ImportDevices { added, changed } => self.registry.import(added, changed),
            Change::RemoveDevice(name) => self.registry.remove(name),
            Change::ForgetDevice(forgetting) => {
                self.commands.forget(&forgetting.device, forgetting.at);
                self.registry.forget(forgetting)
            }
            Change::RenameDevice(renaming) => {
                let has_data = self.has_readings(&renaming.new);
                let renamed = self.registry.rename(renaming, has_data)?;
                self.move_history(&renaming.old, &renaming.new);
                Some(renamed)
            }
            Change::AddCredential(credential) => self.registry.add_credential(credential, at),
            Change::RevokeCredential(user) => self.registry.revoke(user),
            Change::AddType(new) => self.registry.add_type(new),
            Change::SetType(new) => self.registry.set_type(new),
            Change::RemoveType(name) => self.registry.remove_type(name),
            Change::AddCommand(command) => self.commands.add_one(command),
            Change::AddCommands { job, commands } => self.commands.add_group(job, commands),
            Change::CancelCommands(which) => self.commands.cancel(which, at),
            Change::SetDesired(new) => self.commands.set_desired(new),
            Change::AddSilences(silences) => {
                let before = self.silences.len();
                self.add_silences(silences);
                Some((self.silences.len() - before) as u64)
            }
            Change::EndSilence { id, at } => self.end_silence(id, *at).then_some(1),
            Change::Acknowledge { incidents, acknowledgement } => {
                Some(self.alerts.acknowledge(incidents, acknowledgement, at))
            }
            Change::ArchiveAudit { first, last } => access.archive(*first, *last),
            Change::EraseAudit(numbers) => access.erase(numbers),
        }
    }
}

fn take<T>(all: &mut Vec<T>, is_it: impl Fn(&T) -> bool) -> Option<u64> {
    let before = all.len();
    all.retain(|one| !is_it(one));
    (all.len() < before).then_some(1)
}

#[async_trait]
impl AccessStore for MemoryStore {
    async fn has_users(&self) -> Result<bool> {
        Ok(self.call("has_users")?.access.closed)
    }

    async fn users(&self) -> Result<Vec<User>> {
        Ok(self.call("users")?.access.users.values().cloned().collect())
    }

    async fn user(&self, name: &str) -> Result<Option<User>> {
        Ok(self.call("user")?.access.users.get(name).cloned())
    }

    async fn user_of_subject(&self, subject: &str) -> Result<Option<User>> {
        let data = self.call("user_of_subject")?;
        let mut users = data.access.users.values();
        Ok(users.find(|user| user.subject.as_deref() == Some(subject)).cloned())
    }

    async fn session(&self, token_hash: &str) -> Result<Option<(Session, User)>> {
        let data = self.call("session")?;
        let session = data.access.sessions.iter().find(|session| session.token_hash == token_hash);
        Ok(session.and_then(|session| Some((session.clone(), data.access.users.get(&session.user)?.clone()))))
    }

    async fn sessions(&self, user: &str) -> Result<Vec<Session>> {
        let data = self.call("sessions")?;
        let mut own: Vec<_> =
            data.access.sessions.iter().filter(|session| session.user == user).cloned().collect();
        own.sort_by(|a, b| b.created_at.cmp(&a.created_at).then_with(|| a.id.cmp(&b.id)));
        Ok(own)
    }

    async fn touch_session(&self, id: &str, at: Timestamp) -> Result<()> {
        let mut data = self.call("touch_session")?;
        if let Some(session) = data.access.sessions.iter_mut().find(|session| session.id == id) {
            session.last_used_at = session.last_used_at.max(whole_micros(at));
        }
        Ok(())
    }

    async fn key(&self, id: &str) -> Result<Option<(ApiKey, User)>> {
        let data = self.call("key")?;
        let key = data.access.keys.iter().find(|key| key.id == id);
        Ok(key.and_then(|key| Some((key.clone(), data.access.users.get(&key.owner)?.clone()))))
    }

    async fn keys(&self, owner: Option<&str>) -> Result<Vec<ApiKey>> {
        let data = self.call("keys")?;
        let wanted = |key: &&ApiKey| owner.is_none_or(|owner| key.owner == owner);
        let mut keys: Vec<_> = data.access.keys.iter().filter(wanted).cloned().collect();
        keys.sort_by(|a, b| b.created_at.cmp(&a.created_at).then_with(|| a.id.cmp(&b.id)));
        Ok(keys)
    }

    async fn touch_key(&self, id: &str, at: Timestamp) -> Result<()> {
        let mut data = self.call("touch_key")?;
        if let Some(key) = data.access.keys.iter_mut().find(|key| key.id == id) {
            key.last_used_at = key.last_used_at.max(Some(whole_micros(at)));
        }
        Ok(())
    }

    async fn token_keys(&self) -> Result<Vec<TokenKey>> {
        let mut keys = self.call("token_keys")?.access.token_keys.clone();
        keys.sort_by(|a, b| b.created_at.cmp(&a.created_at).then_with(|| a.id.cmp(&b.id)));
        Ok(keys)
    }

    async fn add_token_key(&self, key: &TokenKey, older_than: Timestamp) -> Result<()> {
        let mut data = self.call("add_token_key")?;
        data.access.token_keys.push(key.clone());
        data.access.token_keys.retain(|stored| stored.created_at >= older_than);
        Ok(())
    }

    async fn change(&self, change: &Change, record: &NewRecord) -> Result<Option<u64>> {
        let mut data = self.call("change")?;
        let rows = data.apply(change, record.at);
        if rows.is_some() {
            data.access.record(record);
        }
        Ok(rows)
    }

    async fn audit(&self, query: &AuditQuery) -> Result<Vec<AuditRecord>> {
        let data = self.call("audit")?;
        let is = |asked: &Option<String>, is: Option<&str>| asked.is_none() || asked.as_deref() == is;
        let wanted = |record: &&AuditRecord| {
            is(&query.actor, record.actor.as_deref())
                && is(&query.action, Some(&record.action))
                && is(&query.target, Some(&record.target))
                && query.outcome.is_none_or(|outcome| outcome == record.outcome)
                && query.from.is_none_or(|from| record.at >= from)
                && query.to.is_none_or(|to| record.at < to)
                && query.before.is_none_or(|before| record.number < before)
        };
        Ok(data.access.audit.iter().rev().filter(wanted).take(query.limit.max(1)).cloned().collect())
    }

    async fn audit_head(&self) -> Result<Head> {
        Ok(self.call("audit_head")?.access.head.clone())
    }
}
