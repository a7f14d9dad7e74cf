//! What the decoder could not read, as the API and open pages show it.

use std::time::Duration;

use api::Document;
use api::forms::{self, Inputs};
use service::Decoder;
use tokio_util::sync::CancellationToken;

use crate::live::Live;

/// The time after which open pages know of a topic that no rule reads.
const COUNT_EVERY: Duration = Duration::from_secs(1);

/// Tells open pages until the stop how many groups of topics no rule reads.
pub(crate) async fn count_unmapped(decoder: Decoder, live: Live, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(COUNT_EVERY);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        live.set_unmapped(decoder.unmapped_groups() as u64);
    }
}

/// The answer of `GET /api/inputs`.
pub(crate) struct InputsDocument(pub(crate) Decoder);

impl Document for InputsDocument {
    fn json(&self) -> String {
        let (groups, others) = self.0.unmapped();
        let mappings = format!("{:016x}", self.0.inputs().mappings().hash());
        forms::text(&Inputs { mappings, unmapped: groups.into_iter().map(Into::into).collect(), others })
    }
}
