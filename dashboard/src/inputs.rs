//! How many topics no rule reads, for open pages.

use std::time::Duration;

use service::Decoder;
use tokio_util::sync::CancellationToken;

use crate::live::Live;

/// The time after which open pages know of a topic that no rule reads.
const COUNT_EVERY: Duration = Duration::from_secs(1);

/// Keeps open pages informed, until the stop, of how many groups of topics no rule reads.
pub(crate) async fn count_unmapped(decoder: Decoder, live: Live, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(COUNT_EVERY);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        live.set_unmapped(decoder.unmapped_groups() as u64);
    }
}
