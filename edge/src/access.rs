//! Who may connect to the embedded broker, and what they may do there.
//!
//! Without a password file everyone on this machine may do everything, but publish what a device with a credential
//! publishes. With one, a user is a device: it writes its own readings and reads its own commands, and what the file or its
//! credential says beside. The user `millrace` is this process itself.

mod follow;
mod logins;
mod password_file;
mod verify;

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use ::access::is_device_password;
use ::access::rights::{self, Rights, device_user, is_at_or_below, is_device};
use async_trait::async_trait;
use broker::server::{Access, Caller, Login, Refusal};
use prometheus_client::metrics::counter::Counter;
use ring::hmac;
use service::{Metrics, OncePerMinute, Registered, RegistryView, UnknownDevices};
use store::{Credential, Store};
use telemetry::Clock;
use tracing::warn;

use self::logins::LoginAudit;
use self::password_file::PasswordFile;
use self::verify::Verifier;

pub(crate) use self::logins::LoginRecorder;
pub(crate) use self::password_file::with_user;

/// The user that this process connects as.
pub(crate) const OWN_USER: &str = "millrace";

/// Whether a topic is the broker's own. Other topics with `$` are those of clouds, which devices are made for.
fn is_of_the_broker(topic: &str) -> bool {
    topic.split('/').next() == Some("$SYS")
}

/// Users of the password file, owners of a certificate, devices with a credential, and this process may connect; everyone
/// may, where nobody has to say who it is.
pub(crate) struct Users {
    /// Whether a client that names no known user may connect, too.
    is_open: bool,
    registry: RegistryView,
    path: Option<PathBuf>,
    operators: Vec<String>,
    file: RwLock<Arc<PasswordFile>>,
    further: RwLock<Arc<FurtherRights>>,
    verifier: Verifier,
    own_password: hmac::Tag,
    refused: Counter,
    bad_files: Counter,
    said: std::sync::Mutex<OncePerMinute>,
    audit: Option<LoginAudit>,
}

/// What the credentials of a registry allow beside what each device may.
#[derive(Default)]
struct FurtherRights {
    registry: Arc<Registered>,
    of: HashMap<Box<str>, Rights>,
}

impl FurtherRights {
    fn read(registry: Arc<Registered>) -> Self {
        let further = registry.credentials().filter(|credential| !credential.rights.is_empty());
        // The lines were checked when the credential was made.
        let read = |of: &Credential| Some((of.user.as_str().into(), Rights::read(of.rights.lines()).ok()?));
        let of = further.filter_map(read).collect();
        Self { registry, of }
    }
}

/// Shows nobody: it is part of what is printed where something fails.
impl fmt::Debug for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Users")
    }
}

impl Users {
    /// Reads the password file, if there is one. `is_open` says whether a client that names no known user may connect, which
    /// it may not where unknown devices are refused. Returns the password of [`OWN_USER`], too.
    ///
    /// # Errors
    /// The file cannot be read, or a line of it is wrong.
    pub(crate) fn read(
        path: Option<&Path>,
        operators: &[String],
        is_open: bool,
        registry: RegistryView,
        metrics: &Metrics,
    ) -> anyhow::Result<(Self, String)> {
        let file = match path {
            None => PasswordFile::default(),
            Some(path) => follow::parse(path, &PasswordFile::read(path)?.0)?,
        };
        let (verifier, metrics) = (Verifier::new(!is_open)?, metrics.of("edge"));
        let password = format!("{:032x}", rand::random::<u128>());
        let users = Self {
            is_open: is_open && registry.unknown() != UnknownDevices::Refuse,
            registry,
            path: path.map(Path::to_owned),
            operators: operators.to_vec(),
            file: RwLock::new(Arc::new(file)),
            further: RwLock::default(),
            own_password: verifier.tag(password.as_bytes()),
            verifier,
            refused: metrics.register("logins_refused", "Logins that were refused"),
            bad_files: metrics
                .register("password_files_bad", "Times that the password file was wrong when it was read"),
            said: std::sync::Mutex::default(),
            audit: None,
        };
        Ok((users, password))
    }

    /// Records logins in the audit, at most so many a minute.
    pub(crate) fn audited(
        self,
        per_minute: u32,
        store: (Arc<dyn Store>, Arc<dyn Clock>),
        metrics: &Metrics,
    ) -> (Self, LoginRecorder) {
        let help = "Logins over MQTT that are not in the audit, which had no room for more records";
        let unaudited = metrics.of("edge").register("logins_unaudited", help);
        let (audit, recorder) = logins::audit(per_minute, store, unaudited);
        (Self { audit: Some(audit), ..self }, recorder)
    }

    /// Whether everyone may connect.
    pub(crate) fn is_open(&self) -> bool {
        self.is_open
    }

    fn file(&self) -> Arc<PasswordFile> {
        Arc::clone(&self.file.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether the password file or a credential allows a user something beside what a device may.
    fn allows(&self, user: &str, may: impl Fn(&Rights) -> bool) -> bool {
        self.further_rights().of.get(user).is_some_and(&may) || self.file().rights(user).is_some_and(may)
    }

    /// The further rights of credentials, read anew only where the registry was.
    fn further_rights(&self) -> Arc<FurtherRights> {
        let known = self.registry.known();
        let read = Arc::clone(&self.further.read().unwrap_or_else(PoisonError::into_inner));
        if Arc::ptr_eq(&read.registry, &known) {
            return read;
        }
        let read = Arc::new(FurtherRights::read(known));
        *self.further.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&read);
        read
    }

    /// Whether a client that has not proved to be anyone may publish readings of a device: not those of one that has a
    /// credential.
    fn is_free(&self, device: &str) -> bool {
        !self.registry.known().is_protected(device)
    }

    /// Why somebody may not publish readings of a device; None where it may.
    pub(crate) fn objection(&self, user: Option<&str>, topic: &str, device: &str) -> Option<String> {
        match user {
            Some(user) if self.is_gateway(user, topic) || self.is_own(user, device) => None,
            None if self.is_free(device) => None,
            Some(user) => Some(format!(
                "the payload is of the device {device}, and the user {user} may publish for its own device alone: see millrace \
                 passwd --write, or millrace device credential --right"
            )),
            None => Some(format!(
                "the device {device} has a credential: only who logs in with it may publish for it"
            )),
        }
    }

    /// Whether a device is that of a user, or below it, by any name that it had.
    fn is_own(&self, user: &str, device: &str) -> bool {
        let known = self.registry.known();
        is_at_or_below(device, device_user(user))
            || known.names_of(device).any(|name| is_at_or_below(name, device_user(user)))
    }

    /// Whether a user may publish to a topic for other devices than its own: this process, and those whom the password file
    /// lets write there.
    fn is_gateway(&self, user: &str, topic: &str) -> bool {
        user == OWN_USER || self.allows(user, |rights| rights.may_publish(topic))
    }

    async fn user(&self, login: &Login) -> Result<Option<Arc<str>>, Refusal> {
        if let Some(name) = &login.peer.certificate_name {
            return self.certified(name, login.user_name.as_deref()).map(Some);
        }
        let name = login.user_name.as_deref().unwrap_or_default();
        match self.registry.known().credential(name) {
            Some(credential)
                if is_device_password(&credential.hash, login.password.as_deref().unwrap_or_default()) =>
            {
                Ok(Some(name.into()))
            }
            // It may be in the password file, too.
            Some(_) if self.path.is_none() => Err(Refusal::BadCredentials),
            None if self.is_open => Ok(None),
            _ => self.user_of_file(login).await.map(Some),
        }
    }

    async fn user_of_file(&self, login: &Login) -> Result<Arc<str>, Refusal> {
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

    /// A certificate that the listener has verified names the user, and no other user may be asked for beside it. Where
    /// unknown devices are refused, the user must have a credential.
    fn certified(&self, name: &str, asked: Option<&str>) -> Result<Arc<str>, Refusal> {
        let stands_for =
            name != OWN_USER && is_device(device_user(name)) && asked.is_none_or(|asked| asked == name);
        let is_known = || {
            self.registry.unknown() != UnknownDevices::Refuse
                || self.registry.known().credential(name).is_some()
        };
        if stands_for && is_known() { Ok(name.into()) } else { Err(Refusal::NotAuthorized) }
    }

    fn is_known(&self, name: &str) -> bool {
        name == OWN_USER || self.file().has(name) || self.registry.known().credential(name).is_some()
    }

    /// This process connects as itself all the time.
    fn accept(&self, user: Option<&str>, login: &Login) {
        if let (Some(audit), Some(user)) = (&self.audit, user.filter(|user| *user != OWN_USER)) {
            audit.accepted(user, login);
        }
    }

    fn refuse(&self, login: &Login, refusal: Refusal) -> Refusal {
        self.refused.inc();
        // A login that was only delayed too long is not one that was refused.
        if let Some(audit) = self.audit.as_ref().filter(|_| refusal != Refusal::Unavailable) {
            let name = login.peer.certificate_name.as_deref().or(login.user_name.as_deref());
            audit.refused(name.filter(|name| self.is_known(name)), login);
        }
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(refused) = said.note(Instant::now()) {
            let (user, address) = (login.user_name.as_deref().unwrap_or_default(), login.peer.address.ip());
            warn!(refused, user, %address, "logins were refused, the last one of this user from this address");
        }
        refusal
    }
}

#[async_trait]
impl Access for Users {
    async fn connect(&self, login: Login) -> Result<Caller, Refusal> {
        match self.user(&login).await {
            Ok(user) => {
                self.accept(user.as_deref(), &login);
                Ok(Caller { user })
            }
            Err(refusal) => Err(self.refuse(&login, refusal)),
        }
    }

    fn may_publish(&self, caller: &Caller, topic: &str) -> bool {
        match caller.user.as_deref() {
            Some(OWN_USER) => !is_of_the_broker(topic),
            Some(user) => {
                rights::may_publish(device_user(user), topic)
                    || self.allows(user, |rights| rights.may_publish(topic))
            }
            None => {
                let device = topic.split_once('/').map_or(topic, |(_, device)| device);
                self.is_open && !is_of_the_broker(topic) && self.is_free(device)
            }
        }
    }

    fn may_subscribe(&self, caller: &Caller, filter: &str) -> bool {
        match caller.user.as_deref() {
            Some(OWN_USER) => true,
            Some(user) if is_of_the_broker(filter) => self.operators.iter().any(|known| known == user),
            Some(user) => {
                rights::may_subscribe(device_user(user), filter)
                    || self.allows(user, |rights| rights.may_subscribe(filter))
            }
            None => self.is_open,
        }
    }
}

#[cfg(test)]
mod tests;
