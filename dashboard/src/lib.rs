//! Shows the newest reading, or nothing; answers what was stored; takes silences and acknowledgements.

mod api;
mod audience;
mod change;
mod counters;
mod frame;
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
mod topics;
mod view;

pub use http::{Server, echo, serve};
pub use json::Boot;
pub use live::Live;
pub use newest::{Ages, State};
pub use pipeline::{Pipeline, Places};
pub use relay::relay;
pub use standalone::{Config, standalone};
