//! Sessions and retained messages in a file, so that they outlive a restart.
//!
//! The file is a log of records, of which the newest for each session and topic counts. It is written by a thread of
//! its own, some milliseconds after a change, and rewritten when most of it is old. A record is whole or not there.
//! Readings never wait for this file: while it cannot be written, sessions and retained messages live in memory only.

mod file;
mod kept;
mod record;

use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use tracing::{info, warn};

use self::file::File;
use self::kept::{Kept, KeptWill};
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
    let (file, records) = match File::open(path.to_owned()) {
        Ok(opened) => opened,
        Err(e) => {
            warn!(path = %path.display(), "MQTT sessions and retained messages will not survive a restart: {e}");
            return;
        }
    };
    let is_newest = records.last() == Some(&Record::Closed);
    records.into_iter().for_each(|record| restore(shared, record, is_newest));
    let (wake, commands) = channel();
    let thread = WriterThread { shared: Arc::downgrade(shared), file, failed: false };
    match thread::Builder::new().name("mqtt-sessions".into()).spawn(move || thread.run(&commands)) {
        Ok(_) => shared.changes.note_for(wake),
        Err(e) => warn!("MQTT sessions and retained messages will not survive a restart: {e}"),
    }
}

struct WriterThread {
    shared: Weak<Shared>,
    file: File,
    failed: bool,
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
        let pending = shared.changes.take();
        if self.failed || self.file.is_mostly_old() || pending.is_too_much() {
            return self.file.rewrite(|out| everything(shared, out));
        }
        let mut out = Vec::new();
        for session in &pending.sessions {
            let (record, will) = records_of(session);
            record.write(&mut out);
            will.iter().for_each(|will| will.write(&mut out));
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

/// The session as it is to be written down, and its pending will.
fn records_of(session: &Session) -> (Record, Option<Record>) {
    session.unmark_changed();
    let mut state = session.state();
    state.is_written = !state.has_ended && !state.expiry.is_zero();
    if state.is_written {
        let will = state.will.as_ref().map(|will| Record::Will(Box::new(KeptWill::of(&session.key, will))));
        (Record::Session(Box::new(Kept::of(&session.key, &state))), will)
    } else {
        (Record::Gone(session.key.clone()), None)
    }
}

/// Puts back what a record says, in place of what earlier ones said.
fn restore(shared: &Arc<Shared>, record: Record, is_newest: bool) {
    match record {
        Record::Closed => {}
        Record::Retained(publication) => drop(shared.retain(&publication)),
        Record::Gone(key) => forget(shared, &key),
        Record::Session(kept) => restore_session(shared, *kept, is_newest),
        Record::Will(kept) => restore_will(shared, *kept),
    }
}

/// What an earlier record said counts no more: not its will either, which is published or discarded.
fn forget(shared: &Shared, key: &Key) {
    if let Some(known) = shared.sessions().get(key) {
        known.state().will = None;
    }
    shared.forget(key);
}

fn restore_session(shared: &Arc<Shared>, kept: Kept, is_newest: bool) {
    forget(shared, &kept.key);
    let session = shared.new_session(kept.key);
    let mut state = session.state();
    state.expiry = kept.expiry;
    state.is_written = true;
    // After a kill an id may have been released and used anew since: a message must not be taken for the one before.
    if is_newest {
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
    let count = {
        let mut sessions = shared.sessions();
        sessions.insert(session.key.clone(), Arc::clone(&session));
        sessions.len()
    };
    shared.counters.sessions.set(count as i64);
    // Its life goes on from now.
    shared.left(&session, None);
}

/// Only the rest of the delay counts: the process was away for a part of it.
#[allow(clippy::disallowed_methods, reason = "the machine's own clock goes on while no process runs")]
fn restore_will(shared: &Shared, kept: KeptWill) {
    let Some(session) = shared.sessions().get(&kept.key).cloned() else { return };
    let at = tokio::time::Instant::now() + kept.rest(SystemTime::now());
    let charge = shared.wills.charge(kept.publication.bytes());
    let mut state = session.state();
    state.will =
        Some(Box::new(DueWill { at, publication: kept.publication, is_out: false, _charge: charge }));
    shared.look_later(&session, &mut state);
}

fn retained(shared: &Shared, topic: String) -> Record {
    let kept = shared.retained().get(&topic);
    Record::Retained(match kept {
        Some(publication) => (*publication).clone(),
        None => Publication::nothing(topic),
    })
}

fn everything(shared: &Shared, out: &mut Vec<u8>) {
    let sessions: Vec<_> = shared.sessions().values().cloned().collect();
    for session in sessions {
        match records_of(&session) {
            (Record::Gone(_), _) => {}
            (record, will) => {
                record.write(out);
                will.iter().for_each(|will| will.write(out));
            }
        }
    }
    let retained: Vec<_> = shared.retained().all().cloned().collect();
    for publication in retained {
        Record::Retained((*publication).clone()).write(out);
    }
}
