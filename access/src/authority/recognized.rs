//! Who a caller is, by what the request brings along.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use store::{ApiKey, Session, User, Via, sha256};

use super::sessions::end_of;
use super::{Authority, Problem};
use crate::caller::Caller;
use crate::secret;
use crate::token::issuer_of;

/// How long a caller is recognised without asking the store: another process may have revoked the session or key.
const TRUSTED_FOR: Duration = Duration::from_secs(2);

/// Callers that are remembered, at most.
const MAX_REMEMBERED: usize = 10_000;

/// The use of a session or a key is noted again after this time.
const NOTE_USE_EVERY: Duration = Duration::from_secs(60);

/// Bytes of a token, at most: no token of ours is longer.
const MAX_TOKEN_BYTES: usize = 256;

/// What a request brings along.
#[derive(Debug, Clone, Copy, Default)]
pub struct Credentials<'a> {
    /// The token of a session, from a cookie.
    pub session: Option<&'a str>,
    /// What follows `Bearer` in the header `Authorization`.
    pub bearer: Option<&'a str>,
    /// From where the request comes.
    pub address: Option<IpAddr>,
}

/// A caller, and what is asked to know whether it is still the same.
#[derive(Debug, Clone)]
pub struct Recognized {
    /// Who asks.
    pub caller: Caller,
    token: Option<Token>,
}

/// The hash of a token that was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Token {
    Session(String),
    Key {
        id: String,
        hash: String,
    },
    Signed(String),
    /// A token of the identity provider.
    Issued(String),
}

#[derive(Debug, Default)]
pub(super) struct Cache {
    callers: Mutex<HashMap<Token, Cached>>,
    /// Counts how often all were forgotten: what was read before is not remembered after.
    generation: AtomicU64,
}

#[derive(Debug, Clone)]
struct Cached {
    caller: Caller,
    /// When the session or key ends.
    ends_at: Timestamp,
    at: Instant,
}

impl Cache {
    /// Forgets all callers, so that the store is asked again.
    pub(super) fn forget(&self) {
        let mut callers = self.callers();
        self.generation.fetch_add(1, Ordering::Relaxed);
        callers.clear();
    }

    fn generation(&self) -> u64 {
        self.generation.load(Ordering::Relaxed)
    }

    fn get(&self, token: &Token, now: Timestamp) -> Option<Caller> {
        let callers = self.callers();
        let cached = callers.get(token)?;
        (cached.at.elapsed() < TRUSTED_FOR && now < cached.ends_at).then(|| cached.caller.clone())
    }

    /// Remembers what was read since this generation, unless all was forgotten meanwhile.
    fn put(&self, generation: u64, token: Token, caller: &Caller, ends_at: Timestamp) {
        let mut callers = self.callers();
        if generation != self.generation() {
            return;
        }
        if callers.len() >= MAX_REMEMBERED {
            callers.clear();
        }
        callers.insert(token, Cached { caller: caller.clone(), ends_at, at: Instant::now() });
    }

    fn callers(&self) -> MutexGuard<'_, HashMap<Token, Cached>> {
        self.callers.lock().expect("no code panics while it holds this")
    }
}

impl Authority {
    /// Recognises a caller: by a key, else by a session; everyone while there is no user.
    ///
    /// # Errors
    /// Nobody is recognised, or the store does not answer.
    pub async fn recognize(&self, credentials: Credentials<'_>) -> Result<Recognized, Problem> {
        let token = match (credentials.bearer, credentials.session) {
            (Some(bearer), _) => Some(self.of_bearer(bearer).ok_or(Problem::NotRecognized)?),
            (None, Some(token)) => of_session(token),
            (None, None) => None,
        };
        if self.inner.openness.is_open(self.inner.store.as_ref()).await? {
            return Ok(Recognized { caller: Caller::anyone(credentials.address), token: None });
        }
        let token = token.ok_or(Problem::NotRecognized)?;
        let caller = self.caller(&token).await?;
        Ok(Recognized { caller: Caller { address: credentials.address, ..caller }, token: Some(token) })
    }

    /// Whether a caller who was recognised before still is, with the same rights. While the store does not answer, yes.
    pub async fn is_still(&self, recognized: &Recognized) -> bool {
        let same = |caller: &Caller| {
            (caller.role, &caller.scope) == (recognized.caller.role, &recognized.caller.scope)
        };
        let answer = match &recognized.token {
            None => self.inner.openness.is_open(self.inner.store.as_ref()).await,
            Some(token) => self.caller(token).await.map(|caller| same(&caller)),
        };
        match answer {
            Err(Problem::NotRecognized) => false,
            Err(_) => true,
            Ok(is_still) => is_still,
        }
    }

    async fn caller(&self, token: &Token) -> Result<Caller, Problem> {
        let now = self.now();
        if let Some(caller) = self.inner.cache.get(token, now) {
            return Ok(caller);
        }
        let (store, generation) = (&self.inner.store, self.inner.cache.generation());
        let found = match token {
            Token::Signed(text) => {
                let found = self.inner.tokens.caller(store.as_ref(), text, now).await?;
                return found.map(|(caller, _)| caller).ok_or(Problem::NotRecognized);
            }
            Token::Issued(text) => self.issued(text).await?.map(|(caller, ends_at)| (caller, ends_at, false)),
            Token::Session(hash) => store.session(hash).await?.and_then(|found| of_user(found, now)),
            Token::Key { id, hash } => {
                let found = store.key(id).await?.filter(|(key, _)| is_equal(&key.secret_hash, hash));
                found.and_then(|found| of_owner(found, now))
            }
        };
        let found = found.filter(|(_, ends_at, _)| now < *ends_at);
        let (caller, ends_at, is_use_noted) = found.ok_or(Problem::NotRecognized)?;
        if is_use_noted {
            self.note_use(&caller, now).await;
        }
        self.inner.cache.put(generation, token.clone(), &caller, ends_at);
        Ok(caller)
    }

    /// A key of ours begins like no signed token, and a token of the identity provider says whose it is: each is checked by
    /// its own keys alone.
    fn of_bearer(&self, bearer: &str) -> Option<Token> {
        if bearer.starts_with("mk_") {
            return of_key(bearer);
        }
        let issuer = self.inner.issuer.get().map(|issuer| issuer.issuer());
        let is_issued = issuer.is_some() && issuer_of(bearer).as_deref() == issuer;
        Some(if is_issued { Token::Issued(bearer.to_owned()) } else { Token::Signed(bearer.to_owned()) })
    }

    async fn note_use(&self, caller: &Caller, now: Timestamp) {
        let (store, id) = (&self.inner.store, caller.id.as_deref().unwrap_or_default());
        let noted = match caller.via {
            Via::Session => store.touch_session(id, now).await,
            _ => store.touch_key(id, now).await,
        };
        if let Err(e) = noted {
            tracing::debug!("the use of a session or key was not noted: {e}");
        }
    }
}

fn of_session(token: &str) -> Option<Token> {
    (token.len() <= MAX_TOKEN_BYTES).then(|| Token::Session(sha256(token)))
}

fn of_key(key: &str) -> Option<Token> {
    let (id, secret) = secret::parts(key).filter(|_| key.len() <= MAX_TOKEN_BYTES)?;
    Some(Token::Key { id: id.to_owned(), hash: sha256(secret) })
}

/// Takes the same time wherever two hashes differ.
fn is_equal(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
}

/// The caller of a session, when it ends, and whether its use is to be noted; None if it is over.
fn of_user((session, user): (Session, User), now: Timestamp) -> Option<(Caller, Timestamp, bool)> {
    let ends_at = end_of(&session);
    let caller = Caller::person(user, Some(session.id), None);
    (now < ends_at).then_some((caller, ends_at, is_due(Some(session.last_used_at), now)))
}

/// The caller of a key: no more than its owner may do now.
fn of_owner((key, owner): (ApiKey, User), now: Timestamp) -> Option<(Caller, Timestamp, bool)> {
    let caller = Caller {
        user: Some(owner.name),
        email: None,
        role: key.role.min(owner.role),
        scope: key.scope.intersection(&owner.scope)?,
        is_external: owner.subject.is_some(),
        via: Via::Key,
        id: Some(key.id),
        address: None,
    };
    (now < key.expires_at).then_some((caller, key.expires_at, is_due(key.last_used_at, now)))
}

fn is_due(last: Option<Timestamp>, now: Timestamp) -> bool {
    last.is_none_or(|last| now.duration_since(last).unsigned_abs() >= NOTE_USE_EVERY)
}
