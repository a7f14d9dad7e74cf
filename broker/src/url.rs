//! Where a broker is: `mqtt://[user:password@]host[:port]`.

use std::fmt;
use std::str::FromStr;

/// A broker's address with its credentials; the password never prints.
#[derive(Clone, PartialEq, Eq)]
pub struct BrokerUrl {
    pub host: String,
    pub port: u16,
    pub credentials: Option<(String, String)>,
}

/// Why a text is not a [`BrokerUrl`]. Never holds the text, which may contain a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BrokerUrlError {
    #[error("write mqtt://[user:password@]host[:port]")]
    Scheme,
    #[error("the host is missing: write mqtt://[user:password@]host[:port]")]
    Host,
    #[error("the port must be a number from 1 to 65535")]
    Port,
    #[error("the credentials must be user:password; percent-encode special characters, @ as %40")]
    Credentials,
}

impl FromStr for BrokerUrl {
    type Err = BrokerUrlError;

    fn from_str(text: &str) -> Result<Self, BrokerUrlError> {
        let rest = text.strip_prefix("mqtt://").ok_or(BrokerUrlError::Scheme)?.trim_end_matches('/');
        let (credentials, place) = match rest.rsplit_once('@') {
            Some((credentials, place)) => (Some(read_credentials(credentials)?), place),
            None => (None, rest),
        };
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port),
            _ => (place, "1883"),
        };
        let port = port.parse().ok().filter(|port| *port != 0).ok_or(BrokerUrlError::Port)?;
        if host.is_empty() || host.contains('/') {
            return Err(BrokerUrlError::Host);
        }
        Ok(Self { host: host.to_owned(), port, credentials })
    }
}

fn read_credentials(text: &str) -> Result<(String, String), BrokerUrlError> {
    let (user, password) = text.split_once(':').ok_or(BrokerUrlError::Credentials)?;
    let decode = |part: &str| percent_decode(part).ok_or(BrokerUrlError::Credentials);
    Ok((decode(user)?, decode(password)?))
}

fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        if *first == b'%' {
            let digits = std::str::from_utf8(tail.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).ok()
}

impl fmt::Display for BrokerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mqtt://{}:{}", self.host, self.port)
    }
}

impl fmt::Debug for BrokerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_have_credentials_and_a_port() {
        for (text, host, port, credentials) in [
            ("mqtt://lab", "lab", 1883, None),
            ("mqtt://127.0.0.1:1884/", "127.0.0.1", 1884, None),
            ("mqtt://[::1]:1884", "[::1]", 1884, None),
            ("mqtt://[::1]", "[::1]", 1883, None),
            ("mqtt://ann:s%40crt@lab:1", "lab", 1, Some(("ann".to_string(), "s@crt".to_string()))),
            ("mqtt://ann:@lab", "lab", 1883, Some(("ann".to_string(), String::new()))),
        ] {
            let url: BrokerUrl = text.parse().unwrap();
            assert_eq!((url.host.as_str(), url.port, url.credentials), (host, port, credentials), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_without_the_password() {
        for (text, error) in [
            ("lab:1883", BrokerUrlError::Scheme),
            ("http://lab", BrokerUrlError::Scheme),
            ("mqtt://", BrokerUrlError::Host),
            ("mqtt://:1883", BrokerUrlError::Host),
            ("mqtt://lab:0", BrokerUrlError::Port),
            ("mqtt://lab:x", BrokerUrlError::Port),
            ("mqtt://ann@lab", BrokerUrlError::Credentials),
            ("mqtt://ann:%f@lab", BrokerUrlError::Credentials),
        ] {
            assert_eq!(text.parse::<BrokerUrl>(), Err(error), "{text}");
        }
        let url: BrokerUrl = "mqtt://ann:secret@lab".parse().unwrap();
        assert_eq!(format!("{url} {url:?}"), "mqtt://lab:1883 mqtt://lab:1883");
    }
}
