//! The life cycle that all services share: settings, logging, health, metrics, signals, shutdown.

#![warn(missing_docs)]

mod admin;
mod decoder;
mod door;
mod files;
mod health;
mod intake;
mod logging;
mod mappings_file;
mod metrics;
mod once_per_minute;
mod outgoing;
mod page;
mod process;
mod reachable;
mod registry;
mod retry;
mod settings;
mod source;
mod text_file;

pub use admin::{admin_door, ask_ready, bind, get, post, routes, serve};
pub use decoder::{Decoder, RulesStatus};
pub use door::{
    Admission, Client, Connection, Door, Doors, HttpConfig, Limits, Permit, Refusal, Tls, TlsFiles,
    certificate_end, serve_http, serve_redirect,
};
pub use files::{private_file, private_folder, private_part};
pub use health::{Check, Health};
pub use intake::{Incoming, Intake, Offered, Outcome, Promise, ReadAs, RejectedPart, Taken};
pub use mappings_file::{AddRuleError, MappingsFile};
pub use metrics::{Durations, Metrics, MetricsFormat, Sizes};
pub use once_per_minute::OncePerMinute;
pub use outgoing::Outgoing;
pub use page::{page_tls, page_url, serves_tls};
pub use process::{Context, Failure, NoCommands, Program, arguments, exit_code, instance_name, main};
pub use reachable::reachable;
pub use registry::{Registered, RegistryView, UnknownDevices, say_unknown};
pub use retry::Retry;
pub use settings::{SettingError, Settings};
pub use source::{Source, data_dir, store};
pub use text_file::TextFile;
