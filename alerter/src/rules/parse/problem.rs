//! What is wrong with a file of rules, and where.

use std::cell::RefCell;
use std::fmt;

/// Why a file of rules is refused: a line for each problem, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RulesError {
    lines: Vec<String>,
}

impl RulesError {
    /// `line 12, column 9: rule "hot": …`, one for each problem.
    #[must_use]
    pub fn lines(&self) -> &[String] {
        &self.lines
    }
}

impl fmt::Display for RulesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines.join("\n"))
    }
}

impl std::error::Error for RulesError {}

/// Problems found so far.
pub(super) struct Problems<'a> {
    text: &'a str,
    /// With the byte at which each was found.
    found: RefCell<Vec<(usize, String)>>,
}

impl<'a> Problems<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, found: RefCell::default() }
    }

    pub(super) fn add(&self, byte: usize, problem: String) {
        self.found.borrow_mut().push((byte, problem));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.borrow().is_empty()
    }

    pub(super) fn check(&self) -> Result<(), RulesError> {
        let mut found = self.found.borrow_mut();
        found.sort_by_key(|&(byte, _)| byte);
        let lines: Vec<_> = found.drain(..).map(|(byte, problem)| self.line(byte, &problem)).collect();
        if lines.is_empty() { Ok(()) } else { Err(RulesError { lines }) }
    }

    /// Lines and columns count from 1, columns in characters.
    fn line(&self, byte: usize, problem: &str) -> String {
        let before = self.text.get(..byte).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        format!("line {line}, column {column}: {problem}")
    }
}
