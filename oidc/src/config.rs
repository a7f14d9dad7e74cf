//! The settings in `access.oidc`.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use access::{ClaimRules, WrongRule};
use openidconnect::url::{Host, Url};
use openidconnect::{ClientId, ClientSecret, IssuerUrl};
use serde::Deserialize;
use service::{SettingError, Settings};

/// What stands in the settings.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    issuer: String,
    name: String,
    client_id: String,
    client_secret_file: PathBuf,
    scopes: Vec<String>,
    claim: String,
    name_claim: String,
    roles: Vec<String>,
    filters: Vec<String>,
    audience: String,
}

/// The identity provider, and what its claims mean.
#[derive(Debug, Clone)]
pub struct Config {
    pub(crate) issuer: IssuerUrl,
    pub(crate) name: String,
    pub(crate) client_id: ClientId,
    /// None for a public client.
    pub(crate) client_secret: Option<ClientSecret>,
    pub(crate) scopes: Vec<String>,
    /// For whom tokens of programs are.
    pub(crate) audience: ClientId,
    pub(crate) rules: ClaimRules,
}

impl Config {
    /// Reads the settings; None where no issuer is set.
    ///
    /// # Errors
    /// A setting is wrong, or the file with the secret cannot be read.
    pub fn from_settings(settings: &Settings) -> Result<Option<Self>, SettingError> {
        let written: Written = settings.get("access.oidc")?;
        if written.issuer.is_empty() { Ok(None) } else { written.check().map(Some) }
    }
}

impl Written {
    fn check(self) -> Result<Config, SettingError> {
        let (issuer, host) = read_issuer(&self.issuer)?;
        for (key, value) in
            [("client_id", &self.client_id), ("claim", &self.claim), ("name_claim", &self.name_claim)]
        {
            if value.trim().is_empty() {
                return Err(wrong(key, "must not be empty where access.oidc.issuer is set"));
            }
        }
        let rules = ClaimRules::read(&self.claim, &self.name_claim, &self.roles, &self.filters);
        let rules = rules.map_err(|e| match e {
            WrongRule::Role(_) => wrong("roles", e),
            WrongRule::Filter(_) => wrong("filters", e),
        })?;
        let audience = if self.audience.is_empty() { &self.client_id } else { &self.audience };
        Ok(Config {
            issuer,
            name: if self.name.is_empty() { host } else { self.name },
            audience: ClientId::new(audience.clone()),
            client_id: ClientId::new(self.client_id),
            client_secret: read_secret(&self.client_secret_file)?,
            scopes: self.scopes,
            rules,
        })
    }
}

/// Who could change an answer on its way could be anyone.
fn read_issuer(text: &str) -> Result<(IssuerUrl, String), SettingError> {
    let form = || {
        wrong(
            "issuer",
            "write the issuer as it names itself, such as https://id.example.org; http:// on this machine alone",
        )
    };
    let issuer = IssuerUrl::new(text.to_owned()).map_err(|_| form())?;
    let host = issuer.url().host_str().unwrap_or_default().to_owned();
    if !is_safe(issuer.url()) || issuer.url().query().is_some() || issuer.url().fragment().is_some() {
        return Err(form());
    }
    Ok((issuer, host))
}

/// Whether nobody else can read or change what is asked there: it is over TLS, or on this machine.
pub(crate) fn is_safe(url: &Url) -> bool {
    let is_here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::from(address).is_loopback(),
        None => false,
    };
    url.host().is_some() && (url.scheme() == "https" || (url.scheme() == "http" && is_here))
}

fn read_secret(file: &Path) -> Result<Option<ClientSecret>, SettingError> {
    if file.as_os_str().is_empty() {
        return Ok(None);
    }
    let text = std::fs::read_to_string(file)
        .map_err(|e| wrong("client_secret_file", format!("cannot read {}: {e}", file.display())))?;
    let secret = text.trim();
    if secret.is_empty() {
        return Err(wrong("client_secret_file", format!("{} is empty", file.display())));
    }
    Ok(Some(ClientSecret::new(secret.to_owned())))
}

fn wrong(key: &str, problem: impl std::fmt::Display) -> SettingError {
    SettingError::new(&format!("access.oidc.{key}"), problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The settings of a file with these lines in `access.oidc`.
    fn config(lines: &str) -> Result<Option<Config>, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("settings.toml");
        std::fs::write(folder.path().join("secret"), " hush \n").unwrap();
        std::fs::write(folder.path().join("empty"), "\n").unwrap();
        let lines = lines.replace("FOLDER", folder.path().to_str().unwrap());
        std::fs::write(&file, format!("[access.oidc]\n{lines}")).unwrap();
        Config::from_settings(&Settings::load(Some(&file)).unwrap()).map_err(|e| e.to_string())
    }

    const GOOD: &str =
        "issuer = 'https://id.example.org/realms/x'\nclient_id = 'millrace'\nroles = ['a=admin']";

    #[test]
    fn without_an_issuer_it_is_off() {
        assert!(config("").unwrap().is_none());
        assert!(config("client_id = 'x'").unwrap().is_none());
    }

    #[test]
    fn what_is_not_written_follows_from_the_rest() {
        let read = config(GOOD).unwrap().unwrap();
        assert_eq!((read.name.as_str(), read.audience.as_str()), ("id.example.org", "millrace"));
        assert_eq!(read.issuer.as_str(), "https://id.example.org/realms/x");
        assert!(read.client_secret.is_none());
        let more =
            format!("{GOOD}\nname = 'Example'\naudience = 'api'\nclient_secret_file = 'FOLDER/secret'");
        let read = config(&more).unwrap().unwrap();
        assert_eq!((read.name.as_str(), read.audience.as_str()), ("Example", "api"));
        assert_eq!(read.client_secret.unwrap().secret(), "hush");
        for issuer in ["http://127.0.0.1:5556/dex", "http://localhost", "http://[::1]:80", "https://x"] {
            assert!(config(&GOOD.replace("https://id.example.org/realms/x", issuer)).is_ok(), "{issuer}");
        }
    }

    #[test]
    fn a_wrong_setting_is_named() {
        let with = |line: &str| config(&format!("{GOOD}\n{line}")).unwrap_err();
        for (lines, expected) in [
            (GOOD.replace("https://", "http://"), "setting access.oidc.issuer"),
            (GOOD.replace("https://", "ftp://"), "write the issuer as it names itself"),
            (GOOD.replace("realms/x", "?x"), "write the issuer as it names itself"),
            (GOOD.replace("millrace", " "), "setting access.oidc.client_id"),
            (GOOD.replace("'a=admin'", ""), "setting access.oidc.roles (MILLRACE__ACCESS__OIDC__ROLES)"),
            (GOOD.replace("a=admin", "a"), "must be VALUE=ROLE"),
        ] {
            let wrong = config(&lines).unwrap_err();
            assert!(wrong.contains(expected), "{wrong}");
        }
        assert!(with("filters = ['a=x/#/y']").contains("setting access.oidc.filters"));
        assert!(with("client_secret_file = 'FOLDER/none'").contains("cannot read"));
        assert!(with("client_secret_file = 'FOLDER/empty'").contains("is empty"));
        assert!(with("claim = ''").contains("setting access.oidc.claim"));
    }
}
