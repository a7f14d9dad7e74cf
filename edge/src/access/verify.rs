//! Checks passwords without letting those who try wrong ones hold up the others.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use ::access::{Delays, delay};
use broker::server::Refusal;
use ring::hmac;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::password_file::PasswordFile;

/// Hashes that are computed at the same time: readings need the processors, too.
const AT_ONCE: usize = 2;

/// Checks passwords. Those that were right are remembered, so that a device that comes back costs no hash.
#[derive(Debug)]
pub(super) struct Verifier {
    /// Of this process: what is remembered is useless without it.
    key: hmac::Key,
    /// By user; bounded by the password file.
    remembered: Mutex<HashMap<Arc<str>, hmac::Tag>>,
    delays: Mutex<Delays>,
    hashing: Arc<Semaphore>,
    /// One address has no more hashes under way than there are at once, so that others are next in the queue. Bounded by
    /// the connections.
    queues: Mutex<HashMap<IpAddr, Arc<Semaphore>>>,
    /// Checked in place of the hash of a user whom there is not, so that both take the same time.
    unknown_user: Arc<str>,
}

impl Verifier {
    /// Where nobody has a password, no hash is computed either: it would leave its memory behind.
    ///
    /// # Errors
    /// No hash can be computed.
    pub(super) fn new(checks_passwords: bool) -> anyhow::Result<Self> {
        let unknown_user = match checks_passwords {
            true => ::access::hash_password(&rand::random::<[u8; 16]>())?,
            false => String::new(),
        };
        Ok(Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, &rand::random::<[u8; 32]>()),
            remembered: Mutex::default(),
            delays: Mutex::default(),
            hashing: Arc::new(Semaphore::new(AT_ONCE)),
            queues: Mutex::default(),
            unknown_user: unknown_user.into(),
        })
    }

    /// Checks the password of a user. A right one that was checked before is accepted at once.
    ///
    /// # Errors
    /// The user or the password is wrong, or too many attempts of the kind wait already.
    pub(super) async fn check(
        &self,
        users: &PasswordFile,
        address: IpAddr,
        user: &str,
        password: &[u8],
    ) -> Result<(), Refusal> {
        let hash = users.hash(user);
        if hash.is_some_and(|hash| self.is_remembered(user, hash, password)) {
            return Ok(());
        }
        if !delay(&self.delays, address, user).await {
            return Err(Refusal::Unavailable);
        }
        let _queue = Queue::enter(self, address).await;
        let permit = Arc::clone(&self.hashing).acquire_owned().await.map_err(|_| Refusal::Unavailable)?;
        // Another device of the same user may have been checked meanwhile.
        if hash.is_some_and(|hash| self.is_remembered(user, hash, password)) {
            return Ok(());
        }
        let matches = self.matches(permit, hash.unwrap_or(&self.unknown_user), password).await;
        match hash {
            Some(hash) if matches => {
                self.remember(user, hash, password);
                lock(&self.delays).succeeded(address, user);
                Ok(())
            }
            _ => {
                lock(&self.delays).failed(address, user, Instant::now());
                Err(Refusal::BadCredentials)
            }
        }
    }

    /// Forgets users who are no longer there.
    pub(super) fn forget(&self, user: &str) {
        lock(&self.remembered).remove(user);
    }

    /// A tag that only this process can make: for its own password.
    pub(super) fn tag(&self, password: &[u8]) -> hmac::Tag {
        hmac::sign(&self.key, password)
    }

    /// Takes the same time for every wrong password.
    pub(super) fn is_tagged(&self, tag: &hmac::Tag, password: &[u8]) -> bool {
        hmac::verify(&self.key, password, tag.as_ref()).is_ok()
    }

    /// The permit goes along: a caller that gives up waiting does not make room for another hash before this one is done.
    async fn matches(&self, permit: OwnedSemaphorePermit, hash: &Arc<str>, password: &[u8]) -> bool {
        let (hash, password) = (Arc::clone(hash), password.to_vec());
        let checked = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            ::access::is_password(&hash, &password)
        });
        checked.await.unwrap_or(false)
    }

    fn is_remembered(&self, user: &str, hash: &str, password: &[u8]) -> bool {
        let tag = lock(&self.remembered).get(user).copied();
        tag.is_some_and(|tag| self.is_tagged(&tag, &[hash.as_bytes(), b"\0", password].concat()))
    }

    fn remember(&self, user: &str, hash: &str, password: &[u8]) {
        let tag = self.tag(&[hash.as_bytes(), b"\0", password].concat());
        lock(&self.remembered).insert(user.into(), tag);
    }
}

/// A place in the queue of an address.
struct Queue<'a> {
    verifier: &'a Verifier,
    address: IpAddr,
    /// `None` once it is given back.
    permit: Option<OwnedSemaphorePermit>,
}

impl<'a> Queue<'a> {
    async fn enter(verifier: &'a Verifier, address: IpAddr) -> Self {
        let queue = lock(&verifier.queues)
            .entry(address)
            .or_insert_with(|| Arc::new(Semaphore::new(AT_ONCE)))
            .clone();
        // Before it waits, so that a caller that gives up leaves the queue, too.
        let mut place = Self { verifier, address, permit: None };
        place.permit = queue.acquire_owned().await.ok();
        place
    }
}

impl Drop for Queue<'_> {
    fn drop(&mut self) {
        let mut queues = lock(&self.verifier.queues);
        self.permit = None;
        // Only the map holds it.
        if queues.get(&self.address).is_some_and(|queue| Arc::strong_count(queue) == 1) {
            queues.remove(&self.address);
        }
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().expect("no code panics while it counts attempts")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::access::password_file;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));

    fn users(names: &[&str]) -> PasswordFile {
        let lines = names.iter().map(|name| password_file::line(name, b"right").unwrap());
        PasswordFile::parse(&lines.collect::<String>()).unwrap()
    }

    async fn check(
        verifier: &Verifier,
        users: &PasswordFile,
        from: IpAddr,
        user: &str,
        password: &str,
    ) -> bool {
        verifier.check(users, from, user, password.as_bytes()).await.is_ok()
    }

    #[tokio::test]
    async fn wrong_passwords_do_not_lock_out_the_right_one_from_the_same_address() {
        let (verifier, users) = (Verifier::new(true).unwrap(), users(&["dev1", "dev2"]));
        for attempt in 0..3 {
            assert!(!check(&verifier, &users, HERE, "dev1", &format!("wrong{attempt}")).await);
            assert!(!check(&verifier, &users, HERE, &format!("nobody{attempt}"), "right").await);
        }
        for (from, user) in [(HERE, "dev1"), (HERE, "dev2"), (THERE, "dev1")] {
            assert!(check(&verifier, &users, from, user, "right").await, "{from} {user}");
        }
    }

    #[tokio::test]
    async fn a_password_that_was_right_needs_no_hash_and_no_delay_until_it_changes() {
        let (verifier, old) = (Verifier::new(true).unwrap(), users(&["dev1"]));
        assert!(check(&verifier, &old, HERE, "dev1", "right").await);
        for _ in 0..100 {
            lock(&verifier.delays).failed(HERE, "dev1", Instant::now());
        }
        let all = Arc::clone(&verifier.hashing).acquire_many_owned(AT_ONCE as u32).await.unwrap();
        let checked =
            tokio::time::timeout(Duration::from_secs(1), check(&verifier, &old, HERE, "dev1", "right"));
        assert!(checked.await.expect("no hash is computed"));
        drop(all);
        let new = users(&["dev1"]);
        assert!(!verifier.is_remembered("dev1", new.hash("dev1").unwrap(), b"right"), "the hash is another");
        assert!(!verifier.is_remembered("dev1", old.hash("dev1").unwrap(), b"wrong"));
    }

    #[tokio::test]
    async fn one_address_does_not_fill_the_queue_before_the_others() {
        let (verifier, users) = (Arc::new(Verifier::new(true).unwrap()), Arc::new(users(&["dev1"])));
        let crowd: Vec<_> = (0..50)
            .map(|number| {
                let (verifier, users) = (verifier.clone(), users.clone());
                tokio::spawn(async move { check(&verifier, &users, THERE, &format!("x{number}"), "y").await })
            })
            .collect();
        tokio::task::yield_now().await;
        assert!(check(&verifier, &users, HERE, "dev1", "right").await);
        let done = crowd.iter().filter(|attempt| attempt.is_finished()).count();
        assert!(done < 10, "{done} of the crowd came first");
        for attempt in crowd {
            assert!(!attempt.await.unwrap());
        }
        assert!(lock(&verifier.queues).is_empty(), "an empty queue is removed");
    }
}
