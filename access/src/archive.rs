//! Keeping the audit short and lawful: segments leave it as files, and contents are erased. Each is a record of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{AuditOutcome, AuditQuery, AuditRecord, Change, Store, Unavailable};

use crate::caller::record_of_command;
use crate::segment::{Ends, Segment};

/// A segment became a file.
const ARCHIVE: &str = "archive audit";

/// Contents of records were erased.
const ERASE: &str = "erase audit";

/// Contents of records in a file were erased.
const ERASE_FILE: &str = "erase archived audit";

/// Records that are read at once.
const PAGE: i64 = 1_000;

/// Records whose contents one record says to be erased, at most.
const MAX_ERASED: usize = 1_000;

/// How far a segment reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// To the last record before this time.
    Before(Timestamp),
    /// To this record.
    Number(i64),
}

impl Until {
    fn includes(self, record: &AuditRecord) -> bool {
        match self {
            Self::Before(time) => record.at < time,
            Self::Number(number) => record.number <= number,
        }
    }
}

/// Whose contents are erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Erasable {
    /// Those of one record.
    Number(i64),
    /// Those that name somebody or something: a user, a mail address, a device. They are found by the target of the record
    /// and by each text in the contents.
    About(String),
}

/// What the audit says of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Archived {
    /// Where it begins and ends.
    #[serde(flatten)]
    pub ends: Ends,
    /// The SHA-256 of the file.
    pub digest: String,
}

/// What records say of others, gathered from the newest to the oldest.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// The newest word on each file, by its last record.
    archived: BTreeMap<i64, Archived>,
    /// Records whose contents were erased.
    erased: BTreeSet<i64>,
}

impl Notes {
    pub(crate) fn add(&mut self, record: &AuditRecord) {
        let Some(after) = record.after.as_deref().filter(|_| is_kept(record)) else { return };
        if let Some(archived) = archived(after) {
            self.archived.entry(archived.ends.last).or_insert(archived);
        }
        let after: Value = serde_json::from_str(after).unwrap_or_default();
        self.erased.extend(after["records"].as_array().into_iter().flatten().filter_map(Value::as_i64));
    }

    /// The file that ends with this record.
    pub(crate) fn archived(&self, last: i64) -> Option<&Archived> {
        self.archived.get(&last)
    }

    /// The last file that ends before this record.
    pub(crate) fn archived_before(&self, number: i64) -> Option<&Archived> {
        self.archived.range(..number).next_back().map(|(_, archived)| archived)
    }

    pub(crate) fn is_erased(&self, number: i64) -> bool {
        self.erased.contains(&number)
    }
}

fn archived(after: &str) -> Option<Archived> {
    serde_json::from_str(after).ok()
}

/// Whether the chain rests on the contents of a record, so that they stay.
fn is_kept(record: &AuditRecord) -> bool {
    record.outcome == AuditOutcome::Done && [ARCHIVE, ERASE, ERASE_FILE].contains(&&*record.action)
}

/// The last segment that became a file. Its record is in no file yet, so it is found without any.
///
/// # Errors
/// The store does not answer.
pub async fn last_archived(store: &dyn Store) -> Result<Option<Ends>, Unavailable> {
    let (action, outcome) = (Some(ARCHIVE.to_owned()), Some(AuditOutcome::Done));
    let newest = store.audit(&AuditQuery { action, outcome, limit: 1, ..AuditQuery::default() }).await?;
    let archived = newest.first().and_then(|record| archived(record.after.as_deref()?));
    Ok(archived.map(|archived| archived.ends))
}

/// Reads the segment that follows the last one that became a file; None where no record is old enough.
///
/// # Errors
/// The chain does not hold, or the store does not answer.
pub async fn next_segment(store: &dyn Store, until: Until, max_records: usize) -> Result<Option<Segment>> {
    let base = last_archived(store).await?.map(|ends| ends.head()).unwrap_or_default();
    let (mut records, mut next) = (Vec::new(), base.number + 1);
    loop {
        let query = AuditQuery { before: Some(next + PAGE), limit: PAGE as usize, ..AuditQuery::default() };
        let mut page = store.audit(&query).await?;
        page.retain(|record| record.number >= next);
        let read = page.len();
        next += PAGE;
        let room = max_records - records.len();
        records.extend(page.into_iter().rev().take_while(|record| until.includes(record)).take(room));
        let is_over = records.last().is_none_or(|last: &AuditRecord| last.number + 1 < next);
        if read == 0 || is_over || records.len() == max_records {
            break;
        }
    }
    if records.is_empty() { Ok(None) } else { Segment::new(&base, records).map(Some) }
}

/// Removes a segment from the audit that is in a file, and records what the file holds.
///
/// # Errors
/// The segment is not in the audit any more, or the store does not answer: nothing was removed.
pub async fn archive(store: &dyn Store, segment: &Segment, now: Timestamp) -> Result<()> {
    let Ends { first, last, .. } = segment.ends;
    let change = Change::ArchiveAudit { first, last };
    let archived = Archived { ends: segment.ends.clone(), digest: segment.digest.clone() };
    let record =
        record_of_command(now, ARCHIVE, &range(&segment.ends), Some(serde_json::to_string(&archived)?));
    let removed = store.change(&change, &record).await?;
    removed.with_context(|| format!("{} are not in the audit any more", range(&segment.ends))).map(drop)
}

/// Erases contents from the audit; returns of how many records.
///
/// # Errors
/// There is no such record, the chain rests on it, or the store does not answer.
pub async fn erase(store: &dyn Store, which: &Erasable, now: Timestamp) -> Result<usize> {
    let mut numbers = Vec::new();
    match which {
        Erasable::Number(number) => numbers.extend(erasable(store, *number).await?),
        Erasable::About(name) => {
            each(store, None, |record| {
                if is_about(record, name) {
                    numbers.push(record.number);
                }
            })
            .await?;
        }
    }
    for chunk in numbers.chunks(MAX_ERASED) {
        let after = json!({ "records": chunk }).to_string();
        let record = record_of_command(now, ERASE, &records(chunk.len()), Some(after));
        let erased = store.change(&Change::EraseAudit(chunk.to_vec()), &record).await?;
        ensure!(erased.is_some(), "somebody else archives or erases at the same time: repeat the command");
    }
    Ok(numbers.len())
}

/// Erases contents from a file: writes it anew, and records what it holds now; returns of how many records.
///
/// # Errors
/// The file is none of this audit, cannot be written, or the store does not answer. Repeat the command.
pub async fn erase_file(
    store: &dyn Store,
    path: &Path,
    known: &mut Known,
    which: &Erasable,
    now: Timestamp,
) -> Result<usize> {
    let part = PathBuf::from(format!("{}.part", path.display()));
    if part.exists() {
        finish_interrupted(known, &part, path)?;
    }
    let segment = Segment::open(path)?;
    known.check(&segment, path)?;
    let matching = segment.records.iter().filter(|record| match which {
        Erasable::Number(number) => record.number == *number && record.has_contents() && !is_kept(record),
        Erasable::About(name) => is_about(record, name),
    });
    let numbers: Vec<i64> = matching.map(|record| record.number).collect();
    if numbers.is_empty() {
        return Ok(0);
    }
    let new = segment.without(&numbers)?;
    new.write(&part)?;
    let mut after = json!(Archived { ends: new.ends.clone(), digest: new.digest.clone() });
    after["records"] = json!(numbers);
    let record = record_of_command(now, ERASE_FILE, &range(&new.ends), Some(after.to_string()));
    store.change(&Change::Nothing, &record).await?;
    std::fs::rename(&part, path).with_context(|| format!("rename {} over the old file", part.display()))?;
    Ok(numbers.len())
}

/// What an erasure left that was cut off: the new file counts once it is recorded.
fn finish_interrupted(known: &Known, part: &Path, path: &Path) -> Result<()> {
    let is_recorded = Segment::open(part).is_ok_and(|new| check_file(&known.0, &new).is_ok());
    let done = if is_recorded { std::fs::rename(part, path) } else { std::fs::remove_file(part) };
    done.with_context(|| part.display().to_string())
}

/// What the audit says of files.
pub struct Known(Notes);

impl Known {
    /// Reads what the audit itself says; a file may say more of older ones.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn read(store: &dyn Store) -> Result<Self, Unavailable> {
        let mut notes = Notes::default();
        each(store, None, |record| notes.add(record)).await?;
        Ok(Self(notes))
    }

    /// Learns what a file says of older files, after it was found to be the one that the audit speaks of.
    ///
    /// # Errors
    /// It is none of this audit, or not as it was recorded.
    pub fn check(&mut self, segment: &Segment, path: &Path) -> Result<()> {
        check_file(&self.0, segment).with_context(|| path.display().to_string())?;
        segment.records.iter().rev().for_each(|record| self.0.add(record));
        Ok(())
    }
}

/// Checks that a file is as a record of the audit says.
pub(crate) fn check_file(notes: &Notes, segment: &Segment) -> Result<()> {
    let said = notes.archived(segment.ends.last).filter(|archived| archived.ends == segment.ends);
    let Some(said) = said else {
        bail!(
            "no record of the audit, and none of the files before this one, says that {} became a file",
            range(&segment.ends)
        )
    };
    if said.digest != segment.digest {
        bail!(
            "the file is not the one that was recorded: its SHA-256 is {}, and was {}",
            segment.digest,
            said.digest
        );
    }
    Ok(())
}

/// Reads all records, or those of an action, from the newest to the oldest.
pub(crate) async fn each(
    store: &dyn Store,
    action: Option<&str>,
    mut see: impl FnMut(&AuditRecord),
) -> Result<(), Unavailable> {
    let (action, mut before) = (action.map(str::to_owned), None);
    loop {
        let limit = PAGE as usize;
        let query = AuditQuery { action: action.clone(), before, limit, ..AuditQuery::default() };
        let page = store.audit(&query).await?;
        let Some(oldest) = page.last() else { return Ok(()) };
        before = Some(oldest.number);
        page.iter().for_each(&mut see);
    }
}

/// The number of a record whose contents can be erased; None where they are already.
async fn erasable(store: &dyn Store, number: i64) -> Result<Option<i64>> {
    let query = AuditQuery { before: Some(number.saturating_add(1)), limit: 1, ..AuditQuery::default() };
    let found = store.audit(&query).await?.into_iter().find(|record| record.number == number);
    let record = found.with_context(|| format!("there is no record {number} in the audit"))?;
    ensure!(
        !is_kept(&record),
        "record {number} says what was archived or erased: without it the audit could not be verified"
    );
    Ok(record.has_contents().then_some(number))
}

fn is_about(record: &AuditRecord, name: &str) -> bool {
    let names = |content: &Option<String>| {
        let content = content.as_deref().and_then(|content| serde_json::from_str(content).ok());
        content.is_some_and(|content| has_text(&content, name))
    };
    let is_named = || record.target == name || names(&record.before) || names(&record.after);
    record.has_contents() && !is_kept(record) && is_named()
}

/// Whether a text, or the name of a field, is this one.
fn has_text(content: &Value, name: &str) -> bool {
    match content {
        Value::String(text) => text == name,
        Value::Array(values) => values.iter().any(|value| has_text(value, name)),
        Value::Object(fields) => fields.iter().any(|(field, value)| field == name || has_text(value, name)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// As in `records 1 to 500`.
pub(crate) fn range(ends: &Ends) -> String {
    format!("records {} to {}", ends.first, ends.last)
}

fn records(count: usize) -> String {
    if count == 1 { "1 record".to_owned() } else { format!("{count} records") }
}

#[cfg(test)]
mod tests;
