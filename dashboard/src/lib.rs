//! Shows the newest reading, or nothing; answers what was stored; takes silences and acknowledgements.

mod api;
mod change;
mod http;
mod json;
mod live;
mod newest;
mod own;
mod page;
mod pipeline;
mod query;
mod relay;
mod standalone;

pub use http::{Server, serve};
pub use json::Boot;
pub use live::Live;
pub use newest::{Ages, Newest, State};
pub use pipeline::{Pipeline, Places};
pub use relay::relay;
pub use standalone::{Config, standalone};
