//! Sessions and retained messages in a file, so that they outlive a restart.
//!
//! The file is a log of records, of which the newest for each session and topic counts. It is written by a thread of
//! its own, some milliseconds after a change, and rewritten when most of it is old. A record is whole or not there.
//! Readings never wait for this file: while it cannot be written, sessions and retained messages live in memory only.

mod file;
mod kept;
mod moment;
mod record;

use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use tracing::{info, warn};

use self::file::File;
use self::kept::{Absence, Kept};
pub(crate) use self::moment::Moment;
use self::record::Record;
use super::changes::Command;
use super::publication::Publication;
use super::session::{DueWill, Key, Session};
use super::shared::Shared;
use super::topic::Target;

/// How long changes are gathered before they are written.
const GATHERED_FOR: Duration = Duration::from_millis(20);

/// Writing takes at most this part of the time, whatever clients do: a tenth.
const PACE: u32 = 9;

/// Reads what the file holds, and writes changes to it from now on.
pub(crate) fn start(shared: &Arc<Shared>, path: &Path) {
    start_at(shared, path, Moment::now);
}

/// The same, at what this says is now.
pub(crate) fn start_at(shared: &Arc<Shared>, path: &Path, now: fn() -> Moment) {
    let (file, records) = match File::open(path.to_owned()) {
        Ok(opened) => opened,
        Err(e) => {
            warn!(path = %path.display(), "MQTT sessions and retained messages will not survive a restart: {e}");
            return;
        }
    };
    let is_newest = records.last() == Some(&Record::Closed);
    let restore = Restore { shared, is_newest, now: now() };
    records.into_iter().for_each(|record| restore.record(record));
    let (wake, commands) = channel();
    let thread = WriterThread { shared: Arc::downgrade(shared), file, failed: false, now };
    match thread::Builder::new().name("mqtt-sessions".into()).spawn(move || thread.run(&commands)) {
        Ok(_) => shared.changes.note_for(wake),
        Err(e) => warn!("MQTT sessions and retained messages will not survive a restart: {e}"),
    }
    leave_all(shared);
}

/// Clients that were connected when the process before was killed are away from now on.
fn leave_all(shared: &Arc<Shared>) {
    let sessions: Vec<_> = shared.sessions().values().cloned().collect();
    for session in sessions {
        let was_connected = session.state().ends_at.is_none();
        if was_connected {
            shared.left(&session, None);
        }
    }
}

struct WriterThread {
    shared: Weak<Shared>,
    file: File,
    failed: bool,
    now: fn() -> Moment,
}

impl WriterThread {
    fn run(mut self, commands: &Receiver<Command>) {
        let mut next = None;
        loop {
            let Some(command) = next.take().or_else(|| commands.recv().ok()) else { return };
            let Some(shared) = self.shared.upgrade() else { return };
            let began = Instant::now();
            let result = self.write(&shared);
            self.say(&result);
            if let Command::Close(done) = command {
                let mut closed = Vec::new();
                Record::Closed.write(&mut closed);
                let result = self.file.append(&closed).and_then(|()| self.file.sync());
                self.say(&result);
                // The caller may no longer wait for the result.
                let _ = done.send(());
                return;
            }
            drop(shared);
            next = rest(commands, GATHERED_FOR.max(began.elapsed() * PACE));
        }
    }

    fn write(&mut self, shared: &Shared) -> std::io::Result<()> {
        let (pending, now) = (shared.changes.take(), (self.now)());
        if self.failed || self.file.is_mostly_old() || pending.is_too_much() {
            return self.file.rewrite(|out| everything(shared, now, out));
        }
        let mut out = Vec::new();
        for session in &pending.sessions {
            records_of(session, now).iter().for_each(|record| record.write(&mut out));
        }
        for topic in pending.retained {
            retained(shared, topic).write(&mut out);
        }
        self.file.append(&out)
    }

    /// Says once that it fails, and once that it works again.
    fn say(&mut self, result: &std::io::Result<()>) {
        match result {
            Ok(()) if self.failed => info!("MQTT sessions and retained messages are written again"),
            Err(e) if !self.failed => warn!("cannot write MQTT sessions and retained messages: {e}"),
            _ => {}
        }
        self.failed = result.is_err();
    }
}

/// Lets changes gather for a while, unless it is time to close. Returns what is to be done then.
fn rest(commands: &Receiver<Command>, pause: Duration) -> Option<Command> {
    let until = Instant::now() + pause;
    let mut next = None;
    loop {
        match commands.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(Command::Write) => next = Some(Command::Write),
            Ok(close) => return Some(close),
            Err(_) => return next,
        }
    }
}

/// The session as it is written to the file, with its client away.
fn records_of(session: &Session, now: Moment) -> Vec<Record> {
    session.unmark_changed();
    let mut state = session.state();
    state.is_written = !state.has_ended && !state.expiry.is_zero();
    if !state.is_written {
        return vec![Record::Gone(session.key.clone())];
    }
    let kept = Record::Session(Box::new(Kept::of(&session.key, &state)));
    let absence = Absence::of(&session.key, &state, now);
    [Some(kept), absence.map(|absence| Record::Away(Box::new(absence)))].into_iter().flatten().collect()
}

/// Puts back what the file holds.
struct Restore<'a> {
    shared: &'a Arc<Shared>,
    /// Whether nothing is newer than what the file holds.
    is_newest: bool,
    now: Moment,
}

impl Restore<'_> {
    /// Puts back what a record says, in place of what earlier ones said.
    fn record(&self, record: Record) {
        match record {
            Record::Closed => {}
            Record::Retained(publication) => drop(self.shared.retain(&publication)),
            Record::Gone(key) => self.forget(&key),
            Record::Session(kept) => self.session(*kept),
            Record::Away(absence) => self.absence(&absence),
        }
    }

    /// What an earlier record said counts no more: not its will either, which is published or discarded.
    fn forget(&self, key: &Key) {
        if let Some(known) = self.shared.sessions().get(key) {
            known.state().will = None;
        }
        self.shared.forget(key);
    }

    fn session(&self, kept: Kept) {
        self.forget(&kept.key);
        let shared = self.shared;
        let session = shared.new_session(kept.key);
        let mut state = session.state();
        state.expiry = kept.expiry;
        state.is_written = true;
        // After a kill an id may have been released and used anew since: a message must not be taken for the one before.
        if self.is_newest {
            state.received = kept.received.into_iter().map(|id| (id, None)).collect();
        }
        for message in kept.messages {
            match message {
                (Some(packet_id), message) => state.queue.restore_sent(packet_id, message),
                (None, Some(message)) => state.queue.push(message),
                (None, None) => {}
            }
        }
        state.queue.reconnected();
        state.account();
        drop(state);
        for (filter, options) in kept.subscriptions {
            if let Some(target) = Target::parse(&filter)
                && shared.route_to(target, &session, options, false)
            {
                session.state().subscriptions.insert(filter, options);
            }
        }
        let mut sessions = shared.sessions();
        sessions.insert(session.key.clone(), session);
        shared.counters.sessions.set(sessions.len() as i64);
    }

    /// The life of a session and the delay of its will went on while no process ran.
    fn absence(&self, absence: &Absence) {
        let Some(session) = self.shared.sessions().get(&absence.key).cloned() else { return };
        let at = |time| tokio::time::Instant::now() + absence.rest(time, self.now);
        let mut state = session.state();
        state.ends_at = Some(at(absence.life));
        state.will = absence.will.as_ref().map(|(delay, publication)| {
            let _charge = self.shared.wills.charge(publication.bytes());
            Box::new(DueWill { at: at(*delay), publication: publication.clone(), is_out: false, _charge })
        });
        self.shared.look_later(&session, &mut state);
    }
}

fn retained(shared: &Shared, topic: String) -> Record {
    let kept = shared.retained().get(&topic);
    Record::Retained(match kept {
        Some(publication) => (*publication).clone(),
        None => Publication::nothing(topic),
    })
}

fn everything(shared: &Shared, now: Moment, out: &mut Vec<u8>) {
    let sessions: Vec<_> = shared.sessions().values().cloned().collect();
    for session in sessions {
        let records = records_of(&session, now);
        records
            .iter()
            .filter(|record| !matches!(record, Record::Gone(_)))
            .for_each(|record| record.write(out));
    }
    let retained: Vec<_> = shared.retained().all().cloned().collect();
    for publication in retained {
        Record::Retained((*publication).clone()).write(out);
    }
}
