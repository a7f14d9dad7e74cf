//! Incidents and mails as rows.

use jiff::Timestamp;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef};
use rusqlite::{Connection, Params, Row, ToSql, params};

use super::columns::{Micros, at_most};
use super::writer::Tables;
use crate::{Incident, Mail, MailKind, Opened, Resolved, Transition};

/// The columns that [`incident`] reads, in its order.
const INCIDENT: &str =
    "i.id, i.rule, i.device, i.metric, i.opened_at, i.value, i.unit, i.resolved_at, i.resolved_value";

/// The columns that [`mail`] reads, in its order.
const MAIL: &str = "message_id, incident, kind, recipients, sent_at";

pub(super) fn record(tables: &Tables<'_>, transitions: &[Transition]) -> rusqlite::Result<()> {
    for transition in transitions {
        let (is_new, mail) = match transition {
            Transition::Opened(opened) => (open(tables, opened)?, &opened.mail),
            Transition::Resolved(resolved) => (resolve(tables, resolved)?, &resolved.mail),
        };
        // A transition that is judged again asks for no second mail.
        if let Some(mail) = mail.as_ref().filter(|_| is_new) {
            owe(tables, mail)?;
        }
    }
    Ok(())
}

/// Returns whether the incident is new.
fn open(tables: &Tables<'_>, opened: &Opened) -> rusqlite::Result<bool> {
    const INSERT: &str = "
        INSERT INTO incidents (id, rule, device, metric, opened_at, value, unit, stored_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
        ON CONFLICT (id) DO NOTHING";
    let added = tables.connection.prepare_cached(INSERT)?.execute(params![
        opened.id,
        opened.rule,
        opened.device,
        opened.metric,
        Micros(opened.at),
        opened.value,
        opened.unit,
        Micros(tables.stored_at),
    ])?;
    Ok(added == 1)
}

/// Returns whether the incident was open.
fn resolve(tables: &Tables<'_>, resolved: &Resolved) -> rusqlite::Result<bool> {
    const UPDATE: &str = "
        UPDATE incidents SET resolved_at = ?2, resolved_value = ?3, stored_at = ?4
        WHERE id = ?1 AND resolved_at IS NULL";
    let Resolved { id, at, value, mail: _ } = resolved;
    let mut update = tables.connection.prepare_cached(UPDATE)?;
    let changed = update.execute(params![id, Micros(*at), value, Micros(tables.stored_at)])?;
    Ok(changed == 1)
}

fn owe(tables: &Tables<'_>, mail: &Mail) -> rusqlite::Result<()> {
    const INSERT: &str = "
        INSERT INTO mails (message_id, incident, kind, recipients, sent_at) VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT (message_id) DO NOTHING";
    let Mail { message_id, incident, kind, recipients, sent_at } = mail;
    let mut insert = tables.connection.prepare_cached(INSERT)?;
    insert.execute(params![message_id, incident, kind, recipients, sent_at.map(Micros)])?;
    Ok(())
}

/// A mail that was sent before stays as it is.
pub(super) fn mail_sent(tables: &Tables<'_>, message_id: &str, at: Timestamp) -> rusqlite::Result<()> {
    const UPDATE: &str = "UPDATE mails SET sent_at = ?2 WHERE message_id = ?1 AND sent_at IS NULL";
    tables.connection.prepare_cached(UPDATE)?.execute(params![message_id, Micros(at)])?;
    Ok(())
}

pub(super) fn newest_per_subject(connection: &Connection) -> rusqlite::Result<Vec<Incident>> {
    // Two that opened at one time were recorded in the order in which they were judged.
    let sql = format!(
        "SELECT {INCIDENT} FROM incidents i WHERE NOT EXISTS (
             SELECT 1 FROM incidents n WHERE (n.rule, n.device, n.metric) = (i.rule, i.device, i.metric)
             AND (n.opened_at, n.rowid) > (i.opened_at, i.rowid))
         ORDER BY i.rule, i.device, i.metric"
    );
    select(connection, &sql, [])
}

pub(super) fn newest(connection: &Connection, limit: usize) -> rusqlite::Result<Vec<Incident>> {
    let sql = format!(
        "SELECT {INCIDENT} FROM incidents i
         ORDER BY i.resolved_at IS NULL DESC, i.opened_at DESC, i.rowid DESC LIMIT ?1"
    );
    select(connection, &sql, [at_most(limit)])
}

pub(super) fn owed(connection: &Connection, limit: usize) -> rusqlite::Result<Vec<(Mail, Incident)>> {
    let sql = format!("SELECT {MAIL} FROM mails WHERE sent_at IS NULL ORDER BY id LIMIT ?1");
    let mails: Vec<Mail> = connection
        .prepare_cached(&sql)?
        .query_map([at_most(limit)], mail)?
        .collect::<rusqlite::Result<_>>()?;
    let by_id = format!("SELECT {INCIDENT} FROM incidents i WHERE i.id = ?1");
    let mut owed = Vec::with_capacity(mails.len());
    for mail in mails {
        let incident = select(connection, &by_id, [&mail.incident])?;
        owed.extend(incident.into_iter().map(|incident| (mail.clone(), incident)));
    }
    Ok(owed)
}

/// Reads incidents, each with its mails.
fn select(connection: &Connection, sql: &str, params: impl Params) -> rusqlite::Result<Vec<Incident>> {
    let mut incidents: Vec<Incident> =
        connection.prepare_cached(sql)?.query_map(params, incident)?.collect::<rusqlite::Result<_>>()?;
    let sql = format!("SELECT {MAIL} FROM mails WHERE incident = ?1 ORDER BY id");
    let mut mails = connection.prepare_cached(&sql)?;
    for incident in &mut incidents {
        incident.mails = mails.query_map([&incident.id], mail)?.collect::<rusqlite::Result<_>>()?;
    }
    Ok(incidents)
}

fn incident(row: &Row<'_>) -> rusqlite::Result<Incident> {
    Ok(Incident {
        id: row.get(0)?,
        rule: row.get(1)?,
        device: row.get(2)?,
        metric: row.get(3)?,
        opened_at: row.get::<_, Micros>(4)?.0,
        value: row.get(5)?,
        unit: row.get(6)?,
        resolved_at: row.get::<_, Option<Micros>>(7)?.map(|at| at.0),
        resolved_value: row.get(8)?,
        mails: Vec::new(),
    })
}

fn mail(row: &Row<'_>) -> rusqlite::Result<Mail> {
    Ok(Mail {
        message_id: row.get(0)?,
        incident: row.get(1)?,
        kind: row.get(2)?,
        recipients: row.get(3)?,
        sent_at: row.get::<_, Option<Micros>>(4)?.map(|at| at.0),
    })
}

impl ToSql for MailKind {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Opened => "opened".into(),
            Self::Resolved => "resolved".into(),
        })
    }
}

impl FromSql for MailKind {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value.as_str()? {
            "opened" => Ok(Self::Opened),
            "resolved" => Ok(Self::Resolved),
            _ => Err(FromSqlError::InvalidType),
        }
    }
}
