//! Shows the newest reading, or nothing; answers what was stored; takes silences and acknowledgements, and resends what
//! was rejected.

mod api;
mod change;
mod http;
mod json;
mod live;
mod newest;
mod over_mqtt;
mod own;
mod page;
mod query;
mod relay;
mod resend;
mod standalone;

pub use http::{Server, serve};
pub use json::Boot;
pub use live::Live;
pub use newest::{Ages, Newest, State};
pub use relay::relay;
pub use resend::{Publisher, Resend};
pub use standalone::{Config, standalone};
