//! Who sends a request, and what that caller may do.

use std::convert::Infallible;
use std::net::IpAddr;

use access::{Action, Authority, Caller, Credentials, Decision, Problem, Recognized, may};
use service::Client;
use store::TextCodec as _;
use warp::Filter;
use warp::http::{HeaderMap, Method};
use warp::path::FullPath;

use super::Site;
use crate::context::Api;
use crate::error::ApiError;

/// The cookie of a session over TLS: a browser accepts it from no other host, and sends it to no other.
const SECURE_COOKIE: &str = "__Host-millrace";

/// The cookie of a session where there is no TLS.
const PLAIN_COOKIE: &str = "millrace";

/// The cookie of a login that was begun at the identity provider, over TLS and without.
const SECURE_LOGIN_COOKIE: &str = "__Host-millrace-login";
const PLAIN_LOGIN_COOKIE: &str = "millrace-login";

/// Characters of a method and a path that go into the audit, at most.
const MAX_TARGET_CHARS: usize = 200;

/// Who sends a request, as far as that is known.
pub(crate) struct Asker {
    authority: Authority,
    caller: Result<Caller, ApiError>,
    /// The method and the path, for the audit.
    asked: String,
    /// The token of the browser's session, whether it is one or not.
    pub(crate) session: Option<String>,
    /// The login at the identity provider that the browser has begun.
    pub(crate) login: Option<String>,
    /// From where the request comes.
    pub(crate) address: Option<IpAddr>,
    /// Whether the browser reaches us over TLS.
    is_secure: bool,
}

/// Recognises the caller of a request.
pub(crate) fn asker(api: &Api) -> impl Filter<Extract = (Asker,), Error = Infallible> + Clone + use<> {
    let (authority, site) = (api.access.clone(), api.site.clone());
    let asked = warp::method().and(warp::path::full()).map(|method: Method, path: FullPath| {
        format!("{method} {}", path.as_str()).chars().take(MAX_TARGET_CHARS).collect()
    });
    asked.and(warp::header::headers_cloned()).and(warp::ext::optional::<Client>()).then(
        move |asked: String, headers: HeaderMap, client: Option<Client>| {
            let (authority, site) = (authority.clone(), site.clone());
            async move { Asker::new(authority, &site, asked, &headers, client.as_ref()).await }
        },
    )
}

/// Recognises the caller of a request by its headers.
///
/// # Errors
/// Nobody is recognised, or the store does not answer.
pub async fn recognized(
    authority: &Authority,
    site: &Site,
    headers: &HeaderMap,
    client: Option<&Client>,
) -> Result<Recognized, ApiError> {
    let session = session_token(headers, is_secure(site, headers, client));
    Ok(recognize(authority, session.as_deref(), headers, client).await?)
}

/// The caller of a request by its headers, with any role.
///
/// # Errors
/// Nobody is recognised, or the store does not answer.
pub(crate) async fn recognized_caller(
    api: &Api,
    headers: &HeaderMap,
    client: Option<&Client>,
) -> Result<Caller, ApiError> {
    Ok(recognized(&api.access, &api.site, headers, client).await?.caller)
}

async fn recognize(
    authority: &Authority,
    session: Option<&str>,
    headers: &HeaderMap,
    client: Option<&Client>,
) -> Result<Recognized, Problem> {
    let address = client.map(|client| client.address.ip());
    authority.recognize(Credentials { session, bearer: bearer(headers), address }).await
}

impl Asker {
    async fn new(
        authority: Authority,
        site: &Site,
        asked: String,
        headers: &HeaderMap,
        client: Option<&Client>,
    ) -> Self {
        let is_secure = is_secure(site, headers, client);
        let session = session_token(headers, is_secure);
        let recognized = recognize(&authority, session.as_deref(), headers, client).await;
        let caller = recognized.map(|recognized| recognized.caller).map_err(ApiError::from);
        Self {
            authority,
            caller,
            asked,
            session,
            login: login_cookie(headers, is_secure),
            address: client.map(|client| client.address.ip()),
            is_secure,
        }
    }

    /// The caller, who must be allowed to do this at all. That a role does not allow it goes into the audit.
    ///
    /// # Errors
    /// Nobody is recognised, or the caller may not.
    pub(crate) async fn may(self, action: Action) -> Result<Caller, ApiError> {
        let caller = self.caller?;
        match may(&caller, action, None) {
            Decision::Allowed if action == Action::Users && !self.authority.is_confirmed(&caller).await? => {
                Err(Problem::NotRecognized.into())
            }
            Decision::Allowed => Ok(caller),
            outside @ Decision::OutsideFilters => Err(ApiError::NotFound(outside.why())),
            refused => {
                self.authority.refused(&caller, action.word(), &self.asked).await;
                Err(ApiError::NotAllowed(refused.why()))
            }
        }
    }

    /// The caller, if one is recognised.
    pub(super) fn caller(&self) -> Option<&Caller> {
        self.caller.as_ref().ok()
    }

    /// The caller, with any role.
    ///
    /// # Errors
    /// Nobody is recognised.
    pub(crate) fn recognized(self) -> Result<Caller, ApiError> {
        self.caller
    }

    /// The header that lets the browser send this token from now on; that it forgets its token, without one.
    pub(crate) fn cookie(is_secure: bool, token: Option<&str>) -> String {
        let name = if is_secure { SECURE_COOKIE } else { PLAIN_COOKIE };
        set_cookie(name, is_secure, token, access::SESSION_SECONDS)
    }

    /// The header that lets the browser keep a login that was begun; that it forgets it, without one. It is sent along when
    /// the provider sends the browser back, as that is no request of a page of the provider's.
    pub(crate) fn login_cookie(is_secure: bool, attempt: Option<&str>) -> String {
        let name = if is_secure { SECURE_LOGIN_COOKIE } else { PLAIN_LOGIN_COOKIE };
        set_cookie(name, is_secure, attempt, oidc::LOGIN_SECONDS)
    }

    /// Whether the browser reaches us over TLS.
    pub(crate) fn is_secure(&self) -> bool {
        self.is_secure
    }
}

fn set_cookie(name: &str, is_secure: bool, value: Option<&str>, seconds: u64) -> String {
    let (age, secure) = (value.map_or(0, |_| seconds), if is_secure { "; Secure" } else { "" });
    format!("{name}={}; Path=/; HttpOnly; SameSite=Lax; Max-Age={age}{secure}", value.unwrap_or_default())
}

/// A device that the caller does not see does not exist.
///
/// # Errors
/// It is outside the caller's filters.
pub(crate) fn within(caller: &Caller, device: &str) -> Result<(), ApiError> {
    match may(caller, Action::Read, Some(device)) {
        Decision::Allowed => Ok(()),
        outside => Err(ApiError::NotFound(outside.why())),
    }
}

/// A browser names its scheme in `Origin` where it changes something; else the connection tells, or our own address.
fn is_secure(site: &Site, headers: &HeaderMap, client: Option<&Client>) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    match text("origin").and_then(|origin| origin.split_once("://")) {
        Some((scheme, _)) => scheme == "https",
        None => client.is_some_and(|client| client.tls) || site.is_https_at(text("host")),
    }
}

/// Over TLS only the cookie counts that no other host can have set.
fn session_token(headers: &HeaderMap, is_secure: bool) -> Option<String> {
    cookie(headers, if is_secure { SECURE_COOKIE } else { PLAIN_COOKIE })
}

/// As [`session_token`].
fn login_cookie(headers: &HeaderMap, is_secure: bool) -> Option<String> {
    cookie(headers, if is_secure { SECURE_LOGIN_COOKIE } else { PLAIN_LOGIN_COOKIE })
}

fn cookie(headers: &HeaderMap, named: &str) -> Option<String> {
    let lines = headers.get_all("cookie").iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut tokens = pairs.filter(|(name, _)| *name == named).map(|(_, token)| token.to_owned());
    // One that is there twice was planted.
    tokens.next().filter(|token| !token.is_empty() && tokens.next().is_none())
}

/// What follows `Bearer` in the header `Authorization`.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get("authorization")?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use warp::http::HeaderName;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn the_token_is_that_of_the_right_cookie() {
        let read =
            |cookie: &'static str, is_secure| session_token(&headers(&[("cookie", cookie)]), is_secure);
        assert_eq!(read("a=1; millrace=token; b=2", false).as_deref(), Some("token"));
        assert_eq!(read("__Host-millrace=token", true).as_deref(), Some("token"));
        for (cookie, is_secure) in [
            ("millrace=token", true),
            ("__Host-millrace=token", false),
            ("millrace=a; millrace=b", false),
            ("millrace=", false),
            ("xmillrace=token", false),
            ("", false),
        ] {
            assert_eq!(read(cookie, is_secure), None, "{cookie} {is_secure}");
        }
    }

    #[test]
    fn a_cookie_is_for_this_host_and_no_script() {
        assert_eq!(
            Asker::cookie(true, Some("t")),
            "__Host-millrace=t; Path=/; HttpOnly; SameSite=Lax; Max-Age=604800; Secure"
        );
        assert_eq!(Asker::cookie(false, None), "millrace=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0");
    }

    #[test]
    fn a_key_comes_as_a_bearer_token() {
        for (value, expected) in [
            ("Bearer mk_a_b", Some("mk_a_b")),
            ("bearer  x ", Some("x")),
            ("Basic eDp5", None),
            ("Bearer", None),
        ] {
            assert_eq!(bearer(&headers(&[("authorization", value)])), expected, "{value}");
        }
    }

    #[test]
    fn the_scheme_is_that_of_the_page() {
        let (plain, tls) = (Site::new("http://127.0.0.1:8080"), Site::new("https://millrace.example.org"));
        for (site, host, origin, expected) in [
            (&plain, "127.0.0.1:8080", None, false),
            (&plain, "127.0.0.1:8080", Some("http://127.0.0.1:8080"), false),
            (&plain, "127.0.0.1:8080", Some("https://127.0.0.1:8080"), true),
            (&tls, "millrace.example.org", None, true),
            (&tls, "127.0.0.1:8080", None, false),
            (&tls, "127.0.0.1:8080", Some("http://127.0.0.1:8080"), false),
        ] {
            let mut sent = headers(&[("host", host)]);
            if let Some(origin) = origin {
                sent.insert("origin", origin.parse().unwrap());
            }
            assert_eq!(is_secure(site, &sent, None), expected, "{host} {origin:?}");
        }
    }
}
