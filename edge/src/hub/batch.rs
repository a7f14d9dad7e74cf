//! The messages of one batch, until all services have settled them.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use broker::server::Receipt;
use broker::{Backoff, Delivery, Outcome};
use telemetry::Decoded;
use tokio::sync::mpsc;

use super::{Counters, Hub, Pages};

type WeakSender = mpsc::WeakUnboundedSender<Vec<Delivery<Arc<Decoded>>>>;

/// The services that must settle every message.
#[derive(Debug, Clone)]
pub(super) struct Services(Arc<[WeakSender]>);

/// Messages, and how far each service is with them.
pub(super) struct Batch {
    messages: Vec<Arc<Decoded>>,
    /// Whether a message was published by a client.
    is_counted: Vec<bool>,
    receipt: Receipt,
    services: Services,
    pages: Pages,
    counters: Counters,
    progress: Mutex<Progress>,
}

struct Progress {
    /// How many services have not settled each message.
    waiting: Vec<usize>,
    /// The first messages, which all have settled.
    settled: usize,
    backoff: Backoff,
}

impl Services {
    /// Weak, so that dropping the feeds lets the services finish.
    pub(super) fn new(feeds: &[mpsc::UnboundedSender<Vec<Delivery<Arc<Decoded>>>>]) -> Self {
        Self(feeds.iter().map(mpsc::UnboundedSender::downgrade).collect())
    }

    pub(super) fn hand_out(&self, batch: &Arc<Batch>) {
        for service in 0..self.0.len() {
            self.deliver(batch, service, 0..batch.messages.len());
        }
    }

    /// A stopped service takes nothing any more: the device gets no PUBACK and publishes again after the next start.
    fn deliver(&self, batch: &Arc<Batch>, service: usize, places: Range<usize>) {
        let Some(sender) = self.0[service].upgrade() else { return };
        let delivery = |place| {
            let message = Arc::clone(&batch.messages[place]);
            Delivery::of_batch(message, Arc::<Batch>::clone(batch), service, place)
        };
        // One whose end is gone drops the deliveries, and so asks for them again until the feeds are gone, too.
        let _ = sender.send(places.map(delivery).collect());
    }
}

impl Batch {
    pub(super) fn new(
        messages: Vec<Arc<Decoded>>,
        is_counted: Vec<bool>,
        receipt: Receipt,
        hub: &Hub,
    ) -> Arc<Self> {
        let progress = Progress {
            waiting: vec![hub.services.0.len(); messages.len()],
            settled: 0,
            backoff: Backoff::default(),
        };
        Arc::new(Self {
            messages,
            is_counted,
            receipt,
            services: hub.services.clone(),
            pages: hub.pages.clone(),
            counters: hub.counters.clone(),
            progress: Mutex::new(progress),
        })
    }

    /// One more service has settled these. Returns which messages all have settled now.
    fn advance(&self, places: Range<usize>) -> Range<usize> {
        let mut progress = self.progress.lock().expect("no code panics while it holds the progress");
        progress.waiting[places].iter_mut().for_each(|waiting| *waiting -= 1);
        let before = progress.settled;
        let more = progress.waiting[before..].iter().take_while(|waiting| **waiting == 0).count();
        progress.settled = before + more;
        before..progress.settled
    }

    fn settled(&self, places: Range<usize>) {
        for place in places.clone().filter(|place| self.is_counted[*place]) {
            self.counters.acknowledged.inc();
            self.pages.show(Arc::clone(&self.messages[place]));
        }
        self.receipt.settled(places.end);
    }

    /// Delivers again, after a while. A runtime that is gone needs nothing any more.
    fn retry(self: Arc<Self>, service: usize, places: Range<usize>) {
        let wait = {
            let mut progress = self.progress.lock().expect("no code panics while it holds the progress");
            progress.backoff.after(Duration::ZERO)
        };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            tokio::time::sleep(wait).await;
            self.services.deliver(&self, service, places);
        });
    }
}

impl broker::Batch for Batch {
    fn settle(self: Arc<Self>, service: usize, places: Range<usize>, outcome: Outcome) {
        if outcome == Outcome::Retry {
            return self.retry(service, places);
        }
        let settled = self.advance(places);
        if !settled.is_empty() {
            self.settled(settled);
        }
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").field("messages", &self.messages.len()).finish_non_exhaustive()
    }
}
