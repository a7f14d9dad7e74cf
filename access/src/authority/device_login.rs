//! Recognises devices over HTTP, by the credentials that they have for MQTT.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Authority, Problem};
use crate::device_password::is_device_password;
use crate::rights::{device_user, is_device};

/// Bytes of a header with a credential, at most.
const MAX_HEADER_BYTES: usize = 2_048;

impl Authority {
    /// The device whose credential this is: the header `Authorization`, with user name and password as `Basic` has them, or as
    /// `Bearer user:password`.
    ///
    /// # Errors
    /// It is no credential of a device, or the store does not answer.
    pub async fn recognize_device(&self, authorization: &str) -> Result<String, Problem> {
        let (user, password) = user_and_password(authorization).ok_or(Problem::NotRecognized)?;
        let device = device_user(&user).replace('.', "/");
        let credentials = self.inner.store.credentials(Some(&device)).await?;
        let is_it = credentials.iter().any(|credential| {
            credential.user == user && is_device_password(&credential.hash, password.as_bytes())
        });
        if is_it { Ok(device) } else { Err(Problem::NotRecognized) }
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
