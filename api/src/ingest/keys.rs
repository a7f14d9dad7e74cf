//! Requests with an `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header-07): the same request gets the same answer.
//!
//! A request is noted before its readings are published, with the time that they get. Whoever sends it again after a crash
//! in between sends the same readings: they are known by their key.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use service::Metrics;
use store::{KeptAnswer, KeyedRequest, MAX_FORGOTTEN_KEYS, Store};

use crate::error::ApiError;

/// How long a key is known.
const KNOWN_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// How often keys that are old are forgotten, and the others counted.
const FORGET_EVERY: Duration = Duration::from_secs(60);

/// Bytes of an answer that are kept, at most. A longer one is made anew, which gives the same.
const MAX_ANSWER_BYTES: usize = 4 * 1024;

/// Characters of a key, at most.
const MAX_KEY_CHARS: usize = 255;

/// The keys of requests that run, and how many are stored.
pub(crate) struct Keys {
    max: u64,
    running: Mutex<HashSet<(String, String)>>,
    counted: tokio::sync::Mutex<Option<(Instant, u64)>>,
    stored: Gauge,
    refused: Counter,
    replayed: Counter,
}

/// The sole right to answer a request with a key, until it is dropped.
pub(crate) struct Claim<'a> {
    keys: &'a Keys,
    name: (String, String),
}

/// What is to be done about a request with a key.
pub(crate) enum Keyed {
    /// It was answered before.
    Answered(KeptAnswer),
    /// It is to be answered, with the time at which it was first received.
    Request(KeyedRequest),
}

impl Keys {
    pub(super) fn new(max: u64, metrics: &Metrics) -> Self {
        let metrics = metrics.of("ingest");
        Self {
            max,
            running: Mutex::default(),
            counted: tokio::sync::Mutex::default(),
            stored: metrics.register("keys", "Keys of requests that are stored"),
            refused: metrics.register(
                "keys_refused",
                "Requests with a key that ingest.max_idempotency_keys has no room for",
            ),
            replayed: metrics.register("replayed", "Requests with a key that were answered as before"),
        }
    }

    /// Lets one request with a key run at a time.
    ///
    /// # Errors
    /// The same is running.
    pub(crate) fn claim(&self, caller: &str, key: &str) -> Result<Claim<'_>, ApiError> {
        let name = (caller.to_owned(), key.to_owned());
        if !self.running().insert(name.clone()) {
            return Err(ApiError::Conflict(
                "a request with this Idempotency-Key is running: wait for it".into(),
            ));
        }
        Ok(Claim { keys: self, name })
    }

    /// Notes a request, or finds the one that its key belongs to.
    ///
    /// # Errors
    /// The key belongs to another request, there is no room for further keys, or the store does not answer.
    pub(crate) async fn note(&self, store: &dyn Store, request: KeyedRequest) -> Result<Keyed, ApiError> {
        let cutoff = request.received_at.checked_sub(KNOWN_FOR).unwrap_or(Timestamp::MIN);
        self.make_room(store, cutoff).await?;
        let (known, answer) = store.note_request(&request, cutoff).await?;
        if known.body != request.body {
            return Err(ApiError::Unreadable(
                "this Idempotency-Key belongs to another request: send a new one".into(),
            ));
        }
        Ok(match answer {
            Some(answer) => {
                self.replayed.inc();
                Keyed::Answered(answer)
            }
            None => Keyed::Request(known),
        })
    }

    /// Notes an answer; one that is too long is not kept. That it cannot be noted changes nothing: whoever asks again
    /// gets the same.
    pub(crate) async fn answered(&self, store: &dyn Store, request: &KeyedRequest, answer: KeptAnswer) {
        if answer.body.len() > MAX_ANSWER_BYTES {
            return;
        }
        if let Err(e) = store.note_answer(request, &answer).await {
            tracing::debug!("the answer to a request with a key was not noted: {e}");
        }
    }

    /// Forgets what is old, now and then, and counts the rest. In between, each request counts.
    async fn make_room(&self, store: &dyn Store, cutoff: Timestamp) -> Result<(), ApiError> {
        let mut counted = self.counted.lock().await;
        let count = match *counted {
            Some((at, count)) if at.elapsed() < FORGET_EVERY => count,
            _ => {
                while store.forget_keys(cutoff).await? == MAX_FORGOTTEN_KEYS as u64 {}
                let count = store.key_count().await?;
                *counted = Some((Instant::now(), count));
                count
            }
        };
        if count >= self.max {
            self.refused.inc();
            return Err(ApiError::Failed(
                "there is no room for further keys: see ingest.max_idempotency_keys, or send readings with their time"
                    .into(),
            ));
        }
        self.stored.set(i64::try_from(count + 1).unwrap_or(i64::MAX));
        *counted = counted.map(|(at, count)| (at, count + 1));
        Ok(())
    }

    fn running(&self) -> MutexGuard<'_, HashSet<(String, String)>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.keys.running().remove(&self.name);
    }
}

/// The key in a header: a text in quotation marks, as the draft has it, or without.
///
/// # Errors
/// It is none.
pub(crate) fn read(header: &str) -> Result<&str, ApiError> {
    let text = header.trim();
    let key = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    let is_plain = |c: char| c.is_ascii_graphic() && c != '"' && c != '\\';
    if key.is_empty() || key.len() > MAX_KEY_CHARS || !key.chars().all(is_plain) {
        return Err(ApiError::BadRequest(format!(
            "Idempotency-Key must be 1 to {MAX_KEY_CHARS} visible characters"
        )));
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use testkit::MemoryStore;
    use testkit::samples::at;

    fn request(key: &str, body: &str) -> KeyedRequest {
        KeyedRequest { caller: "open".into(), key: key.into(), body: body.into(), received_at: at(7) }
    }

    #[test]
    fn a_key_is_visible_text() {
        assert_eq!(read("\"abc-1\"").unwrap(), "abc-1");
        assert_eq!(read("abc-1").unwrap(), "abc-1");
        for wrong in ["", "\"\"", "a b", "a\"b", &"x".repeat(256), "ä"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[tokio::test]
    async fn there_is_room_for_so_many_keys() {
        let (keys, store) = (Keys::new(2, &Metrics::default()), MemoryStore::default());
        for key in ["a", "b"] {
            assert!(matches!(keys.note(&store, request(key, "x")).await, Ok(Keyed::Request(_))));
        }
        let refused = keys.note(&store, request("c", "x")).await;
        assert!(matches!(refused, Err(ApiError::Failed(_))));
        assert_eq!(keys.refused.get(), 1);
    }

    #[tokio::test]
    async fn the_same_request_has_its_first_time_until_it_is_answered() {
        let (keys, store) = (Keys::new(100, &Metrics::default()), MemoryStore::default());
        let first = request("a", "x");
        keys.note(&store, first.clone()).await.map(drop).unwrap();
        let again = KeyedRequest { received_at: at(9), ..first.clone() };
        let Ok(Keyed::Request(known)) = keys.note(&store, again.clone()).await else { panic!() };
        assert_eq!(known, first);
        let other = keys.note(&store, request("a", "y")).await;
        assert!(matches!(other, Err(ApiError::Unreadable(_))));
        keys.answered(&store, &first, KeptAnswer { status: 201, body: "{}".into() }).await;
        let Ok(Keyed::Answered(answer)) = keys.note(&store, again).await else { panic!() };
        assert_eq!((answer.status, &*answer.body), (201, "{}"));
    }

    #[test]
    fn the_same_key_runs_once_at_a_time() {
        let keys = Keys::new(2, &Metrics::default());
        let claim = keys.claim("open", "a").unwrap();
        assert!(matches!(keys.claim("open", "a"), Err(ApiError::Conflict(_))));
        assert!(keys.claim("user:ann", "a").is_ok());
        drop(claim);
        assert!(keys.claim("open", "a").is_ok());
    }
}
