//! Values as the log shows them: cut, and without characters that move a cursor or change what stands beside them.

use std::fmt::{self, Debug, Write};

use telemetry::text::is_invisible;
use tracing::field::Field;
use tracing_subscriber::fmt::format::Writer;

/// Characters of a message, at most.
const MAX_MESSAGE_CHARS: usize = 1024;

/// Characters of a field's value, at most.
const MAX_VALUE_CHARS: usize = 128;

/// A field of a text line: the message alone, others with their names.
pub(super) fn field(writer: &mut Writer<'_>, field: &Field, value: &dyn Debug) -> fmt::Result {
    match field.name() {
        "message" => writer.write_str(&shown(field, value)),
        name => write!(writer, "{name}={}", shown(field, value)),
    }
}

/// The value, cut and made safe. What is cut off is never formatted into memory.
pub(super) fn shown(field: &Field, value: &dyn Debug) -> String {
    let chars = if field.name() == "message" { MAX_MESSAGE_CHARS } else { MAX_VALUE_CHARS };
    let mut text = Text { shown: String::new(), left: chars, cut: 0 };
    let written = write!(text, "{value:?}");
    if written.is_err() || text.cut > 0 {
        text.shown.push('…');
    }
    text.shown
}

/// What is written so far.
struct Text {
    shown: String,
    left: usize,
    cut: usize,
}

impl Write for Text {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        for c in part.chars() {
            if self.left == 0 {
                self.cut += 1;
                return Err(fmt::Error);
            }
            self.left -= 1;
            if is_invisible(c) {
                write!(self.shown, "{}", c.escape_unicode())?;
            } else {
                self.shown.push(c);
            }
        }
        Ok(())
    }
}
