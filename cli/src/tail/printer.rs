//! Writes lines to stdout in a thread of its own, so that a reader who waits holds up nothing else, Ctrl-C least of all.

use std::io::Write;

use anyhow::anyhow;
use telemetry::Words;
use tokio::sync::{mpsc, oneshot};

use super::line::{Lines, Style};
use super::view::Event;

/// Frames that may wait for a slow reader; then the dashboard waits, and sends fewer.
const AHEAD: usize = 2;

/// Takes what is to be printed.
pub(super) struct Printer(mpsc::Sender<Vec<Event>>);

/// Completes when no more will be printed.
pub(super) struct Printed(oneshot::Receiver<()>);

impl Printer {
    /// Prints up to so many lines, or without an end.
    pub(super) fn start(style: Style, words: Words, count: Option<u64>) -> (Self, Printed) {
        let (events, mut coming) = mpsc::channel::<Vec<Event>>(AHEAD);
        let (end, ended) = oneshot::channel();
        std::thread::spawn(move || {
            let mut lines = Lines::new(style, words);
            let mut left = count.unwrap_or(u64::MAX);
            while left > 0
                && let Some(events) = coming.blocking_recv()
            {
                if write(&mut lines, &events, &mut left).is_err() {
                    break;
                }
            }
            // The task that waited for it may have ended.
            let _ = end.send(());
        });
        (Self(events), Printed(ended))
    }

    /// # Errors
    /// Enough was printed, or the output is closed.
    pub(super) async fn print(&self, events: Vec<Event>) -> anyhow::Result<()> {
        self.0.send(events).await.map_err(|_| anyhow!("the output is closed"))
    }
}

impl Printed {
    pub(super) async fn done(&mut self) {
        // A thread that panicked prints no more either.
        let _ = (&mut self.0).await;
    }
}

/// One write for all lines of a frame, so that a screen does not flicker.
fn write(lines: &mut Lines, events: &[Event], left: &mut u64) -> std::io::Result<()> {
    let events = &events[..events.len().min(usize::try_from(*left).unwrap_or(usize::MAX))];
    lines.make_room(events);
    let text: String = events.iter().map(|event| lines.line(event) + "\n").collect();
    *left -= events.len() as u64;
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}
