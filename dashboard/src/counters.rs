//! What is counted of open pages.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use service::Metrics;

/// Clones count together.
#[derive(Debug, Clone)]
pub(crate) struct Counters {
    pub(crate) pages: Gauge,
    pub(crate) frames: Counter,
    pub(crate) frame_bytes: Counter,
    pub(crate) refused: Counter,
    pub(crate) dropped: Counter,
}

impl Counters {
    pub(crate) fn register(metrics: &Metrics) -> Self {
        let metrics = metrics.of("dashboard");
        Self {
            pages: metrics.register("pages", "Pages that are open now"),
            frames: metrics.register("frames", "Frames sent to pages"),
            frame_bytes: metrics.register("frame_bytes", "Bytes of the frames sent to pages"),
            refused: metrics
                .register("refused", "Pages refused: too many, from elsewhere, or not to be understood"),
            dropped: metrics.register("dropped", "Pages dropped: too slow, or silent"),
        }
    }
}
