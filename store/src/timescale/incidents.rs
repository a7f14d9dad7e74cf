//! Incidents and mails as rows.

use std::collections::HashMap;

use jiff::Timestamp;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, Row, Transaction};

use super::columns::{Micros, at_most, text};
use crate::{Incident, Mail, MailKind, Opened, Resolved, Transition};

type Params<'a> = &'a [(&'a (dyn ToSql + Sync), Type)];

/// The columns that [`incident`] reads, in its order.
const INCIDENT: &str =
    "i.id, i.rule, i.device, i.metric, i.opened_at, i.value, i.unit, i.resolved_at, i.resolved_value";

/// The columns that [`mail`] reads, in its order.
const MAIL: &str = "message_id, incident, kind, recipients, sent_at";

pub(super) async fn record(client: &mut Client, transitions: &[Transition]) -> Result<(), Error> {
    let transaction = client.transaction().await?;
    for transition in transitions {
        let (is_new, mail) = match transition {
            Transition::Opened(opened) => (open(&transaction, opened).await?, &opened.mail),
            Transition::Resolved(resolved) => (resolve(&transaction, resolved).await?, &resolved.mail),
        };
        // A transition that is judged again asks for no second mail.
        if let Some(mail) = mail.as_ref().filter(|_| is_new) {
            owe(&transaction, mail).await?;
        }
    }
    transaction.commit().await
}

/// Returns whether the incident is new.
async fn open(transaction: &Transaction<'_>, opened: &Opened) -> Result<bool, Error> {
    const INSERT: &str = "
        INSERT INTO incidents (id, rule, device, metric, opened_at, value, unit, stored_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, now())
        ON CONFLICT (id) DO NOTHING";
    let params: Params<'_> = &[
        (&opened.id, Type::TEXT),
        (&opened.rule, Type::TEXT),
        (&opened.device, Type::TEXT),
        (&opened.metric, Type::TEXT),
        (&Micros::of(opened.at), Type::TIMESTAMPTZ),
        (&opened.value, Type::FLOAT8),
        (&opened.unit.as_deref().map(text), Type::TEXT),
    ];
    Ok(transaction.execute_typed(INSERT, params).await? == 1)
}

/// Returns whether the incident was open.
async fn resolve(transaction: &Transaction<'_>, resolved: &Resolved) -> Result<bool, Error> {
    const UPDATE: &str = "
        UPDATE incidents SET resolved_at = $2, resolved_value = $3, stored_at = now()
        WHERE id = $1 AND resolved_at IS NULL";
    let Resolved { id, at, value, mail: _ } = resolved;
    let params: Params<'_> =
        &[(id, Type::TEXT), (&Micros::of(*at), Type::TIMESTAMPTZ), (value, Type::FLOAT8)];
    Ok(transaction.execute_typed(UPDATE, params).await? == 1)
}

async fn owe(transaction: &Transaction<'_>, mail: &Mail) -> Result<(), Error> {
    const INSERT: &str = "
        INSERT INTO mails (message_id, incident, kind, recipients, sent_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (message_id) DO NOTHING";
    let Mail { message_id, incident, kind, recipients, sent_at } = mail;
    let kind = match kind {
        MailKind::Opened => "opened",
        MailKind::Resolved => "resolved",
    };
    let params: Params<'_> = &[
        (message_id, Type::TEXT),
        (incident, Type::TEXT),
        (&kind, Type::TEXT),
        (recipients, Type::TEXT),
        (&sent_at.map(Micros::of), Type::TIMESTAMPTZ),
    ];
    transaction.execute_typed(INSERT, params).await?;
    Ok(())
}

/// A mail that was sent before stays as it is.
pub(super) async fn mail_sent(client: &Client, message_id: &str, at: Timestamp) -> Result<(), Error> {
    const UPDATE: &str = "UPDATE mails SET sent_at = $2 WHERE message_id = $1 AND sent_at IS NULL";
    let params: Params<'_> = &[(&message_id, Type::TEXT), (&Micros::of(at), Type::TIMESTAMPTZ)];
    client.execute_typed(UPDATE, params).await?;
    Ok(())
}

pub(super) async fn newest_per_subject(client: &mut Client) -> Result<Vec<Incident>, Error> {
    // Two that opened at one time were recorded in the order in which they were judged.
    let sql = format!(
        "SELECT DISTINCT ON (i.rule, i.device, i.metric) {INCIDENT} FROM incidents i
         ORDER BY i.rule, i.device, i.metric, i.opened_at DESC, i.number DESC"
    );
    select(&unchanging(client).await?, &sql, &[]).await
}

pub(super) async fn newest(client: &mut Client, limit: usize) -> Result<Vec<Incident>, Error> {
    let sql = format!(
        "SELECT {INCIDENT} FROM incidents i
         ORDER BY (i.resolved_at IS NULL) DESC, i.opened_at DESC, i.number DESC LIMIT $1"
    );
    select(&unchanging(client).await?, &sql, &[(&at_most(limit), Type::INT8)]).await
}

pub(super) async fn owed(client: &mut Client, limit: usize) -> Result<Vec<(Mail, Incident)>, Error> {
    let transaction = unchanging(client).await?;
    let sql = format!("SELECT {MAIL} FROM mails WHERE sent_at IS NULL ORDER BY id LIMIT $1");
    let rows = transaction.query_typed(&sql, &[(&at_most(limit), Type::INT8)]).await?;
    let mails: Vec<Mail> = rows.iter().map(mail).collect();
    let ids: Vec<&str> = mails.iter().map(|mail| mail.incident.as_str()).collect();
    let by_id = format!("SELECT {INCIDENT} FROM incidents i WHERE i.id = ANY($1)");
    let incidents = select(&transaction, &by_id, &[(&ids, Type::TEXT_ARRAY)]).await?;
    let incidents: HashMap<&str, &Incident> =
        incidents.iter().map(|incident| (incident.id.as_str(), incident)).collect();
    let owed =
        mails.iter().filter_map(|mail| Some((mail.clone(), (*incidents.get(&*mail.incident)?).clone())));
    Ok(owed.collect())
}

/// One unchanging state of the tables.
async fn unchanging(client: &mut Client) -> Result<Transaction<'_>, Error> {
    let transaction = client.build_transaction().read_only(true);
    transaction.isolation_level(tokio_postgres::IsolationLevel::RepeatableRead).start().await
}

/// Reads incidents, each with its mails.
async fn select(
    transaction: &Transaction<'_>,
    sql: &str,
    params: Params<'_>,
) -> Result<Vec<Incident>, Error> {
    let mut incidents: Vec<Incident> =
        transaction.query_typed(sql, params).await?.iter().map(incident).collect();
    let ids: Vec<&str> = incidents.iter().map(|incident| incident.id.as_str()).collect();
    let sql = format!("SELECT {MAIL} FROM mails WHERE incident = ANY($1) ORDER BY id");
    let mut mails: HashMap<String, Vec<Mail>> = HashMap::new();
    for row in transaction.query_typed(&sql, &[(&ids, Type::TEXT_ARRAY)]).await? {
        let mail = mail(&row);
        mails.entry(mail.incident.clone()).or_default().push(mail);
    }
    for incident in &mut incidents {
        incident.mails = mails.remove(&incident.id).unwrap_or_default();
    }
    Ok(incidents)
}

fn incident(row: &Row) -> Incident {
    Incident {
        id: row.get(0),
        rule: row.get(1),
        device: row.get(2),
        metric: row.get(3),
        opened_at: row.get::<_, Micros>(4).time(),
        value: row.get(5),
        unit: row.get(6),
        resolved_at: row.get::<_, Option<Micros>>(7).map(Micros::time),
        resolved_value: row.get(8),
        mails: Vec::new(),
    }
}

fn mail(row: &Row) -> Mail {
    Mail {
        message_id: row.get(0),
        incident: row.get(1),
        kind: if row.get::<_, &str>(2) == "opened" { MailKind::Opened } else { MailKind::Resolved },
        recipients: row.get(3),
        sent_at: row.get::<_, Option<Micros>>(4).map(Micros::time),
    }
}
