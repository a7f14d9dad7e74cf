//! Text files that people change while a service runs: read whole, and read again when they change.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

/// How often a file is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// A file that changes is read when it has stayed the same for this long: half of one may be good.
const SETTLED: Duration = Duration::from_millis(300);

/// Most bytes of a file: far more than people write, and little enough to hold a few times.
const MAX_BYTES: u64 = 1024 * 1024;

/// A text file that people may change at any time.
#[derive(Debug, Clone)]
pub struct TextFile {
    path: PathBuf,
    may_be_missing: bool,
}

impl TextFile {
    /// A file that must be there.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self { path, may_be_missing: false }
    }

    /// A file that is empty while it is not there.
    #[must_use]
    pub fn optional(path: PathBuf) -> Self {
        Self { path, may_be_missing: true }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The text of the file.
    ///
    /// # Errors
    /// The file cannot be read, is not UTF-8 or has more than 1 MiB: a sentence that names it.
    pub fn read(&self) -> Result<String, String> {
        match bounded(&self.path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound && self.may_be_missing => Ok(String::new()),
            read => read.map_err(|e| format!("cannot read {}: {e}", self.path.display())),
        }
    }

    /// Hands over the text now, when it has changed, and when SIGHUP comes. Never ends.
    pub async fn follow(&self, mut changed: impl FnMut(Result<String, String>)) {
        let mut hang_up = signal(SignalKind::hangup()).ok();
        let mut last = self.read();
        changed(last.clone());
        loop {
            let asked = tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => false,
                true = async { match &mut hang_up {
                    Some(hang_up) => hang_up.recv().await.is_some(),
                    None => std::future::pending().await,
                }} => true,
            };
            if asked || self.read() != last {
                last = self.settled().await;
                changed(last.clone());
            }
        }
    }

    async fn settled(&self) -> Result<String, String> {
        let mut text = self.read();
        loop {
            tokio::time::sleep(SETTLED).await;
            let now = self.read();
            if now == text {
                return text;
            }
            text = now;
        }
    }
}

fn bounded(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(MAX_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(io::Error::other(format!("it has more than {MAX_BYTES} bytes")));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::mpsc;

    #[test]
    fn a_file_is_read_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rules.toml");
        assert_eq!(TextFile::optional(path.clone()).read(), Ok(String::new()));
        let error = TextFile::new(path.clone()).read().unwrap_err();
        assert!(error.starts_with("cannot read ") && error.contains("rules.toml: No such file"), "{error}");
        std::fs::write(&path, "a").unwrap();
        assert_eq!(TextFile::new(path.clone()).read(), Ok("a".into()));
        std::fs::write(&path, vec![b'a'; MAX_BYTES as usize + 1]).unwrap();
        let error = TextFile::optional(path).read().unwrap_err();
        assert!(error.ends_with("it has more than 1048576 bytes"), "{error}");
    }

    #[tokio::test]
    async fn each_change_is_handed_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rules.toml");
        let (out, mut texts) = mpsc::unbounded_channel();
        let file = TextFile::optional(path.clone());
        let following = tokio::spawn(async move { file.follow(|text| out.send(text).unwrap()).await });
        assert_eq!(texts.recv().await, Some(Ok(String::new())));
        std::fs::write(&path, "a").unwrap();
        assert_eq!(texts.recv().await, Some(Ok("a".into())));
        std::fs::remove_file(&path).unwrap();
        assert_eq!(texts.recv().await, Some(Ok(String::new())));
        following.abort();
    }
}
