//! What devices and programs talk to: takes readings over HTTP, gives devices their own users in RabbitMQ, and sends commands to
//! devices.
//!
//! | module | what is in it |
//! |---|---|
//! | `ingest` | readings over HTTP, published to the broker |
//! | `rights` | what a device may do, as patterns that RabbitMQ has; pure |
//! | `users` | the users that there are, and what is to be changed; pure |
//! | `management` | the HTTP API of RabbitMQ |
//! | `provisioner` | follows the registry, and keeps RabbitMQ in step with it |
//! | `commands` | sends commands by MQTT, and takes what devices answer from a queue |
//!
//! The store leads: it is changed first, and RabbitMQ follows. RabbitMQ asks nobody, so that devices are let in while every
//! service of Millrace and the database are away.

#![warn(missing_docs)]

mod commands;
mod ingest;
mod management;
mod provisioner;
mod rights;
mod standalone;
mod users;

pub use standalone::standalone;
