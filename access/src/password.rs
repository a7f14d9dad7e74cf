//! Passwords and their hashes: Argon2id, with 19 MiB and two passes, as OWASP's Password Storage Cheat Sheet asks for.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use anyhow::anyhow;
use argon2::Argon2;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use tokio::sync::Semaphore;

use crate::delay::{Delays, delay};

/// Characters of a password, at least.
const MIN_CHARS: usize = 12;

/// Characters of a password, at most.
const MAX_CHARS: usize = 128;

/// Bytes of a password, at most: four for each character.
pub(crate) const MAX_BYTES: usize = 4 * MAX_CHARS;

/// Hashes that are computed at the same time: readings need the processors, too.
const AT_ONCE: usize = 2;

/// Attempts of one network that may wait for a hash: more are refused at once, so that nobody fills the queue for others.
const MAX_WAITING: usize = 8;

/// Bytes of a name that failures are remembered by, at most: no user has a longer one.
const MAX_NAME_BYTES: usize = 64;

/// When an attempt that was refused at once is worth repeating.
const TRY_AGAIN: Duration = Duration::from_secs(5);

/// A hash with a salt of its own, in PHC form.
///
/// # Errors
/// The password is too long.
pub fn hash_password(password: &[u8]) -> anyhow::Result<String> {
    let salt =
        SaltString::encode_b64(&rand::random::<[u8; 16]>()).map_err(|e| anyhow!("make a salt: {e}"))?;
    let hash = Argon2::default().hash_password(password, &salt);
    Ok(hash.map_err(|e| anyhow!("hash the password: {e}"))?.to_string())
}

/// Whether a password belongs to a hash. Takes about 20 ms of one processor.
#[must_use]
pub fn is_password(hash: &str, password: &[u8]) -> bool {
    PasswordHash::new(hash).is_ok_and(|hash| Argon2::default().verify_password(password, &hash).is_ok())
}

/// Checks a password that a person is to have.
///
/// # Errors
/// Says how long it must be.
pub(crate) fn check_new(password: &str) -> Result<(), String> {
    if password.chars().count() < MIN_CHARS {
        return Err(format!("a password has at least {MIN_CHARS} characters"));
    }
    if password.chars().count() > MAX_CHARS {
        return Err(format!("a password has at most {MAX_CHARS} characters"));
    }
    Ok(())
}

/// Hashes and checks passwords aside, a few at a time, and slows down who guesses.
#[derive(Debug)]
pub(crate) struct Passwords {
    delays: Mutex<Delays>,
    hashing: Arc<Semaphore>,
    /// How many attempts of each network wait for a hash; bounded by the connections.
    waiting: Mutex<HashMap<IpAddr, usize>>,
    /// Checked in place of the hash of a user whom there is not, so that both take the same time.
    unknown_user: Arc<str>,
}

/// Why a password was not accepted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Rejected {
    /// The user or the password is wrong.
    Wrong,
    /// There were too many attempts: the next is worth it after this time.
    TooMany(Duration),
}

impl Passwords {
    /// # Errors
    /// No hash can be computed.
    pub(crate) fn new() -> anyhow::Result<Self> {
        Ok(Self {
            delays: Mutex::default(),
            hashing: Arc::new(Semaphore::new(AT_ONCE)),
            waiting: Mutex::default(),
            unknown_user: hash_password(&rand::random::<[u8; 16]>())?.into(),
        })
    }

    /// Hashes a new password.
    pub(crate) async fn hash(&self, password: String) -> anyhow::Result<String> {
        let permit = Arc::clone(&self.hashing).acquire_owned().await?;
        tokio::task::spawn_blocking(move || {
            let _permit = permit;
            hash_password(password.as_bytes())
        })
        .await?
    }

    /// Checks the password of a user, of whom there may be no hash.
    pub(crate) async fn check(
        &self,
        address: IpAddr,
        user: &str,
        hash: Option<&str>,
        password: &str,
    ) -> Result<(), Rejected> {
        let address = network(address);
        let user = &user[..user.floor_char_boundary(MAX_NAME_BYTES)];
        if !delay(&self.delays, address, user).await {
            return Err(Rejected::TooMany(TRY_AGAIN));
        }
        let _place = Place::take(&self.waiting, address).ok_or(Rejected::TooMany(TRY_AGAIN))?;
        if self.matches(hash, password).await {
            self.delays().succeeded(address, user);
            return Ok(());
        }
        self.delays().failed(address, user, Instant::now());
        Err(Rejected::Wrong)
    }

    async fn matches(&self, hash: Option<&str>, password: &str) -> bool {
        let Ok(permit) = Arc::clone(&self.hashing).acquire_owned().await else { return false };
        let (known, password) = (hash.is_some(), password.to_owned());
        let hash = hash.map_or_else(|| self.unknown_user.clone(), Arc::from);
        let checked = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            is_password(&hash, password.as_bytes())
        });
        checked.await.unwrap_or(false) && known
    }

    fn delays(&self) -> MutexGuard<'_, Delays> {
        lock(&self.delays)
    }
}

/// A place in the queue for hashes, until it is dropped.
struct Place<'a> {
    waiting: &'a Mutex<HashMap<IpAddr, usize>>,
    address: IpAddr,
}

impl<'a> Place<'a> {
    fn take(waiting: &'a Mutex<HashMap<IpAddr, usize>>, address: IpAddr) -> Option<Self> {
        let mut counts = lock(waiting);
        let count = counts.entry(address).or_default();
        if *count >= MAX_WAITING {
            return None;
        }
        *count += 1;
        Some(Self { waiting, address })
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut counts = lock(self.waiting);
        if let Some(count) = counts.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}

/// The network that an address counts as: an IPv6 address as its /64, all of which one customer has.
#[must_use]
pub fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => IpAddr::V4(mapped),
            None => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        },
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().expect("no code panics while it counts attempts")
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[test]
    fn a_password_belongs_to_its_own_hash() {
        let hash = hash_password("Größe 1234567".as_bytes()).unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(is_password(&hash, "Größe 1234567".as_bytes()) && !is_password(&hash, b"other"));
        assert!(!is_password("no hash", b""));
        assert_ne!(hash, hash_password("Größe 1234567".as_bytes()).unwrap(), "each has its own salt");
    }

    #[test]
    fn a_new_password_is_long_enough_and_not_too_long() {
        assert!(check_new("elevenchars").unwrap_err().contains("at least 12"));
        assert_eq!(check_new("twelve chars"), Ok(()));
        assert_eq!(check_new(&"€".repeat(128)), Ok(()));
        assert!(check_new(&"x".repeat(129)).unwrap_err().contains("at most 128"));
    }

    #[test]
    fn an_address_counts_as_its_network() {
        for (address, counted) in [
            ("192.0.2.1", "192.0.2.1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
        ] {
            assert_eq!(network(address.parse().unwrap()), counted.parse::<IpAddr>().unwrap(), "{address}");
        }
    }

    #[tokio::test]
    async fn one_network_does_not_fill_the_queue_for_others() {
        let passwords = Arc::new(Passwords::new().unwrap());
        let hash = hash_password(b"right").unwrap();
        let from = |address: &str, user: String, password: &'static str| {
            let (passwords, hash, address) = (passwords.clone(), hash.clone(), address.parse().unwrap());
            tokio::spawn(async move { passwords.check(address, &user, Some(&hash), password).await })
        };
        let flood: Vec<_> =
            (0..200).map(|n| from(&format!("2001:db8::{n:x}"), format!("user{n}"), "wrong")).collect();
        let other = from("192.0.2.1", "ann".into(), "right");
        assert_eq!(other.await.unwrap(), Ok(()));
        let mut refused = 0;
        for attempt in flood {
            refused += usize::from(attempt.await.unwrap() == Err(Rejected::TooMany(TRY_AGAIN)));
        }
        assert!(refused > 100, "{refused}");
        assert!(passwords.waiting.lock().unwrap().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_guesses_waits_and_nobody_else() {
        let passwords = Passwords::new().unwrap();
        let hash = hash_password(b"right").unwrap();
        let check = async |user: &str, hash: Option<&str>, password: &str| {
            let start = tokio::time::Instant::now();
            (passwords.check(HERE, user, hash, password).await, start.elapsed())
        };
        for _ in 0..20 {
            assert_eq!(check("ann", Some(&hash), "wrong").await.0, Err(Rejected::Wrong));
        }
        let (answer, took) = check("ann", Some(&hash), "wrong").await;
        assert_eq!(answer, Err(Rejected::Wrong));
        assert!(took >= Duration::from_secs(5), "{took:?}");
        assert!(check("ben", Some(&hash), "right").await.1 < Duration::from_secs(1));
        assert_eq!(check("ann", Some(&hash), "right").await.0, Ok(()), "nobody is locked out");
        assert_eq!(check("nobody", None, "right").await.0, Err(Rejected::Wrong));
    }
}
