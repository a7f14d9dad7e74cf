//! The live view: the newest readings and incidents, and for each open page what it has not seen of them.

mod ages;
mod alerting;
mod counts;
mod frame;
mod group;
mod handle;
mod newest;
mod relay;
mod topics;
mod view;

pub use self::ages::Ages;
pub use self::handle::Live;

pub use self::relay::relay;

pub(crate) use self::handle::{DevicesByState, Viewer};
pub(crate) use self::topics::Topics;
