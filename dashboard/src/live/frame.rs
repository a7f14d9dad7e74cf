//! Builds a frame: what changed, in JSON that is short.

use api::forms::{self, FrameKind};
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::value::RawValue;

use super::alerting::Code;
use super::counts::Counts;
use super::newest::{Entry, Id, Version};

/// A frame in the making.
#[derive(Debug)]
pub(crate) struct Frame<'a>(forms::Frame<'a>);

impl<'a> Frame<'a> {
    /// An empty frame, which is a snapshot where the page has seen no frame.
    pub(crate) fn new(since: Option<Version>, now: Timestamp) -> Self {
        Self(forms::Frame {
            kind: if since.is_some() { FrameKind::Changes } else { FrameKind::Snapshot },
            at: now.as_microsecond(),
            names: Vec::new(),
            values: Vec::new(),
            alerts: None,
            alerting: Vec::new(),
            open_alerts: None,
            acknowledged_alerts: None,
            silenced_alerts: None,
            rejected: None,
            behind: None,
            unmapped: None,
        })
    }

    /// Adds the newest reading of a series, and its name where that is new since then.
    pub(crate) fn add(&mut self, id: Id, entry: &'a Entry, since: Option<Version>) {
        let reading = &entry.reading;
        if since.is_none_or(|since| entry.named >= since) {
            self.0.names.push((id, reading.series.as_str().into(), reading.unit.as_deref().map(Into::into)));
        }
        let age_micros = self.0.at - reading.measured_at.as_microsecond();
        self.0.values.push((id, reading.value, age_micros, entry.state.code()));
    }

    pub(crate) fn set_incidents(&mut self, rows: Option<Vec<&'a RawValue>>) {
        self.0.alerts = rows;
    }

    pub(crate) fn set_alerting(&mut self, codes: Vec<(Id, Code)>) {
        self.0.alerting = codes;
    }

    pub(crate) fn set_counts(&mut self, counts: Option<&Counts>) {
        if let Some(counts) = counts {
            self.0.open_alerts = Some(counts.open);
            self.0.acknowledged_alerts = Some(counts.acknowledged);
            self.0.silenced_alerts = Some(counts.silenced);
            self.0.rejected = Some(counts.rejected);
        }
    }

    pub(crate) fn set_behind(&mut self, behind: Option<Option<f64>>) {
        self.0.behind = behind;
    }

    pub(crate) fn set_unmapped(&mut self, unmapped: Option<u64>) {
        self.0.unmapped = unmapped;
    }

    pub(crate) fn encode(&self) -> Bytes {
        serde_json::to_vec(&self.0).expect("a frame is lists, numbers and strings").into()
    }
}
