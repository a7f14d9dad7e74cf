//! The harness of the end-to-end tests: it runs the real binaries, each in a folder of its own and on free ports, and ends
//! what it started.

mod cluster;
mod faketime;
mod http;
mod load;
mod mail;
mod millrace;
mod mosquitto;
mod paho;
mod ports;
mod process;
mod programs;
mod proof;
mod service;
mod shape;
mod subscriber;
mod tail;
pub mod usage;
mod wait;

pub use cluster::{Cluster, Vhost};
pub use faketime::FakeTime;
pub use load::{AckedReading, Load};
pub use mail::Mail;
pub use millrace::{Millrace, Start};
pub use mosquitto::Mosquitto;
pub use paho::paho;
pub use ports::free_address;
pub use programs::{binary, program};
pub use proof::stored_once;
pub use service::{Service, StartService};
pub use shape::Shape;
pub use subscriber::Subscriber;
pub use tail::Tail;
pub use wait::{LONG, SOON, eventually};
