//! Recognises devices over HTTP, by the credentials that they have for MQTT.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Authority, Problem};
use crate::device_password::is_device_password;
use crate::rights::{device_user, is_at_or_below, is_device};

/// Bytes of a header with a credential, at most.
const MAX_HEADER_BYTES: usize = 2_048;

/// A device that has proved to be itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecognizedDevice {
    /// What it was called when its credential was made, as it calls itself.
    named: String,
    /// What it is called now.
    pub device: String,
}

impl RecognizedDevice {
    /// The device that is asked for by a name: itself by any of its two names, or one below it. None for another one.
    #[must_use]
    pub fn asked_for(&self, name: &str) -> Option<String> {
        let Self { named, device } = self;
        if name == named {
            return Some(device.clone());
        }
        let is_below = |own: &str| is_at_or_below(name, &own.replace('/', "."));
        (is_below(device) || is_below(named)).then(|| name.to_owned())
    }
}

impl Authority {
    /// The device whose credential this is: the header `Authorization`, with user name and password as `Basic` has them, or as
    /// `Bearer user:password`.
    ///
    /// # Errors
    /// It is no credential of a device, or the store does not answer.
    pub async fn recognize_device(&self, authorization: &str) -> Result<RecognizedDevice, Problem> {
        let (user, password) = user_and_password(authorization).ok_or(Problem::NotRecognized)?;
        let named = device_user(&user).replace('.', "/");
        let device = self.inner.store.renamed(&named).await?.unwrap_or_else(|| named.clone());
        let credentials = self.inner.store.credentials(Some(&device)).await?;
        let is_it = credentials.iter().any(|credential| {
            credential.user == user && is_device_password(&credential.hash, password.as_bytes())
        });
        if is_it { Ok(RecognizedDevice { named, device }) } else { Err(Problem::NotRecognized) }
    }
}

/// The user name and the password of a device, if a header may hold them.
#[must_use]
pub fn user_and_password(authorization: &str) -> Option<(String, String)> {
    let (scheme, value) =
        authorization.split_once(' ').filter(|_| authorization.len() <= MAX_HEADER_BYTES)?;
    let both = match scheme.to_ascii_lowercase().as_str() {
        "basic" => String::from_utf8(STANDARD.decode(value.trim()).ok()?).ok()?,
        "bearer" => value.trim().to_owned(),
        _ => return None,
    };
    let (user, password) = both.split_once(':')?;
    is_device(device_user(user)).then(|| (user.to_owned(), password.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_comes_in_either_form() {
        let both = |user: &str, password: &str| Some((user.to_owned(), password.to_owned()));
        for (header, expected) in [
            ("Basic bGFiOnNlY3JldA==", both("lab", "secret")),
            ("basic bGFiOnNlY3JldA==", both("lab", "secret")),
            ("Bearer site-a.lab~2:a:b", both("site-a.lab~2", "a:b")),
            ("Bearer mk_a_b", None),
            ("Bearer a/b:c", None),
            ("Basic ???", None),
            ("Digest lab:secret", None),
            ("lab:secret", None),
        ] {
            assert_eq!(user_and_password(header), expected, "{header}");
        }
    }
}
