//! Logging in and out.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use jiff::Timestamp;
use store::{Change, Session, User, Via, sha256};

use super::{Authority, Deed, Problem, SESSION_SECONDS};
use crate::caller::Caller;
use crate::password::{MAX_BYTES, Rejected};
use crate::secret;

/// A person has logged in.
#[derive(Debug, Clone)]
pub struct LoggedIn {
    /// What the browser sends from now on.
    pub token: String,
    /// Who that is.
    pub caller: Caller,
}

/// A session that is not used for so long ends.
const IDLE_SECONDS: u64 = 8 * 3600;

/// When a session ends, if it is not used any more.
pub(super) fn end_of(session: &Session) -> Timestamp {
    session.expires_at.min(after(session.last_used_at, IDLE_SECONDS))
}

fn after(time: Timestamp, seconds: u64) -> Timestamp {
    telemetry::time::saturating_add(time, Duration::from_secs(seconds))
}

impl From<Rejected> for Problem {
    fn from(rejected: Rejected) -> Self {
        match rejected {
            Rejected::Wrong => Self::WrongPassword,
            Rejected::TooMany(after) => Self::TooMany(after),
        }
    }
}

impl Authority {
    /// Logs a person in, and ends the session that the browser had before.
    ///
    /// # Errors
    /// The name or the password is wrong, there were too many attempts, there is no user at all, or the store does not
    /// answer.
    pub async fn log_in(
        &self,
        username: &str,
        password: &str,
        address: Option<IpAddr>,
        before: Option<&str>,
    ) -> Result<LoggedIn, Problem> {
        let user = self.authenticate(username, password, address).await?;
        self.begin_session(user, address, before).await
    }

    /// Begins a session of a user, and ends the one that the browser had before.
    ///
    /// # Errors
    /// The user was removed meanwhile, or the store does not answer.
    pub(super) async fn begin_session(
        &self,
        user: User,
        address: Option<IpAddr>,
        before: Option<&str>,
    ) -> Result<LoggedIn, Problem> {
        if let Some(token) = before {
            self.end_token(token).await?;
        }
        let (token, now) = (secret::token(), self.now());
        let session = Session {
            id: secret::id(),
            token_hash: sha256(&token),
            user: user.name.clone(),
            address: address.map(|address| address.to_string()),
            created_at: now,
            last_used_at: now,
            expires_at: after(now, SESSION_SECONDS),
        };
        let caller = Caller::person(user, Some(session.id.clone()), address);
        let deed = Deed::new("log in", caller.user.clone().unwrap_or_default());
        match self.make(&caller, Change::AddSession(session), deed).await? {
            Some(_) => Ok(LoggedIn { token, caller }),
            // The user was removed meanwhile.
            None => Err(Problem::WrongPassword),
        }
    }

    /// The user with this name and password.
    ///
    /// # Errors
    /// As [`log_in`](Self::log_in).
    pub(super) async fn authenticate(
        &self,
        username: &str,
        password: &str,
        address: Option<IpAddr>,
    ) -> Result<User, Problem> {
        if self.inner.openness.is_open(self.inner.store.as_ref()).await? {
            return Err(Problem::Conflict("there are no users yet: everyone may do everything".into()));
        }
        let user = self.inner.store.user(username).await?;
        let from = address.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let own = user.as_ref().filter(|user| user.subject.is_none());
        let hash = own.map(|user| user.password_hash.as_str());
        let checked = match password.len() {
            0..=MAX_BYTES => self.inner.passwords.check(from, username, hash, password).await,
            _ => Err(Rejected::Wrong),
        };
        if let Err(rejected) = checked {
            let stranger = Caller { user: None, via: Via::Unknown, ..Caller::anyone(address) };
            let known = user.map_or_else(|| "an unknown user".to_owned(), |user| user.name);
            self.note_refused(&stranger, Deed::new("log in", known)).await;
            return Err(rejected.into());
        }
        user.ok_or(Problem::WrongPassword)
    }

    /// Ends the session of a token, if there is one.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn end_token(&self, token: &str) -> Result<(), Problem> {
        let Some((session, user)) = self.inner.store.session(&sha256(token)).await? else { return Ok(()) };
        let caller = Caller {
            user: Some(user.name.clone()),
            via: Via::Session,
            id: Some(session.id.clone()),
            ..Caller::anyone(None)
        };
        self.make(&caller, Change::EndSession(session.id), Deed::new("log out", user.name)).await?;
        Ok(())
    }

    /// The sessions of a user that are not over, newest first.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn sessions(&self, user: &str) -> Result<Vec<Session>, Problem> {
        let now = self.now();
        let mut sessions = self.inner.store.sessions(user).await?;
        sessions.retain(|session| now < end_of(session));
        Ok(sessions)
    }

    /// Ends a session of a user.
    ///
    /// # Errors
    /// There is no such session, or the store does not answer.
    pub async fn end_session(&self, caller: &Caller, user: &str, id: &str) -> Result<(), Problem> {
        let unknown = || Problem::NotFound("there is no such session: GET /api/sessions lists them".into());
        let sessions = self.inner.store.sessions(user).await?;
        let session = sessions.into_iter().find(|session| session.id == id).ok_or_else(unknown)?;
        let change = Change::EndSession(session.id);
        self.make(caller, change, Deed::new("end session", user)).await?.map(drop).ok_or_else(unknown)
    }
}
