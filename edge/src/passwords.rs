//! `millrace passwd`: who may connect to the embedded broker.

use std::io::{BufRead, IsTerminal, Read, Write};
use std::path::Path;

use anyhow::{Context as _, ensure};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use service::Settings;

use crate::access::{self, OWN_USER, Rights};
use crate::settings;

/// Bytes of a password, at most: what MQTT can carry.
const MAX_PASSWORD_BYTES: usize = 65_535;

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
        access::is_device(user),
        "a user is a device: letters, digits, _ and -, with a . for each / of the device's name"
    );
    ensure!(user != OWN_USER, "{OWN_USER} is the name of this program itself: choose another");
    let password = password(user)?;
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

fn password(user: &str) -> anyhow::Result<String> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return line().context("read the password from standard input");
    }
    let _quiet = Quiet::begin().context("turn off the terminal's echo")?;
    let first = asked(&format!("Password of {user}: "))?;
    ensure!(first == asked("The same again: ")?, "the two passwords are not the same");
    Ok(first)
}

fn asked(question: &str) -> anyhow::Result<String> {
    let mut stderr = std::io::stderr().lock();
    // A terminal that shows nothing can still be typed in.
    let _ = write!(stderr, "{question}").and_then(|()| stderr.flush());
    let line = line().context("read the password from the terminal");
    let _ = writeln!(stderr);
    line
}

/// One line of standard input, and no more than a password can be long.
fn line() -> std::io::Result<String> {
    let mut line = String::new();
    std::io::stdin().lock().take(MAX_PASSWORD_BYTES as u64 + 3).read_line(&mut line)?;
    line.truncate(line.trim_end_matches(['\r', '\n']).len());
    Ok(line)
}

/// A terminal that does not show what is typed, until this is dropped.
struct Quiet(Termios);

impl Quiet {
    fn begin() -> std::io::Result<Self> {
        let before = tcgetattr(std::io::stdin())?;
        let mut quiet = before.clone();
        quiet.local_modes -= LocalModes::ECHO;
        tcsetattr(std::io::stdin(), OptionalActions::Flush, &quiet)?;
        Ok(Self(before))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // Nothing better can be done for a terminal that is gone.
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &self.0);
    }
}
