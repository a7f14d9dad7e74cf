//! Why a file of mappings is refused, and where in it.

use std::fmt;

/// Why a file of mappings is refused: `line 3, column 9: …`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappingError {
    /// Both count from 1, columns in characters.
    line: usize,
    column: usize,
    problem: String,
}

impl MappingError {
    /// What is wrong at this byte of a text.
    pub(super) fn at(text: &str, start: usize, problem: &str) -> Self {
        let before = text.get(..start).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Self { line, column, problem: problem.to_owned() }
    }

    /// The same in a text without this many lines at its beginning. What is wrong in those is said of the first line.
    pub(super) fn below(self, lines: usize) -> Self {
        Self { line: self.line.saturating_sub(lines).max(1), ..self }
    }
}

impl fmt::Display for MappingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, column, problem } = self;
        write!(f, "line {line}, column {column}: {problem}")
    }
}

impl std::error::Error for MappingError {}
