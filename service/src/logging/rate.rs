//! How many lines a place in the code may write in a second.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use tracing::callsite::Identifier;
use tracing::{Event, Level, Metadata, Subscriber, info, warn};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// By their metadata, which is one for each place.
type Places = HashMap<Identifier, (&'static Metadata<'static>, Place)>;

const SECOND: Duration = Duration::from_secs(1);

/// Lets so many lines of each place pass in a second. How many more there were is said in the next. Clones share.
#[derive(Debug, Clone)]
pub(super) struct RateLimit {
    lines_per_second: u32,
    /// Bounded by the places in the code.
    places: Arc<Mutex<Places>>,
}

/// A place in the code that writes lines.
#[derive(Debug)]
struct Place {
    second: Instant,
    lines: u32,
    held_back: u64,
}

impl Place {
    fn passes(&mut self, now: Instant, lines_per_second: u32) -> bool {
        if now.saturating_duration_since(self.second) >= SECOND {
            (self.second, self.lines) = (now, 0);
        }
        let passes = self.lines < lines_per_second;
        if passes {
            self.lines += 1;
        } else {
            self.held_back += 1;
        }
        passes
    }
}

impl RateLimit {
    pub(super) fn new(lines_per_second: u32) -> Self {
        Self { lines_per_second, places: Arc::default() }
    }

    fn passes(&self, metadata: &'static Metadata<'static>, now: Instant) -> bool {
        let mut places = self.lock();
        let unused = Place { second: now, lines: 0, held_back: 0 };
        let (_, place) = places.entry(metadata.callsite()).or_insert((metadata, unused));
        place.passes(now, self.lines_per_second)
    }

    /// Says every second what was held back, until the process ends.
    pub(super) fn follow(self) {
        let says = std::thread::Builder::new().name("log".into()).spawn(move || {
            loop {
                std::thread::sleep(SECOND);
                self.say();
            }
        });
        if let Err(e) = says {
            warn!("lines that are held back will not be counted in the log: {e}");
        }
    }

    /// One line for each place of which lines were held back.
    fn say(&self) {
        let taken =
            self.lock().values_mut().map(|(of, place)| (*of, std::mem::take(&mut place.held_back))).collect();
        let places: Vec<(&Metadata<'_>, u64)> = taken;
        for (metadata, count) in places.into_iter().filter(|(_, count)| *count > 0) {
            let (target, line) = (metadata.target(), metadata.line().unwrap_or_default());
            let count = grouped(count);
            if *metadata.level() <= Level::WARN {
                warn!("… and {count} more of {target}, line {line}");
            } else {
                info!("… and {count} more of {target}, line {line}");
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Places> {
        self.places.lock().expect("no code panics while it counts lines")
    }
}

impl<S: Subscriber> Layer<S> for RateLimit {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        self.passes(event.metadata(), Instant::now())
    }
}

/// `4711` as `4,711`.
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests;
