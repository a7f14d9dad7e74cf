//! Answers that may be some minutes old, where the caller says so: shared through the cache, or else stored in this process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use access::Caller;
use cache::Cache;
use store::sha256_of;
use warp::http::HeaderValue;
use warp::reply::Response;

use crate::error::ApiError;
use crate::query::{self, Parameters};
use crate::response::answer;

/// The parameter: how many seconds old an answer may be.
pub(crate) const MAX_AGE: &str = "max_age";

/// How long answers are stored.
const LASTS: Duration = Duration::from_secs(300);

/// Bytes of all answers in this process, at most; the oldest make room.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// Answers that may be used again. Cheap to clone: clones share them.
#[derive(Clone)]
pub(crate) struct Cached {
    shared: Option<Cache>,
    here: Arc<Mutex<Here>>,
}

/// Those of this process.
#[derive(Default)]
struct Here {
    answers: HashMap<String, (Instant, String)>,
    bytes: usize,
}

impl Cached {
    pub(crate) fn new(shared: Option<Cache>) -> Self {
        Self { shared, here: Arc::default() }
    }

    /// An answer that is not older than the caller allows, or else a new one. Who says nothing gets a new one.
    pub(crate) async fn answer<F: Future<Output = Result<String, ApiError>>>(
        &self,
        (path, caller): (&str, &Caller),
        mut parameters: Parameters,
        compute: impl FnOnce(Parameters) -> F,
    ) -> Response {
        let max_age = match query::number(&mut parameters, MAX_AGE, LASTS.as_secs() as usize) {
            Ok(max_age) => max_age.map(|seconds| Duration::from_secs(seconds as u64)),
            Err(wrong) => return answer(Err(ApiError::BadRequest(wrong))),
        };
        let Some(max_age) = max_age else { return answer(compute(parameters).await) };
        let key = key(path, &parameters, caller);
        if let Some((text, age)) = self.find(&key).await.filter(|(_, age)| *age <= max_age) {
            return aged(text, age, max_age);
        }
        match compute(parameters).await {
            Ok(text) => {
                self.store(key, &text).await;
                aged(text, Duration::ZERO, max_age)
            }
            error => answer(error),
        }
    }

    async fn find(&self, key: &str) -> Option<(String, Duration)> {
        match &self.shared {
            Some(cache) => {
                let stored = cache.stored(key).await?;
                Some((stored.text, LASTS.saturating_sub(stored.lasts)))
            }
            None => {
                self.here.lock().expect("no code panics while it holds the answers").find(key, Instant::now())
            }
        }
    }

    async fn store(&self, key: String, text: &str) {
        match &self.shared {
            Some(cache) => cache.store(&key, text, LASTS).await,
            None => {
                let mut here = self.here.lock().expect("no code panics while it holds the answers");
                here.store(key, text.to_owned(), Instant::now());
            }
        }
    }
}

impl Here {
    fn find(&self, key: &str, now: Instant) -> Option<(String, Duration)> {
        let (since, text) = self.answers.get(key)?;
        Some((text.clone(), now.duration_since(*since)))
    }

    fn store(&mut self, key: String, text: String, now: Instant) {
        self.remove(&key);
        while self.bytes + size(&key, &text) > MAX_BYTES {
            let Some(oldest) =
                self.answers.iter().min_by_key(|(_, (since, _))| *since).map(|(key, _)| key.clone())
            else {
                return;
            };
            self.remove(&oldest);
        }
        self.bytes += size(&key, &text);
        self.answers.insert(key, (now, text));
    }

    fn remove(&mut self, key: &str) {
        if let Some((_, text)) = self.answers.remove(key) {
            self.bytes -= size(key, &text);
        }
    }
}

fn size(key: &str, text: &str) -> usize {
    key.len() + text.len() + size_of::<(String, (Instant, String))>()
}

/// The same for callers who see the same devices.
fn key(path: &str, parameters: &Parameters, caller: &Caller) -> String {
    let asked =
        parameters.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]).map(str::to_owned);
    let seen = caller.scope.filters().iter().map(ToString::to_string);
    let parts: Vec<_> =
        std::iter::once(path.to_owned()).chain(asked).chain(["\n".to_owned()]).chain(seen).collect();
    let lengths: Vec<_> = parts.iter().map(|part| format!("{}:", part.len())).collect();
    let all: Vec<_> =
        lengths.iter().zip(&parts).flat_map(|(length, part)| [length.as_bytes(), part.as_bytes()]).collect();
    sha256_of(&all)
}

/// With how old it is, and for how long it need not be asked for again.
fn aged(text: String, age: Duration, max_age: Duration) -> Response {
    let mut response = answer(Ok(text));
    let left = max_age.saturating_sub(age).as_secs();
    let private = HeaderValue::from_str(&format!("private, max-age={left}"));
    response.headers_mut().insert("cache-control", private.expect("a number is ASCII"));
    response.headers_mut().insert("age", HeaderValue::from(age.as_secs()));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_bounded_and_the_oldest_make_room() {
        let (mut here, start) = (Here::default(), Instant::now());
        let large = "x".repeat(MAX_BYTES / 4);
        for number in 0..6 {
            here.store(number.to_string(), large.clone(), start + Duration::from_secs(number));
        }
        assert!(here.bytes <= MAX_BYTES && here.answers.len() == 3, "{}", here.answers.len());
        assert_eq!(here.find("2", start), None);
        let now = start + Duration::from_secs(9);
        assert_eq!(here.find("5", now).map(|(_, age)| age), Some(Duration::from_secs(4)));
        here.store("5".into(), "y".into(), now);
        assert_eq!(here.find("5", now), Some(("y".into(), Duration::ZERO)));
        here.store("6".into(), "x".repeat(MAX_BYTES), now);
        assert_eq!((here.bytes, here.answers.len()), (0, 0), "it is larger than all may be");
    }

    #[test]
    fn callers_share_answers_if_they_see_the_same() {
        let scoped = |filters: &[&str]| Caller {
            scope: telemetry::Scope::read(filters.iter().copied()).unwrap(),
            ..Caller::anyone(None)
        };
        let asked = |name: &str, value: &str| Parameters::from([(name.to_owned(), value.to_owned())]);
        let one = key("/a", &asked("device", "lab"), &scoped(&[]));
        assert_eq!(one, key("/a", &asked("device", "lab"), &scoped(&[])));
        for other in [
            key("/b", &asked("device", "lab"), &scoped(&[])),
            key("/a", &asked("device", "lab2"), &scoped(&[])),
            key("/a", &asked("devicel", "ab"), &scoped(&[])),
            key("/a", &asked("device", "lab"), &scoped(&["site-a/#"])),
        ] {
            assert_ne!(one, other);
        }
    }
}
