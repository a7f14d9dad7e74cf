//! Keys of programs.

use std::time::Duration;

use store::{ApiKey, Change, Role, sha256};
use telemetry::Scope;

use super::{Authority, Deed, Problem};
use crate::caller::Caller;
use crate::contents;
use crate::secret;

/// Days that a key lasts, at most.
pub const MAX_KEY_DAYS: u32 = 366;

/// Keys of one user, at most.
const MAX_KEYS: usize = 100;

/// Characters of a key's name, at most.
const MAX_NAME_CHARS: usize = 64;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A key to be made.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// What it is for.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// With which devices.
    pub scope: Scope,
    /// How long it lasts.
    pub days: u32,
}

impl Authority {
    /// Makes a key of a user; returns it with what a program sends, which cannot be had again.
    ///
    /// # Errors
    /// The key would be wider than its owner, or has no name or no end.
    pub async fn add_key(
        &self,
        caller: &Caller,
        owner: &str,
        new: NewKey,
    ) -> Result<(ApiKey, String), Problem> {
        let user = self.inner.store.user(owner).await?.ok_or_else(|| super::users::unknown(owner))?;
        check(&new)?;
        if new.role > user.role || !user.scope.contains(&new.scope) {
            return Err(Problem::NotAllowed("a key may not do more than its owner".into()));
        }
        if self.keys(Some(owner)).await?.len() >= MAX_KEYS {
            return Err(Problem::Conflict(format!("there are {MAX_KEYS} keys already: revoke one first")));
        }
        let (secret, now) = (secret::token(), self.now());
        let key = ApiKey {
            id: secret::id(),
            name: new.name,
            owner: user.name,
            role: new.role,
            scope: new.scope,
            secret_hash: sha256(&secret),
            created_at: now,
            expires_at: now.saturating_add(DAY * new.days).unwrap_or(jiff::Timestamp::MAX),
            last_used_at: None,
        };
        let after = Some(contents::of_key(&key).to_string());
        let deed = Deed { after, ..Deed::new("add key", key.name.clone()) };
        let shown = secret::key(&key.id, &secret);
        match self.make(caller, Change::AddKey(key.clone()), deed).await? {
            Some(_) => Ok((key, shown)),
            None => Err(super::users::unknown(owner)),
        }
    }

    /// The keys of a user, or all, which are not over; newest first.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn keys(&self, owner: Option<&str>) -> Result<Vec<ApiKey>, Problem> {
        let now = self.now();
        let mut keys = self.inner.store.keys(owner).await?;
        keys.retain(|key| now < key.expires_at);
        Ok(keys)
    }

    /// Revokes a key, of this owner if one is named.
    ///
    /// # Errors
    /// There is no such key, or the store does not answer.
    pub async fn revoke_key(&self, caller: &Caller, owner: Option<&str>, id: &str) -> Result<(), Problem> {
        let unknown = || Problem::NotFound("there is no such key: GET /api/keys lists them".into());
        let found = self.inner.store.key(id).await?;
        let (key, _) =
            found.filter(|(key, _)| owner.is_none_or(|owner| key.owner == owner)).ok_or_else(unknown)?;
        let deed = Deed {
            before: Some(contents::of_key(&key).to_string()),
            ..Deed::new("revoke key", key.name.clone())
        };
        self.make(caller, Change::RevokeKey(key.id), deed).await?.map(drop).ok_or_else(unknown)
    }
}

fn check(new: &NewKey) -> Result<(), Problem> {
    if new.name.trim().is_empty()
        || new.name.chars().count() > MAX_NAME_CHARS
        || new.name.chars().any(char::is_control)
    {
        return Err(Problem::Invalid(format!(
            "name must say what the key is for, in 1 to {MAX_NAME_CHARS} characters"
        )));
    }
    if !(1..=MAX_KEY_DAYS).contains(&new.days) {
        return Err(Problem::Invalid(format!("days must be 1 to {MAX_KEY_DAYS}: every key ends")));
    }
    Ok(())
}
