//! The life of an alerter: evaluating readings, and sending notifications meanwhile.

use std::sync::Arc;
use std::time::Duration;

use broker::{ConnectionStatus, Deliveries};
use service::Check;
use telemetry::Decoded;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::alerter::Alerter;
use crate::evaluation_loop::EvaluationLoop;
use crate::notifier::Notifiers;
use crate::outbox::AlertingOutbox;

/// How long a message that is under way at the end may take to arrive; cut off, it would be sent again.
const LAST_MESSAGE: Duration = Duration::from_secs(2);

impl Alerter {
    /// Evaluates until the stream of deliveries ends and all of them are settled; notifications are sent meanwhile.
    ///
    /// Records first, settles second: a crash in between repeats the evaluation, which changes nothing. `connection` is the
    /// connection over which deliveries come: while it is down, no device is reported absent.
    pub async fn run(
        self,
        deliveries: Deliveries<Arc<Decoded>>,
        connection: watch::Receiver<ConnectionStatus>,
        notifiers: Notifiers,
        ready: Check,
    ) {
        let (queued, end) = (Notify::new(), CancellationToken::new());
        let outbox = AlertingOutbox::new(
            self.store.clone(),
            self.rules.clone(),
            notifiers,
            self.counters.clone(),
            self.name.clone(),
        )
        .with_clock(Arc::clone(&self.clock));
        let evaluating = EvaluationLoop::new(self, &queued, &ready, connection);
        let evaluation = async {
            evaluating.run(deliveries).await;
            end.cancel();
            tokio::time::sleep(LAST_MESSAGE).await;
        };
        tokio::select! {
            () = evaluation => {}
            () = Box::pin(outbox.run(&queued, &end)) => {}
        }
    }
}
