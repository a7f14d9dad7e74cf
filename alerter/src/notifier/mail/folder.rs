//! Mails as files in a folder, where no mail server is set.

use std::path::Path;

use anyhow::Context as _;
use telemetry::fnv1a_64;
use tokio::fs::File;
use tokio::io::AsyncWriteExt;

/// Characters of a Message-ID in a file's name, at most; a longer one is cut, and its hash keeps it unique.
const MAX_NAME_CHARS: usize = 200;

/// Writes a mail to a file named after its Message-ID and syncs it to disk; a repeated mail is still one file.
pub(super) async fn write(folder: &Path, message_id: &str, mail: &[u8]) -> anyhow::Result<()> {
    let name = file_name(message_id);
    let path = folder.join(format!("{name}.eml"));
    let part = folder.join(format!("{name}.part"));
    let written = async {
        let mut file = File::from_std(service::private_part(&part)?);
        file.write_all(mail).await?;
        file.sync_all().await?;
        tokio::fs::rename(&part, &path).await?;
        File::open(folder).await?.sync_all().await
    };
    written.await.with_context(|| format!("write {}", path.display()))
}

/// The part of the Message-ID before the `@`, cut: a file's name has at most 255 characters.
fn file_name(message_id: &str) -> String {
    let name = message_id.split('@').next().unwrap_or(message_id);
    match name.get(..MAX_NAME_CHARS) {
        Some(start) => format!("{start}-{:016x}", fnv1a_64(name.bytes())),
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
