//! What the dashboard promises to a browser, asked of it over real connections, beside a real store.

#![allow(clippy::disallowed_methods, reason = "tests play what comes now")]
#![allow(clippy::unwrap_used, reason = "what helps a test is part of it")]

mod access;
mod aggregates;
mod alerts;
mod analytics;
mod answer;
mod answers;
mod attributes;
mod changes;
mod commands;
mod crowd;
mod devices;
mod document;
mod frames;
mod harness;
mod ingest;
mod inputs;
mod metrics;
mod oidc_login;
mod provider;
mod rejected;
mod resend;
mod sending;
mod streams;
mod watcher;
