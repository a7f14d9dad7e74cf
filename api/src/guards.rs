//! What a request must pass before a route sees it.
//!
//! There are two ways in: [`reads`] for what only reads, [`requests`] for routes that change something and check each
//! method themselves. Each says what the caller must be allowed to do; [`public`] is for what everyone may read. What a
//! request may ask for is decided here, and nowhere else.

mod body;
mod caller;
mod parameters;
mod rate;
mod reads;
mod request;
mod same_origin;

pub use self::body::Limits;
pub use self::parameters::parameters;
pub use self::reads::one_host;
pub use self::same_origin::{Site, UNKNOWN_HOST};

pub use self::caller::recognized;
pub(crate) use self::caller::{Asker, bearer, recognized_caller, within};
pub(crate) use self::parameters::DuplicateParameter;
pub(crate) use self::rate::{Left, Rates, limited};
pub(crate) use self::reads::{Refused, TwoHosts, UnknownHost, public, reads};
pub(crate) use self::request::{MAX_BODY_BYTES, Request, Wanted, requests};
