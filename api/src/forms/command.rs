//! A command, a group of commands, and the states of a device.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use store::{CommandState, TextCodec as _};

use super::Time;

/// A command: a row of `GET /api/commands`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Command {
    /// Names it.
    pub id: String,
    /// The device.
    pub device: String,
    /// Its place among the commands of the device.
    pub n: i64,
    /// What to do.
    pub command: String,
    /// With what.
    pub args: Option<Box<RawValue>>,
    /// What is known of it: queued, sent, accepted, done, failed, expired or cancelled.
    pub state: String,
    /// The user who made it.
    pub created_by: Option<String>,
    /// When it was made.
    pub created_at: Time,
    /// It is not sent before this time.
    pub not_before: Time,
    /// It is not sent after this time.
    pub expires_at: Time,
    /// When it was sent last.
    pub sent_at: Option<Time>,
    /// How often it was sent.
    pub sent_count: i64,
    /// When the device said that it has it.
    pub accepted_at: Option<Time>,
    /// When it ended.
    pub ended_at: Option<Time>,
    /// What the device says of how it went.
    pub result: Option<Box<RawValue>>,
    /// Why it failed or was cancelled.
    pub reason: Option<String>,
    /// The group that it was made with.
    pub job: Option<String>,
}

/// What is stored is JSON: it was when it came.
fn raw(json: Option<&str>) -> Option<Box<RawValue>> {
    serde_json::from_str(json?).ok()
}

impl From<&store::Command> for Command {
    fn from(command: &store::Command) -> Self {
        Self {
            id: command.id.clone(),
            device: command.device.clone(),
            n: command.number,
            command: command.command.clone(),
            args: raw(command.args.as_deref()),
            state: command.state.word().to_owned(),
            created_by: command.created_by.clone(),
            created_at: command.created_at.into(),
            not_before: command.not_before.into(),
            expires_at: command.expires_at.into(),
            sent_at: command.sent_at.map(Into::into),
            sent_count: command.sent_count,
            accepted_at: command.accepted_at.map(Into::into),
            ended_at: command.ended_at.map(Into::into),
            result: raw(command.result.as_deref()),
            reason: command.reason.clone(),
            job: command.job.clone(),
        }
    }
}

/// A group of commands that were made together.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CommandJob {
    /// Names it.
    pub job: String,
    /// The filter that selected the devices.
    pub devices: String,
    /// What to do.
    pub command: String,
    /// How many commands were made.
    pub count: i64,
    /// How many are sent within a minute, at most.
    pub per_minute: Option<i64>,
    /// After so many failures, those that were not sent yet are cancelled.
    pub stop_after_failures: Option<i64>,
    /// The user who made it.
    pub created_by: Option<String>,
    /// When it was made.
    pub created_at: Time,
    /// When it was stopped for its failures.
    pub stopped_at: Option<Time>,
    /// How many of its commands are in which state.
    pub states: BTreeMap<String, u64>,
}

impl From<&(store::CommandJob, store::JobCounts)> for CommandJob {
    fn from((job, counts): &(store::CommandJob, store::JobCounts)) -> Self {
        let count =
            |state: &CommandState| (state.word().to_owned(), counts.get(state).copied().unwrap_or_default());
        Self {
            job: job.id.clone(),
            devices: job.devices.clone(),
            command: job.command.clone(),
            count: job.made,
            per_minute: job.per_minute,
            stop_after_failures: job.stop_after,
            created_by: job.created_by.clone(),
            created_at: job.created_at.into(),
            stopped_at: job.stopped_at.map(Into::into),
            states: CommandState::ALL.iter().map(count).collect(),
        }
    }
}

/// What a device should be.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Desired {
    /// Counts what was desired, and never goes back.
    pub version: i64,
    /// What it should be; none where that was taken back.
    pub desired: Option<Box<RawValue>>,
    /// When that was said.
    pub changed_at: Option<Time>,
}

impl From<&store::Twin> for Desired {
    fn from(twin: &store::Twin) -> Self {
        Self {
            version: twin.version,
            desired: raw(twin.desired.as_deref()),
            changed_at: twin.desired_at.map(Into::into),
        }
    }
}

/// What a device should be, and what it says that it is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Twin {
    /// What it should be.
    pub desired: Option<Box<RawValue>>,
    /// What it says that it is.
    pub reported: Option<Box<RawValue>>,
    /// Counts what was desired.
    pub version: i64,
    /// The version that it says it has.
    pub reported_version: Option<i64>,
    /// When what it should be was said.
    pub desired_at: Option<Time>,
    /// When it said what it is.
    pub reported_at: Option<Time>,
    /// Whether it says that it is as it should be.
    pub in_sync: bool,
    /// The places, as JSON pointers, where it is not.
    pub differs: Vec<String>,
}

impl From<&store::Twin> for Twin {
    fn from(twin: &store::Twin) -> Self {
        let value = |json: Option<&str>| json.and_then(|json| serde_json::from_str(json).ok());
        let desired: Option<serde_json::Value> = value(twin.desired.as_deref());
        let reported = value(twin.reported.as_deref()).unwrap_or_default();
        let differs = desired.map(|desired| commands::differences(&desired, &reported)).unwrap_or_default();
        Self {
            desired: raw(twin.desired.as_deref()),
            reported: raw(twin.reported.as_deref()),
            version: twin.version,
            reported_version: twin.reported_version,
            desired_at: twin.desired_at.map(Into::into),
            reported_at: twin.reported_at.map(Into::into),
            in_sync: differs.is_empty(),
            differs,
        }
    }
}
