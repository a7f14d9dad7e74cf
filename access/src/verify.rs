//! Whether the audit's chain holds, by its contents.

use anyhow::{Result, ensure};
use store::{AuditRecord, BrokenChain, Head, Store, Unavailable};

use crate::archive::{Notes, check_file, each, range};
use crate::segment::Segment;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verified {
    /// The chain holds.
    Holds(Proof),
    /// The first record that does not fit, and what is wrong with it.
    Broken(BrokenChain),
    /// Records after this one are missing.
    CutOff {
        /// The last record that is there.
        last: i64,
        /// The last that was recorded.
        recorded: i64,
    },
    /// An earlier end of the chain, which was kept elsewhere, is not in it: the chain was computed anew.
    Rewritten(Head),
}

/// What is proven of a chain that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The end of the chain.
    pub head: Head,
    /// The first record that was read. Those before it are in files that were not read.
    pub first: i64,
    /// Records whose contents were erased, as later records say.
    pub erased: u64,
    /// Ends that were kept elsewhere, and belong to records that were not read.
    pub unread_heads: usize,
}

/// Verifies the chain in the store from its contents, and that ends of it which were kept elsewhere are in it.
///
/// # Errors
/// The store does not answer.
pub async fn verify(store: &dyn Store, kept: &[Head]) -> Result<Verified, Unavailable> {
    Ok(Verification::of_store(store, kept).await?.finish())
}

/// A chain as far as it was read, from its end on: first the store, then the files, the newest first.
pub struct Verification {
    head: Head,
    last: Option<i64>,
    /// The oldest record that was read.
    oldest: Option<AuditRecord>,
    first_broken: Option<BrokenChain>,
    missing_kept: Vec<Head>,
    notes: Notes,
    erased: u64,
}

impl Verification {
    /// Reads what the store has.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn of_store(store: &dyn Store, kept: &[Head]) -> Result<Self, Unavailable> {
        let mut verification = Self {
            head: store.audit_head().await?,
            last: None,
            oldest: None,
            first_broken: None,
            missing_kept: kept.iter().filter(|head| head.number > 0).cloned().collect(),
            notes: Notes::default(),
            erased: 0,
        };
        each(store, None, |record| verification.add(record)).await?;
        Ok(verification)
    }

    /// Reads the file that comes before what was read.
    ///
    /// # Errors
    /// It is another file, or not as it was recorded.
    pub fn add_file(&mut self, segment: &Segment) -> Result<()> {
        let next = self.oldest.as_ref().map_or(self.head.number + 1, |oldest| oldest.number);
        ensure!(
            segment.ends.last + 1 == next,
            "it holds {}, and a file that ends with record {} is needed here: give all files in their order, the oldest first",
            range(&segment.ends),
            next - 1
        );
        check_file(&self.notes, segment)?;
        segment.records.iter().rev().for_each(|record| self.add(record));
        Ok(())
    }

    fn add(&mut self, record: &AuditRecord) {
        self.last.get_or_insert(record.number);
        self.check_oldest(&record.head());
        self.notes.add(record);
        match (record.is_erased(), self.notes.is_erased(record.number)) {
            (true, true) => self.erased += 1,
            (true, false) => self.note(BrokenChain::Emptied(record.number)),
            (false, true) => self.note(BrokenChain::NotErased(record.number)),
            (false, false) => {}
        }
        self.oldest = Some(record.clone());
    }

    /// Checks the oldest record by the end of the chain before it.
    fn check_oldest(&mut self, before: &Head) {
        self.missing_kept.retain(|kept| kept != before);
        if let Some(Err(broken)) = self.oldest.as_ref().map(|oldest| oldest.check(before)) {
            self.note(broken);
        }
    }

    fn note(&mut self, broken: BrokenChain) {
        if self.first_broken.as_ref().is_none_or(|first| broken.number() <= first.number()) {
            self.first_broken = Some(broken);
        }
    }

    /// What was found.
    #[must_use]
    pub fn finish(mut self) -> Verified {
        let first = self.oldest.as_ref().map_or(1, |oldest| oldest.number);
        let base = self.notes.archived_before(first).map(|archived| archived.ends.head()).unwrap_or_default();
        self.check_oldest(&base);
        let last = self.last.unwrap_or(0);
        if let Some(broken) = self.first_broken {
            return Verified::Broken(broken);
        }
        if last < self.head.number {
            return Verified::CutOff { last, recorded: self.head.number };
        }
        let (unread, missing): (Vec<_>, Vec<_>) =
            self.missing_kept.into_iter().partition(|kept| kept.number < base.number);
        match missing.into_iter().min_by_key(|kept| kept.number) {
            Some(kept) if kept.number > last => Verified::CutOff { last, recorded: kept.number },
            Some(kept) => Verified::Rewritten(kept),
            None => {
                let (head, erased, unread_heads) = (self.head, self.erased, unread.len());
                Verified::Holds(Proof { head, first, erased, unread_heads })
            }
        }
    }
}
