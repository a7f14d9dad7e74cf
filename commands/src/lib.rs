//! Commands to devices: what is sent and when, what devices answer, and what they should be.
//!
//! | module | what is in it |
//! |---|---|
//! | `wire` | commands, results and states as they are published; pure |
//! | `schedule` | when a command is sent again; pure |
//! | `deadlines` | when commands expire, whatever is done to the clock; pure |
//! | `group` | when each command of a group may be sent; pure |
//! | `arguments` | whether arguments are what the type of a device says; pure |
//! | `differences` | in what a device is not as it should be; pure |
//! | `inbox` | records what devices answer |
//! | `poll` | the next command of a device that asks for it |
//! | `sender` | sends what is due, by one process at a time |
//!
//! The store is the queue: a command is stored before it is sent, sent again until the device says how it went, and never
//! sent after its end. No command relies on what a broker keeps.

#![warn(missing_docs)]

mod arguments;
mod config;
mod counters;
mod deadlines;
mod differences;
mod group;
mod inbox;
mod poll;
mod schedule;
mod sender;
mod wire;

pub use arguments::{check_arguments, check_schema};
pub use config::Config;
pub use counters::Counters;
pub use differences::differences;
pub use group::release_times;
pub use inbox::Inbox;
pub use poll::{next_command, poll};
pub use sender::{Listener, Offer, Offered, Outlet, Sender};
pub use wire::{
    MAX_ARGS_BYTES, MAX_DESIRED_BYTES, MAX_LIFE, MAX_NAME_CHARS, Said, check_id, check_name, command_payload,
    compact, is_answer, new_id, read_result,
};

/// The queue in the cluster that gets what devices answer.
pub const QUEUE: &str = "commands";
