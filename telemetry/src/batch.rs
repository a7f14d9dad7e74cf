//! Gathers items until they are many, large or old enough to be written together.

use std::time::{Duration, Instant};

/// The limits at which a batch is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most items in a batch: readings and rejections.
    pub count: usize,
    /// Most bytes of payload in a batch.
    pub bytes: usize,
    /// Longest wait since the first item. Zero writes whatever has arrived.
    pub age: Duration,
}

/// What one message adds to a batch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Size {
    /// Readings and rejections.
    pub count: usize,
    /// Bytes of payload.
    pub bytes: usize,
}

/// Holds the batch that is being gathered. It has no clock: the time is an argument.
#[derive(Debug)]
pub struct Batcher<T> {
    limits: Limits,
    held: T,
    size: Size,
    oldest: Option<Instant>,
}

impl<T: Default> Batcher<T> {
    /// An empty batch with these limits.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, held: T::default(), size: Size::default(), oldest: None }
    }

    /// Counts a message and returns the batch to put it into. A message larger than the limits is a batch of its own.
    pub fn add(&mut self, now: Instant, size: Size) -> &mut T {
        self.size.count += size.count;
        self.size.bytes += size.bytes;
        self.oldest.get_or_insert(now);
        &mut self.held
    }

    /// Whether the batch must be taken before anything is added.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.size.count >= self.limits.count || self.size.bytes >= self.limits.bytes
    }

    /// When the batch must be taken although it is not full. `None` while it is empty.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.oldest.map(|oldest| oldest + self.limits.age)
    }

    /// Takes everything that was gathered.
    pub fn take(&mut self) -> T {
        self.size = Size::default();
        self.oldest = None;
        std::mem::take(&mut self.held)
    }

    /// Whether nothing was gathered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.oldest.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIMITS: Limits = Limits { count: 3, bytes: 100, age: Duration::from_millis(50) };

    #[test]
    fn a_batch_is_full_by_count_or_by_bytes() {
        let now = Instant::now();
        for (items, full) in [
            (vec![(1, 10), (1, 10)], false),
            (vec![(1, 10), (2, 10)], true),
            (vec![(1, 99)], false),
            (vec![(1, 100)], true),
            (vec![(10_000, 1)], true),
            (vec![(0, 0)], false),
        ] {
            let mut batcher = Batcher::<()>::new(LIMITS);
            for &(count, bytes) in &items {
                batcher.add(now, Size { count, bytes });
            }
            assert_eq!(batcher.is_full(), full, "{items:?}");
        }
    }

    #[test]
    fn a_batch_is_due_when_its_first_item_is_old() {
        let start = Instant::now();
        let mut batcher = Batcher::<Vec<&str>>::new(LIMITS);
        assert_eq!(batcher.deadline(), None);
        batcher.add(start, Size { count: 1, bytes: 1 }).push("a");
        batcher.add(start + Duration::from_millis(40), Size { count: 1, bytes: 1 }).push("b");
        assert_eq!(batcher.deadline(), Some(start + LIMITS.age));
        assert_eq!(batcher.take(), ["a", "b"]);
        assert!(batcher.is_empty() && batcher.deadline().is_none() && !batcher.is_full());
    }

    proptest! {
        #[test]
        fn nothing_is_lost_or_reordered(sizes in prop::collection::vec((0usize..5, 0usize..60), 0..100)) {
            let now = Instant::now();
            let (mut batcher, mut out) = (Batcher::<Vec<usize>>::new(LIMITS), Vec::new());
            for (index, &(count, bytes)) in sizes.iter().enumerate() {
                batcher.add(now, Size { count, bytes }).push(index);
                if batcher.is_full() {
                    out.extend(batcher.take());
                }
            }
            out.extend(batcher.take());
            prop_assert_eq!(out, (0..sizes.len()).collect::<Vec<_>>());
        }
    }
}
