//! The harness of the end-to-end tests: it runs the real binaries, each in a folder of its own and on free ports, and ends
//! what it started.

mod cluster;
pub mod devices;
mod faketime;
pub mod firmware;
pub mod floods;
mod http;
mod load;
mod mail;
mod millrace;
mod mosquitto;
pub mod mqtt;
mod paho;
mod ports;
mod process;
mod programs;
mod prometheus;
mod proof;
mod qos2;
mod service;
mod shape;
mod steady_device;
mod subscriber;
mod tail;
pub mod usage;
mod valkey;
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
pub use prometheus::Prometheus;
pub use proof::stored_once;
pub use qos2::{Flow, Qos2Device};
pub use service::{Service, StartService};
pub use shape::Shape;
pub use steady_device::SteadyDevice;
pub use subscriber::Subscriber;
pub use tail::Tail;
pub use valkey::Valkey;
pub use wait::{LONG, SOON, eventually};
