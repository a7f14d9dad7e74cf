//! Passwords that are typed in a terminal.

use std::io::{BufRead, IsTerminal, Read, Write};

use anyhow::{Context as _, ensure};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// Bytes of a password, at most: what MQTT can carry.
pub(crate) const MAX_PASSWORD_BYTES: usize = 65_535;

/// Reads a password, from the terminal without echo and twice, or as a line of standard input.
///
/// # Errors
/// It cannot be read, or the two are not the same.
pub fn read_password(user: &str) -> anyhow::Result<String> {
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
