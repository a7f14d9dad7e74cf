//! Columns of a batch: times and numbers as differences of differences, values as decimals where they are such.

use crate::packing::{Damaged, Unpacker, put_signed};

/// Decimals of a value, at most: powers of ten up to here are exact, and dividing by them is rounded correctly.
const MAX_DECIMALS: u8 = 15;

/// In place of the decimals, where values are no decimals.
const RAW: u8 = 255;

/// Integers below this are exact as floating-point numbers.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Numbers that grow evenly, as times and counters do.
#[derive(Debug, Default)]
pub(super) struct Even {
    before: i64,
    step: i64,
}

impl Even {
    pub(super) fn put(&mut self, out: &mut Vec<u8>, number: i64) {
        let step = number.wrapping_sub(self.before);
        put_signed(out, step.wrapping_sub(self.step));
        *self = Self { before: number, step };
    }

    pub(super) fn read(&mut self, from: &mut Unpacker<'_>) -> Result<i64, Damaged> {
        let step = self.step.wrapping_add(from.signed()?);
        *self = Self { before: self.before.wrapping_add(step), step };
        Ok(self.before)
    }
}

/// A counter that may be missing, as a number to be put: 0 where it is.
pub(super) fn optional(number: Option<u64>) -> i64 {
    // Counters are below 2^63.
    number.map_or(0, |number| (number as i64).wrapping_add(1))
}

pub(super) fn optional_of(number: i64) -> Result<Option<u64>, Damaged> {
    match number {
        0 => Ok(None),
        i64::MIN => Ok(Some(i64::MAX as u64)),
        1.. => Ok(Some(number as u64 - 1)),
        _ => Err(Damaged),
    }
}

/// Appends values: as decimals with the same number of places if all of them are such, else as they are.
pub(super) fn put_values(out: &mut Vec<u8>, values: &[f64]) {
    match (0..=MAX_DECIMALS).find_map(|places| as_decimals(values, places).map(|all| (places, all))) {
        Some((places, decimals)) => {
            out.push(places);
            let mut before = 0_i64;
            for decimal in decimals {
                put_signed(out, decimal - before);
                before = decimal;
            }
        }
        None => {
            out.push(RAW);
            values.iter().for_each(|value| out.extend_from_slice(&value.to_le_bytes()));
        }
    }
}

/// The values times a power of ten, if each comes back bit for bit.
fn as_decimals(values: &[f64], places: u8) -> Option<Vec<i64>> {
    let power = power(places);
    values
        .iter()
        .map(|value| {
            let decimal = (value * power).round();
            // The sign of -0.0 is none of an integer.
            let back = decimal as i64 as f64 / power;
            (decimal.abs() < EXACT && back.to_bits() == value.to_bits()).then_some(decimal as i64)
        })
        .collect()
}

fn power(places: u8) -> f64 {
    10_f64.powi(places.into())
}

pub(super) fn read_values(from: &mut Unpacker<'_>, count: usize) -> Result<Vec<f64>, Damaged> {
    let [places] = *from.bytes(1)? else { return Err(Damaged) };
    let values: Vec<f64> = match places {
        RAW => (0..count).map(|_| from.f64()).collect::<Result<_, _>>()?,
        0..=MAX_DECIMALS => read_decimals(from, count, power(places))?,
        _ => return Err(Damaged),
    };
    if values.iter().all(|value| value.is_finite()) { Ok(values) } else { Err(Damaged) }
}

fn read_decimals(from: &mut Unpacker<'_>, count: usize, power: f64) -> Result<Vec<f64>, Damaged> {
    let mut decimal = 0_i64;
    (0..count)
        .map(|_| {
            decimal = decimal.wrapping_add(from.signed()?);
            Ok(decimal as f64 / power)
        })
        .collect()
}
