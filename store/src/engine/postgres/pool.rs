//! A few connections; a call that fails costs its connection, and none waits without an end.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, anyhow};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::problem::explain;
use super::session::Session;
use super::url::PostgresUrl;
use crate::unavailable::Result;

/// Connections at once, at most; further calls wait for their turn.
const MAX_SESSIONS: usize = 4;

/// Connections at once, at most, of calls that have turns of their own.
const MAX_OWN_SESSIONS: usize = 2;

/// How long a call may take in all: its turn, its connection and its statements.
const MAX_CALL: Duration = Duration::from_secs(45);

/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct Pool {
    inner: Arc<Inner>,
    turns: Arc<Semaphore>,
}

struct Inner {
    url: PostgresUrl,
    idle: Mutex<Vec<Session>>,
}

impl Pool {
    pub(crate) fn new(url: PostgresUrl) -> Self {
        let inner = Arc::new(Inner { url, idle: Mutex::default() });
        Self { inner, turns: Arc::new(Semaphore::new(MAX_SESSIONS)) }
    }

    /// The same connections with turns of their own: however many calls wait for these, none of the others waits.
    pub(crate) fn with_own_turns(&self) -> Self {
        Self { inner: self.inner.clone(), turns: Arc::new(Semaphore::new(MAX_OWN_SESSIONS)) }
    }

    /// Runs `work` on a connection, which is made where none is idle.
    ///
    /// A caller that goes away takes its connection with it, and the server rolls back.
    pub(crate) async fn call<T, E: Into<anyhow::Error>>(
        &self,
        doing: &'static str,
        work: impl AsyncFnOnce(&mut Session) -> std::result::Result<T, E>,
    ) -> Result<T> {
        let answer = match timeout(MAX_CALL, self.run(work)).await {
            Ok(answer) => answer.map_err(explain),
            Err(_) => Err(anyhow!("no answer within {} s", MAX_CALL.as_secs())),
        };
        if answer.is_err() {
            // What has ended one connection may have ended the others.
            self.idle().clear();
        }
        Ok(answer.with_context(|| format!("{doing}: {}", self.inner.url))?)
    }

    async fn run<T, E: Into<anyhow::Error>>(
        &self,
        work: impl AsyncFnOnce(&mut Session) -> std::result::Result<T, E>,
    ) -> anyhow::Result<T> {
        let _turn = self.turns.acquire().await.context("the connections are closed")?;
        let idle = self.idle().pop().filter(Session::is_open);
        let mut session = match idle {
            Some(session) => session,
            None => Session::open(&self.inner.url).await?,
        };
        let answer = work(&mut session).await.map_err(Into::into)?;
        self.idle().push(session);
        Ok(answer)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Session>> {
        self.inner.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pool").field(&self.inner.url).finish()
    }
}
