//! Runs the real binaries for tests, each in a folder of its own and on free ports, and ends what it started.

mod http;
mod load;
mod millrace;
mod mosquitto;
mod ports;
mod process;
mod programs;
mod proof;
mod service;
mod wait;

pub use load::{AckedReading, Load};
pub use millrace::{Millrace, Start};
pub use mosquitto::Mosquitto;
pub use ports::free_address;
pub use programs::{binary, program};
pub use proof::stored_once;
pub use service::{Service, StartService};
pub use wait::{LONG, SOON, eventually};
