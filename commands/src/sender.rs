//! Sends what is due, by one process at a time.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt as _;
use jiff::Timestamp;
use service::Check;
use store::{Command, CommandResult, CommandState, Lease, Store};
use telemetry::time::saturating_add;
use telemetry::{Asked, Clock, Filter, Inputs};
use tokio::sync::{mpsc, watch};
use tokio::time::{MissedTickBehavior, interval, sleep};
use tracing::{info, warn};

use crate::config::Config;
use crate::counters::Counters;
use crate::deadlines::Deadlines;
use crate::schedule::{self, Why};
use crate::wire;

/// How often new commands are looked for.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Looks after which commands are looked for whose time has come, or is over.
const DUE_EVERY: u64 = 4;

/// Looks after which what is open is read anew: what others ended is forgotten.
const REFRESH_EVERY: u64 = 240;

/// Looks after which old commands are deleted.
const FORGET_EVERY: u64 = 2_400;

/// Commands that are read at once.
const AT_ONCE: usize = 1_000;

/// Commands that are sent before the lease is looked at again.
const SENT_AT_ONCE: usize = 128;

/// Commands that are on their way to a broker at the same time.
const IN_FLIGHT: usize = 64;

/// How long what is due is sent before it is looked for what is new.
const SEND_FOR: Duration = Duration::from_secs(2);

/// Devices that were heard and are not looked at yet, at most: what is missed is sent by its time.
const HEARD: usize = 10_000;

/// How long another process waits before it takes over from one that vanished.
const LEASE: Duration = Duration::from_secs(10);

/// Looks after which the lease is renewed.
const RENEW_EVERY: u64 = 12;

/// How long it waits after a failure, and while another process has the lease.
const AGAIN: Duration = Duration::from_secs(1);

/// A command on its way to its device.
#[derive(Debug, Clone)]
pub struct Offer {
    /// Where it is published.
    pub topic: String,
    /// What is published.
    pub payload: Bytes,
    /// Where the device answers.
    pub reply_to: String,
    /// The command.
    pub id: String,
    /// How long it is worth delivering.
    pub lasts: Duration,
}

/// What became of an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offered {
    /// A broker took it for somebody who subscribes to the topic.
    Taken,
    /// Nobody subscribes to the topic.
    Absent,
    /// The broker did not answer in time.
    Away,
}

/// Publishes commands.
#[async_trait]
pub trait Outlet: Send + Sync {
    /// Publishes a command, at least once, and never later than it lasts.
    async fn offer(&self, offer: Offer) -> Offered;
}

/// Hears what devices do, for the sender. Cheap to clone. One of its own is heard by nobody: another process sends.
#[derive(Debug, Clone)]
pub struct Listener {
    watched: Arc<RwLock<HashSet<Box<str>>>>,
    events: mpsc::Sender<(Box<str>, Why)>,
}

impl Default for Listener {
    fn default() -> Self {
        Self { watched: Arc::default(), events: mpsc::channel(1).0 }
    }
}

impl Listener {
    /// A device said something.
    pub fn heard(&self, device: &str) {
        let watched = self.watched.read().unwrap_or_else(PoisonError::into_inner);
        if watched.contains(device) {
            let _ = self.events.try_send((device.into(), Why::Heard));
        }
    }

    /// Whether a device has an open command, so that what it says may be the answer.
    #[must_use]
    pub fn awaits(&self, device: &str) -> bool {
        self.watched.read().unwrap_or_else(PoisonError::into_inner).contains(device)
    }

    /// Whether any device has an open command, so that it is worth saying what is heard.
    #[must_use]
    pub fn is_watching(&self) -> bool {
        !self.watched.read().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// A client subscribes to this filter, which may be for commands.
    pub fn subscribed(&self, filter: &str) {
        let Some(devices) = filter.strip_prefix(wire::COMMANDS).and_then(|rest| rest.strip_prefix('/'))
        else {
            return;
        };
        let own = devices.strip_suffix("/#").unwrap_or(devices);
        if !own.contains(['+', '#']) {
            // A command may have been made that is not seen yet.
            let _ = self.events.try_send((own.into(), Why::Subscribed));
        }
        let Some(devices) = devices.contains(['+', '#']).then(|| devices.parse::<Filter>().ok()).flatten()
        else {
            return;
        };
        let watched = self.watched.read().unwrap_or_else(PoisonError::into_inner);
        for device in watched.iter().filter(|device| devices.matches(device) && ***device != *own) {
            let _ = self.events.try_send((device.clone(), Why::Subscribed));
        }
    }
}

/// Sends each command until its device says how it went, and ends those whose time is over.
pub struct Sender<O> {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    outlet: O,
    config: Config,
    counters: Counters,
    ready: Check,
    /// This process's name, where several share the store.
    name: Option<String>,
    events: mpsc::Receiver<(Box<str>, Why)>,
    watched: Arc<RwLock<HashSet<Box<str>>>>,
    known: Deadlines,
    /// When a command was sent last, by the clock that nobody sets.
    sent: HashMap<String, Duration>,
    rules: Option<watch::Receiver<Arc<Inputs>>>,
    looks: u64,
    is_away: bool,
}

impl<O: Outlet> Sender<O> {
    /// A sender, and what hears devices for it. With a name it sends only while it has the lease.
    pub fn new(
        (store, clock): (Arc<dyn Store>, Arc<dyn Clock>),
        outlet: O,
        config: Config,
        (counters, ready): (Counters, Check),
        name: Option<String>,
    ) -> (Self, Listener) {
        let (sender, events) = mpsc::channel(HEARD);
        let watched = Arc::<RwLock<HashSet<Box<str>>>>::default();
        let listener = Listener { watched: Arc::clone(&watched), events: sender };
        let (known, sent) = (Deadlines::default(), HashMap::new());
        let sender = Self {
            store,
            clock,
            outlet,
            config,
            counters,
            ready,
            name,
            events,
            watched,
            known,
            sent,
            rules: None,
            looks: 0,
            is_away: false,
        };
        (sender, listener)
    }

    /// Sends commands of other firmware by these rules.
    #[must_use]
    pub fn with_rules(self, rules: watch::Receiver<Arc<Inputs>>) -> Self {
        Self { rules: Some(rules), ..self }
    }

    /// Never ends.
    pub async fn run(&mut self) {
        let mut ticks = interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let turn = tokio::select! {
                _ = ticks.tick() => self.look().await,
                Some((device, why)) = self.events.recv() => self.hear(device, why).await,
            };
            match turn {
                Ok(()) if self.is_away => self.ready.fail("the broker does not take commands"),
                Ok(()) => self.ready.pass(),
                Err(e) => {
                    self.counters.failures.inc();
                    self.ready.fail(e.to_string());
                    self.forget_all();
                    sleep(AGAIN).await;
                }
            }
        }
    }

    /// Gives the lease up, so that another one need not wait.
    pub async fn release(&self) {
        let Some(name) = &self.name else { return };
        if let Err(e) = self.store.release(Lease::Commands, name).await {
            warn!("the lease was not released: {e}");
        }
    }

    /// What this process knows may be out of date once another one has sent commands.
    fn forget_all(&mut self) {
        self.looks = 0;
        self.known = Deadlines::default();
        self.sent.clear();
    }

    /// Whether this process sends: alone, or by the lease, which is renewed now and then.
    async fn is_sender(&mut self) -> store::Result<bool> {
        let Some(name) = &self.name else { return Ok(true) };
        if !self.looks.is_multiple_of(RENEW_EVERY) {
            return Ok(true);
        }
        self.store.acquire(Lease::Commands, name, LEASE).await
    }

    async fn look(&mut self) -> store::Result<()> {
        if !self.is_sender().await? {
            self.forget_all();
            self.watch();
            sleep(AGAIN).await;
            return Ok(());
        }
        let look = self.looks;
        self.looks += 1;
        if look.is_multiple_of(REFRESH_EVERY) {
            self.refresh().await?;
        }
        let is_new = self.learn().await?;
        if is_new || look.is_multiple_of(DUE_EVERY) {
            self.expire().await?;
            self.send_due().await?;
            self.counters.show(&self.store.command_counts().await?);
        }
        if look.is_multiple_of(FORGET_EVERY) {
            self.forget_old().await?;
        }
        Ok(())
    }

    /// Learns of commands that were made since; whether there are any.
    async fn learn(&mut self) -> store::Result<bool> {
        let (before, wall) = (self.known.last(), self.clock.wall());
        loop {
            let commands = self.store.open_commands(self.known.last(), AT_ONCE).await?;
            let monotonic = self.clock.monotonic();
            commands.iter().for_each(|command| self.known.note(command, wall, monotonic));
            if commands.len() < AT_ONCE {
                break;
            }
        }
        let is_new = self.known.last() > before;
        if is_new {
            self.watch();
        }
        Ok(is_new)
    }

    /// Forgets what has ended meanwhile, and finds what was committed out of order.
    async fn refresh(&mut self) -> store::Result<()> {
        let (mut open, mut last) = (HashSet::new(), 0);
        loop {
            let commands = self.store.open_commands(last, AT_ONCE).await?;
            let (wall, monotonic) = (self.clock.wall(), self.clock.monotonic());
            for command in &commands {
                self.known.note(command, wall, monotonic);
                open.insert(command.id.clone());
                last = command.serial;
            }
            if commands.len() < AT_ONCE {
                break;
            }
        }
        self.known.keep(&open);
        self.sent.retain(|id, _| open.contains(id));
        self.watch();
        Ok(())
    }

    fn watch(&self) {
        let mut watched = self.watched.write().unwrap_or_else(PoisonError::into_inner);
        *watched = self.known.devices();
    }

    async fn expire(&mut self) -> store::Result<()> {
        let over = self.known.over(self.clock.monotonic());
        if over.is_empty() {
            return Ok(());
        }
        let expired = self.store.expire_commands(&over, self.clock.wall()).await?;
        for id in &over {
            self.sent.remove(id);
        }
        if expired > 0 {
            info!(expired, "commands were not answered before their time was over");
        }
        Ok(())
    }

    async fn send_due(&mut self) -> store::Result<()> {
        let since = self.clock.monotonic();
        self.is_away = false;
        loop {
            let (wall, monotonic) = (self.clock.wall(), self.clock.monotonic());
            let horizon = saturating_add(wall, schedule::LONGEST + LEASE);
            let due = self.store.due_commands(wall, horizon, SENT_AT_ONCE).await?;
            due.iter().for_each(|command| self.known.note(command, wall, monotonic));
            let is_last = due.len() < SENT_AT_ONCE;
            let devices = due.into_iter().map(|command| (command.device.into_boxed_str(), Why::Due));
            self.send_all(devices.collect()).await?;
            if is_last || self.is_away || self.clock.monotonic() >= since + SEND_FOR {
                return Ok(());
            }
        }
    }

    async fn hear(&mut self, device: Box<str>, why: Why) -> store::Result<()> {
        if self.looks == 0 {
            return Ok(());
        }
        if why == Why::Subscribed {
            self.learn().await?;
        }
        let mut heard = vec![(device, why)];
        while heard.len() < AT_ONCE
            && let Ok(more) = self.events.try_recv()
        {
            heard.push(more);
        }
        // One subscription counts more than many words.
        heard.sort();
        heard.dedup_by(|(later, _), (first, _)| later == first);
        self.send_all(heard).await
    }

    async fn send_all(&mut self, devices: Vec<(Box<str>, Why)>) -> store::Result<()> {
        let this = &*self;
        let sends = futures_util::stream::iter(devices)
            .map(|(device, why)| async move { this.send(&device, why).await })
            .buffer_unordered(IN_FLIGHT);
        let outcomes: Vec<_> = sends.collect().await;
        let now = self.clock.monotonic();
        for outcome in outcomes {
            match outcome? {
                Some((id, Offered::Taken)) => {
                    self.sent.insert(id, now);
                }
                Some((_, Offered::Away)) => self.is_away = true,
                Some((_, Offered::Absent)) | None => {}
            }
        }
        Ok(())
    }

    /// Sends the command of a device whose turn it is; returns which one that was. It is read anew: it may have ended.
    async fn send(&self, device: &str, why: Why) -> store::Result<Option<(String, Offered)>> {
        let Some(command) = self.store.open_command(device).await? else { return Ok(None) };
        let (now, wall) = (self.clock.monotonic(), self.clock.wall());
        let since = self.sent.get(&command.id).map(|sent| now.saturating_sub(*sent));
        let Some(lasts) = self.known.left(&command.id, now) else { return Ok(None) };
        if !command.is_released(wall) || !schedule::is_to_be_sent(why, command.state, since) {
            return Ok(None);
        }
        let offered = match self.offer(&command, lasts).await? {
            Ok(offered) => offered,
            Err(reason) => return self.refuse(&command, reason, wall).await,
        };
        match offered {
            Offered::Taken => {
                self.counters.sent.inc();
                self.note_sent(&command, wall).await?;
            }
            Offered::Absent => {
                self.counters.absent.inc();
                self.look_again(&command, wall).await?;
            }
            Offered::Away => {}
        }
        Ok(Some((command.id, offered)))
    }

    /// Offers a command to the device by its name, and where nobody subscribes to that by those that it had. An error where no
    /// message can be made of it.
    async fn offer(&self, command: &Command, lasts: Duration) -> store::Result<Result<Offered, String>> {
        let aliases = self.store.aliases_of(&command.device).await?;
        let earlier = aliases.iter().map(|alias| alias.old.as_str());
        for name in std::iter::once(command.device.as_str()).chain(earlier) {
            let offered = match self.offer_of(command, name, lasts).await? {
                Ok(offer) => self.outlet.offer(offer).await,
                Err(reason) => return Ok(Err(reason)),
            };
            if offered != Offered::Absent {
                return Ok(Ok(offered));
            }
        }
        Ok(Ok(Offered::Absent))
    }

    /// The message of a command to the device by one of its names: that of its firmware, or the own one. An error where the
    /// rules, or the type of the device, were changed since it was made, so that none can be made of it.
    async fn offer_of(
        &self,
        command: &Command,
        name: &str,
        lasts: Duration,
    ) -> store::Result<Result<Offer, String>> {
        let own = offer(command, name, lasts);
        let Some(rules) = &self.rules else { return Ok(Ok(own)) };
        let Some(kind) = self.store.device(&command.device).await?.and_then(|device| device.kind) else {
            return Ok(Ok(own));
        };
        let inputs = Arc::clone(&rules.borrow());
        let Some(firmware) = inputs.mappings().command(&kind, &command.command) else { return Ok(Ok(own)) };
        let args = wire::args(command);
        let asked = Asked { device: name, id: &command.id, number: command.number, args: &args };
        Ok(firmware.message(asked).map(|(topic, payload)| Offer { topic, payload, ..own }))
    }

    /// Ends a command that cannot be sent.
    async fn refuse(
        &self,
        command: &Command,
        reason: String,
        at: Timestamp,
    ) -> store::Result<Option<(String, Offered)>> {
        let (id, device) = (command.id.clone(), command.device.clone());
        let (state, reason) = (CommandState::Failed, Some(format!("it cannot be sent: {reason}")));
        self.store.record_result(&CommandResult { id, device, state, result: None, reason, at }).await?;
        Ok(None)
    }

    async fn note_sent(&self, command: &Command, wall: Timestamp) -> store::Result<()> {
        // A device that has accepted it gets all the time to carry it out.
        let is_first = command.state == CommandState::Queued;
        let sent = if is_first {
            1
        } else {
            u32::try_from(command.sent_count).unwrap_or(u32::MAX).saturating_add(1)
        };
        let next_at = saturating_add(wall, schedule::again(sent));
        self.store.note_sent(&command.id, wall, next_at).await.map(drop)
    }

    async fn look_again(&self, command: &Command, wall: Timestamp) -> store::Result<()> {
        let waited = Duration::try_from(wall.duration_since(command.not_before)).unwrap_or_default();
        let next_at = saturating_add(wall, schedule::look_again(waited));
        self.store.postpone_command(&command.id, next_at).await
    }

    /// Deletes what ended long ago, by the clock of the retention where there is one: it follows no jump.
    async fn forget_old(&self) -> store::Result<()> {
        let wall = self.clock.wall();
        let at = self.store.retention_clock().await?.map_or(wall, |clock| clock.at.min(wall));
        let older_than = at.checked_sub(self.config.keep).unwrap_or(Timestamp::MIN);
        let forgotten = self.store.forget_commands(older_than).await?;
        self.counters.forgotten.inc_by(forgotten);
        Ok(())
    }
}

fn offer(command: &Command, name: &str, lasts: Duration) -> Offer {
    Offer {
        topic: wire::command_topic(name),
        payload: wire::command_payload(command).into(),
        reply_to: wire::reply_topic(name),
        id: command.id.clone(),
        lasts,
    }
}

#[cfg(test)]
mod tests;
