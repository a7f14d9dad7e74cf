//! A page of readings, of all series in one order.

use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error};

use super::rows::{self, COLUMNS};
use crate::engine::columns::at_most;
use crate::engine::postgres::columns::{Micros, number_column};
use crate::engine::postgres::pattern::scope_pattern;
use crate::readings::history::{Cursor, Page, ReadingQuery};

/// Of a series in the order of its key; of several in the order of a page.
const ORDER: &str = "r.measured_at, s.device, s.metric, r.boot, r.seq, r.value";

/// Which readings: `$2` bounds the index, the comparison with the cursor says which of that time are behind it.
const WANTED: &str = "
    r.measured_at >= $2 AND r.measured_at < $3
    AND (r.measured_at, s.device, s.metric, r.boot, r.seq, r.value) > ($4, $5, $6, $7, $8, $9)";

pub(crate) async fn read(client: &Client, query: &ReadingQuery) -> Result<Page, Error> {
    let limit = query.limit.max(1);
    // One more than the page shows whether more follow.
    let room = at_most(limit.saturating_add(1));
    let place = Place::before(query);
    let from = Micros::bound(query.range.from).max(place.measured_at);
    let to = Micros::bound(query.range.to);
    let scope = scope_pattern(&query.scope);
    let params: [(&(dyn ToSql + Sync), Type); 12] = [
        (&query.metric, Type::TEXT),
        (&from, Type::TIMESTAMPTZ),
        (&to, Type::TIMESTAMPTZ),
        (&place.measured_at, Type::TIMESTAMPTZ),
        (&place.device, Type::TEXT),
        (&place.metric, Type::TEXT),
        (&place.boot, Type::INT8),
        (&place.seq, Type::INT8),
        (&place.value, Type::FLOAT8),
        (&room, Type::INT8),
        (&scope, Type::TEXT),
        (&query.device, Type::TEXT),
    ];
    let rows = match query.device {
        Some(_) => client.query_typed(&of_a_device(), &params).await?,
        None => client.query_typed(&of_all_devices(), &params[..11]).await?,
    };
    let mut readings: Vec<_> = rows.iter().filter_map(rows::read).collect();
    let more = readings.len() > limit;
    readings.truncate(limit);
    let next = readings.last().filter(|_| more).map(|last| Cursor::after(&last.reading));
    Ok(Page { readings, next })
}

/// Along the index by time.
fn of_all_devices() -> String {
    format!(
        "SELECT {COLUMNS} FROM readings r JOIN series s ON s.id = r.series
         WHERE ($1 IS NULL OR s.metric = $1) AND ($11 IS NULL OR s.device ~ $11) AND {WANTED}
         ORDER BY {ORDER} LIMIT $10"
    )
}

/// Along the key, a few series side by side: by time, a device that is rarely heard would be looked for in all others.
fn of_a_device() -> String {
    format!(
        "SELECT {COLUMNS} FROM series s CROSS JOIN LATERAL (
             SELECT * FROM readings r WHERE r.series = s.id AND {WANTED}
             ORDER BY r.measured_at, r.boot, r.seq, r.value LIMIT $10
         ) r
         WHERE s.device = $12 AND ($1 IS NULL OR s.metric = $1) AND ($11 IS NULL OR s.device ~ $11)
         ORDER BY {ORDER} LIMIT $10"
    )
}

/// The place behind which the page begins, as the columns of its order.
struct Place<'a> {
    measured_at: Micros,
    device: &'a str,
    metric: &'a str,
    boot: i64,
    seq: i64,
    value: f64,
}

impl<'a> Place<'a> {
    fn before(query: &'a ReadingQuery) -> Self {
        match &query.after {
            Some(cursor) => Self {
                measured_at: Micros::of(cursor.measured_at),
                device: cursor.series.device(),
                metric: cursor.series.metric(),
                boot: number_column(cursor.boot),
                seq: number_column(cursor.seq),
                value: cursor.value,
            },
            // No device has an empty name: before all of that time.
            None => Self {
                measured_at: Micros::bound(query.range.from),
                device: "",
                metric: "",
                boot: -1,
                seq: -1,
                value: 0.0,
            },
        }
    }
}
