//! The connections of a session pass messages on one after the other, though the next one is there before the publishes of
//! the one before are settled.

use std::future::poll_fn;
use std::task::{Context, Poll};

use super::sink::{Receipt, Settled};

/// The connections of a session whose publishes are not all passed on.
#[derive(Debug, Default)]
pub(crate) struct Turns(Vec<Settled>);

/// When a connection may pass messages on. Dropped, it is the next one's turn.
#[derive(Debug)]
pub(crate) struct Turn {
    before: Vec<Settled>,
    done: Receipt,
}

impl Turns {
    /// The turn of a new connection, after all others.
    pub(crate) fn next(&mut self) -> Turn {
        self.0.retain(|other| other.count() == 0);
        let before = self.0.clone();
        let (done, is_done) = Receipt::new();
        self.0.push(is_done);
        Turn { before, done }
    }
}

impl Turn {
    /// Ready once all others have passed their messages on; the task is woken then.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.before.retain(|other| other.poll_reached(1, context).is_pending());
        if self.before.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Waits until all others have passed their messages on.
    pub(crate) async fn come(&mut self) {
        poll_fn(|context| self.poll(context)).await;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.done.settled(1);
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    #[test]
    fn each_waits_for_all_before_it_whichever_ends_first() {
        let mut turns = Turns::default();
        let mut context = Context::from_waker(Waker::noop());
        let (mut first, second, mut third) = (turns.next(), turns.next(), turns.next());
        assert!(first.poll(&mut context).is_ready() && third.poll(&mut context).is_pending());
        drop(second);
        assert!(third.poll(&mut context).is_pending(), "the first is not done");
        drop(first);
        assert!(third.poll(&mut context).is_ready());
        drop(third);
        assert!(turns.next().poll(&mut context).is_ready() && turns.0.len() == 1);
    }
}
