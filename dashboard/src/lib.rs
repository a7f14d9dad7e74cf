//! Shows the newest reading, or nothing; answers what was stored; takes silences and acknowledgements, and resends what
//! was rejected.

mod api;
mod audience;
mod change;
mod counters;
mod frame;
mod http;
mod json;
mod live;
mod newest;
mod over_mqtt;
mod own;
mod page;
mod pipeline;
mod query;
mod relay;
mod resend;
mod standalone;
mod table;
mod told;
mod topics;
mod view;

pub use http::{Server, echo, serve};
pub use json::Boot;
pub use live::Live;
pub use newest::{Ages, State};
pub use pipeline::{Pipeline, Places};
pub use relay::relay;
pub use resend::{Publisher, Resend};
pub use standalone::{Config, standalone};
