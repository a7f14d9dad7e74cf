//! Adding, changing and removing users.

use serde_json::json;
use store::{Change, Role, User};
use telemetry::Scope;

use super::{Authority, Deed, Problem};
use crate::caller::Caller;
use crate::contents;
use crate::names::{check_email, check_username};
use crate::password::check_new;

/// Users, at most.
pub(super) const MAX_USERS: usize = 1_000;

/// Tries to change a user whom others change, too.
pub(super) const MAX_TRIES: usize = 10;

/// A user to be added.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// The name to log in with.
    pub username: String,
    /// Where mails reach the person.
    pub email: Option<String>,
    /// The password.
    pub password: String,
    /// What the user may do.
    pub role: Role,
    /// With which devices.
    pub scope: Scope,
}

/// What is to be changed of a user; what is `None` stays as it is.
#[derive(Debug, Clone, Default)]
pub struct UserChange {
    /// A new address, or none any more.
    pub email: Option<Option<String>>,
    /// A new password.
    pub password: Option<String>,
    /// Another role.
    pub role: Option<Role>,
    /// Other filters.
    pub scope: Option<Scope>,
}

impl Authority {
    /// Whether there never was a user, so that everyone may do everything.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn is_open(&self) -> Result<bool, Problem> {
        self.inner.openness.is_open(self.inner.store.as_ref()).await
    }

    /// All users, by name.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn users(&self) -> Result<Vec<User>, Problem> {
        Ok(self.inner.store.users().await?)
    }

    /// One user.
    ///
    /// # Errors
    /// There is no such user, or the store does not answer.
    pub async fn user(&self, name: &str) -> Result<User, Problem> {
        self.inner.store.user(name).await?.ok_or_else(|| unknown(name))
    }

    /// Adds a user. The first one closes the page and the API for everyone else.
    ///
    /// # Errors
    /// The name is taken or cannot be one, the password is too short, or the first user is no admin.
    pub async fn add_user(&self, caller: &Caller, new: NewUser) -> Result<User, Problem> {
        check_username(&new.username).map_err(Problem::Invalid)?;
        check_new(&new.password).map_err(Problem::Invalid)?;
        new.email.as_deref().map_or(Ok(()), check_email).map_err(Problem::Invalid)?;
        let is_admin = new.role == Role::Admin && new.scope.is_all();
        if !self.inner.store.has_users().await? && !is_admin {
            return Err(Problem::Invalid(
                "the first user must have the role admin and no filters: nobody could add others".into(),
            ));
        }
        if self.inner.store.users().await?.len() >= MAX_USERS {
            return Err(Problem::Conflict(format!("there are {MAX_USERS} users already")));
        }
        let user = User {
            name: new.username,
            email: new.email,
            role: new.role,
            scope: new.scope,
            password_hash: self.inner.passwords.hash(new.password).await?,
            subject: None,
            created_at: self.now(),
            last_login_at: None,
            revision: 0,
        };
        let deed = Deed {
            after: Some(contents::of_user(&user).to_string()),
            ..Deed::new("add user", user.name.clone())
        };
        let taken = || Problem::Conflict(format!("there is a user {} already", user.name));
        self.make(caller, Change::AddUser(user.clone()), deed).await?.ok_or_else(taken)?;
        self.inner.openness.close();
        Ok(user)
    }

    /// Changes a user. Another password, role or filter ends the user's sessions.
    ///
    /// # Errors
    /// There is no such user, or nobody else is an admin.
    pub async fn set_user(&self, caller: &Caller, name: &str, change: UserChange) -> Result<User, Problem> {
        let hash = match change.password.clone() {
            Some(password) => {
                check_new(&password).map_err(Problem::Invalid)?;
                Some(self.inner.passwords.hash(password).await?)
            }
            None => None,
        };
        change.email.iter().flatten().try_for_each(|email| check_email(email)).map_err(Problem::Invalid)?;
        for _ in 0..MAX_TRIES {
            let old = self.user(name).await?;
            check_own(&old)?;
            let new = changed(&old, &change, hash.clone());
            let end_sessions =
                (old.role, &old.scope, &old.password_hash) != (new.role, &new.scope, &new.password_hash);
            let deed = deed("change user", &old, &new);
            let made = Change::SetUser { user: new.clone(), end_sessions, but: None };
            if self.make(caller, made, deed).await?.is_some() {
                return Ok(new);
            }
            if is_admin(&old) && !is_admin(&new) {
                self.another_admin(name).await?;
            }
        }
        Err(Problem::Conflict("others change this user all the time: ask again".into()))
    }

    /// Removes a user with all sessions and keys.
    ///
    /// # Errors
    /// There is no such user, or nobody else is an admin.
    pub async fn remove_user(&self, caller: &Caller, name: &str) -> Result<(), Problem> {
        let user = self.user(name).await?;
        let deed = Deed {
            before: Some(contents::of_user(&user).to_string()),
            ..Deed::new("remove user", user.name.clone())
        };
        match self.make(caller, Change::RemoveUser(user.name), deed).await? {
            Some(_) => Ok(()),
            None => {
                self.another_admin(name).await?;
                Err(unknown(name))
            }
        }
    }

    /// Changes the caller's own password, and ends all other sessions of the user.
    ///
    /// # Errors
    /// The old password is wrong, the new one too short, or the caller is no person.
    pub async fn change_password(&self, caller: &Caller, old: &str, new: &str) -> Result<(), Problem> {
        let Some(name) = &caller.user else { return Err(Problem::NotRecognized) };
        check_new(new).map_err(Problem::Invalid)?;
        let user = self.user(name).await?;
        check_own(&user)?;
        let from = caller.address.unwrap_or(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));
        let checked = self.inner.passwords.check(from, name, Some(&user.password_hash), old).await;
        match checked.map_err(Problem::from) {
            Err(Problem::WrongPassword) => {
                self.note_refused(caller, Deed::new("change password", name.clone())).await;
                return Err(Problem::NotAllowed("the old password is wrong".into()));
            }
            other => other?,
        }
        let changed = User { password_hash: self.inner.passwords.hash(new.to_owned()).await?, ..user };
        let change = Change::SetUser { user: changed, end_sessions: true, but: caller.id.clone() };
        let done = self.make(caller, change, Deed::new("change password", name.clone())).await?;
        done.map(drop).ok_or_else(|| Problem::Conflict("the user was changed meanwhile: ask again".into()))
    }

    async fn another_admin(&self, than: &str) -> Result<(), Problem> {
        let users = self.inner.store.users().await?;
        if users.iter().any(|user| is_admin(user) && user.name != than) {
            return Ok(());
        }
        Err(Problem::Conflict(format!(
            "{than} is the last admin of all devices with a password: add another one first"
        )))
    }
}

/// Whether a user is an admin of all devices: only such a one can add others. One who logs in elsewhere does not count: the
/// identity provider may be away.
fn is_admin(user: &User) -> bool {
    user.role == Role::Admin && user.scope.is_all() && user.subject.is_none()
}

/// What the identity provider says of a user is not changed here: the next login would change it back.
///
/// # Errors
/// The user logs in there.
fn check_own(user: &User) -> Result<(), Problem> {
    if user.subject.is_none() {
        return Ok(());
    }
    Err(Problem::Conflict(format!(
        "{} logs in at the identity provider, which says role, filters and address at each login; there is no password here",
        user.name
    )))
}

pub(super) fn unknown(name: &str) -> Problem {
    Problem::NotFound(format!("there is no user {name}: GET /api/users lists them"))
}

fn changed(old: &User, change: &UserChange, hash: Option<String>) -> User {
    User {
        email: change.email.clone().unwrap_or_else(|| old.email.clone()),
        role: change.role.unwrap_or(old.role),
        scope: change.scope.clone().unwrap_or_else(|| old.scope.clone()),
        password_hash: hash.unwrap_or_else(|| old.password_hash.clone()),
        ..old.clone()
    }
}

fn deed(action: &'static str, old: &User, new: &User) -> Deed {
    let mut after = contents::of_user(new);
    if old.password_hash != new.password_hash {
        after["password"] = json!("changed");
    }
    Deed {
        before: Some(contents::of_user(old).to_string()),
        after: Some(after.to_string()),
        ..Deed::new(action, old.name.clone())
    }
}
