//! Recognises callers, logs people in, and changes users, sessions and keys.

pub(crate) mod device_login;
mod devices;
mod identities;
mod keys;
mod openness;
mod recognized;
mod refusals;
mod sessions;
mod tokens;
mod types;
mod users;

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use store::{AuditOutcome, Change, NewRecord, Store, Unavailable};
use telemetry::Clock;

use self::openness::Openness;
use self::recognized::Cache;
use self::refusals::Refusals;
use crate::caller::Caller;
use crate::password::Passwords;
use crate::token::TokenKeys;

pub use self::device_login::RecognizedDevice;
pub use self::devices::{NewCredential, check_device};
pub use self::identities::TokenIssuer;
pub use self::keys::{MAX_KEY_DAYS, NewKey};
pub use self::recognized::{Credentials, Recognized};
pub use self::sessions::LoggedIn;
pub use self::users::{NewUser, UserChange};

/// How long a session lasts, at most.
pub const SESSION_SECONDS: u64 = 7 * 24 * 3600;

/// Knows who may do what. Cheap to clone: clones share what they know.
#[derive(Clone)]
pub struct Authority {
    inner: Arc<Inner>,
}

struct Inner {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    passwords: Passwords,
    openness: Openness,
    cache: Cache,
    refusals: Refusals,
    tokens: TokenKeys,
    issuer: OnceLock<Arc<dyn TokenIssuer>>,
}

/// Why something is not done. Its text is for the person who asked.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// Nobody is recognised: there is no session, or it is over.
    #[error("log in first: POST /api/session, or send a key as Authorization: Bearer")]
    NotRecognized,
    /// The name or the password is wrong.
    #[error("the username or the password is wrong")]
    WrongPassword,
    /// There were too many attempts: the next is worth it after this time.
    #[error("too many attempts: try again in {} s", .0.as_secs())]
    TooMany(Duration),
    /// What is asked for is wrong.
    #[error("{0}")]
    Invalid(String),
    /// The caller may not do this.
    #[error("{0}")]
    NotAllowed(String),
    /// What is to be changed is not there.
    #[error("{0}")]
    NotFound(String),
    /// The state of things does not allow it.
    #[error("{0}")]
    Conflict(String),
    /// The store does not answer.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// Something else went wrong.
    #[error("{0:#}")]
    Failed(#[from] anyhow::Error),
}

/// What is done or tried, for the audit.
#[derive(Debug, Clone, Default)]
struct Deed {
    action: &'static str,
    target: String,
    before: Option<String>,
    after: Option<String>,
}

impl Deed {
    fn new(action: &'static str, target: impl Into<String>) -> Self {
        Self { action, target: target.into(), ..Self::default() }
    }

    fn record(self, caller: &Caller, outcome: AuditOutcome, at: jiff::Timestamp) -> NewRecord {
        NewRecord {
            at,
            actor: caller.user.clone(),
            via: caller.via,
            address: caller.address.as_ref().map(IpAddr::to_string),
            action: self.action,
            target: self.target,
            outcome,
            before: self.before,
            after: self.after,
        }
    }
}

impl Authority {
    /// Knows what is in a store.
    ///
    /// # Errors
    /// No password can be hashed on this machine.
    pub fn new(store: &dyn Store, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let inner = Inner {
            store: store.with_own_readers(),
            clock,
            passwords: Passwords::new()?,
            openness: Openness::default(),
            cache: Cache::default(),
            refusals: Refusals::default(),
            tokens: TokenKeys::default(),
            issuer: OnceLock::new(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Everyone has to log in, even while there is no user.
    #[must_use]
    pub fn with_login_required(self, is_required: bool) -> Self {
        if is_required {
            self.inner.openness.close();
        }
        self
    }

    /// Makes a change in the name of a caller, with its audit record, in one transaction; returns how many rows changed.
    /// None, and nothing is recorded, where what is to be changed is not there. What the change found and left is JSON.
    ///
    /// # Errors
    /// The store does not answer: nothing was changed.
    pub async fn perform(
        &self,
        caller: &Caller,
        change: Change,
        (action, target): (&'static str, &str),
        after: Option<String>,
    ) -> Result<Option<u64>, Unavailable> {
        self.make(caller, change, Deed { after, ..Deed::new(action, target) }).await
    }

    /// Records that a caller was refused something: at once, and then once a minute with how often it happened.
    pub async fn refused(&self, caller: &Caller, action: &'static str, target: &str) {
        self.note_refused(caller, Deed::new(action, target)).await;
    }

    async fn make(&self, caller: &Caller, change: Change, deed: Deed) -> Result<Option<u64>, Unavailable> {
        let record = deed.record(caller, AuditOutcome::Done, self.inner.clock.wall());
        let changed = self.inner.store.change(&change, &record).await;
        // What is known may be out of date now.
        self.inner.cache.forget();
        changed
    }

    async fn note_refused(&self, caller: &Caller, deed: Deed) {
        let Some(times) = self.inner.refusals.note(caller.user.as_deref(), deed.action) else { return };
        let after = (times > 1).then(|| serde_json::json!({ "times": times }).to_string());
        let deed = Deed { after, ..deed };
        let record = deed.record(caller, AuditOutcome::Refused, self.inner.clock.wall());
        if let Err(e) = self.inner.store.change(&Change::Nothing, &record).await {
            tracing::warn!("a refused try is not in the audit: {e}");
        }
    }

    fn now(&self) -> jiff::Timestamp {
        self.inner.clock.wall()
    }
}

#[cfg(test)]
mod tests;
