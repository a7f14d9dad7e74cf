//! What every service does the same way: settings, logging, health, metrics, signals and grace.

mod admin;
mod health;
mod logging;
mod metrics;
mod process;
mod settings;
mod source;

pub use admin::{ask_ready, bind, get, routes, serve};
pub use health::{Check, Health};
pub use metrics::Metrics;
pub use process::{Context, Failure, arguments, exit_code, healthcheck, main};
pub use settings::{SettingError, Settings};
pub use source::{Source, data_dir, page_url, store};
