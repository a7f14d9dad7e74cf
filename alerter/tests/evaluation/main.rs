//! The rules file, and the evaluation of readings by its rules.

#![allow(clippy::unwrap_used, reason = "what helps a test is part of it")]

mod absence;
mod bad_rules;
mod conditions;
mod harness;
mod order;
mod reload;
mod restarts;
mod rules;
mod small_states;
mod steps;
mod units;
mod unusual;
