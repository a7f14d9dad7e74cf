//! The messages of one batch, until all services have settled them.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use broker::server::Receipt;
use broker::{Backoff, Delivery, Outcome};
use telemetry::{Decoded, Message};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::{Counters, Hub, Pages};

type Sender<T> = mpsc::UnboundedSender<Vec<Delivery<Arc<T>>>>;
type WeakSender<T> = mpsc::WeakUnboundedSender<Vec<Delivery<Arc<T>>>>;

/// The services that must settle every message, and the one that must settle answers of devices beside.
#[derive(Debug, Clone)]
pub(super) struct Services {
    all: Arc<[WeakSender<Decoded>]>,
    answers: Option<WeakSender<Message>>,
}

/// Answers of devices, by their places in a batch.
pub(super) type Answers = Vec<(usize, Arc<Message>)>;

/// Messages, and how far each service is with them.
pub(super) struct Batch {
    messages: Vec<Arc<Decoded>>,
    answers: Answers,
    /// Whether a message was published by a client.
    is_counted: Vec<bool>,
    receipt: Receipt,
    services: Services,
    pages: Pages,
    counters: Counters,
    taken_at: Instant,
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
    pub(super) fn new(feeds: &[Sender<Decoded>], answers: Option<&Sender<Message>>) -> Self {
        let all = feeds.iter().map(mpsc::UnboundedSender::downgrade).collect();
        Self { all, answers: answers.map(mpsc::UnboundedSender::downgrade) }
    }

    /// Whether somebody takes answers of devices.
    pub(super) fn take_answers(&self) -> bool {
        self.answers.is_some()
    }

    pub(super) fn hand_out(&self, batch: &Arc<Batch>) {
        for service in 0..self.all.len() {
            self.deliver(batch, service, 0..batch.messages.len());
        }
        for (place, _) in &batch.answers {
            self.deliver(batch, self.all.len(), *place..place + 1);
        }
    }

    /// A stopped service takes nothing any more: the device gets no PUBACK and publishes again after the next start.
    fn deliver(&self, batch: &Arc<Batch>, service: usize, places: Range<usize>) {
        let Some(sender) = self.all.get(service) else {
            return self.deliver_answers(batch, service, &places);
        };
        let Some(sender) = sender.upgrade() else { return };
        let delivery = |place| {
            let message = Arc::clone(&batch.messages[place]);
            Delivery::of_batch(message, Arc::<Batch>::clone(batch), service, place)
        };
        // One whose end is gone drops the deliveries, and so asks for them again until the feeds are gone, too.
        let _ = sender.send(places.map(delivery).collect());
    }

    fn deliver_answers(&self, batch: &Arc<Batch>, service: usize, places: &Range<usize>) {
        let Some(sender) = self.answers.as_ref().and_then(WeakSender::upgrade) else { return };
        let answers = batch.answers.iter().filter(|(place, _)| places.contains(place));
        let delivery = |(place, message): &(usize, Arc<Message>)| {
            Delivery::of_batch(Arc::clone(message), Arc::<Batch>::clone(batch), service, *place)
        };
        let _ = sender.send(answers.map(delivery).collect());
    }
}

impl Batch {
    pub(super) fn new(
        (messages, answers): (Vec<Arc<Decoded>>, Answers),
        is_counted: Vec<bool>,
        receipt: Receipt,
        hub: &Hub,
    ) -> Arc<Self> {
        let mut waiting = vec![hub.services.all.len(); messages.len()];
        answers.iter().for_each(|(place, _)| waiting[*place] += 1);
        let progress = Progress { waiting, settled: 0, backoff: Backoff::default() };
        Arc::new(Self {
            messages,
            answers,
            is_counted,
            receipt,
            services: hub.services.clone(),
            pages: hub.pages.clone(),
            counters: hub.counters.clone(),
            taken_at: Instant::now(),
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
        let mut published = 0;
        for place in places.clone().filter(|place| self.is_counted[*place]) {
            published += 1;
            self.pages.show(Arc::clone(&self.messages[place]));
        }
        self.counters.acknowledged.inc_by(published);
        self.counters.puback_latency.observe_many(self.taken_at.elapsed(), published);
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
