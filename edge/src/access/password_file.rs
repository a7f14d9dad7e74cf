//! The password file: a line `user:hash` for each who may connect, and indented below it what else that user may do.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail, ensure};
use argon2::Params;
use argon2::password_hash::PasswordHash;

use access::rights::{Rights, is_right};

/// Bytes of a user's name, at most.
pub(super) const MAX_NAME_BYTES: usize = 256;

/// Bytes of the file, at most: more than 100,000 users.
const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// The most that a hash may ask for: checking one takes this much memory and a bit more than a second.
const MAX_HASH_KIB: u32 = 64 * 1024;
const MAX_HASH_PASSES: u32 = 10;

/// Who may connect, and the hashes of their passwords.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct PasswordFile {
    users: HashMap<Arc<str>, User>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct User {
    hash: Arc<str>,
    rights: Rights,
}

impl PasswordFile {
    /// The text of a file, and whether everybody on this machine can read it.
    ///
    /// # Errors
    /// The file cannot be read, or is too long.
    pub(super) fn read(path: &Path) -> Result<(String, bool)> {
        let problem = || format!("cannot read {}", path.display());
        let file = std::fs::File::open(path).with_context(problem)?;
        let open = file.metadata().with_context(problem)?.mode() & 0o004 != 0;
        let mut text = String::new();
        file.take(MAX_FILE_BYTES + 1).read_to_string(&mut text).with_context(problem)?;
        ensure!(text.len() as u64 <= MAX_FILE_BYTES, "{}: more than {MAX_FILE_BYTES} bytes", path.display());
        Ok((text, open))
    }

    /// # Errors
    /// A line is wrong: the message names it, and none of what it says.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let mut file = Self::default();
        let mut last = None;
        for (number, line) in (1..).zip(text.lines()) {
            file.add(line, &mut last).with_context(|| format!("line {number}"))?;
        }
        Ok(file)
    }

    /// Takes a line; `last` is the user of the lines before it.
    fn add(&mut self, line: &str, last: &mut Option<Arc<str>>) -> Result<()> {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            return Ok(());
        }
        if is_right(line) {
            let user = last.as_ref().and_then(|last| self.users.get_mut(last));
            return user.context("this belongs below a user")?.rights.add(line);
        }
        let (name, hash) = entry(trimmed)?;
        let name = last.insert(name.into());
        let user = User { hash: hash.into(), rights: Rights::default() };
        match self.users.insert(Arc::clone(name), user) {
            Some(_) => bail!("the user is there twice"),
            None => Ok(()),
        }
    }

    pub(super) fn hash(&self, user: &str) -> Option<&Arc<str>> {
        self.users.get(user).map(|user| &user.hash)
    }

    /// What a user may do beside what a device may.
    pub(super) fn rights(&self, user: &str) -> Option<&Rights> {
        self.users.get(user).map(|user| &user.rights)
    }

    /// Whether there is such a user.
    pub(super) fn has(&self, user: &str) -> bool {
        self.users.contains_key(user)
    }

    /// Users of this file that are not in a newer one, or have another password or other rights there.
    pub(super) fn changed_in<'a>(&'a self, newer: &'a Self) -> impl Iterator<Item = &'a str> {
        let names = self.users.keys().map(|user| &**user);
        names.filter(|user| self.users.get(*user) != newer.users.get(*user))
    }
}

/// The text of a password file in which a user has this password and, if some are given, these rights instead of those
/// that it had.
///
/// # Errors
/// The password is too long.
pub(crate) fn with_user(old: &str, user: &str, password: &[u8], rights: &Rights) -> Result<String> {
    let (mut new, mut kept, mut is_theirs) = (String::new(), String::new(), false);
    for line in old.lines() {
        is_theirs = if is_right(line) { is_theirs } else { line.trim().split(':').next() == Some(user) };
        match (is_theirs, is_right(line)) {
            (true, true) => writeln!(kept, "{line}")?,
            (true, false) => {}
            (false, _) => writeln!(new, "{line}")?,
        }
    }
    let rights =
        if rights.is_empty() { kept } else { rights.lines().map(|line| format!("  {line}\n")).collect() };
    Ok(new + &line(user, password)? + &rights)
}

fn entry(line: &str) -> Result<(&str, &str)> {
    let (user, hash) = line.split_once(':').context("write user:hash, as `millrace passwd USER` does")?;
    ensure!(
        !user.is_empty() && user.len() <= MAX_NAME_BYTES,
        "a user's name has 1 to {MAX_NAME_BYTES} bytes"
    );
    let parsed = PasswordHash::new(hash).ok().filter(|hash| hash.algorithm == argon2::ARGON2ID_IDENT);
    let params = parsed.and_then(|hash| Params::try_from(&hash).ok());
    let params =
        params.context("what follows the user is no Argon2id hash: write it with `millrace passwd USER`")?;
    ensure!(
        params.m_cost() <= MAX_HASH_KIB && params.t_cost() <= MAX_HASH_PASSES,
        "the hash takes more than {MAX_HASH_KIB} KiB or {MAX_HASH_PASSES} passes"
    );
    Ok((user, hash))
}

/// A line for a user.
///
/// # Errors
/// The password is too long.
pub(crate) fn line(user: &str, password: &[u8]) -> Result<String> {
    let mut line = String::new();
    writeln!(line, "{user}:{}", ::access::hash_password(password)?)?;
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_line_is_named_and_not_repeated() {
        let good = line("dev1", b"s3cret").unwrap();
        assert!(PasswordFile::parse(&format!("# who may connect\n\n{good}")).unwrap().has("dev1"));
        let costly = good.replace("m=19456", "m=4000000");
        for (text, expected) in [
            (format!("{good}s3cret\n"), "line 2: write user:hash"),
            (format!("{good}dev2:s3cret\n"), "line 2: what follows the user is no Argon2id hash"),
            (format!("{good}dev2:\n"), "line 2: what follows"),
            (format!("{good}{good}"), "line 2: the user is there twice"),
            (format!(":{}", &good[5..]), "line 1: a user's name has 1 to 256 bytes"),
            (format!("{}{good}", "x".repeat(300)), "line 1: a user's name"),
            (costly, "line 1: the hash takes more than"),
        ] {
            let problem = format!("{:#}", PasswordFile::parse(&text).unwrap_err());
            assert!(problem.starts_with(expected) && !problem.contains("s3cret"), "{problem}");
        }
    }

    #[test]
    fn what_stands_below_a_user_is_for_that_user() {
        let (one, two) = (line("dev1", b"1").unwrap(), line("z2m", b"2").unwrap());
        let text =
            format!("{one}\n# a gateway\n{two}\treadwrite zigbee2mqtt/#\n  # and\n  read  Flur oben/#\n");
        let file = PasswordFile::parse(&text).unwrap();
        assert!(file.rights("dev1").unwrap().is_empty() && file.rights("dev2").is_none());
        let rights = file.rights("z2m").unwrap();
        assert!(rights.may_publish("zigbee2mqtt/lamp") && rights.may_subscribe("Flur oben/#"));
        let bad = |text: &str| format!("{:#}", PasswordFile::parse(text).unwrap_err());
        assert_eq!(bad("  read x\n"), "line 1: this belongs below a user");
        assert_eq!(
            bad(&format!("{one}  read a/#/b\n")),
            "line 2: # stands for all further levels: write it as the last level"
        );
    }

    #[test]
    fn a_new_password_keeps_what_the_user_may_unless_something_else_is_said() {
        let old =
            format!("{}  read a\n{}  read b\n# end\n", line("a", b"1").unwrap(), line("b", b"1").unwrap());
        let kept = with_user(&old, "a", b"2", &Rights::default()).unwrap();
        let file = PasswordFile::parse(&kept).unwrap();
        let matches = ::access::is_password;
        assert!(matches(file.hash("a").unwrap(), b"2") && matches(file.hash("b").unwrap(), b"1"));
        let reads = |user: &str, topic: &str| file.rights(user).unwrap().may_subscribe(topic);
        assert!(reads("a", "a") && reads("b", "b") && kept.contains("# end\n"), "{kept}");
        let mut others = Rights::default();
        others.add("write c").unwrap();
        let file = PasswordFile::parse(&with_user(&kept, "a", b"2", &others).unwrap()).unwrap();
        assert!(!file.rights("a").unwrap().may_subscribe("a") && file.rights("a").unwrap().may_publish("c"));
    }

    #[test]
    fn a_password_matches_its_own_hash_only() {
        let text = line("dev1", b"s3cret").unwrap();
        let file = PasswordFile::parse(&text).unwrap();
        let hash = file.hash("dev1").unwrap();
        let matches = ::access::is_password;
        assert!(matches(hash, b"s3cret") && !matches(hash, b"S3cret") && !matches(hash, b""));
        assert_ne!(text, line("dev1", b"s3cret").unwrap(), "each has a salt of its own");
    }

    #[test]
    fn who_is_in_the_old_file_alone_or_has_another_password_or_other_rights_is_changed() {
        let [old, new] = [b"x", b"y"].map(|password| ::access::hash_password(password).unwrap());
        let of = |users: &[(&str, &str, &str)]| {
            let lines = users.iter().map(|(user, hash, rights)| format!("{user}:{hash}\n{rights}"));
            PasswordFile::parse(&lines.collect::<String>()).unwrap()
        };
        let (read, write) = ("  read x/#\n", "  write x/#\n");
        let before = of(&[("a", &old, ""), ("b", &old, read), ("c", &old, read), ("e", &old, "")]);
        let after = of(&[("b", &old, read), ("c", &old, write), ("d", &old, ""), ("e", &new, "")]);
        let mut changed: Vec<_> = before.changed_in(&after).collect();
        changed.sort_unstable();
        assert_eq!(changed, ["a", "c", "e"]);
    }
}
