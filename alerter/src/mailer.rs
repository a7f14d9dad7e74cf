//! Where mails go: a mail server, or a folder.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use lettre::message::{Mailbox, Mailboxes};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use serde::Deserialize;
use service::{SettingError, Settings};

/// How long one mail may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The section `smtp` of the settings. The URL may hold a password and is never printed.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Smtp {
    url: String,
    from: String,
    to: Vec<String>,
}

/// Sends mails, or writes each as a file.
pub struct Mailer {
    pub(crate) from: Mailbox,
    /// Where people open the page, without a trailing slash.
    pub(crate) page: String,
    way: Way,
}

enum Way {
    Folder(PathBuf),
    Server(AsyncSmtpTransport<Tokio1Executor>),
}

impl Mailer {
    /// # Errors
    /// An address or the URL is wrong, or the folder for mails cannot be made.
    pub fn from_settings(settings: &Settings, folder: &Path, page: String) -> Result<Self, SettingError> {
        let smtp: Smtp = settings.get("smtp")?;
        let from = smtp.from.parse().map_err(|e| SettingError::new("smtp.from", e))?;
        if smtp.to.is_empty() {
            return Err(SettingError::new("smtp.to", "name at least one address"));
        }
        smtp.to.join(", ").parse::<Mailboxes>().map_err(|e| SettingError::new("smtp.to", e))?;
        let way = match smtp.url.as_str() {
            "" => Way::Folder(folder.to_owned()),
            url => Way::Server(server(url)?),
        };
        if let Way::Folder(folder) = &way {
            std::fs::create_dir_all(folder).map_err(|e| {
                SettingError::new("data_dir", format!("cannot make {} for mails: {e}", folder.display()))
            })?;
        }
        Ok(Self { from, page, way })
    }

    /// Where mails are seen, for the lines at the start.
    #[must_use]
    pub fn place(&self) -> String {
        match &self.way {
            Way::Folder(folder) => folder.display().to_string(),
            Way::Server(_) => "the mail server in smtp.url".into(),
        }
    }

    /// # Errors
    /// The mail was not taken: try again later.
    pub(crate) async fn send(&self, message_id: &str, message: Message) -> anyhow::Result<()> {
        match &self.way {
            Way::Folder(folder) => write(folder, message_id, &message.formatted()).await,
            Way::Server(server) => {
                server.send(message).await.context("the mail server did not take the mail")?;
                Ok(())
            }
        }
    }
}

fn server(url: &str) -> Result<AsyncSmtpTransport<Tokio1Executor>, SettingError> {
    let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url).map_err(|_| {
        SettingError::new("smtp.url", "write smtp://[user:password@]host:port, smtps:// for TLS")
    })?;
    Ok(builder.timeout(Some(TIMEOUT)).build())
}

/// A file named after the Message-ID: a mail that is repeated is still one file.
async fn write(folder: &Path, message_id: &str, mail: &[u8]) -> anyhow::Result<()> {
    let name = message_id.split('@').next().unwrap_or(message_id);
    let path = folder.join(format!("{name}.eml"));
    let part = folder.join(format!("{name}.part"));
    let written = async {
        tokio::fs::write(&part, mail).await?;
        tokio::fs::rename(&part, &path).await
    };
    written.await.with_context(|| format!("write {}", path.display()))
}
