//! Readings as rows.

use std::cmp::Ordering;

use telemetry::Reading;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Error, GenericClient, Row};

use crate::engine::postgres::columns::{Micros, number, number_column};
use crate::readings::history::StoredReading;
use crate::rollups::marks;
use crate::series::postgres as series;

/// The columns that [`read`] reads, in its order.
pub(crate) const COLUMNS: &str =
    "s.device, s.metric, r.measured_at, r.boot, r.seq, r.value, r.unit, r.received_at, r.stored_at";

/// A reading with its key as the database has it.
#[derive(Clone, Copy)]
pub(crate) struct Keyed<'a> {
    pub(crate) series: i32,
    pub(crate) measured_at: Micros,
    pub(crate) boot: i64,
    pub(crate) seq: i64,
    pub(crate) reading: &'a Reading,
}

impl<'a> Keyed<'a> {
    fn new(series: i32, reading: &'a Reading) -> Self {
        let measured_at = Micros::of(reading.measured_at);
        let (boot, seq) = (number_column(reading.boot), number_column(reading.seq));
        Self { series, measured_at, boot, seq, reading }
    }

    pub(crate) fn received_at(&self) -> Micros {
        Micros::of(self.reading.received_at)
    }

    /// As in the database's index, for which -0.0 is 0.0; a NaN is never stored.
    fn order(&self, other: &Self) -> Ordering {
        let key = |row: &Self| (row.series, row.measured_at, row.boot, row.seq);
        let (value, others) = (self.reading.value, other.reading.value);
        let by_value = || value.partial_cmp(&others).unwrap_or_else(|| value.total_cmp(&others));
        key(self).cmp(&key(other)).then_with(by_value)
    }
}

/// In the order of the key: writers that store the same readings at once meet in the same order and do not deadlock.
///
/// Of those that are equal, the one that was given first stays first.
pub(crate) fn in_order<'a>(series: Vec<i32>, readings: &'a [Reading]) -> Vec<Keyed<'a>> {
    let mut rows: Vec<_> =
        series.into_iter().zip(readings).map(|(series, reading)| Keyed::new(series, reading)).collect();
    rows.sort_by(Keyed::order);
    rows
}

/// The first of each that are equal in their key, of rows that are in order.
pub(crate) fn different<'r, 'a>(rows: &'r [Keyed<'a>]) -> impl Iterator<Item = &'r Keyed<'a>> {
    rows.chunk_by(|a, b| a.order(b).is_eq()).filter_map(|equal| equal.first())
}

/// Returns how many of the readings are new; their hours are marked.
pub(crate) async fn insert(client: &impl GenericClient, rows: &[Keyed<'_>]) -> Result<u64, Error> {
    const INSERT: &str = "
        INSERT INTO readings (series, measured_at, boot, seq, value, unit, received_at)
        SELECT * FROM unnest(
            $1::integer[], $2::timestamptz[], $3::bigint[], $4::bigint[], $5::double precision[], $6::text[],
            $7::timestamptz[])
        ON CONFLICT DO NOTHING";
    if rows.is_empty() {
        return Ok(0);
    }
    let series = column(rows, |row| row.series);
    let measured_at = column(rows, |row| row.measured_at);
    let boot = column(rows, |row| row.boot);
    let seq = column(rows, |row| row.seq);
    let value = column(rows, |row| row.reading.value);
    let unit = column(rows, |row| row.reading.unit.as_deref());
    let received_at = column(rows, |row| row.received_at());
    let params: [(&(dyn ToSql + Sync), Type); 7] = [
        (&series, Type::INT4_ARRAY),
        (&measured_at, Type::TIMESTAMPTZ_ARRAY),
        (&boot, Type::INT8_ARRAY),
        (&seq, Type::INT8_ARRAY),
        (&value, Type::FLOAT8_ARRAY),
        (&unit, Type::TEXT_ARRAY),
        (&received_at, Type::TIMESTAMPTZ_ARRAY),
    ];
    let added = client.execute_typed(INSERT, &params).await?;
    if added > 0 {
        marks::insert(client, rows.iter().map(|row| (row.series, row.measured_at))).await?;
    }
    Ok(added)
}

fn column<'a, T>(rows: &[Keyed<'a>], value: impl Fn(Keyed<'a>) -> T) -> Vec<T> {
    rows.iter().map(|row| value(*row)).collect()
}

/// Reads a row of [`COLUMNS`]; a series whose name is no topic was not made by a writer.
pub(crate) fn read(row: &Row) -> Option<StoredReading> {
    let time = |column| row.get::<_, Micros>(column).time();
    let reading = Reading {
        series: series::topic(row, 0)?,
        measured_at: time(2),
        boot: number(row.get(3)),
        seq: number(row.get(4)),
        value: row.get(5),
        unit: row.get(6),
        received_at: time(7),
    };
    Some(StoredReading { reading, stored_at: time(8) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use telemetry::Series;

    fn reading(micros: i64, value: f64) -> Reading {
        let at = jiff::Timestamp::from_microsecond(micros).unwrap();
        let topic = Series::parse("temperature/a").unwrap();
        Reading { series: topic, value, unit: None, measured_at: at, received_at: at, boot: None, seq: None }
    }

    #[test]
    fn what_is_equal_to_the_database_is_there_once() {
        let finer = |reading: Reading| Reading {
            measured_at: reading.measured_at + jiff::SignedDuration::from_nanos(999),
            ..reading
        };
        let second_unit = Reading { unit: Some("second".into()), ..finer(reading(5, 0.0)) };
        let given = [
            reading(5, -0.0),
            reading(5, f64::MIN_POSITIVE),
            second_unit,
            reading(4, 0.0),
            Reading { seq: Some(0), ..reading(5, 0.0) },
            Reading { boot: Some(0), ..reading(5, 0.0) },
            reading(5, -0.0),
        ];
        let rows = in_order(vec![7, 7, 7, 7, 7, 7, 6], &given);
        let places: Vec<_> = different(&rows)
            .map(|row| given.iter().position(|given| std::ptr::eq(given, row.reading)).unwrap())
            .collect();
        assert_eq!(places, [6, 3, 0, 1, 4, 5]);
    }
}
