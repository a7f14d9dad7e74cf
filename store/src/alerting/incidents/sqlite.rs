//! Incidents as rows.

mod transitions;

use std::collections::HashMap;

use async_trait::async_trait;
use rusqlite::types::Value;
use rusqlite::{Connection, params, params_from_iter};

use super::{COLUMNS, DEVICE, Numbered, SUMMARY_COLUMNS, read, read_summary};
use crate::alerting::alert_states::{self, AlertState};
use crate::alerting::incidents::{
    Acknowledgement, Changes, Incident, IncidentQuery, IncidentSummary, Incidents,
};
use crate::alerting::notifications::sqlite as notifications;
use crate::engine::row::Row;
use crate::engine::sqlite::Sqlite;
use crate::engine::sqlite::columns::{Micros, list};
use crate::engine::sqlite::writer::Tables;
use crate::micros::micros_from;
use crate::text_codec::TextCodec;
use crate::unavailable::Result;

#[async_trait]
impl Incidents for Sqlite {
    async fn record(&self, changes: &Changes) -> Result<()> {
        let changes = changes.clone();
        let rows = changes.transitions.len() + changes.alert_states.len();
        let record = move |tables: &mut Tables<'_>| transitions::record(tables, &changes);
        self.writer.change("record incidents", rows, record).await
    }

    async fn alert_states(&self) -> Result<Vec<AlertState>> {
        alert_states::all(self).await
    }

    async fn incidents(&self, query: &IncidentQuery) -> Result<Vec<Incident>> {
        let query = query.clone();
        self.readers.read("read incidents", move |tables| select_incidents(tables, &query)).await
    }

    async fn incident_summaries(&self, query: &IncidentQuery) -> Result<Vec<IncidentSummary>> {
        let query = query.clone();
        let read = move |tables: &Connection| select_rows(tables, &query, SUMMARY_COLUMNS, read_summary);
        self.readers.read("read summaries of incidents", read).await
    }

    async fn open_count(&self) -> Result<u64> {
        self.readers.read("count open incidents", open_count).await
    }

    async fn acknowledge(&self, incidents: &[String], acknowledgement: &Acknowledgement) -> Result<u64> {
        let (incidents, acknowledgement) = (incidents.to_vec(), acknowledgement.clone());
        let rows = incidents.len();
        let note = move |tables: &mut Tables<'_>| acknowledge(tables, &incidents, &acknowledgement);
        self.writer.change("acknowledge incidents", rows, note).await
    }
}

pub(crate) fn select_incidents(
    connection: &Connection,
    query: &IncidentQuery,
) -> anyhow::Result<Vec<Incident>> {
    let found = select_rows(connection, query, COLUMNS, read)?;
    with_notifications(connection, found)
        .map(|found| found.into_iter().map(|(_, incident)| incident).collect())
}

/// Reads in order, which an index gives, until there are enough: no more than that is held.
fn select_rows<T>(
    connection: &Connection,
    query: &IncidentQuery,
    columns: &str,
    read: fn(&Row<'_>) -> anyhow::Result<T>,
) -> anyhow::Result<Vec<T>> {
    let (conditions, values) = conditions(query);
    let open_first = if query.open.is_none() { "i.resolved_at IS NULL DESC, " } else { "" };
    let sql = format!(
        "SELECT {columns} FROM incidents i WHERE {conditions}
         ORDER BY {open_first}i.opened_at DESC, i.number DESC"
    );
    let mut select = connection.prepare(&sql)?;
    let mut rows = select.query(params_from_iter(values))?;
    let mut found = Vec::new();
    while found.len() < query.limit.max(1)
        && let Some(row) = rows.next()?
    {
        let device = row.get_ref(DEVICE)?.as_str()?;
        if query.scope.holds(device) && query.device.as_ref().is_none_or(|filter| filter.matches(device)) {
            found.push(read(&Row::Sqlite(row))?);
        }
    }
    Ok(found)
}

/// What comes after a cursor in the order of incidents, whatever has become of its own.
const AFTER: &str = "
    (i.resolved_at IS NULL, i.opened_at, i.number)
        < (?, ?, coalesce((SELECT number FROM incidents WHERE id = ?), 0))";

/// What SQL can ask for; a filter of devices is left to the reader, but for a plain name.
fn conditions(query: &IncidentQuery) -> (String, Vec<Value>) {
    let text = |text: &Option<String>| text.clone().map(Value::from);
    let device = query.device.as_ref().and_then(|filter| filter.literal());
    let from = query.from.map(micros_from);
    let asked = [
        ("i.id = ?", text(&query.id)),
        ("i.rule = ?", text(&query.rule)),
        ("i.metric = ?", text(&query.metric)),
        ("i.device = ?", device.map(|device| device.to_owned().into())),
        ("i.severity = ?", query.severity.map(|severity| severity.word().to_owned().into())),
        ("(i.resolved_at IS NULL) = ?", query.open.map(Value::from)),
        ("(i.acknowledged_at IS NOT NULL) = ?", query.acknowledged.map(Value::from)),
        ("i.opened_at < ?", query.to.map(|to| micros_from(to).into())),
        // One that was over at once was open then.
        ("(i.resolved_at IS NULL OR max(i.resolved_at, i.opened_at + 1) > ?)", from.map(Value::from)),
    ];
    let (mut conditions, mut values): (Vec<_>, Vec<_>) =
        asked.into_iter().filter_map(|(condition, value)| Some((condition, value?))).unzip();
    if let Some(cursor) = &query.after {
        conditions.push(AFTER);
        values.extend([cursor.open.into(), micros_from(cursor.opened_at).into(), cursor.id.clone().into()]);
    }
    (if conditions.is_empty() { "true".into() } else { conditions.join(" AND ") }, values)
}

/// Counts in the index that has open ones first.
pub(crate) fn open_count(connection: &Connection) -> rusqlite::Result<u64> {
    const COUNT: &str = "SELECT count(*) FROM incidents WHERE (resolved_at IS NULL) = 1";
    connection.prepare_cached(COUNT)?.query_row([], |row| row.get::<_, i64>(0)).map(i64::unsigned_abs)
}

/// Incidents by their numbers, each with its notifications.
pub(crate) fn numbered(
    connection: &Connection,
    numbers: impl IntoIterator<Item = i64>,
) -> anyhow::Result<HashMap<i64, Incident>> {
    let sql =
        format!("SELECT {COLUMNS} FROM incidents i WHERE i.number IN (SELECT value FROM json_each(?1))");
    let mut select = connection.prepare_cached(&sql)?;
    let found = select
        .query_and_then([list(numbers)], |row| read(&Row::Sqlite(row)))?
        .collect::<anyhow::Result<_>>()?;
    Ok(with_notifications(connection, found)?.into_iter().collect())
}

fn with_notifications(connection: &Connection, mut found: Vec<Numbered>) -> anyhow::Result<Vec<Numbered>> {
    let mut notifications = notifications::of(connection, found.iter().map(|(number, _)| *number))?;
    for (number, incident) in &mut found {
        incident.notifications = notifications.remove(number).unwrap_or_default();
    }
    Ok(found)
}

/// Returns how many were not acknowledged before.
fn acknowledge(
    tables: &Tables<'_>,
    ids: &[String],
    acknowledgement: &Acknowledgement,
) -> rusqlite::Result<u64> {
    const UPDATE: &str = "
        UPDATE incidents SET acknowledged_at = ?2, acknowledged_by = ?3, acknowledged_note = ?4, stored_at = ?5
        WHERE id = ?1 AND acknowledged_at IS NULL AND resolved_at IS NULL";
    let Acknowledgement { at, by, note } = acknowledgement;
    let mut update = tables.connection.prepare_cached(UPDATE)?;
    let mut count = 0;
    for id in ids {
        count += update.execute(params![id, Micros(*at), by, note, Micros(tables.stored_at)])?;
    }
    Ok(count as u64)
}
