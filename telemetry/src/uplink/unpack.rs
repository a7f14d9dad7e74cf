//! From a payload to the batch. Whatever the bytes are, it ends with a batch or with an error, in bounded memory.

use std::io::Read as _;
use std::ops::RangeInclusive;

use flate2::read::ZlibDecoder;
use jiff::Timestamp;

use super::column::{Even, optional_of, read_values};
use super::pack::{NAME, VERSION, reason_byte};
use super::{MAX_UPLINK_RANGES, UplinkBatch, UplinkError};
use crate::journal::{Gone, GoneNumbers, JournalRun, UplinkReport};
use crate::limits::MAX_READINGS;
use crate::number_set::NumberSet;
use crate::packing::{Damaged, Unpacker};
use crate::payload::MAX_UNIT_BYTES;
use crate::reading::Reading;
use crate::series::{MAX_TOPIC_BYTES, Series};

/// Bytes of an unpacked batch, at most.
pub(super) const MAX_UNPACKED_BYTES: u64 = 4 * 1024 * 1024;

pub(super) fn unpack(payload: &[u8]) -> Result<UplinkBatch, UplinkError> {
    let rest = payload.strip_prefix(NAME).ok_or(UplinkError::Other)?;
    let (version, packed) = rest.split_first().ok_or(UplinkError::Other)?;
    if *version != VERSION {
        return Err(UplinkError::Newer);
    }
    let body = inflate(packed)?;
    let mut from = Unpacker::new(&body);
    let report = read_report(&mut from)?;
    let readings = read_readings(&mut from)?;
    let numbers = report.numbers.count();
    if numbers != readings.len() as u64 {
        return Err(UplinkError::Count { readings: readings.len(), numbers });
    }
    if from.is_empty() { Ok(UplinkBatch { report, readings }) } else { Err(Damaged.into()) }
}

/// zlib's check sum shows what is damaged.
fn inflate(packed: &[u8]) -> Result<Vec<u8>, UplinkError> {
    let mut zlib = ZlibDecoder::new(packed);
    let mut body = Vec::new();
    (&mut zlib).take(MAX_UNPACKED_BYTES + 1).read_to_end(&mut body).map_err(|_| Damaged)?;
    if body.len() as u64 > MAX_UNPACKED_BYTES {
        return Err(UplinkError::TooLarge);
    }
    if zlib.total_in() < packed.len() as u64 { Err(Damaged.into()) } else { Ok(body) }
}

fn read_report(from: &mut Unpacker<'_>) -> Result<UplinkReport, Damaged> {
    let run = from.bytes(8)?.try_into().map_err(|_| Damaged)?;
    let run = JournalRun(u64::from_le_bytes(run));
    let told_at = time(Even::default().read(from)?)?;
    let (last, unsent) = (from.varint()?, from.varint()?);
    let mut numbers = NumberSet::default();
    let mut before = 0;
    for _ in 0..from.count(MAX_UPLINK_RANGES)? {
        numbers.insert(read_range(from, &mut before)?);
    }
    let gone = (0..from.count(MAX_UPLINK_RANGES)?).map(|_| read_gone(from)).collect::<Result<_, _>>()?;
    Ok(UplinkReport { run, told_at, last, unsent, numbers, gone })
}

fn read_gone(from: &mut Unpacker<'_>) -> Result<GoneNumbers, Damaged> {
    let numbers = read_range(from, &mut 0)?;
    let byte = from.bytes(1)?;
    let reasons = [Gone::Deleted, Gone::Refused];
    let reason = reasons.into_iter().find(|reason| byte == [reason_byte(*reason)]).ok_or(Damaged)?;
    Ok(GoneNumbers { numbers, reason })
}

/// Databases keep numbers in 63 bits; none is 0.
fn read_range(from: &mut Unpacker<'_>, before: &mut u64) -> Result<RangeInclusive<u64>, Damaged> {
    let first = before.checked_add(from.varint()?).filter(|first| *first > 0).ok_or(Damaged)?;
    let last = first.checked_add(from.varint()?).filter(|last| *last < i64::MAX as u64).ok_or(Damaged)?;
    *before = last;
    Ok(first..=last)
}

struct Head {
    series: Series,
    unit: Option<String>,
    count: usize,
}

fn read_readings(from: &mut Unpacker<'_>) -> Result<Vec<Reading>, UplinkError> {
    let mut left = MAX_READINGS;
    let mut heads = Vec::new();
    for _ in 0..from.count(MAX_READINGS)? {
        let head = read_head(from, left)?;
        left -= head.count;
        heads.push(head);
    }
    let mut readings = Vec::with_capacity(MAX_READINGS - left);
    for head in heads {
        read_group(from, head, &mut readings)?;
    }
    Ok(readings)
}

fn read_head(from: &mut Unpacker<'_>, most: usize) -> Result<Head, UplinkError> {
    let series = Series::parse(from.text(MAX_TOPIC_BYTES)?)?;
    let unit = match from.bytes(1)? {
        [0] => None,
        [1] => Some(from.text(MAX_UNIT_BYTES)?.to_owned()),
        _ => return Err(Damaged.into()),
    };
    Ok(Head { series, unit, count: from.count(most)? })
}

fn read_group(from: &mut Unpacker<'_>, head: Head, readings: &mut Vec<Reading>) -> Result<(), UplinkError> {
    let Head { series, unit, count } = head;
    let mut column = || {
        let mut even = Even::default();
        (0..count).map(|_| even.read(from)).collect::<Result<Vec<i64>, Damaged>>()
    };
    let (measured_at, delays, boots, seqs) = (column()?, column()?, column()?, column()?);
    let values = read_values(from, count)?;
    for row in 0..count {
        readings.push(Reading {
            series: series.clone(),
            value: values[row],
            unit: unit.clone(),
            measured_at: time(measured_at[row])?,
            received_at: time(measured_at[row].wrapping_add(delays[row]))?,
            boot: optional_of(boots[row])?,
            seq: optional_of(seqs[row])?,
        });
    }
    Ok(())
}

fn time(micros: i64) -> Result<Timestamp, Damaged> {
    Timestamp::from_microsecond(micros).map_err(|_| Damaged)
}
