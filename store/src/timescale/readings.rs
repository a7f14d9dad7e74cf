//! Readings as rows.

use telemetry::Reading;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Error, Row, Transaction};

use super::columns::{Micros, number, number_column};
use super::series;
use crate::StoredReading;

/// The columns that [`read`] reads, in its order.
pub(super) const COLUMNS: &str =
    "s.device, s.metric, r.measured_at, r.boot, r.seq, r.value, r.unit, r.received_at, r.stored_at";

/// A reading with the number of its series.
#[derive(Clone, Copy)]
pub(super) struct Keyed<'a> {
    pub(super) series: i32,
    pub(super) reading: &'a Reading,
}

/// In the order of the key: writers that keep the same readings at once meet in the same order and do not deadlock.
pub(super) fn in_order<'a>(series: Vec<i32>, readings: &'a [Reading]) -> Vec<Keyed<'a>> {
    let mut rows: Vec<_> =
        series.into_iter().zip(readings).map(|(series, reading)| Keyed { series, reading }).collect();
    rows.sort_unstable_by(|a, b| {
        let key = |row: &Keyed<'_>| (row.series, row.reading.measured_at, row.reading.boot, row.reading.seq);
        key(a).cmp(&key(b)).then_with(|| a.reading.value.total_cmp(&b.reading.value))
    });
    rows
}

/// Returns how many of the readings are new.
pub(super) async fn insert(transaction: &Transaction<'_>, rows: &[Keyed<'_>]) -> Result<u64, Error> {
    const INSERT: &str = "
        INSERT INTO readings (series, measured_at, boot, seq, value, unit, received_at, stored_at)
        SELECT *, now() FROM unnest(
            $1::integer[], $2::timestamptz[], $3::bigint[], $4::bigint[], $5::double precision[], $6::text[],
            $7::timestamptz[])
        ON CONFLICT DO NOTHING";
    if rows.is_empty() {
        return Ok(0);
    }
    let series = column(rows, |row| row.series);
    let measured_at = column(rows, |row| Micros::of(row.reading.measured_at));
    let boot = column(rows, |row| number_column(row.reading.boot));
    let seq = column(rows, |row| number_column(row.reading.seq));
    let value = column(rows, |row| row.reading.value);
    let unit = column(rows, |row| row.reading.unit.as_deref());
    let received_at = column(rows, |row| Micros::of(row.reading.received_at));
    let params: [(&(dyn ToSql + Sync), Type); 7] = [
        (&series, Type::INT4_ARRAY),
        (&measured_at, Type::TIMESTAMPTZ_ARRAY),
        (&boot, Type::INT8_ARRAY),
        (&seq, Type::INT8_ARRAY),
        (&value, Type::FLOAT8_ARRAY),
        (&unit, Type::TEXT_ARRAY),
        (&received_at, Type::TIMESTAMPTZ_ARRAY),
    ];
    transaction.execute_typed(INSERT, &params).await
}

fn column<'a, T>(rows: &[Keyed<'a>], value: impl Fn(Keyed<'a>) -> T) -> Vec<T> {
    rows.iter().map(|row| value(*row)).collect()
}

/// Reads a row of [`COLUMNS`]; a series whose name is no topic was not made by a writer.
pub(super) fn read(row: &Row) -> Option<StoredReading> {
    let time = |column| row.get::<_, Micros>(column).time();
    let reading = Reading {
        topic: series::topic(row, 0)?,
        measured_at: time(2),
        boot: number(row.get(3)),
        seq: number(row.get(4)),
        value: row.get(5),
        unit: row.get(6),
        received_at: time(7),
    };
    Some(StoredReading { reading, stored_at: time(8) })
}
