//! One JSON object a line.

use std::fmt::{self, Debug};

use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::text::shown;

/// Writes `timestamp`, `level`, `message`, the fields and `target`.
pub(super) struct Json;

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut time = String::new();
        SystemTime.format_time(&mut Writer::new(&mut time))?;
        write!(writer, "{{\"timestamp\":\"{time}\",\"level\":\"{}\"", event.metadata().level())?;
        let mut fields = Fields { writer: &mut writer, written: Ok(()) };
        event.record(&mut fields);
        fields.written?;
        writeln!(writer, ",\"target\":{}}}", Value::from(event.metadata().target()))
    }
}

/// Writes each field as it comes.
struct Fields<'a, 'b> {
    writer: &'a mut Writer<'b>,
    written: fmt::Result,
}

impl Fields<'_, '_> {
    fn write(&mut self, field: &Field, value: &Value) {
        let written = write!(self.writer, ",\"{}\":{value}", field.name());
        self.written = self.written.and(written);
    }
}

impl Visit for Fields<'_, '_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.write(field, &shown(field, value).into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.write(field, &value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.write(field, &value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.write(field, &value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.write(field, &value.into());
    }
}
