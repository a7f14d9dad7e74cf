//! Host check and same origin: whether a request was sent by our own page or by a program, and not by another site.

use std::net::IpAddr;
use std::sync::Arc;

use warp::host::Authority;
use warp::{Filter, Rejection};

/// What to do about a host name that is not ours, for the client.
pub const UNKNOWN_HOST: &str = "ask by address, as localhost or by the name in http.public_url";

/// The names under which people reach the API and the page. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Site {
    public_url: Arc<str>,
}

impl Site {
    /// The site at this URL; IP addresses and `localhost` are always ours, too.
    #[must_use]
    pub fn new(public_url: &str) -> Self {
        Self { public_url: public_url.into() }
    }

    /// Whether people reach the page over TLS under this host.
    pub(super) fn is_https_at(&self, host: Option<&str>) -> bool {
        parts_of(&self.public_url).is_some_and(|(scheme, authority)| {
            scheme == "https" && host.is_some_and(|host| host.eq_ignore_ascii_case(authority))
        })
    }

    /// Whether a request with these headers comes from our own page. A program that is not a browser sends no origin.
    #[must_use]
    pub fn is_same_origin(&self, origin: Option<&str>, host: Option<&str>) -> bool {
        let Some(origin) = origin else { return true };
        let Some((_, authority)) = parts_of(origin).filter(|_| origin.matches('/').count() == 2) else {
            return false;
        };
        parts_of(&self.public_url).is_some_and(|public| Some(public) == parts_of(origin))
            || Some(authority) == host
    }

    /// Whether a request's host is one of our names, against DNS rebinding: another site may let its own name stand for
    /// our address, and its page would then be of one origin with us. That cannot be done to an address.
    #[must_use]
    pub fn is_known_host(&self, host: Option<&str>) -> bool {
        let Some(name) = host.and_then(name_in) else { return false };
        let public =
            self.public_url.split_once("://").map(|(_, rest)| rest.split('/').next().unwrap_or_default());
        let is_public = public.and_then(name_in).is_some_and(|public| public.eq_ignore_ascii_case(name));
        is_public || name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok()
    }

    /// Whether the request at hand came under one of our names.
    pub fn is_known(&self) -> impl Filter<Extract = (bool,), Error = Rejection> + Clone + use<> {
        let site = self.clone();
        warp::host::optional()
            .map(move |host: Option<Authority>| site.is_known_host(host.as_ref().map(Authority::as_str)))
    }
}

/// The scheme and the authority of a URL or an origin, which must have both.
fn parts_of(url: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split('/').next()?;
    (!scheme.is_empty() && !authority.is_empty()).then_some((scheme, authority))
}

/// A host without its port; an IPv6 address without its brackets.
fn name_in(host: &str) -> Option<&str> {
    match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map(|(address, _)| address),
        None => host.split(':').next(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_origins_may_change_something() {
        let site = Site::new("https://millrace.example.org:8443/iot");
        let host = Some("127.0.0.1:8080");
        assert!(site.is_same_origin(None, host));
        for (origin, same) in [
            ("http://127.0.0.1:8080", true),
            ("https://127.0.0.1:8080", true),
            ("https://millrace.example.org:8443", true),
            ("http://millrace.example.org:8443", false),
            ("https://millrace.example.org", false),
            ("https://millrace.example.org:8443.evil.example", false),
            ("https:", false),
            ("https:/", false),
            ("https://", false),
            ("http:", false),
            ("http://127.0.0.1:8080/", false),
            ("://127.0.0.1:8080", false),
            ("null", false),
            ("", false),
        ] {
            assert_eq!(site.is_same_origin(Some(origin), host), same, "{origin}");
        }
        assert!(!site.is_same_origin(Some("http://"), Some("")));
    }

    #[test]
    fn only_our_own_names_pass_the_host_check() {
        let site = Site::new("https://Millrace.example.org:8443/iot");
        for (host, known) in [
            ("millrace.example.org", true),
            ("MILLRACE.example.org:8443", true),
            ("localhost:8080", true),
            ("127.0.0.1:8080", true),
            ("192.168.1.5", true),
            ("[::1]:8080", true),
            ("[fe80::1", false),
            ("evil.example", false),
            ("millrace.example.org.evil.example", false),
            ("localhost.evil.example", false),
            ("127.0.0.1.evil.example:8080", false),
            ("", false),
        ] {
            assert_eq!(site.is_known_host(Some(host)), known, "{host}");
        }
        assert!(!site.is_known_host(None));
        assert!(Site::new("http://0.0.0.0:8080").is_known_host(Some("0.0.0.0:8080")));
    }
}
