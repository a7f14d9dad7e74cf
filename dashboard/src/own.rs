//! Whether a request comes from this page or from another site.

use std::net::IpAddr;

/// Another site's script must not ask; what is no browser sends no origin.
pub(crate) fn own_origin(origin: Option<&str>, host: Option<&str>, public_url: &str) -> bool {
    let Some(origin) = origin else { return true };
    let own =
        |url: &str| url.strip_prefix(origin).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let place = origin.split_once("://").map(|(_, place)| place);
    own(public_url) || (place.is_some() && place == host)
}

/// Whether we were asked under a name that is ours: another site may let its own name stand for our address, and its
/// page would then be of one origin with us. Nobody can do that to an address.
pub(crate) fn own_host(host: Option<&str>, public_url: &str) -> bool {
    let Some(name) = host.and_then(name_in) else { return false };
    let public = public_url.split_once("://").map(|(_, rest)| rest.split('/').next().unwrap_or_default());
    let is_public = public.and_then(name_in).is_some_and(|public| public.eq_ignore_ascii_case(name));
    is_public || name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok()
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
    fn a_name_that_is_not_ours_is_told_from_ours() {
        let public = "https://Millrace.example.org:8443/iot";
        for (host, own) in [
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
            assert_eq!(own_host(Some(host), public), own, "{host}");
        }
        assert!(!own_host(None, public));
        assert!(own_host(Some("0.0.0.0:8080"), "http://0.0.0.0:8080"));
    }
}
