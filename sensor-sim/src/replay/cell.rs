//! The number in a cell.

use super::table::Row;

/// Reads numbers, and finds which cells hold none.
#[derive(Debug)]
pub(super) struct Cells {
    decimal_comma: bool,
    missing: Vec<String>,
}

impl Cells {
    pub(super) fn new(decimal_comma: bool, missing: Vec<String>) -> Self {
        Self { decimal_comma, missing }
    }

    /// None where the cell stands for no value.
    pub(super) fn number(&self, row: &Row, column: usize) -> Result<Option<f64>, String> {
        let cell = row.cell(column)?;
        if cell.is_empty() || self.missing.iter().any(|missing| missing == cell) {
            return Ok(None);
        }
        let number = self.read(cell).ok_or_else(|| self.complaint(cell))?;
        // -200 is also written -200,0 or -200.00.
        let missing = self.missing.iter().filter_map(|missing| self.read(missing)).any(|m| m == number);
        Ok((!missing).then_some(number))
    }

    fn read(&self, text: &str) -> Option<f64> {
        let number = match self.decimal_comma {
            true if text.contains('.') => None,
            true => text.replace(',', ".").parse().ok(),
            false => text.parse().ok(),
        };
        number.filter(|number: &f64| number.is_finite())
    }

    fn complaint(&self, cell: &str) -> String {
        let hint = if !self.decimal_comma && cell.contains(',') { ": give --decimal-comma" } else { "" };
        format!("value {cell:?} is not a number{hint}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(cells: &Cells, cell: &str) -> Result<Option<f64>, String> {
        cells.number(&Row { line: 1, cells: vec![cell.into()] }, 0)
    }

    #[test]
    fn a_cell_is_a_number_or_missing_or_bad() {
        let point = Cells::new(false, vec!["-200".into(), "NA".into()]);
        let comma = Cells::new(true, vec!["-200".into()]);
        for (cells, cell, expected) in [
            (&point, "23.5", Ok(Some(23.5))),
            (&point, "-4e1", Ok(Some(-40.0))),
            (&point, "", Ok(None)),
            (&point, "NA", Ok(None)),
            (&point, "-200", Ok(None)),
            (&point, "-200.0", Ok(None)),
            (&point, "2,6", Err("value \"2,6\" is not a number: give --decimal-comma")),
            (&point, "NaN", Err("value \"NaN\" is not a number")),
            (&point, "inf", Err("value \"inf\" is not a number")),
            (&point, "1e999", Err("value \"1e999\" is not a number")),
            (&point, "warm", Err("value \"warm\" is not a number")),
            (&comma, "2,6", Ok(Some(2.6))),
            (&comma, "-200,0", Ok(None)),
            (&comma, "7", Ok(Some(7.0))),
            (&comma, "1.234,5", Err("value \"1.234,5\" is not a number")),
        ] {
            assert_eq!(read(cells, cell), expected.map_err(String::from), "{cell}");
        }
        let short = point.number(&Row { line: 1, cells: vec![] }, 1);
        assert_eq!(short, Err("the row has 0 columns, not 2".into()));
    }
}
