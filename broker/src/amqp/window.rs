//! The window of unacked deliveries: which of them one ack with `multiple` can cover.

use std::collections::VecDeque;

/// The delivery tags from the first open one on; settling costs the same however many there are.
#[derive(Debug)]
pub(super) struct AckWindow {
    first: u64,
    marks: VecDeque<Mark>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Open,
    Done,
    /// The broker knows how this one was settled.
    Individual,
}

/// One ack for all open deliveries up to a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MultipleAck {
    pub(super) tag: u64,
    /// Deliveries that it acks.
    pub(super) count: u64,
}

impl Default for AckWindow {
    /// A channel's tags count from 1.
    fn default() -> Self {
        Self { first: 1, marks: VecDeque::new() }
    }
}

impl AckWindow {
    /// This one may be acked.
    pub(super) fn done(&mut self, tag: u64) {
        self.mark(tag, Mark::Done);
    }

    /// The broker knows how this one was settled.
    pub(super) fn acked_individually(&mut self, tag: u64) {
        self.mark(tag, Mark::Individual);
    }

    /// Tags are settled once each, so none is below the first open one.
    fn mark(&mut self, tag: u64, mark: Mark) {
        let index = (tag - self.first) as usize;
        if self.marks.len() <= index {
            self.marks.resize(index + 1, Mark::Open);
        }
        self.marks[index] = mark;
    }

    /// Acks all that lies before the first open one; its tag is that of a delivery which the broker still waits for.
    pub(super) fn ack(&mut self) -> Option<MultipleAck> {
        let mut ack = None;
        while let Some(mark) = self.marks.pop_front_if(|mark| *mark != Mark::Open) {
            if mark == Mark::Done {
                let count = ack.map_or(0, |ack: MultipleAck| ack.count) + 1;
                ack = Some(MultipleAck { tag: self.first, count });
            }
            self.first += 1;
        }
        ack
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn one_ack_covers_all_before_the_first_open_one() {
        let mut window = AckWindow::default();
        assert_eq!(window.ack(), None);
        for (done, individual, expected) in [
            (vec![2, 3], vec![], None),
            (vec![1], vec![], Some(MultipleAck { tag: 3, count: 3 })),
            (vec![], vec![], None),
            (vec![6], vec![4], None),
            (vec![5], vec![], Some(MultipleAck { tag: 6, count: 2 })),
            (vec![], vec![7, 8], None),
            (vec![9], vec![10], Some(MultipleAck { tag: 9, count: 1 })),
            (vec![11], vec![], Some(MultipleAck { tag: 11, count: 1 })),
        ] {
            done.iter().for_each(|tag| window.done(*tag));
            individual.iter().for_each(|tag| window.acked_individually(*tag));
            assert_eq!(window.ack(), expected, "{done:?} {individual:?}");
        }
    }

    /// RabbitMQ's side of a channel.
    struct Channel {
        waited_for: BTreeSet<u64>,
        /// Settled as done and not yet acked.
        done: BTreeSet<u64>,
    }

    impl Channel {
        fn receive(&mut self, ack: Option<MultipleAck>) {
            let Some(MultipleAck { tag, count }) = ack else { return };
            assert!(self.waited_for.contains(&tag), "RabbitMQ closes the channel");
            let later = self.waited_for.split_off(&(tag + 1));
            let acked = std::mem::replace(&mut self.waited_for, later);
            assert_eq!(acked.len() as u64, count);
            assert!(acked.iter().all(|tag| self.done.remove(tag)), "nothing early, nothing twice");
        }
    }

    proptest! {
        /// Some of 60 deliveries are settled, in any order: whether as done, and whether acks go out then.
        #[test]
        fn in_any_order_exactly_the_settled_are_acked_once(
            tags in Just((1..=60).collect::<Vec<u64>>()).prop_shuffle(),
            choices in prop::collection::vec(any::<(bool, bool)>(), 0..=60),
        ) {
            let mut window = AckWindow::default();
            let mut channel = Channel { waited_for: (1..=60).collect(), done: BTreeSet::new() };
            for (tag, (done, ack)) in tags.into_iter().zip(choices) {
                if done {
                    window.done(tag);
                    channel.done.insert(tag);
                } else {
                    window.acked_individually(tag);
                    prop_assert!(channel.waited_for.remove(&tag), "settled twice");
                }
                if ack {
                    channel.receive(window.ack());
                }
            }
            channel.receive(window.ack());
            let open = channel.waited_for.iter().find(|tag| !channel.done.contains(tag));
            prop_assert!(channel.done.iter().all(|tag| Some(tag) > open), "all before the first open one is acked");
            prop_assert!(open.is_some() || channel.done.is_empty());
        }
    }
}
