//! The metrics of the dashboard.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use service::{Durations, Metrics};

/// The metrics of open pages; clones count together.
#[derive(Debug, Clone)]
pub(crate) struct Counters {
    pub(crate) pages: Gauge,
    pub(crate) frames: Counter,
    pub(crate) frame_bytes: Counter,
    pub(crate) frame_duration: Durations,
    pub(crate) refused: Counter,
    pub(crate) dropped: Counter,
}

/// Long answers that were cut off.
pub(crate) fn aborted(metrics: &Metrics) -> Counter {
    metrics
        .of("dashboard")
        .register("broken_off", "Long answers that were cut off because the store could no longer be read")
}

/// A page that is open, counted until it is dropped.
pub(crate) struct OpenPage(Gauge);

impl Drop for OpenPage {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Counters {
    /// Counts one more open page.
    pub(crate) fn page_opened(&self) -> OpenPage {
        self.pages.inc();
        OpenPage(self.pages.clone())
    }

    pub(crate) fn register(metrics: &Metrics) -> Self {
        let metrics = metrics.of("dashboard");
        Self {
            pages: metrics.register("pages", "Pages that are open now"),
            frames: metrics.register("frames", "Frames sent to pages"),
            frame_bytes: metrics.register("frame_bytes", "Bytes of the frames sent to pages"),
            frame_duration: metrics.register(
                "frame_duration_seconds",
                "Time until the connection of a page had accepted a frame",
            ),
            refused: metrics.register(
                "refused",
                "Pages refused: too many, from another site, or with a request that cannot be read",
            ),
            dropped: metrics.register("dropped", "Pages dropped because they were too slow or silent"),
        }
    }
}
