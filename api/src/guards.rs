//! What a request must pass before a route sees it.
//!
//! There are two ways in: [`reads`] for what only reads, [`requests`] for routes that change something and check each
//! method themselves. What a request may ask for is decided here, and nowhere else.

mod body;
mod parameters;
mod reads;
mod request;
mod same_origin;

pub use self::body::Limits;
pub use self::parameters::parameters;
pub use self::reads::one_host;
pub use self::same_origin::{Site, UNKNOWN_HOST};

pub(crate) use self::parameters::DuplicateParameter;
pub(crate) use self::reads::{TwoHosts, UnknownHost, reads};
pub(crate) use self::request::{MAX_BODY_BYTES, Request, requests};
