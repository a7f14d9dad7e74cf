//! What is unusual about a series of values: pure, value by value, without a look ahead.
//!
//! | module | what is in it |
//! |---|---|
//! | `rolling` | [`Rolling`]: mean and deviation of the last values, the z-score, and the rule `abs(z) > 2` |
//! | `summary` | [`Summary`]: values summed up, with quantiles; and [`anomalies`] among them |
//! | `detector` | [`Detector`]: how surprising a value is, by what the series did so far, on five scales of time |
//!
//! ```
//! use analytics::{Detector, Rolling};
//!
//! let (mut rolling, mut detector) = (Rolling::default(), Detector::default());
//! for minute in 0..2_000 {
//!     let value = 20.0 + f64::from(minute % 7);
//!     rolling.add(value);
//!     assert!(!detector.observe(value, f64::from(minute) * 60.0).is_unusual());
//! }
//! assert!(rolling.judge(60.0).is_anomaly);
//! assert!(detector.observe(60.0, 120_000.0).is_unusual());
//! ```

#![warn(missing_docs)]

mod detector;
mod rolling;
mod summary;

pub use detector::{Detector, Opinion, SCALES, WARM_UP};
pub use rolling::{Judged, LIMIT, Rolling, WINDOW};
pub use summary::{Summary, anomalies, quantile};
