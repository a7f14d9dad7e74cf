//! Where mails go: a mail server, or a folder.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use lettre::Message;
use lettre::message::{Mailbox, Mailboxes};
use serde::Deserialize;
use service::{SettingError, Settings};
use tokio::fs::File;
use tokio::io::AsyncWriteExt;

use crate::notifier::NotTaken;
use crate::plan::fnv1a;
use crate::smtp::Server;

/// Of a file's name, before what tells it from others that start alike.
const MAX_NAME_CHARS: usize = 200;

/// The section `smtp` of the settings. The URL may hold a password and is never printed.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Smtp {
    url: String,
    from: String,
    to: Vec<String>,
    /// For those who read the rules.
    #[serde(rename = "zone")]
    _zone: String,
}

/// Sends mails, or writes each as a file.
pub struct Mailer {
    pub(crate) from: Mailbox,
    channel: Channel,
}

enum Channel {
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
        let channel = match smtp.url.as_str() {
            "" => Channel::Folder(service::data_dir(settings)?.join("mails")),
            url => Channel::Server(Server::from_url(url).ok_or_else(|| {
                SettingError::new("smtp.url", "write smtp://[user:password@]host:port, smtps:// for TLS")
            })?),
        };
        if let Channel::Folder(folder) = &channel {
            std::fs::create_dir_all(folder).map_err(|e| {
                SettingError::new("data_dir", format!("cannot make {} for mails: {e}", folder.display()))
            })?;
        }
        Ok(Self { from, channel })
    }

    /// Where mails are seen, for the lines at the start.
    #[must_use]
    pub fn place(&self) -> String {
        match &self.channel {
            Channel::Folder(folder) => folder.display().to_string(),
            Channel::Server(_) => "the mail server in smtp.url".into(),
        }
    }

    /// Returns what was said to recipients who were refused while others were taken.
    ///
    /// # Errors
    /// The mail was not taken: try again later, or after the others.
    pub(crate) async fn send(&self, message_id: &str, message: &Message) -> Result<Vec<String>, NotTaken> {
        match &self.channel {
            Channel::Folder(folder) => write(folder, message_id, &message.formatted())
                .await
                .map(|()| Vec::new())
                .map_err(NotTaken::Away),
            Channel::Server(server) => server.send(message).await,
        }
    }
}

/// A file named after the Message-ID, and on disk: a mail that is repeated is still one file.
async fn write(folder: &Path, message_id: &str, mail: &[u8]) -> anyhow::Result<()> {
    let name = file_name(message_id);
    let path = folder.join(format!("{name}.eml"));
    let part = folder.join(format!("{name}.part"));
    let written = async {
        let mut file = File::create(&part).await?;
        file.write_all(mail).await?;
        file.sync_all().await?;
        tokio::fs::rename(&part, &path).await?;
        File::open(folder).await?.sync_all().await
    };
    written.await.with_context(|| format!("write {}", path.display()))
}

/// A topic may have 255 characters, and so may a file's name with all that is added to it.
fn file_name(message_id: &str) -> String {
    let name = message_id.split('@').next().unwrap_or(message_id);
    match name.get(..MAX_NAME_CHARS) {
        Some(start) => format!("{start}-{:016x}", fnv1a(name.bytes())),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_is_the_message_id_as_far_as_it_fits() {
        let named = |id: &str| file_name(&format!("{id}@millrace"));
        assert_eq!(named("high.temperature.lab.17.opened"), "high.temperature.lab.17.opened");
        let long = "x".repeat(350);
        assert!(named(&long).len() <= 250, "{}", named(&long).len());
        assert_eq!(named(&long), named(&long));
        assert_ne!(named(&format!("{long}1")), named(&format!("{long}2")));
    }
}
