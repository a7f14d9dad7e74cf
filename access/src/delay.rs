//! How long an attempt to log in waits after failures of the same user from the same address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// The delay after the first failure; it doubles with each further one ...
const FIRST: Duration = Duration::from_millis(100);

/// ... up to this one.
const LONGEST: Duration = Duration::from_secs(5);

/// Failures are forgotten when there was none for this long.
const FORGET_AFTER: Duration = Duration::from_secs(10 * 60);

/// Attempts of one user from one address that may wait at the same time.
const MAX_WAITING: u32 = 4;

/// Pairs of address and user that are remembered, at most: the one whose last failure is the oldest makes room.
const MAX_PAIRS: usize = 4096;

type Pair = (IpAddr, Box<str>);

/// The failures of each user from each address. They slow down who guesses, and lock nobody out.
#[derive(Debug, Default)]
pub struct Delays {
    failures: HashMap<Pair, Failures>,
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    last: Instant,
    waiting: u32,
}

impl Delays {
    /// How long the attempt is to wait: [`Delays::waited`] must follow. `None` if enough of the kind wait already.
    pub fn begin(&mut self, address: IpAddr, user: &str, now: Instant) -> Option<Duration> {
        let Some(failures) = self.failures.get_mut(&(address, user.into())) else {
            return Some(Duration::ZERO);
        };
        if failures.waiting >= MAX_WAITING {
            return None;
        }
        if failures.waiting == 0 && now.saturating_duration_since(failures.last) >= FORGET_AFTER {
            failures.count = 0;
        }
        failures.waiting += 1;
        Some(delay_after(failures.count))
    }

    /// The attempt has waited, or has given up.
    pub fn waited(&mut self, address: IpAddr, user: &str) {
        if let Some(failures) = self.failures.get_mut(&(address, user.into())) {
            failures.waiting = failures.waiting.saturating_sub(1);
        }
    }

    /// The attempt failed.
    pub fn failed(&mut self, address: IpAddr, user: &str, now: Instant) {
        let pair = (address, user.into());
        if self.failures.len() >= MAX_PAIRS && !self.failures.contains_key(&pair) {
            self.make_room();
        }
        let failures = self.failures.entry(pair).or_insert(Failures { count: 0, last: now, waiting: 0 });
        failures.count = failures.count.saturating_add(1);
        failures.last = now;
    }

    /// The attempt succeeded: earlier failures are forgotten.
    pub fn succeeded(&mut self, address: IpAddr, user: &str) {
        self.failures.remove(&(address, user.into()));
    }

    fn make_room(&mut self) {
        let oldest = self.failures.iter().min_by_key(|(_, failures)| failures.last);
        if let Some(pair) = oldest.map(|(pair, _)| pair.clone()) {
            self.failures.remove(&pair);
        }
    }
}

/// Lets an attempt wait for its delay; false if enough of the kind wait already. One that gives up waits no longer.
pub async fn delay(delays: &Mutex<Delays>, address: IpAddr, user: &str) -> bool {
    let begun = lock(delays).begin(address, user, Instant::now());
    let Some(time) = begun else { return false };
    let _waiting = Waiting { delays, address, user };
    tokio::time::sleep(time).await;
    true
}

/// An attempt that waits because others failed before it.
struct Waiting<'a> {
    delays: &'a Mutex<Delays>,
    address: IpAddr,
    user: &'a str,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        lock(self.delays).waited(self.address, self.user);
    }
}

fn lock(delays: &Mutex<Delays>) -> MutexGuard<'_, Delays> {
    delays.lock().expect("no code panics while it counts attempts")
}

fn delay_after(failures: u32) -> Duration {
    match failures {
        0 => Duration::ZERO,
        count => FIRST.saturating_mul(1 << (count - 1).min(10)).min(LONGEST),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
    const B: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2));

    /// The delay of an attempt that has waited.
    fn attempt(delays: &mut Delays, address: IpAddr, user: &str, now: Instant) -> Option<Duration> {
        let delay = delays.begin(address, user, now);
        delays.waited(address, user);
        delay
    }

    #[test]
    fn failures_delay_their_own_user_and_address_alone_and_never_lock_out() {
        let (mut delays, now) = (Delays::default(), Instant::now());
        for _ in 0..1_000 {
            delays.failed(A, "dev1", now);
        }
        assert_eq!(attempt(&mut delays, A, "dev1", now), Some(LONGEST));
        assert_eq!(attempt(&mut delays, A, "dev2", now), Some(Duration::ZERO));
        assert_eq!(attempt(&mut delays, B, "dev1", now), Some(Duration::ZERO));
        delays.succeeded(A, "dev2");
        assert_eq!(attempt(&mut delays, A, "dev1", now), Some(LONGEST), "another's success changes nothing");
        assert_eq!(attempt(&mut delays, A, "dev1", now + FORGET_AFTER), Some(Duration::ZERO));
    }

    #[test]
    fn few_attempts_of_a_kind_wait_at_the_same_time() {
        let (mut delays, now) = (Delays::default(), Instant::now());
        delays.failed(A, "dev1", now);
        let begun: Vec<_> = (0..10).map(|_| delays.begin(A, "dev1", now)).collect();
        assert_eq!(begun.iter().flatten().count(), MAX_WAITING as usize);
        delays.waited(A, "dev1");
        assert_eq!(delays.begin(A, "dev1", now), Some(FIRST));
    }

    #[test]
    fn however_many_names_are_tried_few_are_remembered() {
        let (mut delays, now) = (Delays::default(), Instant::now());
        for number in 0..2 * MAX_PAIRS as u64 {
            delays.failed(A, &format!("user{number}"), now + Duration::from_millis(number));
        }
        assert_eq!(delays.failures.len(), MAX_PAIRS);
        assert_eq!(attempt(&mut delays, A, "user0", now), Some(Duration::ZERO), "the oldest is forgotten");
    }
}
