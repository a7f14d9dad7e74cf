//! Commands and the states of devices in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;
use store::{
    Cancelled, Command, CommandCounts, CommandJob, CommandQuery, CommandResult, CommandState, Commands,
    DESIRED, JobCounts, MAX_OPEN_COMMANDS, MAX_TWINS, NewDesired, Recorded, Result, Twin,
};

use super::{MemoryStore, whole_micros};

/// What is stored of commands.
#[derive(Default)]
pub(super) struct Commanded {
    /// By their serial numbers.
    commands: BTreeMap<i64, Command>,
    jobs: BTreeMap<String, CommandJob>,
    twins: BTreeMap<String, Twin>,
    numbers: BTreeMap<String, i64>,
    counts: CommandCounts,
    last: i64,
}

impl Commanded {
    fn open(&self) -> impl Iterator<Item = &Command> {
        self.commands.values().filter(|command| command.state.is_open())
    }

    fn first(&self, device: &str) -> Option<&Command> {
        self.open().filter(|command| command.device == device).min_by_key(|command| command.number)
    }

    fn insert(&mut self, command: &Command) -> bool {
        let open = self.open().filter(|open| open.device == command.device).count();
        if open >= MAX_OPEN_COMMANDS || self.commands.values().any(|known| known.id == command.id) {
            return false;
        }
        self.last += 1;
        self.twins.entry(command.device.clone()).or_insert_with(|| empty(&command.device));
        let number = self.numbers.entry(command.device.clone()).or_default();
        *number += 1;
        let stored = Command {
            serial: self.last,
            number: *number,
            created_at: whole_micros(command.created_at),
            not_before: whole_micros(command.not_before),
            expires_at: whole_micros(command.expires_at),
            next_at: whole_micros(command.not_before),
            ..command.clone()
        };
        self.commands.insert(self.last, stored);
        self.counts.made += 1;
        true
    }

    pub(super) fn add_one(&mut self, command: &Command) -> Option<u64> {
        self.insert(command).then_some(4)
    }

    pub(super) fn add_group(&mut self, job: &CommandJob, commands: &[Command]) -> Option<u64> {
        if self.jobs.contains_key(&job.id) {
            return None;
        }
        let made = commands.iter().filter(|command| self.insert(command)).count();
        let created_at = whole_micros(job.created_at);
        let job = CommandJob { made: made as i64, created_at, ..job.clone() };
        if made > 0 {
            self.jobs.insert(job.id.clone(), job);
        }
        (made > 0).then_some(made as u64)
    }

    fn end(
        &mut self,
        is_meant: impl Fn(&Command) -> bool,
        state: CommandState,
        reason: Option<&str>,
        at: Timestamp,
    ) -> u64 {
        let mut ended = 0;
        for command in
            self.commands.values_mut().filter(|command| command.state.is_open() && is_meant(command))
        {
            command.state = state;
            command.ended_at = Some(whole_micros(at));
            command.reason = reason.map(str::to_owned).or(command.reason.take());
            ended += 1;
        }
        match state {
            CommandState::Done => self.counts.done += ended,
            CommandState::Failed => self.counts.failed += ended,
            CommandState::Expired => self.counts.expired += ended,
            _ => self.counts.cancelled += ended,
        }
        ended
    }

    pub(super) fn cancel(&mut self, which: &Cancelled, at: Timestamp) -> Option<u64> {
        let is_meant = |command: &Command| match which {
            Cancelled::Command(id) => command.id == *id,
            Cancelled::Job(id) => command.job.as_ref() == Some(id),
            Cancelled::Device(device) => command.device == *device,
        };
        let ended = self.end(is_meant, CommandState::Cancelled, Some("it was taken back"), at);
        (ended > 0).then_some(ended)
    }

    /// Cancels what is open of a device, and forgets its state.
    pub(super) fn forget(&mut self, device: &str, at: Timestamp) {
        let reason = Some("its device was forgotten");
        self.end(|command| command.device == device, CommandState::Cancelled, reason, at);
        if let Some(twin) = self.twins.get_mut(device)
            && (twin.desired.is_some() || twin.reported.is_some())
        {
            let desired_at = Some(whole_micros(at));
            *twin = Twin { version: twin.version + 1, desired_at, ..empty(device) };
        }
    }

    /// Moves the commands and the state of one device to another.
    pub(super) fn rename(&mut self, old: &str, device: &str) {
        let own = self.commands.values_mut().filter(|command| command.device == old);
        own.for_each(|command| device.clone_into(&mut command.device));
        let number = self.numbers.remove(old).unwrap_or_default();
        let newer = self.numbers.entry(device.to_owned()).or_default();
        *newer = number.max(*newer);
        if let Some(twin) = self.twins.remove(old) {
            let version = twin.version;
            let twin = Twin { device: device.to_owned(), ..twin };
            let stored = self.twins.entry(device.to_owned()).or_insert(twin);
            stored.version = stored.version.max(version);
        }
    }

    /// Deletes commands of a device that were made up to a time, and have ended; returns how many those were.
    pub(super) fn erase(&mut self, device: &str, to: Timestamp) -> usize {
        let before = self.commands.len();
        self.commands.retain(|_, command| {
            command.device != device || command.created_at > to || command.state.is_open()
        });
        before - self.commands.len()
    }

    pub(super) fn set_desired(&mut self, new: &NewDesired) -> Option<u64> {
        let twin = self.twins.entry(new.device.clone()).or_insert_with(|| empty(&new.device));
        if twin.version != new.replaces {
            return None;
        }
        twin.desired.clone_from(&new.document);
        twin.version += 1;
        twin.desired_at = Some(whole_micros(new.at));
        let is_replaced = |command: &Command| {
            command.device == new.device
                && command.command == DESIRED
                && command.state != CommandState::Accepted
        };
        let reason = Some("a newer version took its place");
        self.end(is_replaced, CommandState::Cancelled, reason, new.at);
        new.command.as_ref().is_none_or(|command| self.insert(command)).then_some(1)
    }

    fn stop_group(&mut self, id: &str, at: Timestamp) {
        let Some(job) =
            self.commands.values().find(|command| command.id == id).and_then(|command| command.job.clone())
        else {
            return;
        };
        let is_failed =
            |command: &&Command| command.job.as_ref() == Some(&job) && command.state == CommandState::Failed;
        let failed = self.commands.values().filter(is_failed).count() as i64;
        let Some(stored) = self.jobs.get_mut(&job) else { return };
        if stored.stop_after.is_some_and(|most| failed >= most) {
            stored.stopped_at = stored.stopped_at.or(Some(whole_micros(at)));
            let waits = |command: &Command| {
                command.job.as_ref() == Some(&job) && command.state == CommandState::Queued
            };
            self.end(waits, CommandState::Cancelled, Some("too many commands of its group have failed"), at);
        }
    }
}

fn empty(device: &str) -> Twin {
    Twin {
        device: device.to_owned(),
        desired: None,
        version: 0,
        desired_at: None,
        reported: None,
        reported_version: None,
        reported_at: None,
    }
}

#[async_trait]
impl Commands for MemoryStore {
    async fn commands(&self, query: &CommandQuery) -> Result<Vec<Command>> {
        let data = self.call("commands")?;
        let wanted = |command: &&Command| {
            query.device.as_ref().is_none_or(|device| command.device == *device)
                && query.state.is_none_or(|state| command.state == state)
                && query.job.as_ref().is_none_or(|job| command.job.as_ref() == Some(job))
                && query.before.is_none_or(|before| command.serial < before)
        };
        Ok(data.commands.commands.values().rev().filter(wanted).take(query.limit.max(1)).cloned().collect())
    }

    async fn command(&self, id: &str) -> Result<Option<Command>> {
        let data = self.call("command")?;
        Ok(data.commands.commands.values().find(|command| command.id == id).cloned())
    }

    async fn open_commands(&self, after: i64, limit: usize) -> Result<Vec<Command>> {
        let data = self.call("open_commands")?;
        Ok(data.commands.open().filter(|command| command.serial > after).take(limit).cloned().collect())
    }

    async fn open_command(&self, device: &str) -> Result<Option<Command>> {
        Ok(self.call("open_command")?.commands.first(device).cloned())
    }

    async fn due_commands(&self, now: Timestamp, horizon: Timestamp, limit: usize) -> Result<Vec<Command>> {
        let data = self.call("due_commands")?;
        let is_due = |command: &&Command| {
            let is_far = command.next_at > horizon
                && (command.next_at > command.not_before || command.not_before == command.created_at);
            command.is_released(now)
                && (command.next_at <= now || is_far)
                && data.commands.first(&command.device).is_some_and(|first| first.id == command.id)
        };
        let mut due: Vec<_> = data.commands.open().filter(is_due).cloned().collect();
        due.sort_by_key(|command| (command.next_at, command.serial));
        due.truncate(limit);
        Ok(due)
    }

    async fn note_sent(&self, id: &str, at: Timestamp, next_at: Timestamp) -> Result<bool> {
        let mut data = self.call("note_sent")?;
        let mut open = data.commands.commands.values_mut().filter(|command| command.state.is_open());
        let Some(command) = open.find(|command| command.id == id) else { return Ok(false) };
        command.sent_at = Some(whole_micros(at));
        command.sent_count += 1;
        command.next_at = whole_micros(next_at);
        if command.state == CommandState::Queued {
            command.state = CommandState::Sent;
        }
        Ok(true)
    }

    async fn postpone_command(&self, id: &str, next_at: Timestamp) -> Result<()> {
        let mut data = self.call("postpone_command")?;
        let mut open = data.commands.commands.values_mut().filter(|command| command.state.is_open());
        if let Some(command) = open.find(|command| command.id == id) {
            command.next_at = whole_micros(next_at);
        }
        Ok(())
    }

    async fn expire_commands(&self, ids: &[String], at: Timestamp) -> Result<u64> {
        let mut data = self.call("expire_commands")?;
        Ok(data.commands.end(|command| ids.contains(&command.id), CommandState::Expired, None, at))
    }

    async fn record_result(&self, result: &CommandResult) -> Result<Recorded> {
        let mut data = self.call("record_result")?;
        let is_it = |command: &Command| command.id == result.id && command.device == result.device;
        let found = data.commands.commands.values().find(|command| is_it(command)).cloned();
        let Some(command) = found.as_ref().filter(|command| command.state.may_become(result.state)) else {
            return Ok(Recorded::of(found.as_ref(), result));
        };
        let serial = command.serial;
        if result.state == CommandState::Accepted {
            let stored = data.commands.commands.get_mut(&serial).unwrap();
            stored.state = CommandState::Accepted;
            stored.accepted_at = Some(whole_micros(result.at));
            return Ok(Recorded::New);
        }
        data.commands.end(is_it, result.state, None, result.at);
        let stored = data.commands.commands.get_mut(&serial).unwrap();
        stored.result.clone_from(&result.result);
        stored.reason.clone_from(&result.reason);
        if result.state == CommandState::Failed {
            data.commands.stop_group(&result.id, result.at);
        }
        Ok(Recorded::New)
    }

    async fn command_counts(&self) -> Result<CommandCounts> {
        let data = self.call("command_counts")?;
        Ok(CommandCounts { open: data.commands.open().count() as u64, ..data.commands.counts })
    }

    async fn command_job(&self, id: &str) -> Result<Option<(CommandJob, JobCounts)>> {
        let data = self.call("command_job")?;
        let Some(job) = data.commands.jobs.get(id) else { return Ok(None) };
        let mut counts = JobCounts::new();
        for command in data.commands.commands.values().filter(|command| command.job.as_deref() == Some(id)) {
            *counts.entry(command.state).or_default() += 1;
        }
        Ok(Some((job.clone(), counts)))
    }

    async fn forget_commands(&self, older_than: Timestamp) -> Result<u64> {
        let mut data = self.call("forget_commands")?;
        let commands = &mut data.commands;
        let before = commands.commands.len();
        commands.commands.retain(|_, command| command.ended_at.is_none_or(|at| at >= older_than));
        let Commanded { commands: left, jobs, .. } = commands;
        jobs.retain(|id, job| {
            job.created_at >= older_than || left.values().any(|command| command.job.as_ref() == Some(id))
        });
        Ok((before - left.len()) as u64)
    }

    async fn twin(&self, device: &str) -> Result<Option<Twin>> {
        Ok(self.call("twin")?.commands.twins.get(device).cloned())
    }

    async fn report_state(
        &self,
        device: &str,
        version: Option<i64>,
        state: &str,
        at: Timestamp,
    ) -> Result<bool> {
        let mut data = self.call("report_state")?;
        let twins = &mut data.commands.twins;
        if !twins.contains_key(device) && twins.len() >= MAX_TWINS {
            return Ok(false);
        }
        let twin = twins.entry(device.to_owned()).or_insert_with(|| empty(device));
        twin.reported = Some(state.to_owned());
        twin.reported_version = version;
        twin.reported_at = Some(whole_micros(at));
        Ok(true)
    }
}
