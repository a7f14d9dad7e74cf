//! `millrace passwd`: who may connect to the embedded broker.

use std::io::{BufRead, Write};

use anyhow::{Context as _, ensure};
use service::{SettingError, Settings};

use crate::{access, settings};

/// Reads a password from standard input and writes `user:hash` to the password file, replacing an older line.
///
/// # Errors
/// No file is set, the user's name or the password cannot be used, or the file cannot be written.
pub fn add_user(settings: &Settings, user: &str) -> anyhow::Result<()> {
    let path = settings::password_file(settings)?
        .ok_or_else(|| SettingError::new("mqtt.password_file", "name a file first"))?;
    let named = !user.is_empty() && !user.starts_with('#') && !user.contains([':', '\n']);
    ensure!(named, "a user's name must not be empty, start with # or contain :");
    let mut password = String::new();
    std::io::stdin().lock().read_line(&mut password).context("read the password from standard input")?;
    let password = password.trim_end_matches(['\r', '\n']);
    ensure!(!password.is_empty(), "the password is empty: write it to standard input, as one line");

    let old = match std::fs::read_to_string(&path) {
        Ok(old) => old,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(e) => return Err(e).with_context(|| format!("read {}", path.display())),
    };
    let others = old.lines().filter(|line| line.split(':').next() != Some(user));
    let mut new: String = others.map(|line| format!("{line}\n")).collect();
    new.push_str(&format!("{user}:{}\n", access::hash(password)?));
    let part = path.with_extension("part");
    service::private_part(&part)
        .and_then(|mut file| file.write_all(new.as_bytes()))
        .and_then(|()| std::fs::rename(&part, &path))
        .with_context(|| format!("write {}", path.display()))
}
