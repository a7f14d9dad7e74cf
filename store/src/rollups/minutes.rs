//! The minutes of an hour as bytes: some 50 for each, where a row each would take twice that.

use std::collections::BTreeMap;

use super::rollup::Rollup;
use super::width::Width;
use crate::readings::time_bucket::Reduced;

/// A minute: its number in the hour, how many readings it has, and six numbers of 8 bytes.
const BYTES: usize = 1 + 4 + 6 * 8;

/// Of the minutes in an hour that begins at `hour`.
pub(crate) fn encoded(hour: i64, minutes: &BTreeMap<i64, Rollup>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(minutes.len() * BYTES);
    for (start, rollup) in minutes {
        let Reduced { count, min, max, mean } = rollup.reduced;
        bytes.push(((start - hour) / Width::Minute.micros()) as u8);
        bytes.extend(u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes());
        for number in [min, max, mean, rollup.squares, rollup.first, rollup.last] {
            bytes.extend(number.to_le_bytes());
        }
    }
    bytes
}

/// What the readings of each minute come to, by its start; none where the bytes are damaged.
pub(crate) fn decoded(hour: i64, bytes: &[u8]) -> Option<Vec<(i64, Rollup)>> {
    bytes.chunks(BYTES).map(|minute| decoded_minute(hour, minute)).collect()
}

fn decoded_minute(hour: i64, bytes: &[u8]) -> Option<(i64, Rollup)> {
    let (number, rest) = bytes.split_first()?;
    let (count, rest) = rest.split_first_chunk()?;
    let numbers: Vec<f64> = rest.as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect();
    let [min, max, mean, squares, first, last] = numbers[..] else { return None };
    let reduced = Reduced { count: u32::from_le_bytes(*count).into(), min, max, mean };
    let is_whole = *number < 60 && min <= mean && mean <= max && reduced.count > 0;
    let start = hour + i64::from(*number) * Width::Minute.micros();
    is_whole.then_some((start, Rollup { reduced, squares, first, last }))
}

#[cfg(test)]
mod tests {
    use super::super::rollup::by_width;
    use super::*;

    #[test]
    fn minutes_are_read_back() {
        let (hour, second) = (Width::Hour.micros() * 7, 1_000_000);
        let values = (0..3_600).step_by(7).map(|at| (hour + at * second, (at % 100) as f64));
        let minutes = by_width(values, Width::Minute);
        let bytes = encoded(hour, &minutes);
        assert_eq!((minutes.len(), bytes.len()), (60, 60 * BYTES));
        assert_eq!(decoded(hour, &bytes), Some(minutes.into_iter().collect()));
        assert_eq!(decoded(hour, &[]), Some(vec![]));
        for damaged in [&bytes[1..], &bytes[..5], &[0xff; BYTES][..], &[0; BYTES]] {
            assert_eq!(decoded(hour, damaged), None);
        }
    }
}
