//! How much time has passed since something was written down, perhaps by another process.

use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A moment, by two clocks: that of the machine's boot, which nobody sets, and the wall clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Which boot of the machine it is in; `None` if the system does not say.
    pub(crate) boot: Option<u128>,
    /// Milliseconds since then.
    pub(crate) since_boot: u64,
    /// Milliseconds of the wall clock.
    pub(crate) wall: u64,
}

/// How much time has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Passed {
    Surely(Duration),
    /// By the wall clock, which may have been set meanwhile.
    Perhaps(Duration),
}

impl Moment {
    #[allow(clippy::disallowed_methods, reason = "the machine's own clocks go on while no process runs")]
    pub(crate) fn now() -> Self {
        let (boot, since_boot) = boot().unzip();
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { boot, since_boot: since_boot.unwrap_or(0), wall: wall.as_millis() as u64 }
    }

    /// The time from an earlier moment to this one.
    pub(super) fn since(&self, earlier: &Self) -> Passed {
        let is_same_boot = self.boot.is_some() && self.boot == earlier.boot;
        match self.since_boot.checked_sub(earlier.since_boot) {
            Some(passed) if is_same_boot => Passed::Surely(Duration::from_millis(passed)),
            _ => Passed::Perhaps(Duration::from_millis(self.wall.saturating_sub(earlier.wall))),
        }
    }
}

/// The boot of the machine, and the milliseconds since then, where the system says them (Linux does).
fn boot() -> Option<(u128, u64)> {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let id = u128::from_str_radix(&id.trim().replace('-', ""), 16).ok()?;
    let uptime = fs::read_to_string("/proc/uptime").ok()?;
    let seconds: f64 = uptime.split_whitespace().next()?.parse().ok()?;
    Some((id, (seconds * 1e3) as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_by_the_clock_of_the_boot_and_between_two_boots_by_the_wall_clock() {
        let before = Moment { boot: Some(7), since_boot: 5_000, wall: 1_790_000_000_000 };
        let seconds = Duration::from_secs;
        for (boot, since_boot, wall, passed, what) in [
            (Some(7), 65_000, before.wall + 60_000, Passed::Surely(seconds(60)), "the same boot"),
            (Some(7), 65_000, before.wall + 9_000_000_000, Passed::Surely(seconds(60)), "set forth"),
            (Some(7), 65_000, 0, Passed::Surely(seconds(60)), "set back"),
            (Some(8), 1_000, before.wall + 60_000, Passed::Perhaps(seconds(60)), "another boot"),
            (Some(8), 1_000, 0, Passed::Perhaps(seconds(0)), "another boot, and a clock that is not set yet"),
            (None, 0, before.wall + 60_000, Passed::Perhaps(seconds(60)), "a system that does not say"),
            (
                Some(7),
                4_000,
                before.wall + 60_000,
                Passed::Perhaps(seconds(60)),
                "a container with an uptime of its own",
            ),
        ] {
            assert_eq!(Moment { boot, since_boot, wall }.since(&before), passed, "{what}");
        }
        let unknown = Moment { boot: None, ..before };
        assert_eq!(unknown.since(&unknown), Passed::Perhaps(Duration::ZERO));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn linux_says_which_boot_it_is() {
        let first = Moment::now();
        let second = Moment::now();
        assert!(first.boot.is_some() && first.wall > 0);
        assert!(matches!(second.since(&first), Passed::Surely(_)));
    }
}
