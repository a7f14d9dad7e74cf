//! Promises over AMQP, against a real RabbitMQ: MILLRACE_TEST_AMQP and MILLRACE_TEST_MQTT say where it is.

#![allow(clippy::unwrap_used, reason = "helpers of tests lie outside of test functions")]

mod cuts;
mod harness;
mod proxy;
mod queue;
mod settle;
mod times;
