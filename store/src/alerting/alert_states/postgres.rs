//! How every device and metric stands towards every rule, as rows.

use std::collections::BTreeMap;

use tokio_postgres::types::Type;
use tokio_postgres::{Error, Transaction};

use crate::alerting::alert_states::{AlertState, PhaseColumns};
use crate::engine::postgres::columns::{Micros, Param, number_column};
use crate::text_codec::TextCodec;

/// Stores alert states; of several of one rule and series the last one counts.
pub(crate) async fn store(transaction: &Transaction<'_>, alert_states: &[AlertState]) -> Result<(), Error> {
    const REPLACE: &str = "
        INSERT INTO alert_states (
            rule, device, metric, phase, since, incident, announced, newest_at, newest_boot, newest_seq, newest_value, value, kind,
            written_at)
        SELECT *, now() FROM unnest(
            $1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::text[], $7::boolean[],
            $8::timestamptz[], $9::bigint[], $10::bigint[], $11::double precision[], $12::double precision[],
            $13::text[])
        ON CONFLICT (rule, device, metric) DO UPDATE SET
            phase = excluded.phase, since = excluded.since, incident = excluded.incident, announced = excluded.announced,
            newest_at = excluded.newest_at, newest_boot = excluded.newest_boot, newest_seq = excluded.newest_seq,
            newest_value = excluded.newest_value, value = excluded.value, kind = excluded.kind,
            written_at = excluded.written_at";
    let rows = last_of_each(alert_states);
    if rows.is_empty() {
        return Ok(());
    }
    let phases: Vec<PhaseColumns<'_>> = rows.iter().map(|row| PhaseColumns::from(&row.phase)).collect();
    let params: [Param<'_>; 13] = [
        (&column(&rows, |row| &row.rule), Type::TEXT_ARRAY),
        (&column(&rows, |row| row.series.device()), Type::TEXT_ARRAY),
        (&column(&rows, |row| row.series.metric()), Type::TEXT_ARRAY),
        (&column(&phases, |phase| phase.phase), Type::TEXT_ARRAY),
        (&column(&phases, |phase| phase.since.map(Micros::of)), Type::TIMESTAMPTZ_ARRAY),
        (&column(&phases, |phase| phase.incident), Type::TEXT_ARRAY),
        (&column(&phases, |phase| phase.announced), Type::BOOL_ARRAY),
        (&column(&rows, |row| row.newest.map(|n| Micros::of(n.measured_at))), Type::TIMESTAMPTZ_ARRAY),
        (&column(&rows, |row| number_column(row.newest.and_then(|n| n.boot))), Type::INT8_ARRAY),
        (&column(&rows, |row| number_column(row.newest.and_then(|n| n.seq))), Type::INT8_ARRAY),
        (&column(&rows, |row| row.newest.map(|n| n.value)), Type::FLOAT8_ARRAY),
        (&column(&rows, |row| row.value), Type::FLOAT8_ARRAY),
        (&column(&rows, |row| row.kind.map(|kind| kind.word())), Type::TEXT_ARRAY),
    ];
    transaction.execute_typed(REPLACE, &params).await?;
    Ok(())
}

/// A statement can replace a row only once.
fn last_of_each(alert_states: &[AlertState]) -> Vec<&AlertState> {
    let last: BTreeMap<_, _> = alert_states
        .iter()
        .map(|alert_state| ((&alert_state.rule, &alert_state.series), alert_state))
        .collect();
    last.into_values().collect()
}

fn column<'a, R, T>(rows: &'a [R], value: impl Fn(&'a R) -> T) -> Vec<T> {
    rows.iter().map(value).collect()
}
