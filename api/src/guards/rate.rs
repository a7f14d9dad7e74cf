//! How many requests a caller may send: 429 for more, and on each answer how many are left.
//!
//! The fields `RateLimit` and `RateLimit-Policy` are those of draft-ietf-httpapi-ratelimit-headers-11, which is no RFC yet;
//! 429 is RFC 6585, `Retry-After` RFC 9110. The rate is kept by the generic cell rate algorithm (ITU-T I.371): of each
//! caller one time is stored.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use access::{Caller, Sender};
use cache::Cache;
use store::Via;
use warp::filters::BoxedFilter;
use warp::http::HeaderValue;
use warp::reply::Response;
use warp::{Filter, Rejection};

use super::caller::{Asker, asker};
use super::reads::Refused;
use crate::context::Api;
use crate::error::ApiError;

/// Callers that are told apart, at most: beyond that, all further ones are one.
const MAX_CALLERS: usize = 10_000;

/// A caller may send as many requests at once as in this time.
const BURST_SECONDS: u32 = 5;
const BURST: Duration = Duration::from_secs(BURST_SECONDS as u64);

/// Who is counted: a user with all sessions, keys and tokens, or an address of which nobody is known.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Counted {
    User(String),
    Address(IpAddr),
    Other,
}

impl Counted {
    /// What instances know the caller by: a user and an address are told apart.
    fn key(&self) -> String {
        match self {
            Self::User(name) => format!("user:{name}"),
            Self::Address(address) => format!("address:{address}"),
            Self::Other => "other".to_owned(),
        }
    }
}

/// What is left of a caller's requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Left {
    requests: u32,
    /// Until there are as many as there can be.
    full_after: Duration,
}

/// Counts the requests of all callers.
pub(crate) struct Rates {
    per_second: u32,
    /// Through what instances count together, while it answers.
    cache: Option<Cache>,
    /// When a caller's requests will all be there again.
    full_at: Mutex<HashMap<Counted, Instant>>,
}

/// Passes requests to the API within the rate of their caller, and says on the answers how many are left. A rate of zero
/// limits nothing.
pub(crate) fn limited(
    api: &Api,
    rates: Arc<Rates>,
    routes: impl Filter<Extract = (Response,), Error = Rejection> + Clone + Send + Sync + 'static,
) -> BoxedFilter<(Response,)> {
    let said_by = rates.clone();
    let take = move |asker: Asker| {
        let rates = rates.clone();
        async move { rates.admit(&asker).await.map_err(|after| Refused::reject(ApiError::TooManyRequests(after))) }
    };
    warp::path::peek()
        .and_then(async |path: warp::path::Peek| match path.segments().next() {
            Some("api" | "sensors" | "commands" | "analyze") => Ok(()),
            _ => Err(warp::reject::not_found()),
        })
        .untuple_one()
        .and(asker(api))
        .and_then(take)
        .and(routes)
        .map(move |left, answer| said_by.say(left, answer))
        .boxed()
}

impl Rates {
    /// As the API's limits and cache say; nobody has sent anything yet.
    pub(crate) fn new(api: &Api) -> Arc<Self> {
        let (per_second, cache) = (api.limits.requests_per_second, api.cache.clone());
        Arc::new(Self { per_second, cache, full_at: Mutex::default() })
    }

    async fn admit(&self, asker: &Asker) -> Result<Option<Left>, Duration> {
        let caller = asker.caller();
        if caller.is_some_and(|caller| is_at_home(caller, asker.address)) {
            return Ok(None);
        }
        self.admit_user(caller.and_then(|caller| caller.user.clone()), asker.address).await
    }

    /// Counts a request of who sends readings.
    ///
    /// # Errors
    /// There were too many.
    pub(crate) async fn admit_sender(
        &self,
        sender: &Sender,
        address: Option<IpAddr>,
    ) -> Result<Option<Left>, ApiError> {
        let user = match sender {
            Sender::Caller(caller) if is_at_home(caller, address) => return Ok(None),
            Sender::Caller(caller) => caller.user.clone(),
            Sender::Device { .. } => Some(sender.name()),
        };
        self.admit_user(user, address).await.map_err(ApiError::TooManyRequests)
    }

    /// Counts a request of whom nobody knows.
    ///
    /// # Errors
    /// There were too many.
    pub(crate) async fn admit_stranger(&self, address: Option<IpAddr>) -> Result<(), ApiError> {
        self.admit_user(None, address).await.map(drop).map_err(ApiError::TooManyRequests)
    }

    /// Says on an answer how many requests are left.
    pub(crate) fn say(&self, left: Option<Left>, answer: Response) -> Response {
        said(left, self.per_second, answer)
    }

    async fn admit_user(
        &self,
        user: Option<String>,
        address: Option<IpAddr>,
    ) -> Result<Option<Left>, Duration> {
        if self.per_second == 0 {
            return Ok(None);
        }
        let counted = match (user, address) {
            (Some(user), _) => Counted::User(user),
            (None, Some(address)) => Counted::Address(access::network(address)),
            (None, None) => Counted::Other,
        };
        match self.take_shared(&counted).await {
            Some(answer) => answer.map(Some),
            None => self.take(counted, Instant::now()).map(Some),
        }
    }

    /// Takes one request of a caller's whom all instances count together; None where they do not.
    async fn take_shared(&self, counted: &Counted) -> Option<Result<Left, Duration>> {
        let taken = self.cache.as_ref()?.take(&counted.key(), self.one(), BURST).await?;
        let over = taken.full_after.saturating_sub(BURST);
        Some(if taken.is_allowed { Ok(self.left(taken.full_after)) } else { Err(over) })
    }

    /// The time for one request.
    fn one(&self) -> Duration {
        Duration::from_secs(1) / self.per_second
    }

    fn left(&self, full_after: Duration) -> Left {
        let requests = (BURST.saturating_sub(full_after).as_secs_f64() * f64::from(self.per_second)).round();
        Left { requests: requests as u32, full_after }
    }

    /// Takes one request of a caller's.
    ///
    /// # Errors
    /// There is none left; the time until there is one.
    fn take(&self, counted: Counted, now: Instant) -> Result<Left, Duration> {
        let mut full_at = self.full_at.lock().expect("no code panics while it counts requests");
        if full_at.len() >= MAX_CALLERS && !full_at.contains_key(&counted) {
            full_at.retain(|_, full_at| *full_at > now);
        }
        let has_room = full_at.len() < MAX_CALLERS || full_at.contains_key(&counted);
        let full_at = full_at.entry(if has_room { counted } else { Counted::Other }).or_insert(now);
        let after = (*full_at).max(now) + self.one();
        let full_after = after.duration_since(now);
        if full_after > BURST {
            return Err(full_after - BURST);
        }
        *full_at = after;
        Ok(self.left(full_after))
    }
}

/// Where there is no user, everything on this machine is one's own.
fn is_at_home(caller: &Caller, address: Option<IpAddr>) -> bool {
    caller.via == Via::Open && address.is_none_or(|address| address.is_loopback())
}

fn said(left: Option<Left>, per_second: u32, mut answer: Response) -> Response {
    let Some(Left { requests, full_after }) = left else { return answer };
    let quota = per_second.saturating_mul(BURST_SECONDS);
    let policy = format!("\"requests\";q={quota};w={BURST_SECONDS}");
    let limit = format!("\"requests\";r={requests};t={}", full_after.as_secs_f64().ceil());
    for (name, text) in [("ratelimit-policy", policy), ("ratelimit", limit)] {
        answer.headers_mut().insert(name, HeaderValue::from_str(&text).expect("numbers are plain ASCII"));
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates() -> Rates {
        Rates { per_second: 10, cache: None, full_at: Mutex::default() }
    }

    fn user(name: &str) -> Counted {
        Counted::User(name.into())
    }

    #[test]
    fn a_caller_has_a_burst_and_then_the_rate() {
        let (rates, start) = (rates(), Instant::now());
        let first = rates.take(user("ann"), start).unwrap();
        assert_eq!((first.requests, first.full_after), (49, Duration::from_millis(100)));
        let taken = (0..100).filter(|_| rates.take(user("ann"), start).is_ok()).count();
        assert_eq!(taken, 49);
        assert_eq!(rates.take(user("ann"), start), Err(Duration::from_millis(100)));
        assert!(rates.take(user("ben"), start).is_ok(), "others have their own");
        let later = start + Duration::from_millis(100);
        assert!(rates.take(user("ann"), later).is_ok() && rates.take(user("ann"), later).is_err());
        let long_after = later + Duration::from_secs(60);
        assert_eq!(
            rates.take(user("ann"), long_after).unwrap().requests,
            49,
            "no more than a burst is saved up"
        );
    }

    #[test]
    fn however_many_callers_there_are_few_are_remembered() {
        let (rates, now) = (rates(), Instant::now());
        for number in 0..MAX_CALLERS + 100 {
            let _ = rates.take(user(&format!("user{number}")), now);
        }
        assert_eq!(rates.full_at.lock().unwrap().len(), MAX_CALLERS + 1);
        let _ = rates.take(user("late"), now + Duration::from_secs(9));
        assert_eq!(
            rates.full_at.lock().unwrap().len(),
            1,
            "those whose requests are all there are forgotten"
        );
    }
}
