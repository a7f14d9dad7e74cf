//! From a batch to its payload. docs/uplink.md describes the format.

use std::io::Write as _;
use std::ops::RangeInclusive;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::UplinkBatch;
use super::column::{Even, optional, put_values};
use crate::journal::{Gone, UplinkReport};
use crate::packing::{put_text, put_varint};
use crate::reading::Reading;

/// How a payload begins: the name of the format, and its version.
pub(super) const NAME: &[u8; 3] = b"MUP";
pub(super) const VERSION: u8 = 1;

pub(super) fn pack(batch: &UplinkBatch) -> Bytes {
    let mut body = Vec::new();
    put_report(&mut body, &batch.report);
    put_readings(&mut body, &batch.readings);
    let mut packed = NAME.to_vec();
    packed.push(VERSION);
    let mut zlib = ZlibEncoder::new(packed, Compression::default());
    let written = zlib.write_all(&body).and_then(|()| zlib.finish());
    written.expect("memory takes what is written").into()
}

fn put_report(out: &mut Vec<u8>, report: &UplinkReport) {
    let UplinkReport { run, told_at, last, unsent, numbers, gone } = report;
    out.extend_from_slice(&run.0.to_le_bytes());
    Even::default().put(out, told_at.as_microsecond());
    put_varint(out, *last);
    put_varint(out, *unsent);
    put_varint(out, numbers.ranges().count() as u64);
    let mut before = 0;
    numbers.ranges().for_each(|range| put_range(out, &mut before, &range));
    put_varint(out, gone.len() as u64);
    for gone in gone {
        put_range(out, &mut 0, &gone.numbers);
        out.push(reason_byte(gone.reason));
    }
}

/// A range by its distance from the one before, and its length.
fn put_range(out: &mut Vec<u8>, before: &mut u64, range: &RangeInclusive<u64>) {
    put_varint(out, range.start() - *before);
    put_varint(out, range.end() - range.start());
    *before = *range.end();
}

pub(super) fn reason_byte(reason: Gone) -> u8 {
    match reason {
        Gone::Deleted => 0,
        Gone::Refused => 1,
    }
}

/// Groups of equal series and unit, each column of a group together: what is alike stands side by side.
fn put_readings(out: &mut Vec<u8>, readings: &[Reading]) {
    let mut sorted: Vec<&Reading> = readings.iter().collect();
    sorted.sort_by_key(|reading| {
        (&reading.series, &reading.unit, reading.measured_at, reading.boot, reading.seq)
    });
    let groups: Vec<&[&Reading]> =
        sorted.chunk_by(|a, b| (&a.series, &a.unit) == (&b.series, &b.unit)).collect();
    put_varint(out, groups.len() as u64);
    groups.iter().for_each(|group| put_head(out, group));
    groups.iter().for_each(|group| put_group(out, group));
}

fn put_head(out: &mut Vec<u8>, group: &[&Reading]) {
    let Some(first) = group.first() else { return };
    put_text(out, first.series.as_str());
    match &first.unit {
        None => out.push(0),
        Some(unit) => {
            out.push(1);
            put_text(out, unit);
        }
    }
    put_varint(out, group.len() as u64);
}

fn put_group(out: &mut Vec<u8>, group: &[&Reading]) {
    let mut column = |number: fn(&Reading) -> i64| {
        let mut even = Even::default();
        group.iter().for_each(|reading| even.put(out, number(reading)));
    };
    column(|reading| reading.measured_at.as_microsecond());
    column(|reading| reading.received_at.as_microsecond().wrapping_sub(reading.measured_at.as_microsecond()));
    column(|reading| optional(reading.boot));
    column(|reading| optional(reading.seq));
    let values: Vec<f64> = group.iter().map(|reading| reading.value).collect();
    put_values(out, &values);
}
