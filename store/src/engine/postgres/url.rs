//! Where the database is, and as whom to connect; never shown with the password.

use std::fmt;
use std::str::FromStr;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

/// The port of a host that names none.
const PORT: u16 = 5432;

/// `postgres://USER:PASSWORD@HOST:PORT/DATABASE`; several hosts, with commas between them, are tried in turn.
///
/// With `?target_session_attrs=read-write` the host that takes writes is looked for. Shown without the password.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl(Box<Config>);

/// Why a text is not a [`PostgresUrl`]: it does not repeat the text, which may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
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
    /// It asks for TLS, which is not built in.
    #[error(
        "sslmode=require cannot be kept: TLS to the database is not built in; leave it out on a private network"
    )]
    Tls,
}

impl PostgresUrl {
    pub(crate) fn config(&self) -> &Config {
        &self.0
    }
}

impl FromStr for PostgresUrl {
    type Err = PostgresUrlError;

    fn from_str(text: &str) -> Result<Self, PostgresUrlError> {
        if !["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme)) {
            return Err(PostgresUrlError::Scheme);
        }
        let config: Config = with_one_at(text).parse().map_err(|_| PostgresUrlError::Form)?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(PostgresUrlError::NoHost);
        }
        if config.get_ssl_mode() == SslMode::Require {
            return Err(PostgresUrlError::Tls);
        }
        Ok(Self(Box::new(config)))
    }
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
        let ports = self.0.get_ports();
        let port = |i: usize| ports.get(i).or(ports.first()).copied().unwrap_or(PORT);
        f.write_str("postgres://")?;
        if let Some(user) = self.0.get_user() {
            write!(f, "{user}@")?;
        }
        for (i, host) in self.0.get_hosts().iter().enumerate() {
            let comma = if i > 0 { "," } else { "" };
            match host {
                Host::Tcp(name) => write!(f, "{comma}{name}:{}", port(i))?,
                Host::Unix(folder) => write!(f, "{comma}{}:{}", folder.display(), port(i))?,
            }
        }
        write!(f, "/{}", self.0.get_dbname().unwrap_or_default())
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
            ("postgres://a:s3cret@db/m?sslmode=require", PostgresUrlError::Tls),
        ] {
            assert_eq!(text.parse::<PostgresUrl>(), Err(error), "{text}");
            assert!(!error.to_string().contains("s3cret"));
        }
    }
}
