//! COPY, for readings of which none is stored yet: it costs the database little more than half of an INSERT.

use std::pin::pin;

use bytes::{BufMut, Bytes, BytesMut};
use futures_util::SinkExt as _;
use futures_util::future::{join, join4};
use telemetry::Reading;
use tokio_postgres::{CopyInSink, Error};

use super::rows::{Keyed, different};
use crate::engine::postgres::session::Session;
use crate::rejections::RejectedMessage;
use crate::rejections::postgres as rejections;
use crate::rollups::marks;

/// The server says by its own clock when they were stored.
const COPY: &str = "
    COPY readings (series, measured_at, boot, seq, value, unit, received_at) FROM STDIN (FORMAT binary)";
const COLUMNS: i16 = 7;

/// The format's signature, no flags and no extension.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const TRAILER: i16 = -1;

/// In place of a field's length.
const NULL: i32 = -1;

/// Bytes sent at once, at least.
const CHUNK: usize = 63 * 1024;

/// A chunk and a row of any usual length.
const BUFFER: usize = 64 * 1024;

/// Returns how many of the readings are stored: of those that are equal in their key, the first.
///
/// BEGIN goes with the COPY and COMMIT with its data, so that there are two round trips. The end of a COPY alone promises
/// nothing: all is stored once COMMIT is answered, which rolls back where anything before it failed.
///
/// # Errors
/// One of them was there already, or the database refuses one: nothing is stored.
pub(crate) async fn copy(
    session: &mut Session,
    turn: Option<String>,
    rows: &[Keyed<'_>],
    rejected: &[RejectedMessage],
) -> Result<u64, Error> {
    let statement = match &session.copy {
        Some(statement) => statement.clone(),
        None => session.copy.insert(session.client.prepare(COPY).await?).clone(),
    };
    let client = &session.client;
    let begin = format!("BEGIN; {}", turn.unwrap_or_default());
    let (begun, sink) = join(client.batch_execute(&begin), client.copy_in(&statement)).await;
    let sink = match begun.and(sink) {
        Ok(sink) => sink,
        Err(error) => return client.batch_execute("ROLLBACK").await.and(Err(error)),
    };
    let changed = rows.iter().map(|row| (row.series, row.measured_at));
    let (stored, marked, rejections, committed) = join4(
        send(sink, rows),
        marks::insert(client, changed),
        rejections::insert(client, rejected),
        client.batch_execute("COMMIT"),
    )
    .await;
    // The first to fail is the reason of the others.
    let stored = stored?;
    marked.and(rejections).and(committed).map(|()| stored)
}

async fn send(sink: CopyInSink<Bytes>, rows: &[Keyed<'_>]) -> Result<u64, Error> {
    let mut sink = pin!(sink);
    let mut out = BytesMut::with_capacity(BUFFER);
    out.put_slice(HEADER);
    for row in different(rows) {
        put_row(&mut out, row);
        if out.len() >= CHUNK {
            sink.send(out.split().freeze()).await?;
        }
    }
    out.put_i16(TRAILER);
    sink.send(out.freeze()).await?;
    sink.finish().await
}

fn put_row(out: &mut BytesMut, row: &Keyed<'_>) {
    let Reading { value, unit, .. } = row.reading;
    out.put_i16(COLUMNS);
    put_field(out, &row.series.to_be_bytes());
    put_field(out, &row.measured_at.column().to_be_bytes());
    put_field(out, &row.boot.to_be_bytes());
    put_field(out, &row.seq.to_be_bytes());
    put_field(out, &value.to_be_bytes());
    match unit {
        Some(unit) => put_field(out, unit.as_bytes()),
        None => out.put_i32(NULL),
    }
    put_field(out, &row.received_at().column().to_be_bytes());
}

fn put_field(out: &mut BytesMut, bytes: &[u8]) {
    // A unit is part of a message, which has some kilobytes at most.
    out.put_i32(bytes.len() as i32);
    out.put_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::super::rows::in_order;
    use super::*;
    use telemetry::Series;

    #[test]
    fn a_row_stands_as_postgresql_reads_it() {
        let reading = Reading {
            series: Series::parse("temperature/a").unwrap(),
            value: 1.0,
            unit: Some("°C".into()),
            measured_at: "2000-01-01T00:00:01Z".parse().unwrap(),
            received_at: "1999-12-31T23:59:59Z".parse().unwrap(),
            boot: None,
            seq: Some(3),
        };
        let without_unit = Reading { unit: None, ..reading.clone() };
        let row = |reading: &Reading| {
            let mut out = BytesMut::new();
            put_row(&mut out, &in_order(vec![258], std::slice::from_ref(reading))[0]);
            out.to_vec()
        };
        let before = b"\0\x07\0\0\0\x04\0\0\x01\x02\0\0\0\x08\0\0\0\0\0\x0f\x42\x40\
            \0\0\0\x08\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\x08\0\0\0\0\0\0\0\x03\0\0\0\x08\x3f\xf0\0\0\0\0\0\0";
        let after = b"\0\0\0\x08\xff\xff\xff\xff\xff\xf0\xbd\xc0";
        assert_eq!(row(&reading), [&before[..], b"\0\0\0\x03\xc2\xb0C", after].concat());
        assert_eq!(row(&without_unit), [&before[..], b"\xff\xff\xff\xff", after].concat());
    }
}
