//! The two halves of the alerter: judging, and telling people.

use std::sync::Arc;
use std::time::Duration;

use broker::{ConnectionStatus, Deliveries, Delivery, Outcome};
use service::Check;
use store::{Store, Transition};
use telemetry::Decoded;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::judging::Judging;
use crate::notifier::Notifiers;
use crate::outbox::Outbox;
use crate::{Counters, Rules};

/// Messages judged before what they changed is recorded.
pub(crate) const MAX_BATCH: usize = 1_000;

/// How long a message that is under way at the end may take to arrive; cut off, it would be sent again.
const LAST_MESSAGE: Duration = Duration::from_secs(2);

/// Judges deliveries.
#[derive(Clone)]
pub struct Alerter {
    /// What is judged, and who is told; may change at any time.
    pub rules: watch::Receiver<Arc<Rules>>,
    pub store: Arc<dyn Store>,
    pub counters: Counters,
    /// Tells it apart from others that share the store: only one of them tells people at a time.
    pub name: String,
}

impl Alerter {
    /// Judges until the stream of deliveries ends and all of them are settled; people are told meanwhile.
    ///
    /// Records first, settles second: a crash in between repeats the judgement, which changes nothing. `link` is the
    /// connection over which deliveries come: while it is down, nobody is called absent.
    pub async fn run(
        self,
        deliveries: Deliveries<Arc<Decoded>>,
        link: watch::Receiver<ConnectionStatus>,
        notifiers: Notifiers,
        ready: Check,
    ) {
        let (owed, end) = (Notify::new(), CancellationToken::new());
        let outbox = Outbox::new(
            self.store.clone(),
            self.rules.clone(),
            notifiers,
            self.counters.clone(),
            self.name.clone(),
        );
        let judging = Judging::new(&self, &owed, &ready, link);
        let judge = async {
            judging.run(deliveries).await;
            end.cancel();
            tokio::time::sleep(LAST_MESSAGE).await;
        };
        tokio::select! {
            () = judge => {}
            () = Box::pin(outbox.run(&owed, &end)) => {}
        }
    }
}

impl Alerter {
    pub(crate) fn announce(&self, transitions: &[Transition]) {
        for transition in transitions {
            match transition {
                Transition::Opened(opened, _) => {
                    self.counters.opened.inc();
                    self.counters.late.inc_by(u64::from(opened.late));
                    info!(incident = opened.id, value = opened.value, "incident opened");
                }
                Transition::Resolved { id, value, .. } => {
                    self.counters.resolved.inc();
                    info!(incident = id, value, "incident resolved");
                }
                Transition::Told { .. } | Transition::Peaked { .. } => {}
            }
        }
    }

    pub(crate) async fn settle(&self, judged: Vec<Delivery<Arc<Decoded>>>) {
        for delivery in judged {
            self.counters.judged(&delivery.item);
            if delivery.settle(Outcome::Done).await.is_err() {
                self.counters.unsettled.inc();
            }
        }
    }
}
