//! All services in one process, where a PUBACK means that the reading is stored and evaluated.

#![warn(missing_docs)]

mod access;
mod banner;
mod clock;
mod hub;
mod listeners;
mod lock;
mod mqtt_broker;
mod parts;
mod passwords;
mod resend;
mod run;
mod settings;
mod stamps;
mod terminal;
mod websocket;

pub use passwords::{PasswdArgs, add_user};
pub use run::run;
pub use terminal::read_password;
