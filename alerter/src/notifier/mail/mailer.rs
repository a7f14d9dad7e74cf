//! Where mails go: a mail server, or a folder.

use std::path::PathBuf;

use lettre::Message;
use lettre::message::{Mailbox, Mailboxes};
use serde::Deserialize;
use service::{SettingError, Settings};

use super::folder;
use super::smtp::Server;
use crate::notifier::SendError;

/// The section `smtp` of the settings. The URL may hold a password and is never printed.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Smtp {
    url: String,
    from: String,
    to: Vec<String>,
    /// The rules read it.
    #[serde(rename = "zone")]
    _zone: String,
}

/// Sends mails, or writes each as a file.
pub struct Mailer {
    pub(crate) from: Mailbox,
    destination: Destination,
}

enum Destination {
    Folder(PathBuf),
    Server(Server),
}

impl Mailer {
    /// # Errors
    /// An address or the URL is wrong, or the folder for mails, `mails` in `data_dir`, cannot be made.
    pub fn from_settings(settings: &Settings) -> Result<Self, SettingError> {
        let smtp: Smtp = settings.get("smtp")?;
        let from = smtp.from.parse().map_err(|e| SettingError::new("smtp.from", e))?;
        if smtp.to.is_empty() {
            return Err(SettingError::new("smtp.to", "name at least one address"));
        }
        smtp.to.join(", ").parse::<Mailboxes>().map_err(|e| SettingError::new("smtp.to", e))?;
        let destination = match smtp.url.as_str() {
            "" => Destination::Folder(service::data_dir(settings)?.join("mails")),
            url => Destination::Server(Server::from_url(url).ok_or_else(|| {
                SettingError::new("smtp.url", "write smtp://[user:password@]host:port, smtps:// for TLS")
            })?),
        };
        if let Destination::Folder(folder) = &destination {
            service::private_folder(folder).map_err(|e| {
                SettingError::new("data_dir", format!("cannot make {} for mails: {e}", folder.display()))
            })?;
        }
        Ok(Self { from, destination })
    }

    /// Where mails can be seen, in words for the start-up message.
    #[must_use]
    pub fn place(&self) -> String {
        match &self.destination {
            Destination::Folder(folder) => folder.display().to_string(),
            Destination::Server(_) => "the mail server in smtp.url".into(),
        }
    }

    /// Sends one mail; returns the replies for recipients that the server refused while it accepted others.
    ///
    /// # Errors
    /// The mail was not accepted: try again later.
    pub(crate) async fn send(&self, message_id: &str, message: &Message) -> Result<Vec<String>, SendError> {
        match &self.destination {
            Destination::Folder(folder) => folder::write(folder, message_id, &message.formatted())
                .await
                .map(|()| Vec::new())
                .map_err(SendError::Transient),
            Destination::Server(server) => server.send(message).await,
        }
    }
}
