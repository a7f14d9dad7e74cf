//! Gives devices their own users in RabbitMQ, those of the registry, with the rights that each device has; and sends commands
//! to devices.
//!
//! | module | what is in it |
//! |---|---|
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
mod management;
mod provisioner;
mod rights;
mod standalone;
mod users;

pub use standalone::standalone;
