//! Who sends readings: a device by its credential, or a person or a program as everywhere.

use access::{Sender, is_device_password, rights::Rights, user_and_password};
use service::{Client, Registered};
use store::{Credential, MAX_CREDENTIALS};
use warp::http::HeaderMap;

use crate::context::Api;
use crate::error::ApiError;
use crate::guards::{bearer, recognized_caller};

/// Recognises who sends a request, for the device that its path names.
///
/// # Errors
/// Nobody is recognised, or the registry was not read yet.
pub(super) async fn sender(
    api: &Api,
    headers: &HeaderMap,
    client: Option<&Client>,
    device: Option<&str>,
) -> Result<Sender, ApiError> {
    if api.ingest.registry().is_some_and(|registry| !registry.is_loaded()) {
        return Err(ApiError::Failed("it is not known yet which devices are registered: ask again".into()));
    }
    let known = api.ingest.registry().map(|registry| registry.known());
    if let Some((user, password)) = login(headers) {
        let credential = known.as_ref().and_then(|known| known.credential(&user));
        let credential = credential.filter(|known| is_device_password(&known.hash, password.as_bytes()));
        return credential.map(of).ok_or_else(|| {
            ApiError::NotRecognized("no device has this user name and password: see millrace device".into())
        });
    }
    if let (Some(secret), Some(device), Some(known)) = (bearer(headers), device, &known)
        && let Some(credential) = of_secret(known, device, secret)
    {
        return Ok(of(credential));
    }
    recognized_caller(api, headers, client).await.map(Sender::Caller)
}

fn of(credential: &Credential) -> Sender {
    // The lines were checked when the credential was made.
    let rights = Rights::read(credential.rights.lines()).unwrap_or_default();
    Sender::Device { user: credential.user.clone(), rights }
}

/// The credential of a device, or of one above it, that has this secret. Keys and tokens of people look different.
fn of_secret<'a>(known: &'a Registered, device: &str, secret: &str) -> Option<&'a Credential> {
    if secret.starts_with("mk_") || secret.contains('.') {
        return None;
    }
    let name = device.replace('/', ".");
    let ends = name.match_indices('.').map(|(at, _)| at).chain([name.len()]);
    let users = ends.flat_map(|end| {
        let user = &name[..end];
        let further = (2..=MAX_CREDENTIALS).map(move |number| format!("{user}~{number}"));
        std::iter::once(user.to_owned()).chain(further)
    });
    let mut credentials = users.filter_map(|user| known.credential(&user));
    credentials.find(|credential| is_device_password(&credential.hash, secret.as_bytes()))
}

/// The user name and the password of a device; nobody's, where HTTP Basic (RFC 7617) has something else.
fn login(headers: &HeaderMap) -> Option<(String, String)> {
    let header = headers.get("authorization")?.to_str().ok()?;
    let is_basic = header.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("basic "));
    user_and_password(header).or_else(|| is_basic.then(Default::default))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_a_name_and_a_password() {
        let of = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("authorization", warp::http::HeaderValue::from_static(value));
            login(&headers)
        };
        assert_eq!(of("Basic bGFiOmE6Yg=="), Some(("lab".into(), "a:b".into())));
        assert_eq!(of("basic %%%"), Some((String::new(), String::new())));
        assert_eq!(of("Bearer lab:a:b"), Some(("lab".into(), "a:b".into())));
        assert_eq!(of("Bearer abc"), None);
    }
}
