//! How every device and metric stands towards every rule, as rows.

use rusqlite::params;

use crate::alerting::alert_states::{AlertState, PhaseColumns};
use crate::engine::columns::Word;
use crate::engine::sqlite::columns::{Micros, Number};
use crate::engine::sqlite::writer::Tables;

pub(crate) fn store(tables: &Tables<'_>, alert_states: &[AlertState]) -> rusqlite::Result<()> {
    const REPLACE: &str = "
        INSERT OR REPLACE INTO alert_states (
            rule, device, metric, phase, since, incident, announced, newest_at, newest_boot, newest_seq, newest_value, value,
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
            phase.announced,
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
