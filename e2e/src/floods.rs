//! Floods: what a peer could do to make a process grow, as a device or by asking the page and its API, and what the
//! process has in use before, while and after it does it. Tests hold the limits, and `make bench NAME=floods` writes
//! down what was measured.

mod askers;
mod attacks;
mod measure;
mod peer;

pub use attacks::{FLOODS, Flood};
pub use measure::{Flooded, InUse, KEPT_FILES, flood};
