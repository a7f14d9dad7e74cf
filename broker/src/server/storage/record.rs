//! How sessions and retained messages are written down.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use tokio::time::Instant;

use crate::server::client_queue::Outgoing;
use crate::server::packet::{Options, Qos};
use crate::server::publication::Publication;
use crate::server::session::Key;
use crate::server::storage::kept::{Absence, Kept};
use crate::server::storage::moment::Moment;

/// One record: the newest of a session or topic counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Record {
    Session(Box<Kept>),
    /// The client of the session whose record is before this one is away.
    Away(Box<Absence>),
    Gone(Key),
    /// An empty payload takes the retained message back.
    Retained(Publication),
    /// The last one of a file whose server has stopped: nothing is newer than what it holds.
    Closed,
}

const SESSION: u8 = 1;
const GONE: u8 = 2;
const RETAINED: u8 = 3;
const CLOSED: u8 = 4;
const AWAY: u8 = 6;

impl Record {
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let mut body = Writer(Vec::new());
        match self {
            Self::Session(kept) => {
                body.byte(SESSION);
                body.session(kept);
            }
            Self::Away(absence) => {
                body.byte(AWAY);
                body.absence(absence);
            }
            Self::Gone(key) => {
                body.byte(GONE);
                body.key(key);
            }
            Self::Retained(publication) => {
                body.byte(RETAINED);
                body.publication(publication);
            }
            Self::Closed => body.byte(CLOSED),
        }
        out.extend_from_slice(&(body.0.len() as u32).to_le_bytes());
        out.extend_from_slice(&checksum(&body.0).to_le_bytes());
        out.append(&mut body.0);
    }

    /// The first record and what follows it; none if it is damaged or incomplete.
    pub(crate) fn read(bytes: &Bytes) -> Option<(Self, Bytes)> {
        let length = u32::from_le_bytes(bytes.get(..4)?.try_into().ok()?) as usize;
        let sum = u64::from_le_bytes(bytes.get(4..12)?.try_into().ok()?);
        let body = bytes.get(12..12usize.checked_add(length)?)?;
        if checksum(body) != sum {
            return None;
        }
        let mut reader = Reader(body);
        let record = match reader.byte()? {
            SESSION => Self::Session(Box::new(reader.session()?)),
            AWAY => Self::Away(Box::new(reader.absence()?)),
            GONE => Self::Gone(reader.key()?),
            RETAINED => Self::Retained(reader.publication()?),
            CLOSED => Self::Closed,
            _ => return None,
        };
        reader.0.is_empty().then(|| (record, bytes.slice(12 + length..)))
    }
}

/// FNV-1a: it is to find damage, not to stop forgers.
fn checksum(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

struct Writer(Vec<u8>);

impl Writer {
    fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    fn number(&mut self, number: u64) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    fn key(&mut self, key: &Key) {
        self.byte(u8::from(key.user.is_some()));
        self.bytes(key.user.as_deref().unwrap_or_default().as_bytes());
        self.bytes(key.client_id.as_bytes());
    }

    fn session(&mut self, kept: &Kept) {
        self.key(&kept.key);
        self.number(kept.expiry.as_secs());
        self.number(kept.subscriptions.len() as u64);
        for (filter, options) in &kept.subscriptions {
            self.bytes(filter.as_bytes());
            self.byte(options.qos as u8);
            self.byte(u8::from(options.no_local) | u8::from(options.retain_as_published) << 1);
            self.number(options.identifier.into());
        }
        self.number(kept.received.len() as u64);
        for id in &kept.received {
            self.number((*id).into());
        }
        self.number(kept.messages.len() as u64);
        for (id, message) in &kept.messages {
            self.number(id.unwrap_or(0).into());
            self.byte(u8::from(message.is_some()));
            message.iter().for_each(|message| self.message(message));
        }
    }

    fn absence(&mut self, absence: &Absence) {
        self.key(&absence.key);
        self.moment(absence.at);
        self.number(absence.life.as_millis() as u64);
        self.byte(u8::from(absence.will.is_some()));
        if let Some((delay, publication)) = &absence.will {
            self.number(delay.as_millis() as u64);
            self.publication(publication);
        }
    }

    fn moment(&mut self, moment: Moment) {
        self.byte(u8::from(moment.boot.is_some()));
        self.0.extend_from_slice(&moment.boot.unwrap_or(0).to_le_bytes());
        self.number(moment.since_boot);
        self.number(moment.wall);
    }

    fn message(&mut self, message: &Outgoing) {
        self.byte(message.qos as u8);
        self.byte(u8::from(message.retain));
        self.number(message.identifiers.len() as u64);
        message.identifiers.iter().for_each(|identifier| self.number((*identifier).into()));
        self.publication(&message.publication);
    }

    /// When it expires is kept as a time of day: the process may be started again long after.
    #[allow(clippy::disallowed_methods, reason = "the machine's own clock goes on while no process runs")]
    fn publication(&mut self, publication: &Publication) {
        self.bytes(publication.topic.as_bytes());
        self.bytes(&publication.payload);
        self.bytes(&publication.properties);
        self.byte(publication.qos as u8 | u8::from(publication.retain) << 2);
        self.number(publication.expires_at.map_or(0, |at| {
            let left = at.saturating_duration_since(Instant::now());
            (SystemTime::now() + left).duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs().max(1))
        }));
    }
}

/// What is read comes from a checked record: it is read as it was written, or not at all.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn number(&mut self) -> Option<u64> {
        let (number, rest) = self.0.split_at_checked(8)?;
        self.0 = rest;
        Some(u64::from_le_bytes(number.try_into().ok()?))
    }

    fn small<T: TryFrom<u64>>(&mut self) -> Option<T> {
        T::try_from(self.number()?).ok()
    }

    fn bytes(&mut self) -> Option<Bytes> {
        let length: usize = self.small()?;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(Bytes::copy_from_slice(bytes))
    }

    fn text(&mut self) -> Option<String> {
        String::from_utf8(self.bytes()?.into()).ok()
    }

    /// As many as a number says, which nothing is reserved for.
    fn many<T>(&mut self, mut one: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = self.number()?;
        let mut all = Vec::new();
        for _ in 0..count {
            all.push(one(self)?);
        }
        Some(all)
    }

    fn qos(&mut self) -> Option<Qos> {
        Qos::from_bits(self.byte()?).ok()
    }

    fn key(&mut self) -> Option<Key> {
        let has_user = self.byte()? != 0;
        let user = Some(self.text()?).filter(|_| has_user).map(Arc::from);
        Some(Key { user, client_id: self.text()? })
    }

    fn session(&mut self) -> Option<Kept> {
        Some(Kept {
            key: self.key()?,
            expiry: Duration::from_secs(self.number()?),
            subscriptions: self.many(|reader| Some((reader.text()?, reader.options()?)))?,
            received: self.many(Self::small)?,
            messages: self.many(|reader| {
                let id: u16 = reader.small()?;
                let message = if reader.byte()? != 0 { Some(reader.message()?) } else { None };
                Some(((id != 0).then_some(id), message))
            })?,
        })
    }

    fn absence(&mut self) -> Option<Absence> {
        Some(Absence {
            key: self.key()?,
            at: self.moment()?,
            life: self.milliseconds()?,
            will: match self.byte()? {
                0 => None,
                _ => Some((self.milliseconds()?, self.publication()?)),
            },
        })
    }

    fn milliseconds(&mut self) -> Option<Duration> {
        self.number().map(Duration::from_millis)
    }

    fn moment(&mut self) -> Option<Moment> {
        let is_known = self.byte()? != 0;
        let (boot, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        let boot = is_known.then_some(u128::from_le_bytes(*boot));
        Some(Moment { boot, since_boot: self.number()?, wall: self.number()? })
    }

    fn options(&mut self) -> Option<Options> {
        let qos = self.qos()?;
        let bits = self.byte()?;
        let (no_local, retain_as_published) = (bits & 1 != 0, bits & 2 != 0);
        Some(Options { qos, no_local, retain_as_published, identifier: self.small()? })
    }

    fn message(&mut self) -> Option<Outgoing> {
        let qos = self.qos()?;
        let retain = self.byte()? != 0;
        let identifiers = self.many(Self::small)?;
        Some(Outgoing { publication: Arc::new(self.publication()?), qos, retain, identifiers })
    }

    #[allow(clippy::disallowed_methods, reason = "the machine's own clock goes on while no process runs")]
    fn publication(&mut self) -> Option<Publication> {
        let (topic, payload, properties) = (self.text()?, self.bytes()?, self.bytes()?);
        let bits = self.byte()?;
        let expires = self.number()?;
        let left = (UNIX_EPOCH + Duration::from_secs(expires)).duration_since(SystemTime::now());
        let expires_at = (expires > 0).then(|| Instant::now() + left.unwrap_or_default());
        let (qos, retain) = (Qos::from_bits(bits).ok()?, bits & 4 != 0);
        Some(Publication { topic, payload, qos, retain, properties, expires_at, publisher: 0 })
    }
}

#[cfg(test)]
mod tests;
