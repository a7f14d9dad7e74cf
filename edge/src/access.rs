//! Who may connect to the embedded broker.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use argon2::Argon2;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use async_trait::async_trait;
use broker::server::{Access, Caller, Login, Refusal};
use bytes::Bytes;
use service::SettingError;
use tokio::sync::Semaphore;

/// The user that this process itself connects as.
const OWN_USER: &str = "millrace";

/// Passwords that are checked at once: each check takes a processor for some 20 ms.
const CHECKS: usize = 2;

/// Everyone may do everything: the broker listens on this machine only.
pub(crate) struct Everyone;

#[async_trait]
impl Access for Everyone {
    async fn connect(&self, _: Login) -> Result<Caller, Refusal> {
        Ok(Caller::default())
    }

    fn may_publish(&self, _: &Caller, _: &str) -> bool {
        true
    }

    fn may_subscribe(&self, _: &Caller, _: &str) -> bool {
        true
    }
}

/// The users of the password file.
pub(crate) struct Users {
    hashes: Arc<HashMap<String, String>>,
    own_password: String,
    checks: Semaphore,
}

impl Users {
    /// # Errors
    /// The file cannot be read, or a line is not `user:hash`.
    pub(crate) fn read(path: &Path) -> Result<Self, SettingError> {
        let problem = |e: String| SettingError::new("mqtt.password_file", e);
        let text = std::fs::read_to_string(path).map_err(|e| problem(format!("{}: {e}", path.display())))?;
        let lines = text.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let user = |(at, line): (usize, &str)| match line.split_once(':') {
            Some((user, hash)) if PasswordHash::new(hash).is_ok() => Ok((user.to_owned(), hash.to_owned())),
            _ => {
                Err(problem(format!("line {} is not user:hash, as `millrace passwd USER` writes it", at + 1)))
            }
        };
        Ok(Self {
            hashes: Arc::new(lines.map(user).collect::<Result<_, _>>()?),
            own_password: format!("{:032x}", rand::random::<u128>()),
            checks: Semaphore::new(CHECKS),
        })
    }

    /// What this process itself connects with.
    pub(crate) fn own_credentials(&self) -> (String, String) {
        (OWN_USER.to_owned(), self.own_password.clone())
    }

    async fn is_right(&self, user: &str, password: Bytes) -> bool {
        if user == OWN_USER {
            return password == self.own_password.as_bytes();
        }
        let Ok(_check) = self.checks.acquire().await else { return false };
        let (hashes, user) = (Arc::clone(&self.hashes), user.to_owned());
        let check = move || hashes.get(&user).is_some_and(|hash| is_password(hash, &password));
        tokio::task::spawn_blocking(check).await.unwrap_or(false)
    }
}

#[async_trait]
impl Access for Users {
    async fn connect(&self, login: Login) -> Result<Caller, Refusal> {
        let (Some(user), Some(password)) = (login.user_name, login.password) else {
            return Err(Refusal::NotAuthorized);
        };
        if self.is_right(&user, password).await {
            Ok(Caller { user: Some(user.into()) })
        } else {
            Err(Refusal::BadCredentials)
        }
    }

    fn may_publish(&self, _: &Caller, _: &str) -> bool {
        true
    }

    fn may_subscribe(&self, _: &Caller, _: &str) -> bool {
        true
    }
}

fn is_password(hash: &str, password: &[u8]) -> bool {
    PasswordHash::new(hash).is_ok_and(|hash| Argon2::default().verify_password(password, &hash).is_ok())
}

/// The hash of a password as the password file holds it.
pub(crate) fn hash(password: &str) -> anyhow::Result<String> {
    let salt = SaltString::encode_b64(&rand::random::<[u8; 16]>()).map_err(|e| anyhow!("{e}"))?;
    let hash = Argon2::default().hash_password(password.as_bytes(), &salt);
    hash.map(|hash| hash.to_string()).map_err(|e| anyhow!("{e}")).context("hash the password")
}
