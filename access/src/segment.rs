//! A segment of the audit as a file: consecutive records with their contents, and the hashes at both ends.
//!
//! The first line says which records follow, and the hashes of the last one and of the one before the first; then there
//! is one record a line, the oldest first, each as JSON. The digest of a segment is the SHA-256 of the whole file, as
//! `sha256sum` prints it.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use store::{AuditOutcome, AuditRecord, Head, TextCodec as _, Via, sha256_of};

/// Says what a file is, and in which version.
const FORMAT: &str = "millrace-audit-1";

/// Which records a segment holds, and the hashes that tie it to the rest of the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ends {
    /// The number of the first record.
    pub first: i64,
    /// The number of the last record.
    pub last: i64,
    /// The hash of the record before the first; empty where there is none.
    pub before: String,
    /// The hash of the last record.
    pub hash: String,
}

impl Ends {
    /// The end of the chain before the segment.
    pub(crate) fn base(&self) -> Head {
        Head { number: self.first - 1, hash: self.before.clone() }
    }

    /// The end of the chain after the segment.
    pub(crate) fn head(&self) -> Head {
        Head { number: self.last, hash: self.hash.clone() }
    }
}

/// A segment, as it was read from a file or is to be written. Its chain holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Where it begins and ends.
    pub ends: Ends,
    /// Its records, the oldest first; there is at least one.
    pub records: Vec<AuditRecord>,
    /// The SHA-256 of the file, in hexadecimal.
    pub digest: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FirstLine {
    format: String,
    first: i64,
    last: i64,
    before: String,
    hash: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    number: i64,
    at: Timestamp,
    actor: Option<String>,
    via: String,
    address: Option<String>,
    action: String,
    target: String,
    outcome: String,
    salt: Option<String>,
    before: Option<String>,
    after: Option<String>,
    before_digest: Option<String>,
    after_digest: Option<String>,
    hash: String,
}

impl Segment {
    /// The segment of records that follow the end of a chain.
    ///
    /// # Errors
    /// There is no record, or the chain does not hold.
    pub(crate) fn new(base: &Head, records: Vec<AuditRecord>) -> Result<Self> {
        let Some(first) = records.first() else { bail!("a segment has at least one record") };
        let before = base.hash.clone();
        let first = first.number;
        let head = records.iter().try_fold(base.clone(), |head, record| record.check(&head))?;
        let ends = Ends { first, last: head.number, before, hash: head.hash };
        let digest = sha256_of(&[encode(&ends, &records)?.as_bytes()]);
        Ok(Self { ends, records, digest })
    }

    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, is no segment, or its chain does not hold.
    pub fn open(path: &Path) -> Result<Self> {
        let problem = || format!("read {}", path.display());
        let bytes = std::fs::read(path).with_context(problem)?;
        Self::decode(&bytes).with_context(problem)
    }

    fn decode(bytes: &[u8]) -> Result<Self> {
        let mut lines = std::str::from_utf8(bytes)?.lines().zip(1..);
        let (line, number) = lines.next().context("the file is empty")?;
        let FirstLine { format, first, last, before, hash } = from_json(line, number)?;
        ensure!(format == FORMAT, "line 1: this is not a segment of the audit: its format must be {FORMAT}");
        let ends = Ends { first, last, before, hash };
        let records = lines
            .map(|(line, number)| from_json::<Line>(line, number)?.record().with_context(|| at_line(number)))
            .collect::<Result<Vec<_>>>()?;
        let read = Self::new(&ends.base(), records)?;
        ensure!(
            read.ends == ends,
            "the first line says that the file ends with record {last}, and it does not"
        );
        Ok(Self { digest: sha256_of(&[bytes]), ..read })
    }

    /// Writes a file that is not there yet, for its owner alone, and reads it back.
    ///
    /// # Errors
    /// The file is there, cannot be written, or what is read back differs.
    pub fn write(&self, path: &Path) -> Result<()> {
        let problem = || format!("write {}", path.display());
        let mut file = new_file(path).with_context(problem)?;
        file.write_all(encode(&self.ends, &self.records)?.as_bytes()).with_context(problem)?;
        file.sync_all().with_context(problem)?;
        sync_folder(path).with_context(problem)?;
        ensure!(Self::open(path)? == *self, "{}: what was written is not what is read back", path.display());
        Ok(())
    }

    /// The segment without the contents of some of its records.
    ///
    /// # Errors
    /// The segment cannot be encoded.
    pub(crate) fn without(&self, numbers: &[i64]) -> Result<Self> {
        let mut records = self.records.clone();
        let is_named = |record: &&mut AuditRecord| numbers.contains(&record.number);
        records.iter_mut().filter(is_named).for_each(AuditRecord::erase);
        Self::new(&self.ends.base(), records)
    }
}

/// A file for its owner alone: the contents are about people.
fn new_file(path: &Path) -> std::io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    File::options().create_new(true).write(true).mode(0o600).open(path)
}

/// A new name in a folder is on the disk only once the folder is.
fn sync_folder(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

fn encode(ends: &Ends, records: &[AuditRecord]) -> Result<String> {
    let Ends { first, last, before, hash } = ends.clone();
    let mut text =
        serde_json::to_string(&FirstLine { format: FORMAT.to_owned(), first, last, before, hash })?;
    text.push('\n');
    for record in records {
        text += &serde_json::to_string(&Line::of(record))?;
        text.push('\n');
    }
    Ok(text)
}

fn from_json<T: DeserializeOwned>(line: &str, number: usize) -> Result<T> {
    serde_json::from_str(line).with_context(|| at_line(number))
}

fn at_line(number: usize) -> String {
    format!("line {number}")
}

impl Line {
    fn of(record: &AuditRecord) -> Self {
        let AuditRecord { number, at, via, outcome, .. } = *record;
        let AuditRecord { actor, address, action, target, salt, before, after, .. } = record.clone();
        let AuditRecord { before_digest, after_digest, hash, .. } = record.clone();
        let (via, outcome) = (via.word().to_owned(), outcome.word().to_owned());
        Self {
            number,
            at,
            actor,
            via,
            address,
            action,
            target,
            outcome,
            salt,
            before,
            after,
            before_digest,
            after_digest,
            hash,
        }
    }

    fn record(self) -> Result<AuditRecord> {
        let via = Via::read(&self.via).with_context(|| format!("there is no via {:?}", self.via))?;
        let outcome = AuditOutcome::read(&self.outcome)
            .with_context(|| format!("there is no outcome {:?}", self.outcome))?;
        Ok(AuditRecord {
            number: self.number,
            at: self.at,
            actor: self.actor,
            via,
            address: self.address,
            action: self.action,
            target: self.target,
            outcome,
            salt: self.salt,
            before: self.before,
            after: self.after,
            before_digest: self.before_digest,
            after_digest: self.after_digest,
            hash: self.hash,
        })
    }
}
