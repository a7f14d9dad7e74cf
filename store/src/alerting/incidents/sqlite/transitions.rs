//! Changes of incidents, and the notifications that they ask for.

use jiff::Timestamp;
use rusqlite::params;

use crate::alerting::alert_states::sqlite as alert_states;
use crate::alerting::incidents::{Changes, End, Incident, Transition};
use crate::alerting::notifications::{Address, RESOLVED};
use crate::engine::columns::Word;
use crate::engine::sqlite::columns::Micros;
use crate::engine::sqlite::writer::Tables;

pub(crate) fn record(tables: &Tables<'_>, changes: &Changes) -> rusqlite::Result<()> {
    for transition in &changes.transitions {
        match transition {
            Transition::Opened(incident, to) => open(tables, incident, to)?,
            Transition::Announced { id, at, to } => notify(tables, id, *at, to)?,
            Transition::Peaked { id, at, value } => peak(tables, id, *at, *value)?,
            Transition::Resolved { id, at, judged_at, value, end } => {
                if resolve(tables, id, *at, *value, *end)? {
                    notify_of_end(tables, id, *judged_at)?;
                }
            }
        }
    }
    alert_states::store(tables, &changes.alert_states)
}

fn open(tables: &Tables<'_>, incident: &Incident, to: &[Address]) -> rusqlite::Result<()> {
    const INSERT: &str = "
        INSERT INTO incidents (
            id, rule, severity, device, metric, condition_kind, condition_text, threshold, began_at, opened_at, judged_at,
            value, unit, peak, peak_at, late, stored_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)
        ON CONFLICT (id) DO NOTHING";
    let added = tables.connection.prepare_cached(INSERT)?.execute(params![
        incident.id,
        incident.rule,
        Word(incident.severity),
        incident.device,
        incident.metric,
        Word(incident.condition.kind),
        incident.condition.text,
        incident.condition.threshold,
        Micros(incident.began_at),
        Micros(incident.opened_at),
        Micros(incident.judged_at),
        incident.value,
        incident.unit,
        incident.peak,
        incident.peak_at.map(Micros),
        incident.late,
        Micros(tables.stored_at),
    ])?;
    // An opening that is evaluated again causes no second notification.
    if added == 1 { notify(tables, &incident.id, incident.judged_at, to) } else { Ok(()) }
}

/// Asks for notifications of an opening, while the incident is open, to those for whom there is none.
fn notify(tables: &Tables<'_>, id: &str, at: Timestamp, to: &[Address]) -> rusqlite::Result<()> {
    const INSERT: &str = "
        INSERT INTO notifications (incident, kind, channel, recipient, asked_at, due_at)
        SELECT number, 'opened', ?2, ?3, ?4, ?4 FROM incidents WHERE id = ?1 AND resolved_at IS NULL
        ON CONFLICT DO NOTHING";
    let mut insert = tables.connection.prepare_cached(INSERT)?;
    for Address { channel, to } in to {
        insert.execute(params![id, Word(*channel), to, Micros(at)])?;
    }
    Ok(())
}

fn peak(tables: &Tables<'_>, id: &str, at: Timestamp, value: f64) -> rusqlite::Result<()> {
    const UPDATE: &str = "
        UPDATE incidents SET peak = ?2, peak_at = ?3, stored_at = ?4
        WHERE id = ?1 AND resolved_at IS NULL AND peak IS NOT ?2";
    let mut update = tables.connection.prepare_cached(UPDATE)?;
    update.execute(params![id, value, Micros(at), Micros(tables.stored_at)])?;
    Ok(())
}

/// Returns whether the incident was open.
fn resolve(
    tables: &Tables<'_>,
    id: &str,
    at: Timestamp,
    value: Option<f64>,
    end: End,
) -> rusqlite::Result<bool> {
    const UPDATE: &str = "
        UPDATE incidents SET resolved_at = ?2, resolved_value = ?3, ending = ?4, stored_at = ?5
        WHERE id = ?1 AND resolved_at IS NULL";
    let mut update = tables.connection.prepare_cached(UPDATE)?;
    let changed = update.execute(params![id, Micros(at), value, Word(end), Micros(tables.stored_at)])?;
    Ok(changed == 1)
}

/// Notifies those who were notified of the opening, or will be, and drops the reminders.
fn notify_of_end(tables: &Tables<'_>, id: &str, at: Timestamp) -> rusqlite::Result<()> {
    const INSERT: &str = "
        INSERT INTO notifications (incident, kind, channel, recipient, asked_at, due_at)
        SELECT n.incident, 'resolved', n.channel, n.recipient, ?2, ?2
        FROM incidents i JOIN notifications n ON n.incident = i.number
        WHERE i.id = ?1 AND n.kind = 'opened' AND n.dropped IS NULL ORDER BY n.number";
    const DROP: &str = "
        UPDATE notifications SET dropped = ?2
        WHERE incident = (SELECT number FROM incidents WHERE id = ?1)
            AND kind = 'reminder' AND message IS NULL AND dropped IS NULL";
    tables.connection.prepare_cached(INSERT)?.execute(params![id, Micros(at)])?;
    tables.connection.prepare_cached(DROP)?.execute([id, RESOLVED])?;
    Ok(())
}
