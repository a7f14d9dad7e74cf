//! The WebSocket of an open page.

mod echo;
mod route;
mod session;
mod socket;

pub use self::echo::echo;
pub(crate) use self::route::{Watch, route};
