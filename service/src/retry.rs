//! Calling the store until it answers.

use std::fmt::Display;
use std::time::Duration;

use broker::Backoff;
use prometheus_client::metrics::counter::Counter;
use tokio::time::Instant;
use tracing::{info, warn};

use crate::health::Check;

/// Repeats a call until it succeeds, because what it stores must not be lost.
///
/// Every failure is counted and logged, and readiness follows the answers.
#[derive(Debug, Clone)]
pub struct Retry {
    failures: Counter,
    ready: Option<Check>,
}

impl Retry {
    /// Counts each failed call in `failures`.
    #[must_use]
    pub fn new(failures: Counter) -> Self {
        Self { failures, ready: None }
    }

    /// Also reports each result to this check.
    #[must_use]
    pub fn with_readiness(self, ready: Check) -> Self {
        Self { ready: Some(ready), ..self }
    }

    /// Repeats the call until it succeeds, with pauses that double from 0.1 s to 2 s.
    pub async fn call<T, E: Display, F: Future<Output = Result<T, E>>>(&self, call: impl Fn() -> F) -> T {
        let mut backoff = Backoff::short();
        let mut away_since = None;
        loop {
            match call().await {
                Ok(answer) => {
                    if let Some(since) = away_since.map(|since: Instant| since.elapsed()) {
                        info!(after = ?since, "the store answers again");
                    }
                    self.note(Ok(()));
                    return answer;
                }
                Err(e) => {
                    away_since.get_or_insert_with(Instant::now);
                    let wait = backoff.after(Duration::ZERO);
                    warn!(retry_in = ?wait, "{e}");
                    self.failures.inc();
                    self.note(Err(&e));
                    tokio::time::sleep(wait).await;
                }
            }
        }
    }

    /// Makes a call once, only to keep readiness up to date while nothing else calls the store.
    pub async fn probe<T, E: Display>(&self, call: impl Future<Output = Result<T, E>>) {
        match call.await {
            Ok(_) => self.note(Ok(())),
            Err(e) => self.note(Err(&e)),
        }
    }

    fn note(&self, answer: Result<(), &dyn Display>) {
        match (&self.ready, answer) {
            (None, _) => {}
            (Some(ready), Ok(())) => ready.pass(),
            (Some(ready), Err(e)) => ready.fail(e.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Health;
    use std::cell::Cell;

    #[tokio::test(start_paused = true)]
    async fn a_call_is_repeated_until_it_succeeds_and_readiness_follows() {
        let (health, failures) = (Health::default(), Counter::default());
        let retry = Retry::new(failures.clone()).with_readiness(health.check("store"));
        let calls = Cell::new(0);
        let call = async || {
            calls.set(calls.get() + 1);
            assert_eq!(health.problems(), [if calls.get() == 1 { "store: starting" } else { "store: away" }]);
            if calls.get() < 5 { Err("away") } else { Ok(calls.get()) }
        };
        assert_eq!(retry.call(call).await, 5);
        assert_eq!((failures.get(), health.problems()), (4, vec![]));
        retry.probe(async { Err::<(), _>("gone") }).await;
        assert_eq!((failures.get(), health.problems()), (4, vec!["store: gone".to_owned()]));
    }
}
