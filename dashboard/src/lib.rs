//! The dashboard: the live view, its WebSocket, the page, and the monitor of the pipeline; it mounts the API.
//!
//! | folder | what is in it |
//! |---|---|
//! | `live/` | the newest readings and incidents, and what each open page has not seen of them |
//! | `websocket/` | the connections of open pages |
//! | `pipeline/` | how the stages are doing that a reading passes: scraped every two seconds |

#![warn(missing_docs)]
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests play what comes now"))]

mod audit_notice;
mod counters;
mod device_address;
mod inputs;
mod live;
mod mqtt_publisher;
mod page;
mod pipeline;
mod server;
mod standalone;
mod websocket;

pub use audit_notice::AuditNotices;
pub use device_address::device_address;
pub use live::{Ages, Live, relay};
pub use pipeline::{Pipeline, ScrapeTargets};
pub use server::{Server, authority, check_open, identity_provider, serve};
pub use standalone::{Config, standalone};
pub use websocket::echo;
