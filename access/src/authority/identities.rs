//! People who log in at an identity provider, and the tokens that it issues.

use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use store::{Change, User, Via};

use super::users::{MAX_TRIES, MAX_USERS};
use super::{Authority, Deed, LoggedIn, Problem};
use crate::caller::Caller;
use crate::contents;
use crate::identity::Identity;

/// An identity provider whose tokens are accepted.
#[async_trait]
pub trait TokenIssuer: Send + Sync {
    /// What its tokens have as `iss`.
    fn issuer(&self) -> &str;

    /// Whom a token names, and when it ends; None where it is wrong or over, or gives no role.
    ///
    /// # Errors
    /// The issuer does not answer, and its key is not known yet.
    async fn identify(&self, token: &str) -> anyhow::Result<Option<(Identity, Timestamp)>>;
}

impl Authority {
    /// Accepts the tokens of an identity provider, too.
    #[must_use]
    pub fn with_issuer(self, issuer: Arc<dyn TokenIssuer>) -> Self {
        // Whoever comes first stays: there is one issuer.
        let _ = self.inner.issuer.set(issuer);
        self
    }

    /// Logs in whom an identity provider vouches for, and ends the session that the browser had before. The user is added
    /// or changed to what the provider says.
    ///
    /// # Errors
    /// There is no user at all, another user has the name, or the store does not answer.
    pub async fn log_in_identity(
        &self,
        identity: Identity,
        address: Option<IpAddr>,
        before: Option<&str>,
    ) -> Result<LoggedIn, Problem> {
        if self.is_open().await? || !self.inner.store.has_users().await? {
            return Err(Problem::Conflict(
                "there are no users yet: add an admin with a password first".into(),
            ));
        }
        for _ in 0..MAX_TRIES {
            let stored = self.inner.store.user_of_subject(&identity.subject).await?;
            let done = match stored {
                Some(user) => self.follow(user, &identity, address).await?,
                None => self.add_identity(&identity, address).await?,
            };
            if let Some(user) = done {
                return self.begin_session(user, address, before).await;
            }
        }
        Err(Problem::Conflict("others change this user all the time: log in again".into()))
    }

    /// Records that the identity provider vouches for somebody who is let in all the same not.
    pub async fn identity_refused(&self, address: Option<IpAddr>) {
        let stranger = Caller { user: None, via: Via::Unknown, ..Caller::anyone(address) };
        self.note_refused(&stranger, Deed::new("log in", "a user of the identity provider")).await;
    }

    /// What the provider says of the user now; None if somebody else has changed the user meanwhile.
    async fn follow(
        &self,
        old: User,
        identity: &Identity,
        address: Option<IpAddr>,
    ) -> Result<Option<User>, Problem> {
        let new = User {
            email: identity.email.clone(),
            role: identity.role,
            scope: identity.scope.clone(),
            ..old.clone()
        };
        if new == old {
            return Ok(Some(old));
        }
        let end_sessions = (old.role, &old.scope) != (new.role, &new.scope);
        let deed = Deed {
            before: Some(contents::of_user(&old).to_string()),
            after: Some(contents::of_user(&new).to_string()),
            ..Deed::new("change user", new.name.clone())
        };
        let change = Change::SetUser { user: new.clone(), end_sessions, but: None };
        Ok(self.make(&by_provider(&new, address), change, deed).await?.map(|_| new))
    }

    /// A user of our own is never taken over, nor one whom the provider knows as somebody else.
    async fn add_identity(
        &self,
        identity: &Identity,
        address: Option<IpAddr>,
    ) -> Result<Option<User>, Problem> {
        let users = self.inner.store.users().await?;
        if let Some(other) = users.iter().find(|user| user.name == identity.name) {
            self.identity_refused(address).await;
            let whose = match other.subject {
                None => "has a password here",
                Some(_) => "is somebody else at the identity provider",
            };
            return Err(Problem::Conflict(format!(
                "there is a user {} already, who {whose}: an admin has to remove that one first",
                other.name
            )));
        }
        if users.len() >= MAX_USERS {
            return Err(Problem::Conflict(format!("there are {MAX_USERS} users already")));
        }
        let user = User {
            name: identity.name.clone(),
            email: identity.email.clone(),
            role: identity.role,
            scope: identity.scope.clone(),
            password_hash: String::new(),
            subject: Some(identity.subject.clone()),
            created_at: self.now(),
            last_login_at: None,
            revision: 0,
        };
        let deed = Deed {
            after: Some(contents::of_user(&user).to_string()),
            ..Deed::new("add user", user.name.clone())
        };
        Ok(self.make(&by_provider(&user, address), Change::AddUser(user.clone()), deed).await?.map(|_| user))
    }

    /// The caller of a token of the identity provider, and when it ends; None where it is none.
    ///
    /// # Errors
    /// The provider does not answer, and its key is not known yet.
    pub(super) async fn issued(&self, token: &str) -> Result<Option<(Caller, Timestamp)>, Problem> {
        let Some(issuer) = self.inner.issuer.get() else { return Ok(None) };
        let found = issuer.identify(token).await?;
        Ok(found.map(|(identity, ends_at)| (of_token(identity), ends_at)))
    }
}

/// The user, as the identity provider has just vouched.
fn by_provider(user: &User, address: Option<IpAddr>) -> Caller {
    Caller { via: Via::Oidc, ..Caller::person(user.clone(), None, address) }
}

/// The name of a token stands apart from those of users, none of which has a colon: nobody gets another one's name.
fn of_token(identity: Identity) -> Caller {
    Caller {
        user: Some(format!("oidc:{}", identity.name)),
        email: identity.email,
        role: identity.role,
        scope: identity.scope,
        is_external: true,
        via: Via::Oidc,
        id: None,
        address: None,
    }
}
