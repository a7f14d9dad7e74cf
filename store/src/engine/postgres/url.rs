//! Where the database is, and as whom to connect; never shown with the password.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use tls::ClientTls;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

/// The port of a host that names none.
const PORT: u16 = 5432;

/// `postgres://USER:PASSWORD@HOST:PORT/DATABASE`; several hosts, with commas between them, are tried in turn.
///
/// With `?target_session_attrs=read-write` the host that takes writes is looked for. With `sslmode=require`, or `verify-full`, which
/// is the same here, TLS is spoken and the server verified: by the authorities in the file `sslrootcert`, or else by those that this
/// machine trusts; `sslcert` and `sslkey` are a certificate to show. Shown without the password.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl {
    config: Box<Config>,
    tls: Option<ClientTls>,
}

/// Why a text is not a [`PostgresUrl`]: it does not repeat the text, which may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PostgresUrlError {
    /// It does not begin as a PostgreSQL URL does.
    #[error("a PostgreSQL URL begins with postgres:// or postgresql://")]
    Scheme,
    /// It cannot be read.
    #[error(
        "write postgres://USER:PASSWORD@HOST:PORT/DATABASE, and in the password %XX for what is not a letter or digit"
    )]
    Form,
    /// It names no host.
    #[error("the PostgreSQL URL names no host")]
    NoHost,
    /// It asks for TLS halfway: a server that is not verified may be anybody.
    #[error(
        "write sslmode=require, which verifies the server, or disable; the files sslrootcert, sslcert and sslkey belong to require"
    )]
    SslMode,
    /// The files for TLS cannot be read, or are wrong.
    #[error("TLS to the database: {0}")]
    Tls(String),
}

impl PostgresUrl {
    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// How to speak TLS, if it is to be spoken.
    pub(crate) fn tls(&self) -> Option<&ClientTls> {
        self.tls.as_ref()
    }
}

impl FromStr for PostgresUrl {
    type Err = PostgresUrlError;

    fn from_str(text: &str) -> Result<Self, PostgresUrlError> {
        if !["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme)) {
            return Err(PostgresUrlError::Scheme);
        }
        let (text, tls) = take_tls(&with_one_at(text))?;
        let mut config: Config = text.parse().map_err(|_| PostgresUrlError::Form)?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(PostgresUrlError::NoHost);
        }
        config.ssl_mode(if tls.is_some() { SslMode::Require } else { SslMode::Disable });
        Ok(Self { config: Box::new(config), tls })
    }
}

/// Takes what is said of TLS out of the query, which [`Config`] does not know all of.
fn take_tls(url: &str) -> Result<(String, Option<ClientTls>), PostgresUrlError> {
    let Some((place, query)) = url.split_once('?') else { return Ok((url.to_owned(), None)) };
    let (mut rest, mut mode, mut files) = (Vec::new(), "", [None, None, None]);
    for one in query.split('&') {
        let (name, value) = one.split_once('=').unwrap_or((one, ""));
        match ["sslrootcert", "sslcert", "sslkey"].iter().position(|known| *known == name) {
            Some(which) => files[which] = Some(Path::new(value)),
            None if name == "sslmode" => mode = value,
            None => rest.push(one),
        }
    }
    let [authorities, certificate, key] = files;
    let tls = match mode {
        "require" | "verify-full" => {
            let read = ClientTls::read(authorities, certificate, key);
            Some(read.map_err(|e| PostgresUrlError::Tls(format!("{e:#}")))?)
        }
        "" | "disable" | "allow" | "prefer" if files == [None; 3] => None,
        _ => return Err(PostgresUrlError::SslMode),
    };
    Ok((format!("{place}?{}", rest.join("&")).trim_end_matches('?').to_owned(), tls))
}

/// Writes `%40` for each `@` of a password that was pasted as it is: the last one before the database's name ends it.
fn with_one_at(text: &str) -> String {
    let start = text.find("://").map_or(0, |at| at + 3);
    let Some(first) = text[start..].find('@').map(|at| start + at) else { return text.to_owned() };
    let query = text[first..].find('?').map_or(text.len(), |at| first + at);
    let path = text[first..query].rfind('/').map_or(query, |at| first + at);
    let last = text[..path].rfind('@').unwrap_or(first);
    format!("{}{}{}", &text[..start], text[start..last].replace('@', "%40"), &text[last..])
}

impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ports = self.config.get_ports();
        let port = |i: usize| ports.get(i).or(ports.first()).copied().unwrap_or(PORT);
        f.write_str("postgres://")?;
        if let Some(user) = self.config.get_user() {
            write!(f, "{user}@")?;
        }
        for (i, host) in self.config.get_hosts().iter().enumerate() {
            let comma = if i > 0 { "," } else { "" };
            match host {
                Host::Tcp(name) => write!(f, "{comma}{name}:{}", port(i))?,
                Host::Unix(folder) => write!(f, "{comma}{}:{}", folder.display(), port(i))?,
            }
        }
        write!(f, "/{}", self.config.get_dbname().unwrap_or_default())
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_shown_without_the_password() {
        for (text, shown) in [
            ("postgres://a:s3cret@db/millrace", "postgres://a@db:5432/millrace"),
            ("postgresql://a:s3cret@db:6000/millrace?sslmode=disable", "postgres://a@db:6000/millrace"),
            (
                "postgres://a:s3cret@one,two:5433/m?target_session_attrs=read-write",
                "postgres://a@one:5432,two:5433/m",
            ),
            ("postgres://db/m?user=a&password=s3cret", "postgres://a@db:5432/m"),
            ("postgres://a@%2Frun%2Fpostgresql/m", "postgres://a@/run/postgresql:5432/m"),
            ("postgres://a:what?s3cret@db/m", "postgres://a@db:5432/m"),
            ("postgres://a:p@s3cret@db/m", "postgres://a@db:5432/m"),
            ("postgres://a:p@s/3@cret@db:6000/m?target_session_attrs=read-write", "postgres://a@db:6000/m"),
            ("postgres://a:s3cret@db/m?application_name=x@y", "postgres://a@db:5432/m"),
            ("postgres://db", "postgres://db:5432/"),
        ] {
            let url: PostgresUrl = text.parse().unwrap();
            assert_eq!((url.to_string(), format!("{url:?}")), (shown.into(), shown.into()), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_used_is_refused_without_repeating_it() {
        for (text, error) in [
            ("", PostgresUrlError::Scheme),
            ("mysql://a:s3cret@db/m", PostgresUrlError::Scheme),
            ("host=db password=s3cret", PostgresUrlError::Scheme),
            ("postgres://a:s3cret@db:port/m", PostgresUrlError::Form),
            ("postgres://a:%ff%fes3cret@db/m?x=s3cret", PostgresUrlError::Form),
            ("postgres:///m", PostgresUrlError::NoHost),
            ("postgres://a:s3cret@db/m?sslmode=verify-ca", PostgresUrlError::SslMode),
            ("postgres://a:s3cret@db/m?sslrootcert=ca.pem", PostgresUrlError::SslMode),
        ] {
            assert_eq!(text.parse::<PostgresUrl>(), Err(error.clone()), "{text}");
            assert!(!error.to_string().contains("s3cret"));
        }
    }
}
