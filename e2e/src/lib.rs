//! Runs the real binaries for tests, each in a folder of its own and on free ports, and ends what it started.

mod load;
mod millrace;
mod programs;
mod wait;

pub use load::{AckedReading, Load};
pub use millrace::{Millrace, Start};
pub use programs::{binary, program};
pub use wait::{LONG, SOON, eventually};
