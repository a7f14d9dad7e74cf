//! The URL of a broker, for MQTT and for AMQP, with credentials.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use tls::ClientTls;

const MQTT: &str = "mqtt://[user:password@]host[:port], or mqtts:// for TLS";
const AMQP: &str = "amqp://[user:password@]host[:port][/vhost], or amqps:// for TLS";

/// A broker's address over MQTT with its credentials; the password never prints.
#[derive(Clone, PartialEq, Eq)]
pub struct BrokerUrl {
    /// A name or an address; an IPv6 address stands in brackets.
    pub host: String,
    /// The TCP port, 1883 (or 8883 with TLS) where the URL has none.
    pub port: u16,
    /// User and password, decoded.
    pub credentials: Option<(String, String)>,
    /// How to speak TLS: `mqtts`. The files are those in `cacertfile`, `certfile` and `keyfile` of the query, as RabbitMQ's
    /// clients have it.
    pub tls: Option<ClientTls>,
}

/// A broker's address over AMQP 0-9-1 with its credentials; the password never prints.
#[derive(Clone, PartialEq, Eq)]
pub struct AmqpUrl {
    /// A name or an address; an IPv6 address stands in brackets.
    pub host: String,
    /// The TCP port, 5672 (or 5671 with TLS) where the URL has none.
    pub port: u16,
    /// User and password, decoded.
    pub credentials: Option<(String, String)>,
    /// `/` where the address names none.
    pub vhost: String,
    /// How to speak TLS: `amqps`, with the same query as over MQTT.
    pub tls: Option<ClientTls>,
}

/// Why a text is not the URL of a broker. Never holds the text, which may contain a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BrokerUrlError {
    /// The scheme is another one; holds the expected form.
    #[error("write {0}")]
    Scheme(&'static str),
    /// There is no host; holds the expected form.
    #[error("the host is missing: write {0}")]
    Host(&'static str),
    /// The port is no number, or 0.
    #[error("the port must be a number from 1 to 65535")]
    Port,
    /// The part before `@` is not `user:password`, or not decodable.
    #[error("the credentials must be user:password; percent-encode special characters, @ as %40")]
    Credentials,
    /// The path is not one virtual host, or not decodable.
    #[error("the virtual host must be one word after the port; percent-encode special characters, / as %2f")]
    Vhost,
    /// The query has something else than files for TLS, or has them without TLS.
    #[error(
        "after ? write cacertfile=, certfile= and keyfile= with & between them, for mqtts and amqps alone"
    )]
    Query,
    /// The files for TLS cannot be read, or are wrong.
    #[error("{0}")]
    Tls(String),
}

impl FromStr for BrokerUrl {
    type Err = BrokerUrlError;

    fn from_str(text: &str) -> Result<Self, BrokerUrlError> {
        let (is_tls, rest) = scheme(text, ["mqtt://", "mqtts://"]).ok_or(BrokerUrlError::Scheme(MQTT))?;
        let (rest, tls) = tls_of(rest, is_tls)?;
        let port = if is_tls { 8883 } else { 1883 };
        let Place { host, port, credentials } = Place::read(rest.trim_end_matches('/'), port, MQTT)?;
        Ok(Self { host, port, credentials, tls })
    }
}

impl FromStr for AmqpUrl {
    type Err = BrokerUrlError;

    fn from_str(text: &str) -> Result<Self, BrokerUrlError> {
        let (is_tls, rest) = scheme(text, ["amqp://", "amqps://"]).ok_or(BrokerUrlError::Scheme(AMQP))?;
        let (rest, tls) = tls_of(rest, is_tls)?;
        let authority_end = rest.rfind('@').unwrap_or_default();
        let (place, vhost) = match rest[authority_end..].find('/') {
            Some(slash) => (&rest[..authority_end + slash], &rest[authority_end + slash + 1..]),
            None => (rest, ""),
        };
        let Place { host, port, credentials } = Place::read(place, if is_tls { 5671 } else { 5672 }, AMQP)?;
        let vhost = match vhost {
            "" => "/".to_owned(),
            vhost if vhost.contains('/') => return Err(BrokerUrlError::Vhost),
            vhost => percent_decode(vhost).ok_or(BrokerUrlError::Vhost)?,
        };
        Ok(Self { host, port, credentials, vhost, tls })
    }
}

/// What follows the scheme, and whether that is the second one, for TLS.
fn scheme<'a>(text: &'a str, [plain, tls]: [&str; 2]) -> Option<(bool, &'a str)> {
    let plain = text.strip_prefix(plain).map(|rest| (false, rest));
    plain.or_else(|| text.strip_prefix(tls).map(|rest| (true, rest)))
}

/// Takes the query off. A `?` before the last `@` is of the password.
fn tls_of(rest: &str, is_tls: bool) -> Result<(&str, Option<ClientTls>), BrokerUrlError> {
    let place = rest.rfind('@').unwrap_or_default();
    let (rest, query) = match rest[place..].find('?') {
        Some(at) => (&rest[..place + at], &rest[place + at + 1..]),
        None => (rest, ""),
    };
    let mut files: [Option<PathBuf>; 3] = Default::default();
    for one in query.split('&').filter(|one| !one.is_empty()) {
        let (name, value) = one.split_once('=').ok_or(BrokerUrlError::Query)?;
        let which = ["cacertfile", "certfile", "keyfile"].iter().position(|known| *known == name);
        let which = which.filter(|_| is_tls).ok_or(BrokerUrlError::Query)?;
        files[which] = Some(percent_decode(value).ok_or(BrokerUrlError::Query)?.into());
    }
    let [authorities, certificate, key] = files.each_ref().map(Option::as_deref);
    let read = || ClientTls::read(authorities, certificate, key);
    let tls = is_tls.then(read).transpose().map_err(|e| BrokerUrlError::Tls(format!("{e:#}")))?;
    Ok((rest, tls))
}

/// What addresses have in common.
struct Place {
    host: String,
    port: u16,
    credentials: Option<(String, String)>,
}

impl Place {
    fn read(text: &str, default_port: u16, form: &'static str) -> Result<Self, BrokerUrlError> {
        let (credentials, place) = match text.rsplit_once('@') {
            Some((credentials, place)) => (Some(read_credentials(credentials)?), place),
            None => (None, text),
        };
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()),
            _ => (place, Some(default_port)),
        };
        let port = port.filter(|port| *port != 0).ok_or(BrokerUrlError::Port)?;
        if host.is_empty() || host.contains('/') {
            return Err(BrokerUrlError::Host(form));
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
        let s = if self.tls.is_some() { "s" } else { "" };
        write!(f, "mqtt{s}://{}:{}", self.host, self.port)
    }
}

impl fmt::Debug for BrokerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for AmqpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let vhost = self.vhost.trim_start_matches('/');
        let s = if self.tls.is_some() { "s" } else { "" };
        write!(f, "amqp{s}://{}:{}/{vhost}", self.host, self.port)
    }
}

impl fmt::Debug for AmqpUrl {
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
            ("mqtt://ann:s@crt@lab:1", "lab", 1, Some(("ann".to_string(), "s@crt".to_string()))),
            ("mqtt://ann:@lab", "lab", 1883, Some(("ann".to_string(), String::new()))),
        ] {
            let url: BrokerUrl = text.parse().unwrap();
            assert_eq!((url.host.as_str(), url.port, url.credentials), (host, port, credentials), "{text}");
        }
    }

    #[test]
    fn an_amqp_address_may_have_a_virtual_host() {
        for (text, vhost, printed) in [
            ("amqp://lab", "/", "amqp://lab:5672/"),
            ("amqp://lab/", "/", "amqp://lab:5672/"),
            ("amqp://lab:5673/%2f", "/", "amqp://lab:5673/"),
            ("amqp://ann:s/cret@[::1]:5673/plant", "plant", "amqp://[::1]:5673/plant"),
            ("amqp://ann:s@cr/et@lab/plant", "plant", "amqp://lab:5672/plant"),
        ] {
            let url: AmqpUrl = text.parse().unwrap();
            assert_eq!((url.vhost.as_str(), format!("{url}").as_str()), (vhost, printed), "{text}");
            assert_eq!(format!("{url:?}"), printed);
        }
        let url: AmqpUrl = "amqp://ann:s@crt@lab:1".parse().unwrap();
        assert_eq!((url.host.as_str(), url.credentials), ("lab", Some(("ann".into(), "s@crt".into()))));
    }

    #[test]
    fn an_address_over_tls_may_name_files() {
        let folder = tempfile::tempdir().unwrap();
        let ca = folder.path().join("ca.pem");
        let made = rcgen::generate_simple_self_signed(["lab".to_owned()]).unwrap();
        std::fs::write(&ca, made.cert.pem()).unwrap();
        let ca = ca.display();
        let url: BrokerUrl = format!("mqtts://ann:a?b@lab?cacertfile={ca}").parse().unwrap();
        assert_eq!((url.port, format!("{url}").as_str()), (8883, "mqtts://lab:8883"));
        assert_eq!(url.credentials, Some(("ann".into(), "a?b".into())));
        assert_eq!(url.tls.unwrap().authorities(), Some(made.cert.pem().as_str()));
        let url: AmqpUrl = format!("amqps://ann:s%40cret@lab/a%2fb?cacertfile={ca}").parse().unwrap();
        assert_eq!((url.vhost.as_str(), format!("{url}").as_str()), ("a/b", "amqps://lab:5671/a/b"));
        let missing = format!("mqtts://lab?cacertfile={ca}&keyfile=/nowhere").parse::<BrokerUrl>();
        assert!(missing.unwrap_err().to_string().contains("name both files"));
        assert_eq!("mqtt://lab?cacertfile=x".parse::<BrokerUrl>(), Err(BrokerUrlError::Query));
    }

    #[test]
    fn what_is_wrong_is_said_without_the_password() {
        for (text, error) in [
            ("lab:1883", BrokerUrlError::Scheme(MQTT)),
            ("http://lab", BrokerUrlError::Scheme(MQTT)),
            ("mqtt://", BrokerUrlError::Host(MQTT)),
            ("mqtt://:1883", BrokerUrlError::Host(MQTT)),
            ("mqtt://lab:0", BrokerUrlError::Port),
            ("mqtt://lab:x", BrokerUrlError::Port),
            ("mqtt://ann@lab", BrokerUrlError::Credentials),
            ("mqtt://ann:%f@lab", BrokerUrlError::Credentials),
        ] {
            assert_eq!(text.parse::<BrokerUrl>(), Err(error), "{text}");
        }
        for (text, error) in [
            ("mqtt://lab", BrokerUrlError::Scheme(AMQP)),
            ("amqp:///plant", BrokerUrlError::Host(AMQP)),
            ("amqp://lab:70000/plant", BrokerUrlError::Port),
            ("amqp://ann@lab", BrokerUrlError::Credentials),
            ("amqp://lab/a/b", BrokerUrlError::Vhost),
            ("amqp://lab/%zz", BrokerUrlError::Vhost),
            ("amqp://lab/a?cacertfile=ca.pem", BrokerUrlError::Query),
            ("amqps://lab/a?verify=none", BrokerUrlError::Query),
        ] {
            assert_eq!(text.parse::<AmqpUrl>(), Err(error), "{text}");
        }
        let url: BrokerUrl = "mqtt://ann:secret@lab".parse().unwrap();
        assert_eq!(format!("{url} {url:?}"), "mqtt://lab:1883 mqtt://lab:1883");
    }
}
