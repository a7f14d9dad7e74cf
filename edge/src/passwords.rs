//! `millrace passwd`: who may connect to the embedded broker.

use std::io::Write;
use std::path::Path;

use anyhow::{Context as _, ensure};
use service::Settings;

use ::access::rights::{Rights, is_device};

use crate::access::{self, OWN_USER};
use crate::settings;
use crate::terminal::{MAX_PASSWORD_BYTES, read_password};

/// A user of the embedded broker: `millrace passwd`.
#[derive(Debug, clap::Args)]
pub struct PasswdArgs {
    /// The user, which is a device: it publishes on `METRIC/USER` and below. A . stands for each / in the device's name
    user: String,
    /// Let the user publish to the topics that this MQTT filter matches, too. May be given several times; what the user
    /// might before is replaced
    #[arg(long, value_name = "FILTER")]
    write: Vec<String>,
    /// Let the user subscribe to this MQTT filter, and to narrower ones
    #[arg(long, value_name = "FILTER")]
    read: Vec<String>,
    /// Both
    #[arg(long, value_name = "FILTER")]
    readwrite: Vec<String>,
}

impl PasswdArgs {
    fn rights(&self) -> anyhow::Result<Rights> {
        let mut rights = Rights::default();
        let all = [("readwrite", &self.readwrite), ("write", &self.write), ("read", &self.read)];
        for (what, filter) in
            all.into_iter().flat_map(|(what, filters)| filters.iter().map(move |filter| (what, filter)))
        {
            rights.add(&format!("{what} {filter}")).with_context(|| format!("--{what} {filter}"))?;
        }
        Ok(rights)
    }
}

/// Reads a password, from the terminal without echo or as a line of standard input, and writes `user:hash` and the user's
/// rights to the password file, replacing older lines. Creates the file and its folder.
///
/// # Errors
/// The user's name, a filter or the password cannot be used, or the file cannot be written.
pub fn add_user(settings: &Settings, args: &PasswdArgs) -> anyhow::Result<()> {
    let path = settings::password_file_to_write(settings)?;
    let (user, rights) = (args.user.as_str(), args.rights()?);
    ensure!(
        is_device(user),
        "a user is a device: letters, digits, _ and -, with a . for each / of the device's name"
    );
    ensure!(user != OWN_USER, "{OWN_USER} is the name of this program itself: choose another");
    let password = read_password(user)?;
    ensure!(
        !password.is_empty(),
        "the password is empty: type it, or write it to standard input, as one line"
    );
    ensure!(password.len() <= MAX_PASSWORD_BYTES, "a password has at most {MAX_PASSWORD_BYTES} bytes");
    let old = match std::fs::read_to_string(&path) {
        Ok(old) => old,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(e) => return Err(e).with_context(|| format!("read {}", path.display())),
    };
    let new = access::with_user(&old, user, password.as_bytes(), &rights)?;
    write(&path, &new).with_context(|| format!("write {}", path.display()))?;
    say(&path, user, old.is_empty());
    Ok(())
}

/// A closed stdout is no error.
fn say(path: &Path, user: &str, is_new: bool) {
    let mut stdout = std::io::stdout().lock();
    let _ = writeln!(stdout, "{user} may connect: {}", path.display());
    if is_new {
        let _ = writeln!(stdout, "From its next start on, millrace asks for users.");
    }
}

/// Replaces the file as a whole, readable by its owner alone.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists());
    folder.map_or(Ok(()), service::private_folder)?;
    let part = path.with_extension("part");
    let mut file = service::private_part(&part)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&part, path)
}
