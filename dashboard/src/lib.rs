//! Shows the newest reading, or nothing; answers what was stored.

mod api;
mod http;
mod json;
mod live;
mod newest;
mod page;
mod query;
mod relay;
mod standalone;

pub use http::{Server, serve};
pub use json::Boot;
pub use live::Live;
pub use newest::{Ages, Newest, State};
pub use relay::relay;
pub use standalone::{Config, standalone};
