//! A table of the value 20 ago and the value now: changes that are rare although both ends are common.

use super::{part_of, spread};

/// How far back the other value is.
pub(super) const LAG: u64 = 20;

/// Rows and columns.
const CELLS: usize = 12;

/// What each cell holds before anything was seen.
const PRIOR: f64 = 0.3;

/// The share that each neighbour of a cell has in its density.
const BLUR: f64 = 0.05;

/// What its surprise counts beside those of the means.
const COUNTS: f64 = 0.5;

/// Masses by the value 20 ago (rows) and the value now (columns), over the range of the values themselves.
#[derive(Debug, Clone, Default)]
pub(super) struct Transitions([[f64; CELLS]; CELLS]);

impl Transitions {
    /// How surprising the change is, which is then learnt. The ranges are those before and after the value widened it.
    pub(super) fn observe(
        &mut self,
        (then, now): (f64, f64),
        (before, after): ((f64, f64), (f64, f64)),
        weight: f64,
        total: f64,
    ) -> f64 {
        if after.1 <= after.0 {
            return 0.0;
        }
        let (row, column) = (part_of(then, after, CELLS), part_of(now, after, CELLS));
        let surprise = if before.1 > before.0 {
            let was_inside = |value: f64| (before.0..=before.1).contains(&value);
            let mass = if was_inside(then) && was_inside(now) { self.mass_around(row, column) } else { 0.0 };
            let cells = (CELLS * CELLS) as f64;
            let density = (mass / weight + PRIOR) / (total / weight + cells * PRIOR) * cells;
            (-density.ln()).max(0.0)
        } else {
            0.0
        };
        self.0[row][column] += weight;
        COUNTS * surprise
    }

    pub(super) fn set_range(&mut self, old: (f64, f64), new: (f64, f64), total: f64) {
        if old.1 > old.0 {
            let rows = self.0.map(|row| spread(&row, old, new));
            self.0 = transposed(&transposed(&rows).map(|column| spread(&column, old, new)));
        } else {
            let cell = part_of(old.0, new, CELLS);
            self.0[cell][cell] += total;
        }
    }

    pub(super) fn divide(&mut self, by: f64) {
        self.0.iter_mut().flatten().for_each(|mass| *mass /= by);
    }

    fn mass_around(&self, row: usize, column: usize) -> f64 {
        let at = |row: Option<usize>, column: Option<usize>| {
            row.and_then(|row| self.0.get(row)?.get(column?)).copied().unwrap_or_default()
        };
        let (up, down) = (row.checked_sub(1), Some(row + 1));
        let (left, right) = (column.checked_sub(1), Some(column + 1));
        let (row, column) = (Some(row), Some(column));
        let around = [at(up, column), at(down, column), at(row, left), at(row, right)];
        around.into_iter().fold(at(row, column) * (1.0 - 4.0 * BLUR), |sum, mass| sum + BLUR * mass)
    }
}

fn transposed(rows: &[[f64; CELLS]; CELLS]) -> [[f64; CELLS]; CELLS] {
    std::array::from_fn(|row| std::array::from_fn(|column| rows[column][row]))
}
