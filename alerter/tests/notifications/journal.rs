//! What happened, in order.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

pub(crate) const BOUND: Duration = Duration::from_secs(60);

/// Lines that anybody notes and a test waits for.
#[derive(Clone, Default)]
pub(crate) struct Journal(watch::Sender<Vec<String>>);

impl Journal {
    pub(crate) fn note(&self, line: impl Into<String>) {
        self.0.send_modify(|lines| lines.push(line.into()));
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.borrow().clone()
    }

    /// Waits until something is there.
    pub(crate) async fn until(&self, holds: impl Fn(&[String]) -> bool) -> Vec<String> {
        let mut lines = self.0.subscribe();
        let held = timeout(BOUND, lines.wait_for(|lines| holds(lines))).await;
        held.unwrap_or_else(|_| panic!("{:?}", self.lines())).unwrap().clone()
    }

    pub(crate) async fn has(&self, line: &str) -> Vec<String> {
        self.until(|lines| lines.iter().any(|there| there == line)).await
    }
}

/// Lines that start with a word, without it.
pub(crate) fn said(journal: &[String], word: &str) -> Vec<String> {
    journal.iter().filter_map(|line| line.strip_prefix(word)).map(|rest| rest.trim().to_owned()).collect()
}
