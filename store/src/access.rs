//! Who may do what: people, their sessions and keys; and the audit of every change.
//!
//! A change and its audit record are one transaction: there is no change without its record.

pub(crate) mod audit;
mod change;
pub(crate) mod keys;
pub(crate) mod sessions;
pub(crate) mod token_keys;
pub(crate) mod users;

use async_trait::async_trait;
use jiff::Timestamp;

use self::audit::{AuditQuery, AuditRecord, Head, NewRecord};
use self::keys::ApiKey;
use self::sessions::Session;
use self::token_keys::TokenKey;
use self::users::User;
use crate::alerting::incidents::Acknowledgement;
use crate::alerting::silences::Silence;
use crate::commands::change::Cancelled;
use crate::commands::state::{Command, CommandJob};
use crate::commands::twins::NewDesired;
use crate::engine::statement::{Engine, Statement};
use crate::registry::aliases::Renaming;
use crate::registry::credentials::Credential;
use crate::registry::devices::Device;
use crate::registry::forgotten::Forgetting;
use crate::registry::types::DeviceType;
use crate::text_codec::text_codec;
use crate::unavailable::Result;

/// What a caller may do, of all that there is; a greater role may do what a lesser one may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Reads.
    Viewer,
    /// Reads, acknowledges, silences and resends.
    Operator,
    /// Does everything.
    Admin,
}

text_codec!(Role: Viewer "viewer", Operator "operator", Admin "admin");

/// A change that is recorded in the audit.
#[derive(Debug, Clone)]
pub enum Change {
    /// Nothing changes: a try was refused, or what was done lies outside the store.
    Nothing,
    /// Adds a user, unless the name or the subject is taken.
    AddUser(User),
    /// Replaces what is stored of a user, if it still has this revision and somebody with a password stays an admin of all devices; ends
    /// the user's sessions, but for one.
    SetUser {
        /// What is stored from now on, under the next revision.
        user: User,
        /// Whether the user's sessions end.
        end_sessions: bool,
        /// The session that stays.
        but: Option<String>,
    },
    /// Removes a user with all sessions and keys, unless nobody else with a password were an admin of all devices.
    RemoveUser(String),
    /// Begins a session, and notes when the user logged in. Of a user the newest [`MAX_SESSIONS`](sessions::MAX_SESSIONS)
    /// are kept, and those that are over are forgotten.
    AddSession(Session),
    /// Ends a session.
    EndSession(String),
    /// Adds a key.
    AddKey(ApiKey),
    /// Revokes a key.
    RevokeKey(String),
    /// Registers a device, unless its name is taken.
    AddDevice(Device),
    /// Replaces what is said of a device, if it still has this revision.
    SetDevice(Device),
    /// Registers devices, and replaces what is said of others: all, or none where a name is taken or one has another revision.
    ImportDevices {
        /// New devices.
        added: Vec<Device>,
        /// Devices that are there, with the revision that they have.
        changed: Vec<Device>,
    },
    /// Removes a device from the registry, with all its credentials.
    RemoveDevice(String),
    /// Forgets a device, unless too many are forgotten: it loses its place in the registry, its credentials, its open commands
    /// and its desired state.
    ForgetDevice(Forgetting),
    /// Gives a device another name, unless there is a device of that name with which it is not to become one. Its history follows
    /// by [`Lifecycle::move_history`](crate::Lifecycle::move_history).
    RenameDevice(Renaming),
    /// Adds a credential of a device, and registers the device where it is not yet.
    AddCredential(Credential),
    /// Revokes the credential of this user name.
    RevokeCredential(String),
    /// Adds a type of devices, unless its name is taken or there are too many.
    AddType(DeviceType),
    /// Replaces what a type of devices says, if it still has this revision.
    SetType(DeviceType),
    /// Removes a type of devices.
    RemoveType(String),
    /// Makes a command, unless its id is taken or its device has too many that are open.
    AddCommand(Command),
    /// Makes the commands of a group, but of devices that have too many that are open.
    AddCommands {
        /// The group.
        job: CommandJob,
        /// Its commands.
        commands: Vec<Command>,
    },
    /// Ends commands that are open.
    CancelCommands(Cancelled),
    /// Replaces the desired state of a device, if it still has this version.
    SetDesired(NewDesired),
    /// Adds silences; one whose id is stored already stays as it is.
    AddSilences(Vec<Silence>),
    /// Ends a silence, unless it ends earlier.
    EndSilence {
        /// The silence.
        id: String,
        /// When it ends.
        at: Timestamp,
    },
    /// Notes who looks after incidents; what is acknowledged or resolved already stays as it is.
    Acknowledge {
        /// The incidents.
        incidents: Vec<String>,
        /// By whom.
        acknowledgement: Acknowledgement,
    },
    /// Removes a segment of the audit that was exported, if all its records are there.
    ArchiveAudit {
        /// The number of its first record.
        first: i64,
        /// The number of its last record.
        last: i64,
    },
    /// Erases what these records of the audit found and left, if each has something to erase. The chain still holds.
    EraseAudit(Vec<i64>),
}

/// Where users, sessions, keys and the audit are stored.
///
/// # Errors
/// Every call: nothing was changed; repeat the call.
#[async_trait]
pub trait AccessStore: Send + Sync {
    /// Whether there is, or ever was, a user.
    async fn has_users(&self) -> Result<bool>;

    /// All users, by name.
    async fn users(&self) -> Result<Vec<User>>;

    /// One user.
    async fn user(&self, name: &str) -> Result<Option<User>>;

    /// The user who is this one at the identity provider, as [`User::subject`].
    async fn user_of_subject(&self, subject: &str) -> Result<Option<User>>;

    /// The session with this hash of its token, and its user.
    async fn session(&self, token_hash: &str) -> Result<Option<(Session, User)>>;

    /// All sessions of a user, newest first.
    async fn sessions(&self, user: &str) -> Result<Vec<Session>>;

    /// Notes when a session was used last.
    async fn touch_session(&self, id: &str, at: Timestamp) -> Result<()>;

    /// One key with its owner.
    async fn key(&self, id: &str) -> Result<Option<(ApiKey, User)>>;

    /// All keys, or those of an owner, newest first.
    async fn keys(&self, owner: Option<&str>) -> Result<Vec<ApiKey>>;

    /// Notes when a key was used last.
    async fn touch_key(&self, id: &str, at: Timestamp) -> Result<()>;

    /// The keys that sign tokens, newest first.
    async fn token_keys(&self) -> Result<Vec<TokenKey>>;

    /// Adds a key that signs tokens, and forgets those made before a time.
    async fn add_token_key(&self, key: &TokenKey, older_than: Timestamp) -> Result<()>;

    /// Makes a change and adds its record to the audit, in one transaction; returns how many rows changed beside the
    /// record's. None, and nothing is recorded, where what it changes is not there, or not as the change expects it.
    async fn change(&self, change: &Change, record: &NewRecord) -> Result<Option<u64>>;

    /// Records of the audit, newest first.
    async fn audit(&self, query: &AuditQuery) -> Result<Vec<AuditRecord>>;

    /// The end of the audit's chain.
    async fn audit_head(&self) -> Result<Head>;
}

/// Rows that the record itself changes.
const RECORD_ROWS: u64 = 2;

/// Tries to extend the chain while others extend it, too.
const MAX_TRIES: usize = 100;

#[async_trait]
impl<E: Engine> AccessStore for E {
    async fn has_users(&self) -> Result<bool> {
        const SELECT: &str = "SELECT closed FROM audit_head WHERE id = 1";
        let closed = self.query(Statement::new("ask for users", SELECT, []), |row| row.get::<i64>(0)).await?;
        Ok(closed.into_iter().any(|closed| closed != 0))
    }

    async fn users(&self) -> Result<Vec<User>> {
        self.query(users::select(None), users::read).await
    }

    async fn user(&self, name: &str) -> Result<Option<User>> {
        Ok(self.query(users::select(Some(name)), users::read).await?.pop())
    }

    async fn user_of_subject(&self, subject: &str) -> Result<Option<User>> {
        Ok(self.query(users::select_by_subject(subject), users::read).await?.pop())
    }

    async fn session(&self, token_hash: &str) -> Result<Option<(Session, User)>> {
        Ok(self.query(sessions::select_with_user(token_hash), sessions::read_with_user).await?.pop())
    }

    async fn sessions(&self, user: &str) -> Result<Vec<Session>> {
        self.query(sessions::select(user), sessions::read).await
    }

    async fn touch_session(&self, id: &str, at: Timestamp) -> Result<()> {
        self.execute(sessions::touch(id, at)).await.map(drop)
    }

    async fn key(&self, id: &str) -> Result<Option<(ApiKey, User)>> {
        Ok(self.query(keys::select_with_owner(id), keys::read_with_owner).await?.pop())
    }

    async fn keys(&self, owner: Option<&str>) -> Result<Vec<ApiKey>> {
        self.query(keys::select(owner), keys::read).await
    }

    async fn touch_key(&self, id: &str, at: Timestamp) -> Result<()> {
        self.execute(keys::touch(id, at)).await.map(drop)
    }

    async fn token_keys(&self) -> Result<Vec<TokenKey>> {
        self.query(token_keys::select(), token_keys::read).await
    }

    async fn add_token_key(&self, key: &TokenKey, older_than: Timestamp) -> Result<()> {
        let statements = vec![token_keys::insert(key), token_keys::delete(older_than)];
        self.execute_all("add a key for tokens", statements).await.map(drop)
    }

    async fn change(&self, change: &Change, record: &NewRecord) -> Result<Option<u64>> {
        let mut head = self.audit_head().await?;
        for _ in 0..MAX_TRIES {
            let link = AuditRecord::following(&head, record);
            // The head comes first: whoever else changes something waits here.
            let mut statements = vec![audit::advance(&head, &link)];
            statements.extend(change::statements(change, record.at));
            statements.push(audit::insert(&link));
            if let Some(rows) = self.execute_all(record.action, statements).await? {
                return Ok(Some(rows - RECORD_ROWS));
            }
            let now = self.audit_head().await?;
            if now == head {
                return Ok(None);
            }
            head = now;
        }
        Err(anyhow::anyhow!("others change something all the time: ask again").into())
    }

    async fn audit(&self, query: &AuditQuery) -> Result<Vec<AuditRecord>> {
        self.query(audit::select(query), audit::read).await
    }

    async fn audit_head(&self) -> Result<Head> {
        let heads = self.query(audit::select_head(), audit::read_head).await?;
        Ok(heads.into_iter().next().unwrap_or_default())
    }
}
