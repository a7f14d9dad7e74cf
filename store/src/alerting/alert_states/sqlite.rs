//! How every device and metric stands towards every rule, as rows.

use rusqlite::types::{FromSqlError, Type};
use rusqlite::{Connection, Row, params};
use telemetry::Series;

use crate::alerting::alert_states::{AlertState, OrderKey, PhaseColumns};
use crate::alerting::incidents::ConditionKind;
use crate::engine::sqlite::columns::{Micros, Number, Word};
use crate::engine::sqlite::writer::Tables;

pub(crate) fn keep(tables: &Tables<'_>, alert_states: &[AlertState]) -> rusqlite::Result<()> {
    const REPLACE: &str = "
        INSERT OR REPLACE INTO alert_states (
            rule, device, metric, phase, since, incident, told, newest_at, newest_boot, newest_seq, newest_value, value,
            written_at, kind)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";
    let mut replace = tables.connection.prepare_cached(REPLACE)?;
    for AlertState { rule, kind, series: topic, phase, newest, value } in alert_states {
        let phase = PhaseColumns::from(phase);
        replace.execute(params![
            rule,
            topic.device(),
            topic.metric(),
            phase.phase,
            phase.since.map(Micros),
            phase.incident,
            phase.told,
            newest.map(|newest| Micros(newest.measured_at)),
            Number(newest.and_then(|newest| newest.boot)),
            Number(newest.and_then(|newest| newest.seq)),
            newest.map(|newest| newest.value),
            value,
            Micros(tables.stored_at),
            kind.map(Word),
        ])?;
    }
    Ok(())
}

pub(crate) fn all(connection: &Connection) -> rusqlite::Result<Vec<AlertState>> {
    const SELECT: &str = "
        SELECT rule, device, metric, phase, since, incident, told, newest_at, newest_boot, newest_seq, newest_value,
            value, kind
        FROM alert_states ORDER BY rule, device, metric";
    connection.prepare_cached(SELECT)?.query_map([], alert_state)?.collect()
}

fn alert_state(row: &Row<'_>) -> rusqlite::Result<AlertState> {
    let (device, metric): (String, String) = (row.get(1)?, row.get(2)?);
    let unreadable = |column, error| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error);
    let phase = PhaseColumns {
        phase: row.get_ref(3)?.as_str()?,
        since: row.get::<_, Option<Micros>>(4)?.map(|since| since.0),
        incident: row.get_ref(5)?.as_str_or_null()?,
        told: row.get(6)?,
    };
    Ok(AlertState {
        rule: row.get(0)?,
        kind: row.get::<_, Option<Word<ConditionKind>>>(12)?.map(|kind| kind.0),
        series: Series::new(&metric, &device).map_err(|error| unreadable(1, error.into()))?,
        phase: phase.read().ok_or_else(|| unreadable(3, FromSqlError::InvalidType.into()))?,
        newest: newest(row)?,
        value: row.get(11)?,
    })
}

fn newest(row: &Row<'_>) -> rusqlite::Result<Option<OrderKey>> {
    let Some(Micros(measured_at)) = row.get(7)? else { return Ok(None) };
    let (Number(boot), Number(seq)) = (row.get(8)?, row.get(9)?);
    Ok(Some(OrderKey { measured_at, boot, seq, value: row.get(10)? }))
}
