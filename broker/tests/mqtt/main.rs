//! Publishing and consuming against a broker that cuts the line at every possible moment.

mod at_once;
mod consume;
mod cuts;
mod outbox;
mod presence;
mod scripted;
