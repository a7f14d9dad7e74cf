//! Who may connect to the embedded broker, and what they may do there.
//!
//! Without a password file everyone on this machine may do everything. With one, a user is a device: it writes its own
//! readings and reads its own commands, and what the file says beside. The user `millrace` is this process itself.

mod follow;
mod password_file;
mod verify;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use ::access::rights::{self, Rights, is_device};
use async_trait::async_trait;
use broker::server::{Access, Caller, Login, Refusal};
use prometheus_client::metrics::counter::Counter;
use ring::hmac;
use service::{Metrics, OncePerMinute};
use tracing::warn;

use self::password_file::PasswordFile;
use self::verify::Verifier;

pub(crate) use self::password_file::with_user;

/// The user that this process connects as.
pub(crate) const OWN_USER: &str = "millrace";

/// Whether a topic is the broker's own. Other topics with `$` are those of clouds, which devices are made for.
fn is_of_the_broker(topic: &str) -> bool {
    topic.split('/').next() == Some("$SYS")
}

/// Everyone may connect and do everything, but write what the broker itself may publish.
pub(crate) struct Everyone;

#[async_trait]
impl Access for Everyone {
    async fn connect(&self, _: Login) -> Result<Caller, Refusal> {
        Ok(Caller::default())
    }

    fn may_publish(&self, _: &Caller, topic: &str) -> bool {
        !is_of_the_broker(topic)
    }

    fn may_subscribe(&self, _: &Caller, _: &str) -> bool {
        true
    }
}

/// Only users of the password file, owners of a certificate, and this process may connect.
pub(crate) struct Users {
    path: Option<PathBuf>,
    operators: Vec<String>,
    file: RwLock<Arc<PasswordFile>>,
    verifier: Verifier,
    own_password: hmac::Tag,
    refused: Counter,
    bad_files: Counter,
    said: std::sync::Mutex<OncePerMinute>,
}

/// Shows nobody: it is part of what is printed where something fails.
impl fmt::Debug for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Users")
    }
}

impl Users {
    /// Reads the password file; without one only owners of a certificate may connect. Returns the password of
    /// [`OWN_USER`], too.
    ///
    /// # Errors
    /// The file cannot be read, or a line of it is wrong.
    pub(crate) fn read(
        path: Option<&Path>,
        operators: &[String],
        metrics: &Metrics,
    ) -> anyhow::Result<(Self, String)> {
        let file = match path {
            None => PasswordFile::default(),
            Some(path) => follow::parse(path, &PasswordFile::read(path)?.0)?,
        };
        let (verifier, metrics) = (Verifier::new()?, metrics.of("edge"));
        let password = format!("{:032x}", rand::random::<u128>());
        let users = Self {
            path: path.map(Path::to_owned),
            operators: operators.to_vec(),
            file: RwLock::new(Arc::new(file)),
            own_password: verifier.tag(password.as_bytes()),
            verifier,
            refused: metrics.register("logins_refused", "Logins that were refused"),
            bad_files: metrics
                .register("password_files_bad", "Times that the password file was wrong when it was read"),
            said: std::sync::Mutex::default(),
        };
        Ok((users, password))
    }

    fn file(&self) -> Arc<PasswordFile> {
        Arc::clone(&self.file.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether the password file allows a user something beside what a device may.
    fn allows(&self, user: &str, may: impl Fn(&Rights) -> bool) -> bool {
        self.file().rights(user).is_some_and(may)
    }

    /// Whether a user may publish to a topic for other devices than its own: this process, and those whom the password file
    /// lets write there.
    pub(crate) fn is_gateway(&self, user: &str, topic: &str) -> bool {
        user == OWN_USER || self.allows(user, |rights| rights.may_publish(topic))
    }

    async fn user(&self, login: &Login) -> Result<Arc<str>, Refusal> {
        if let Some(name) = &login.peer.certificate_name {
            return certified(name, login.user_name.as_deref());
        }
        let (Some(name), Some(password)) = (&login.user_name, &login.password) else {
            return Err(Refusal::BadCredentials);
        };
        if name.len() > password_file::MAX_NAME_BYTES {
            return Err(Refusal::BadCredentials);
        }
        // Never delayed: the sensors and alerts of this process must not wait for what strangers try.
        if name != OWN_USER || !self.verifier.is_tagged(&self.own_password, password) {
            let file = self.file();
            self.verifier.check(&file, ::access::network(login.peer.address.ip()), name, password).await?;
            if name == OWN_USER || !self.file().has(name) {
                // Its name is reserved, or the user was removed meanwhile.
                return Err(Refusal::BadCredentials);
            }
        }
        Ok(name.as_str().into())
    }

    fn refuse(&self, login: &Login, refusal: Refusal) -> Refusal {
        self.refused.inc();
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(refused) = said.note(Instant::now()) {
            let (user, address) = (login.user_name.as_deref().unwrap_or_default(), login.peer.address.ip());
            warn!(refused, user, %address, "logins were refused, the last one of this user from this address");
        }
        refusal
    }
}

/// A certificate that the listener has verified names the user, and no other user may be asked for beside it.
fn certified(name: &str, asked: Option<&str>) -> Result<Arc<str>, Refusal> {
    let stands_for = name != OWN_USER && is_device(name) && asked.is_none_or(|asked| asked == name);
    if stands_for { Ok(name.into()) } else { Err(Refusal::NotAuthorized) }
}

#[async_trait]
impl Access for Users {
    async fn connect(&self, login: Login) -> Result<Caller, Refusal> {
        match self.user(&login).await {
            Ok(user) => Ok(Caller { user: Some(user) }),
            Err(refusal) => Err(self.refuse(&login, refusal)),
        }
    }

    fn may_publish(&self, caller: &Caller, topic: &str) -> bool {
        match caller.user.as_deref() {
            Some(OWN_USER) => !is_of_the_broker(topic),
            Some(user) => {
                rights::may_publish(user, topic) || self.allows(user, |rights| rights.may_publish(topic))
            }
            None => false,
        }
    }

    fn may_subscribe(&self, caller: &Caller, filter: &str) -> bool {
        match caller.user.as_deref() {
            Some(OWN_USER) => true,
            Some(user) if is_of_the_broker(filter) => self.operators.iter().any(|known| known == user),
            Some(user) => {
                rights::may_subscribe(user, filter)
                    || self.allows(user, |rights| rights.may_subscribe(filter))
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests;
