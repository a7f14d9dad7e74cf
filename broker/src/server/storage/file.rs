//! The file itself: a log of records.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::PathBuf;

use bytes::Bytes;
use tracing::warn;

use super::record::Record;

/// What the file begins with.
const HEAD: &[u8] = b"millrace mqtt 1\n";

/// A file below this size is not rewritten.
const SMALL: u64 = 1024 * 1024;

/// The log of records.
pub(super) struct File {
    path: PathBuf,
    file: fs::File,
    bytes: u64,
    /// Its size when it was last rewritten: then nothing in it was old.
    rewritten: u64,
}

impl File {
    /// Opens the file and reads its records. One that is damaged is set aside, and what could be read is kept.
    pub(super) fn open(path: PathBuf) -> io::Result<(Self, Vec<Record>)> {
        let content = match fs::read(&path) {
            Ok(content) => Some(content),
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            Err(e) => return Err(e),
        };
        let (records, is_whole) = content.map_or((Vec::new(), true), |content| records(&content.into()));
        if !is_whole {
            let aside = path.with_extension("damaged");
            fs::rename(&path, &aside)?;
            warn!(
                kept = records.len(),
                "the file of MQTT sessions and retained messages is damaged; it was moved to {}",
                aside.display()
            );
        }
        let mut file = Self { file: create(&path.with_extension("part"))?, path, bytes: 0, rewritten: 0 };
        // From now on it is open.
        let open = records.iter().filter(|record| **record != Record::Closed);
        file.rewrite(|out| open.for_each(|record| record.write(out)))?;
        Ok((file, records))
    }

    pub(super) fn append(&mut self, records: &[u8]) -> io::Result<()> {
        self.file.write_all(records)?;
        self.bytes += records.len() as u64;
        Ok(())
    }

    /// Replaces the file by one with these records, or leaves it as it was.
    pub(super) fn rewrite(&mut self, records: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
        let mut out = HEAD.to_vec();
        records(&mut out);
        let part = self.path.with_extension("part");
        let mut file = create(&part)?;
        file.write_all(&out)?;
        file.sync_all()?;
        fs::rename(&part, &self.path)?;
        *self = Self {
            file,
            path: std::mem::take(&mut self.path),
            bytes: out.len() as u64,
            rewritten: out.len() as u64,
        };
        Ok(())
    }

    pub(super) fn is_mostly_old(&self) -> bool {
        self.bytes > SMALL.max(self.rewritten.saturating_mul(3))
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }
}

/// Only the owner may read the file: it holds payloads and client ids.
fn create(path: &std::path::Path) -> io::Result<fs::File> {
    // A file that is there, or a link, may belong to another user.
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(path)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    Ok(file)
}

/// The records up to the first that is damaged, and whether all are whole.
fn records(content: &Bytes) -> (Vec<Record>, bool) {
    if !content.starts_with(HEAD) {
        return (Vec::new(), false);
    }
    let mut rest = content.slice(HEAD.len()..);
    let mut records = Vec::new();
    while let Some((record, after)) = Record::read(&rest) {
        records.push(record);
        rest = after;
    }
    (records, rest.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::session::Key;

    fn gone(client_id: &str) -> Record {
        Record::Gone(Key { user: None, client_id: client_id.into() })
    }

    fn append(file: &mut File, record: &Record) {
        let mut out = Vec::new();
        record.write(&mut out);
        file.append(&out).unwrap();
    }

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("millrace-mqtt-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).unwrap();
        folder
    }

    #[test]
    fn what_was_appended_is_there_again() {
        let folder = folder("again");
        let path = folder.join("sessions");
        let (mut file, found) = File::open(path.clone()).unwrap();
        assert!(found.is_empty());
        append(&mut file, &gone("a"));
        file.rewrite(|out| gone("b").write(out)).unwrap();
        append(&mut file, &gone("c"));
        drop(file);
        assert_eq!(File::open(path.clone()).unwrap().1, [gone("b"), gone("c")]);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_damaged_file_is_set_aside_and_its_whole_records_are_kept() {
        let folder = folder("damaged");
        let path = folder.join("sessions");
        let mut content = HEAD.to_vec();
        gone("a").write(&mut content);
        for (damaged, kept) in [
            (Vec::new(), vec![]),
            (vec![0; 100], vec![]),
            (b"millrace mqtt 2\n".to_vec(), vec![]),
            ([content.as_slice(), b"\x00"].concat(), vec![gone("a")]),
        ] {
            fs::write(&path, &damaged).unwrap();
            assert_eq!(File::open(path.clone()).unwrap().1, kept);
            assert_eq!(fs::read(path.with_extension("damaged")).unwrap(), damaged);
            assert_eq!(File::open(path.clone()).unwrap().1, kept, "and it is whole again");
        }
        fs::remove_dir_all(folder).unwrap();
    }
}
