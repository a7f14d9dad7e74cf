//! Deliveries of one batch within this process, which their sender learns of together.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::ack::{Acknowledge, Outcome, Unsettled};

/// A batch of deliveries, of which each of several receivers gets all.
pub trait Batch: fmt::Debug + Send + Sync {
    /// A receiver has settled the deliveries at these places, or dropped them, which is [`Outcome::Retry`].
    fn settle(self: Arc<Self>, receiver: usize, places: Range<usize>, outcome: Outcome);
}

/// The acknowledgement of deliveries that follow each other in one batch.
#[derive(Debug)]
pub(crate) struct Places {
    batch: Arc<dyn Batch>,
    receiver: usize,
    /// Empty once they are settled, or others speak for them.
    places: Range<usize>,
}

impl Places {
    pub(crate) fn new(batch: Arc<dyn Batch>, receiver: usize, place: usize) -> Self {
        Self { batch, receiver, places: place..place + 1 }
    }
}

impl Acknowledge for Places {
    fn session(&self) -> u64 {
        0
    }

    fn count(&self) -> u64 {
        self.places.len() as u64
    }

    fn join(&mut self, mut next: Self) -> Option<Self> {
        let follows = self.receiver == next.receiver
            && self.places.end == next.places.start
            && Arc::ptr_eq(&self.batch, &next.batch);
        if !follows {
            return Some(next);
        }
        self.places.end = std::mem::take(&mut next.places).end;
        None
    }

    async fn settle(mut self, outcome: Outcome) -> Result<(), Unsettled> {
        let places = std::mem::take(&mut self.places);
        Arc::clone(&self.batch).settle(self.receiver, places, outcome);
        Ok(())
    }
}

impl Drop for Places {
    fn drop(&mut self) {
        if !self.places.is_empty() {
            let places = std::mem::take(&mut self.places);
            Arc::clone(&self.batch).settle(self.receiver, places, Outcome::Retry);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::delivery::{AckGroup, Delivery};

    #[derive(Debug, Default)]
    struct Recorded(Mutex<Vec<(usize, Range<usize>, Outcome)>>);

    impl Batch for Recorded {
        fn settle(self: Arc<Self>, receiver: usize, places: Range<usize>, outcome: Outcome) {
            self.0.lock().unwrap().push((receiver, places, outcome));
        }
    }

    fn delivery(batch: &Arc<Recorded>, receiver: usize, place: usize) -> Delivery<()> {
        Delivery::of_batch((), batch.clone(), receiver, place)
    }

    #[tokio::test]
    async fn deliveries_that_follow_each_other_are_settled_at_once() {
        let (batch, other) = (Arc::new(Recorded::default()), Arc::new(Recorded::default()));
        let mut group = AckGroup::default();
        for (batch, place) in [(&batch, 0), (&batch, 1), (&batch, 2), (&batch, 4), (&other, 5)] {
            group.push(delivery(batch, 1, place));
        }
        assert_eq!(group.settle(Outcome::Done).await, 0);
        assert_eq!(*batch.0.lock().unwrap(), [(1, 0..3, Outcome::Done), (1, 4..5, Outcome::Done)]);
        assert_eq!(*other.0.lock().unwrap(), [(1, 5..6, Outcome::Done)]);
    }

    #[tokio::test]
    async fn what_is_dropped_is_retried() {
        let batch = Arc::new(Recorded::default());
        let mut group = AckGroup::default();
        group.push(delivery(&batch, 0, 0));
        group.push(delivery(&batch, 0, 1));
        drop(group);
        delivery(&batch, 1, 0).settle(Outcome::Reject).await.unwrap();
        assert_eq!(*batch.0.lock().unwrap(), [(0, 0..2, Outcome::Retry), (1, 0..1, Outcome::Reject)]);
    }
}
