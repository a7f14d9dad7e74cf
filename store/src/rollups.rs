//! What the readings of each series come to, for every minute, hour and day: so that any range of time is read quickly.
//!
//! - `width`: minutes, hours and days
//! - `rollup`: what values come to
//! - `marks`: who adds or removes readings that are summed up already marks where, in the same transaction
//! - `roll`: sums up, from the readings, what has come and what is marked
//! - `cover`: from what a range is answered: from rollups where they hold, from readings where they do not
//! - `buckets`: the answer for a chart
//! - `summaries`: the answer between any times

pub(crate) mod buckets;
pub(crate) mod cover;
pub(crate) mod marks;
mod minutes;
pub(crate) mod roll;
mod rollup;
mod rows;
pub(crate) mod summaries;
pub(crate) mod values;
pub(crate) mod width;

pub use self::roll::RolledUp;
pub use self::summaries::{Summaries, Summary};
