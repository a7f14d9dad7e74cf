//! The audit: who did what, in a chain in which no record can be changed without all later ones.
//!
//! The hash of a record is the SHA-256 of the hash before it and of every field of the record, each field as its length in
//! four bytes and its bytes, a missing one as the length `0xffffffff`. What a change found and left goes in as the SHA-256
//! of a salt and the text, so that the text can be erased, as laws may demand, and the chain still holds.

use jiff::Timestamp;
use ring::digest::{Context, SHA256};
use ring::rand::{SecureRandom as _, SystemRandom};

use crate::engine::columns::at_most;
use crate::engine::row::Row;
use crate::engine::statement::{Statement, Value};
use crate::micros::whole;
use crate::text_codec::{TextCodec as _, text_codec};

/// What became of a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AuditOutcome {
    /// It was done.
    Done,
    /// It was refused.
    Refused,
}

text_codec!(AuditOutcome: Done "done", Refused "refused");

/// How a caller was recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Via {
    /// By nothing: there is no user yet.
    Open,
    /// By a session.
    Session,
    /// By a key.
    Key,
    /// By a signed token.
    Token,
    /// By what the identity provider says: a login, or a token that it issued.
    Oidc,
    /// By a credential or a certificate of the MQTT server.
    Mqtt,
    /// As someone with access to the database: a command in a terminal.
    Command,
    /// Not at all.
    Unknown,
}

text_codec!(Via: Open "open", Session "session", Key "key", Token "token", Oidc "oidc", Mqtt "mqtt", Command "command", Unknown "none");

/// What is to be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRecord {
    /// When.
    pub at: Timestamp,
    /// The user, as far as known.
    pub actor: Option<String>,
    /// How the user was recognised.
    pub via: Via,
    /// From which address.
    pub address: Option<String>,
    /// What was done or tried: `add user`.
    pub action: &'static str,
    /// To what.
    pub target: String,
    /// What became of it.
    pub outcome: AuditOutcome,
    /// What the change found, as JSON.
    pub before: Option<String>,
    /// What the change left, as JSON.
    pub after: Option<String>,
}

/// A record of the audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRecord {
    /// Its place in the chain; the first is 1.
    pub number: i64,
    /// As [`NewRecord::at`].
    pub at: Timestamp,
    /// As [`NewRecord::actor`].
    pub actor: Option<String>,
    /// As [`NewRecord::via`].
    pub via: Via,
    /// As [`NewRecord::address`].
    pub address: Option<String>,
    /// As [`NewRecord::action`].
    pub action: String,
    /// As [`NewRecord::target`].
    pub target: String,
    /// As [`NewRecord::outcome`].
    pub outcome: AuditOutcome,
    /// What the hashes of the contents are salted with.
    pub salt: Option<String>,
    /// As [`NewRecord::before`].
    pub before: Option<String>,
    /// As [`NewRecord::after`].
    pub after: Option<String>,
    /// The salted hash of `before`.
    pub before_digest: Option<String>,
    /// The salted hash of `after`.
    pub after_digest: Option<String>,
    /// The hash of the record and of all before it, in hexadecimal.
    pub hash: String,
}

/// The end of the chain.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// The number of the last record; 0 where there is none.
    pub number: i64,
    /// Its hash; empty where there is none.
    pub hash: String,
}

/// Which records to read, newest first. What is `None` is not asked for.
#[derive(Debug, Clone, Default)]
pub struct AuditQuery {
    /// Only of this user.
    pub actor: Option<String>,
    /// Only this action.
    pub action: Option<String>,
    /// Only of this target.
    pub target: Option<String>,
    /// Only with this outcome.
    pub outcome: Option<AuditOutcome>,
    /// Only from this time on ...
    pub from: Option<Timestamp>,
    /// ... and before this time.
    pub to: Option<Timestamp>,
    /// Only records before this number.
    pub before: Option<i64>,
    /// Records, at most; 0 counts as 1.
    pub limit: usize,
}

/// Why a chain does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BrokenChain {
    /// A number is missing or out of order.
    #[error("record {expected} is missing: record {found} follows")]
    Missing {
        /// The number that should be there.
        expected: i64,
        /// The number that is.
        found: i64,
    },
    /// What stands in a record is not what was recorded.
    #[error("record {0} was changed: {1} does not fit its hash")]
    Changed(i64, &'static str),
    /// The contents of a record are gone.
    #[error("the contents of record {0} are gone, and no record says that they were erased")]
    Emptied(i64),
    /// The contents of a record are there, and were erased.
    #[error("record {0} has contents, and a later record says that they were erased")]
    NotErased(i64),
}

impl BrokenChain {
    /// The number of the first record that does not fit.
    #[must_use]
    pub fn number(&self) -> i64 {
        match self {
            Self::Missing { expected, .. } => *expected,
            Self::Changed(number, _) | Self::Emptied(number) | Self::NotErased(number) => *number,
        }
    }
}

impl AuditRecord {
    /// Makes the record that follows the end of a chain.
    ///
    /// # Panics
    /// The system gives no random numbers.
    #[must_use]
    pub fn following(head: &Head, new: &NewRecord) -> Self {
        let salt = (new.before.is_some() || new.after.is_some()).then(salt);
        let digest = |content: &Option<String>| Some(content_digest(salt.as_deref()?, content.as_deref()?));
        let mut record = Self {
            number: head.number + 1,
            at: whole(new.at),
            actor: new.actor.as_deref().map(clean),
            via: new.via,
            address: new.address.clone(),
            action: new.action.to_owned(),
            target: clean(&new.target),
            outcome: new.outcome,
            before_digest: digest(&new.before),
            after_digest: digest(&new.after),
            before: new.before.clone(),
            after: new.after.clone(),
            salt,
            hash: String::new(),
        };
        record.hash = record.compute_hash(&head.hash);
        record
    }

    /// Checks that the record follows the end of a chain, and that its contents are those that were recorded, as far as they
    /// are not erased.
    ///
    /// # Errors
    /// The chain is broken here.
    pub fn check(&self, head: &Head) -> Result<Head, BrokenChain> {
        if self.number != head.number + 1 {
            return Err(BrokenChain::Missing { expected: head.number + 1, found: self.number });
        }
        for (name, content, digest) in [
            ("the content before the change", &self.before, &self.before_digest),
            ("the content after the change", &self.after, &self.after_digest),
        ] {
            let salt = self.salt.as_deref().unwrap_or_default();
            let fits = match content {
                Some(content) => Some(content_digest(salt, content)) == *digest,
                // Erased, or there was none.
                None => true,
            };
            if !fits {
                return Err(BrokenChain::Changed(self.number, name));
            }
        }
        if self.compute_hash(&head.hash) != self.hash {
            return Err(BrokenChain::Changed(self.number, "a field"));
        }
        Ok(self.head())
    }

    /// The end of a chain that ends with this record.
    #[must_use]
    pub fn head(&self) -> Head {
        Head { number: self.number, hash: self.hash.clone() }
    }

    /// Whether the record has a content that can be erased.
    #[must_use]
    pub fn has_contents(&self) -> bool {
        self.before.is_some() || self.after.is_some()
    }

    /// Whether a content of the record was erased.
    #[must_use]
    pub fn is_erased(&self) -> bool {
        let is_gone =
            |content: &Option<String>, digest: &Option<String>| content.is_none() && digest.is_some();
        is_gone(&self.before, &self.before_digest) || is_gone(&self.after, &self.after_digest)
    }

    /// Erases the contents, and what could help to guess them.
    pub fn erase(&mut self) {
        (self.salt, self.before, self.after) = (None, None, None);
    }

    fn compute_hash(&self, before: &str) -> String {
        let mut context = Context::new(&SHA256);
        let (number, at) = (self.number.to_string(), self.at.as_microsecond().to_string());
        let fields = [
            Some(before),
            Some(&number),
            Some(&at),
            self.actor.as_deref(),
            Some(self.via.word()),
            self.address.as_deref(),
            Some(&self.action),
            Some(&self.target),
            Some(self.outcome.word()),
            self.before_digest.as_deref(),
            self.after_digest.as_deref(),
        ];
        for field in fields {
            let length = field.map_or(u32::MAX, |field| u32::try_from(field.len()).unwrap_or(u32::MAX - 1));
            context.update(&length.to_be_bytes());
            context.update(field.unwrap_or_default().as_bytes());
        }
        hexadecimal(context.finish().as_ref())
    }
}

/// The SHA-256 of a text, in hexadecimal.
#[must_use]
pub fn sha256(text: &str) -> String {
    sha256_of(&[text.as_bytes()])
}

/// The SHA-256 of parts that follow each other, in hexadecimal.
#[must_use]
pub fn sha256_of(parts: &[&[u8]]) -> String {
    let mut hash = Context::new(&SHA256);
    parts.iter().for_each(|part| hash.update(part));
    hexadecimal(hash.finish().as_ref())
}

fn content_digest(salt: &str, content: &str) -> String {
    sha256(&format!("{salt}{content}"))
}

/// Random, so that a content cannot be guessed from its hash once it is erased.
fn salt() -> String {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).expect("the system gives random numbers");
    hexadecimal(&bytes)
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// As both databases store it.
fn clean(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// Moves the end of the chain on, unless someone else did.
pub(super) fn advance(head: &Head, link: &AuditRecord) -> Statement {
    const UPDATE: &str = "
        UPDATE audit_head SET number = $1, hash = $2 WHERE id = 1 AND number = $3 AND hash = $4";
    let params = [link.number.into(), (&link.hash).into(), head.number.into(), (&head.hash).into()];
    Statement::new("extend the audit", UPDATE, params).required()
}

const COLUMNS: &str = "
    number, at, actor, via, address, action, target, outcome, salt, before, after, before_digest, after_digest, hash";

pub(super) fn insert(record: &AuditRecord) -> Statement {
    let sql = format!(
        "INSERT INTO audit ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"
    );
    let text = |text: &Option<String>| Value::from(text.as_ref());
    let params = [
        record.number.into(),
        record.at.into(),
        text(&record.actor),
        record.via.word().into(),
        text(&record.address),
        (&record.action).into(),
        (&record.target).into(),
        record.outcome.word().into(),
        text(&record.salt),
        text(&record.before),
        text(&record.after),
        text(&record.before_digest),
        text(&record.after_digest),
        (&record.hash).into(),
    ];
    Statement::new("add to the audit", sql, params)
}

/// Removes a segment, if no record of it is missing.
pub(super) fn delete(first: i64, last: i64) -> Statement {
    const DELETE: &str = "
        DELETE FROM audit WHERE number >= $1 AND number <= $2
        AND (SELECT COUNT(*) FROM audit WHERE number >= $1 AND number <= $2) = $2 - $1 + 1";
    let rows = usize::try_from(last - first + 1).unwrap_or_default();
    Statement::new("archive the audit", DELETE, [first.into(), last.into()]).changing(rows).required()
}

/// Erases the contents of a record, and what could help to guess them.
pub(super) fn erase(number: i64) -> Statement {
    const UPDATE: &str = "
        UPDATE audit SET salt = NULL, before = NULL, after = NULL
        WHERE number = $1 AND (before IS NOT NULL OR after IS NOT NULL)";
    Statement::new("erase from the audit", UPDATE, [number.into()]).required()
}

pub(super) fn select(query: &AuditQuery) -> Statement {
    let text = |text: &Option<String>| text.as_ref().map(Value::from);
    let asked = [
        ("actor =", text(&query.actor)),
        ("action =", text(&query.action)),
        ("target =", text(&query.target)),
        ("outcome =", query.outcome.map(|outcome| outcome.word().into())),
        ("at >=", query.from.map(Value::from)),
        ("at <", query.to.map(Value::from)),
        ("number <", query.before.map(Value::from)),
    ];
    let (mut conditions, mut params) = (String::from("true"), Vec::new());
    for (condition, value) in asked {
        let Some(value) = value else { continue };
        params.push(value);
        conditions += &format!(" AND {condition} ${}", params.len());
    }
    params.push(at_most(query.limit.max(1)).into());
    let sql = format!(
        "SELECT {COLUMNS} FROM audit WHERE {conditions} ORDER BY number DESC LIMIT ${}",
        params.len()
    );
    Statement { params, ..Statement::new("read the audit", sql, []) }
}

pub(super) fn read(row: &Row<'_>) -> anyhow::Result<AuditRecord> {
    Ok(AuditRecord {
        number: row.get(0)?,
        at: row.time(1)?,
        actor: row.get(2)?,
        via: row.word(3)?,
        address: row.get(4)?,
        action: row.get(5)?,
        target: row.get(6)?,
        outcome: row.word(7)?,
        salt: row.get(8)?,
        before: row.get(9)?,
        after: row.get(10)?,
        before_digest: row.get(11)?,
        after_digest: row.get(12)?,
        hash: row.get(13)?,
    })
}

pub(super) fn select_head() -> Statement {
    Statement::new("read the end of the audit", "SELECT number, hash FROM audit_head WHERE id = 1", [])
}

pub(super) fn read_head(row: &Row<'_>) -> anyhow::Result<Head> {
    Ok(Head { number: row.get(0)?, hash: row.get(1)? })
}

#[cfg(test)]
mod tests;
