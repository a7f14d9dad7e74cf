//! Publishing and consuming against a broker that cuts the line at every possible moment.

mod consume;
mod cuts;
mod outbox;
mod presence;
mod publish_once;
mod scripted;
