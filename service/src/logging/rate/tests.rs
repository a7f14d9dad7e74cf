use std::io;

use tracing_subscriber::fmt;
use tracing_subscriber::fmt::format::debug_fn;
use tracing_subscriber::prelude::*;

use super::super::{json, text};
use super::*;

const LINES: u32 = 20;

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What `writes` logs, in both forms, with what is said after it of lines that were held back.
fn logged(writes: impl Fn()) -> [String; 2] {
    [true, false].map(|as_json| {
        let (log, rate) = (Log::default(), RateLimit::new(LINES));
        let writer = log.clone();
        let layer = fmt::layer().with_writer(move || writer.clone()).with_ansi(false);
        let registry = tracing_subscriber::registry().with(rate.clone());
        let write = || {
            writes();
            rate.say();
        };
        if as_json {
            tracing::subscriber::with_default(registry.with(layer.event_format(json::Json)), write);
        } else {
            let layer = layer.fmt_fields(debug_fn(text::field).delimited(" ")).compact();
            tracing::subscriber::with_default(registry.with(layer), write);
        }
        String::from_utf8(log.0.lock().unwrap().clone()).unwrap()
    })
}

#[test]
fn however_much_comes_from_outside_the_log_is_bounded() {
    let long = "x".repeat(64 * 1024);
    let begun = Instant::now();
    let logs = logged(|| {
        for _ in 0..10_000 {
            warn!(user = %long, client = long, "refused: {long}");
        }
    });
    let seconds = usize::try_from(begun.elapsed().as_secs()).unwrap() + 1;
    for log in logs {
        assert!(log.lines().count() <= seconds * LINES as usize + 1, "{}", log.lines().count());
        assert!(log.len() <= (seconds * LINES as usize + 1) * 1_600, "{}", log.len());
        let last = log.lines().last().unwrap();
        assert!(
            last.contains("… and 9,9") && last.contains(" more of service::logging::rate::tests, line "),
            "{last}"
        );
    }
}

#[test]
fn one_place_takes_nothing_from_another() {
    let logs = logged(|| {
        for number in 0..100 {
            info!("one {number}");
        }
        info!("another");
    });
    for log in logs {
        assert_eq!(log.matches("one ").count(), LINES as usize);
        assert!(log.contains("another"));
    }
}

#[test]
fn a_value_cannot_fake_a_line_or_hide_what_it_is() {
    let evil = "a\u{1b}[2J\n2026-01-15 ERROR b\r\u{202e}gnp.exe\u{200b}\u{2028}\u{e0041}\u{85}";
    for log in logged(|| info!(text = evil, shown = %evil, number = 7, ratio = 0.5, "message {evil}")) {
        assert_eq!(log.lines().count(), 1, "{log}");
        assert!(log.contains(r"u{202e}gnp.exe") && log.contains("b"), "{log}");
        assert!(
            log.trim_end().chars().all(|c| !c.is_control() && c != '\u{202e}' && c != '\u{200b}'),
            "{log}"
        );
    }
}

#[test]
fn a_json_line_has_the_documented_form() {
    let [log, _] =
        logged(|| warn!(retry_in = ?SECOND, count = 3, ratio = f64::NAN, on = true, "the store is away"));
    let line: serde_json::Value = serde_json::from_str(&log).unwrap();
    assert!(line["timestamp"].as_str().unwrap().ends_with('Z'));
    assert_eq!(line["level"], "WARN");
    assert_eq!(line["message"], "the store is away");
    assert_eq!((&line["retry_in"], &line["count"]), (&"1s".into(), &3.into()));
    assert_eq!((&line["ratio"], &line["on"]), (&serde_json::Value::Null, &true.into()));
    assert_eq!(line["target"], module_path!());
}

#[test]
fn a_place_has_its_lines_again_after_a_second() {
    let start = Instant::now();
    let mut place = Place { second: start, lines: 0, held_back: 0 };
    for second in 0..3 {
        let now = start + second * SECOND;
        assert_eq!((0..100).filter(|_| place.passes(now, LINES)).count(), LINES as usize);
    }
    assert_eq!(place.held_back, 240);
}

#[test]
fn counts_are_grouped() {
    for (count, text) in [(1, "1"), (999, "999"), (4_711, "4,711"), (1_234_567, "1,234,567")] {
        assert_eq!(grouped(count), text);
    }
}
