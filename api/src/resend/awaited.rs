//! Resends rejected payloads by itself once what they lacked has been announced.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use service::{Decoder, Metrics};
use store::{Awaited, Store};
use telemetry::Scope;
use tracing::{debug, info};

use super::Resend;
use crate::error::ApiError;
use crate::requests::Correction;

/// How often the store is asked for rejections whose announcement has come.
const ASK_EVERY: Duration = Duration::from_secs(2);

/// Payloads that are resent before the store is asked for further ones.
const MAX_AT_ONCE: usize = 100;

/// Resends what was rejected because a device had not announced yet what its numbers stand for.
///
/// It goes by the store alone, so that a restart, and a birth that another process heard, change nothing.
pub struct ResendAwaited {
    resend: Resend,
    store: Arc<dyn Store>,
    decoder: Decoder,
    counters: Counters,
}

struct Counters {
    resent: Counter,
    unreadable: Counter,
}

impl Counters {
    fn register(metrics: &Metrics) -> Self {
        let metrics = metrics.of("inputs");
        Self {
            resent: metrics.register(
                "awaited_resent",
                "Rejected payloads that were resent by themselves once what they lacked was announced",
            ),
            unreadable: metrics.register(
                "awaited_unreadable",
                "Rejected payloads that could not be read with what was announced since, either",
            ),
        }
    }
}

/// What became of the payloads of one turn.
#[derive(Default)]
struct Turn {
    payloads: usize,
    resent: usize,
    readings: usize,
    /// Whether this process knows what the store has of announcements.
    has_loaded: bool,
}

impl ResendAwaited {
    /// Resends from this store, and counts it.
    #[must_use]
    pub fn new(resend: Resend, store: Arc<dyn Store>, decoder: Decoder, metrics: &Metrics) -> Self {
        Self { resend, store, decoder, counters: Counters::register(metrics) }
    }

    /// Resends whenever something that was lacking has been announced. Never ends.
    pub async fn run(&self) {
        loop {
            match self.turn().await {
                Ok(turn) if turn.payloads == MAX_AT_ONCE => {}
                Ok(_) => tokio::time::sleep(ASK_EVERY).await,
                Err(e) => {
                    debug!("rejected payloads whose birth has come wait: {e}");
                    tokio::time::sleep(ASK_EVERY).await;
                }
            }
        }
    }

    async fn turn(&self) -> Result<Turn, ApiError> {
        let awaited = self.store.awaited(MAX_AT_ONCE).await?;
        let mut turn = Turn { payloads: awaited.len(), ..Turn::default() };
        for awaited in &awaited {
            self.one(awaited, &mut turn).await?;
        }
        let Turn { resent, readings, .. } = turn;
        if resent > 0 {
            info!(resent, readings, "what rejected payloads lacked was announced: they were resent");
        }
        Ok(turn)
    }

    /// # Errors
    /// The store or the broker is unavailable: the payload waits.
    async fn one(&self, awaited: &Awaited, turn: &mut Turn) -> Result<(), ApiError> {
        let mut resent = self.resend(awaited).await;
        if matches!(resent, Err(ApiError::Unreadable(_))) && !turn.has_loaded {
            // Another process may have heard the birth.
            self.decoder.load(self.store.as_ref()).await?;
            turn.has_loaded = true;
            resent = self.resend(awaited).await;
        }
        match resent {
            Ok(readings) => {
                self.counters.resent.inc();
                turn.resent += 1;
                turn.readings += readings;
            }
            Err(ApiError::Unreadable(_)) => {
                self.counters.unreadable.inc();
                self.store.await_more(awaited).await?;
            }
            Err(error) if error.is_transient() => return Err(error),
            // Somebody resends it, or has dismissed it.
            Err(_) => {}
        }
        Ok(())
    }

    async fn resend(&self, awaited: &Awaited) -> Result<usize, ApiError> {
        let as_it_came = |_: &_| Ok(Correction::default());
        let resent = self.resend.again(self.store.as_ref(), &Scope::all(), awaited.id, as_it_came).await?;
        Ok(resent.readings)
    }
}
