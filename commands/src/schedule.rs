//! When a command is sent again.

use std::time::Duration;

use store::CommandState;

/// A command that is not answered is sent again after this time at first ...
const FIRST_AGAIN: Duration = Duration::from_secs(30);

/// ... and after this time at last.
const LAST_AGAIN: Duration = Duration::from_secs(600);

/// A device that says something is not sent the same command again within this time.
const PAUSE: Duration = Duration::from_secs(5);

/// A device that nobody listens for is looked for again after this time at first ...
const FIRST_LOOK: Duration = Duration::from_secs(2);

/// ... and after this time at last.
const LAST_LOOK: Duration = Duration::from_secs(60);

/// The latest time at which an open command is looked at again, whatever became of it.
pub(crate) const LONGEST: Duration = LAST_AGAIN;

/// Why a command is sent now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Why {
    /// Its time has come.
    Due,
    /// The device subscribes to its commands.
    Subscribed,
    /// The device says something.
    Heard,
}

/// After how long a command is sent again that was sent so often.
pub(crate) fn again(sent: u32) -> Duration {
    FIRST_AGAIN.saturating_mul(1 << sent.saturating_sub(1).min(10)).min(LAST_AGAIN)
}

/// After how long a command is tried again for which there was no device, by how long it has waited: a device that was
/// there a moment ago comes back soon.
pub(crate) fn look_again(waited: Duration) -> Duration {
    (waited / 4).clamp(FIRST_LOOK, LAST_LOOK)
}

/// Whether a command in this state is sent now, which was sent last so long ago; never, as far as is known, without it.
pub(crate) fn is_to_be_sent(why: Why, state: CommandState, since: Option<Duration>) -> bool {
    match why {
        Why::Due | Why::Subscribed => state.is_open(),
        // What it says may be its answer.
        Why::Heard => {
            matches!(state, CommandState::Queued | CommandState::Sent)
                && since.is_none_or(|since| since >= PAUSE)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pauses_grow_and_have_an_end() {
        let seconds: Vec<_> = (0..8).map(|sent| again(sent).as_secs()).collect();
        assert_eq!(seconds, [30, 30, 60, 120, 240, 480, 600, 600]);
        assert_eq!(again(u32::MAX), LAST_AGAIN);
        let looks: Vec<_> =
            [0, 4, 20, 100, 1_000].map(|waited| look_again(Duration::from_secs(waited)).as_secs()).into();
        assert_eq!(looks, [2, 2, 5, 25, 60]);
    }

    #[test]
    fn a_word_of_the_device_sends_what_it_may_lack() {
        use CommandState::{Accepted, Done, Queued, Sent};
        let ago = |seconds| Some(Duration::from_secs(seconds));
        for (why, state, since, expected) in [
            (Why::Heard, Queued, None, true),
            (Why::Heard, Sent, None, true),
            (Why::Heard, Sent, ago(1), false),
            (Why::Heard, Sent, ago(5), true),
            (Why::Heard, Accepted, ago(500), false),
            (Why::Subscribed, Sent, ago(1), true),
            (Why::Subscribed, Accepted, ago(1), true),
            (Why::Due, Accepted, ago(30), true),
            (Why::Due, Done, None, false),
            (Why::Subscribed, Done, None, false),
        ] {
            assert_eq!(is_to_be_sent(why, state, since), expected, "{why:?} {state:?} {since:?}");
        }
    }
}
