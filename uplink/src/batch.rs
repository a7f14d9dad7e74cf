//! Makes a batch of numbers: their readings as they are stored now, packed.

use bytes::Bytes;
use jiff::Timestamp;
use store::Journal;
use telemetry::{Gone, GoneNumbers, JournalRun, MAX_PAYLOAD_BYTES, NumberSet, UplinkBatch, UplinkReport};

/// A batch that is to be sent.
#[derive(Debug)]
pub(crate) struct Batch {
    /// All numbers of it, those that are gone included.
    pub(crate) numbers: NumberSet,
    /// Of these, numbers that will never arrive.
    pub(crate) gone: NumberSet,
    pub(crate) payload: Bytes,
}

/// What a batch tells beside its readings.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head {
    pub(crate) run: JournalRun,
    pub(crate) told_at: Timestamp,
    pub(crate) last: u64,
    /// Numbers without an acknowledgement, those of the batch left out.
    pub(crate) unsent: u64,
}

impl Batch {
    /// Reads the readings of these numbers, but for those that the broker refuses.
    ///
    /// # Errors
    /// The store cannot be read now.
    pub(crate) async fn read(
        journal: &dyn Journal,
        head: Head,
        numbers: NumberSet,
        refused: NumberSet,
    ) -> store::Result<Self> {
        let mut asked = numbers.clone();
        refused.ranges().for_each(|range| asked.remove(range));
        let (mut readings, mut deleted) = (Vec::new(), NumberSet::default());
        for range in asked.ranges() {
            let found = journal.journaled(range).await?;
            readings.extend(found.readings.into_iter().map(|(_, reading)| reading));
            deleted.extend(&found.deleted);
        }
        deleted.ranges().for_each(|range| asked.remove(range));
        let gone = reasons(&deleted, Gone::Deleted).chain(reasons(&refused, Gone::Refused)).collect();
        let Head { run, told_at, last, unsent } = head;
        let report = UplinkReport { run, told_at, last, unsent, numbers: asked, gone };
        let payload = UplinkBatch { report, readings }.pack();
        deleted.extend(&refused);
        Ok(Self { numbers, gone: deleted, payload })
    }

    /// Whether a broker may take it, and the cloud store it as rejected in whole.
    pub(crate) fn fits(&self) -> bool {
        self.payload.len() <= MAX_PAYLOAD_BYTES
    }
}

fn reasons(numbers: &NumberSet, reason: Gone) -> impl Iterator<Item = GoneNumbers> + '_ {
    numbers.ranges().map(move |numbers| GoneNumbers { numbers, reason })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use store::{Journals, ReadingStore, Sqlite};
    use testkit::samples::{at, reading};

    #[tokio::test]
    async fn a_batch_has_what_is_there_and_says_what_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let store = Sqlite::open(&folder.path().join(store::FILE)).unwrap();
        let journal = store.journal().unwrap();
        let run = journal.start_journal().await.unwrap();
        let write = async |readings: Vec<telemetry::Reading>| {
            let batch = store::Batch { readings, ..store::Batch::default() };
            store.write(&Arc::new(batch)).await.unwrap();
        };
        write((1..=3).map(|n| reading("temperature/a", n, n as f64)).collect()).await;
        store.purge(at(i64::from(u32::MAX) * 1_000_000)).await.unwrap();
        write((4..=9).map(|n| reading("temperature/a", n, n as f64)).collect()).await;
        let head = Head { run, told_at: at(5), last: 9, unsent: 0 };
        let numbers = NumberSet::from_iter([2..=5, 8..=9]);
        let refused = NumberSet::from_iter([5..=5]);
        let batch = Batch::read(journal.as_ref(), head, numbers.clone(), refused).await.unwrap();
        assert!(batch.fits() && batch.numbers == numbers);
        assert_eq!(batch.gone, NumberSet::from_iter([2..=3, 5..=5]));
        let UplinkBatch { report, readings } = UplinkBatch::unpack(&batch.payload).unwrap();
        assert_eq!(report.numbers, NumberSet::from_iter([4..=4, 8..=9]));
        assert_eq!(readings.iter().map(|reading| reading.value).collect::<Vec<_>>(), [4.0, 8.0, 9.0]);
        let gone: Vec<_> = report.gone.into_iter().map(|gone| (gone.numbers, gone.reason)).collect();
        assert_eq!(gone, [(2..=3, Gone::Deleted), (5..=5, Gone::Refused)]);
    }
}
