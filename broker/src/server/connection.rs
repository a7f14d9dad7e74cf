//! One connected client: one task, many publishes in flight.
//!
//! The task reads while the client is within its window, hands what one read brought to the sink at once, and writes
//! the acknowledgements of all that is settled together, in order.

mod handle;
mod receiving;
mod retained;
mod sending;
mod timing;

use std::collections::HashMap;
use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::OptionFuture;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, copy, sink};
use tokio::join;
use tokio::time::{Instant, Sleep, sleep_until, timeout};

use self::receiving::Batch;
use super::access::Caller;
use super::counters::{Ending, Rule};
use super::greeting::{Attached, Greeted, poll_read};
use super::input::Input;
use super::ledger::Ledger;
use super::packet::{Encoder, Fault, Reason, Version, Written};
use super::publication::Publication;
use super::session::Session;
use super::shared::Shared;
use super::sink::{LastWill, PublishingClient};
use super::turn::Turn;

/// Bytes that wait to be written: more are made when these have gone.
const OUT_BYTES: usize = 64 * 1024;

/// Reads of what a client sent before it connected anew, at most.
const LAST_READS: usize = 16;

/// How long a client may take to read why the connection ends.
const FAREWELL: Duration = Duration::from_secs(1);

/// How long a client may take to close a connection that has ended.
pub(super) const LINGER: Duration = Duration::from_secs(2);

/// How a connection ends.
enum End {
    /// The client said so; it may want its will published.
    ByClient { with_will: bool },
    /// The client is gone.
    Lost(io::Error),
    /// The server ends it, and says why.
    Fault(Fault),
}

/// What one client takes.
struct Client {
    version: Version,
    /// The largest packet.
    most: usize,
    /// Unacknowledged messages.
    window: usize,
    topic_aliases: u16,
    wants_problems: bool,
    is_bridge: bool,
    is_probe: bool,
    /// As the sink sees it.
    publisher: Arc<PublishingClient>,
    /// The life of the session that CONNECT asked for, in seconds.
    asked_expiry: u32,
    keep_alive: Option<Duration>,
}

pub(crate) struct Connection<S> {
    stream: S,
    caller: Caller,
    client: Client,
    attached: Attached,
    /// When what is settled may be passed on.
    turn: Option<Box<Turn>>,
    input: Input,
    /// Whether the input may hold whole packets that were not handled because the window was full.
    has_more: bool,
    partial: super::budget::Charge,
    ledger: Ledger,
    out: Vec<u8>,
    written: usize,
    /// What `out` holds and is not counted yet.
    counted: Written,
    is_flushed: bool,
    /// The topics that the client's aliases stand for, and ours.
    aliases: Vec<String>,
    sent_aliases: HashMap<String, u16>,
    heard_at: Instant,
    /// Whether the keep-alive is over: the client is looked at once more.
    is_overdue: bool,
    /// The limit by which the connection is not read for now.
    held_by: Option<Rule>,
    /// Since when, and how many messages came since then.
    pace: (Instant, u32),
    timer: Pin<Box<Sleep>>,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Connection<S> {
    pub(crate) fn new(stream: S, greeted: Greeted, is_probe: bool) -> Box<Self> {
        let Greeted { connect, caller, mut attached, input, address } = greeted;
        let turn = attached.turn.take();
        let limits = &attached.shared.limits;
        let key = &attached.session.key;
        let now = Instant::now();
        let publisher = PublishingClient {
            client_id: key.client_id.clone(),
            user: key.user.clone(),
            address,
            connected_at: now,
            last_will: attached.will.as_ref().map(|will| Box::new(LastWill::of(&will.publication))),
        };
        let publisher = Arc::new(publisher);
        attached.line.is_of(&publisher);
        let client = Client {
            version: connect.version,
            most: connect.maximum_packet_size.map_or(usize::MAX, |most| most as usize),
            window: usize::from(connect.receive_maximum.min(limits.in_flight)),
            topic_aliases: connect.topic_alias_maximum.min(limits.topic_aliases),
            wants_problems: connect.wants_problems,
            is_bridge: connect.is_bridge,
            is_probe,
            publisher,
            asked_expiry: connect.session_expiry,
            // One and a half times what the client promised, or what it was told [MQTT-3.1.2-22].
            keep_alive: (connect.keep_alive > 0)
                .then(|| Duration::from_secs(connect.keep_alive.into()) * 3 / 2),
        };
        Box::new(Self {
            stream,
            caller,
            client,
            partial: attached.shared.partial.charge(0),
            attached,
            turn,
            input,
            has_more: true,
            ledger: Ledger::default(),
            out: Vec::new(),
            written: 0,
            counted: Written::default(),
            is_flushed: true,
            aliases: Vec::new(),
            sent_aliases: HashMap::new(),
            heard_at: now,
            is_overdue: false,
            held_by: None,
            pace: (now, 0),
            timer: Box::pin(sleep_until(now)),
        })
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.attached.shared
    }

    fn session(&self) -> &Arc<Session> {
        &self.attached.session
    }

    fn encoder(&mut self) -> Encoder<'_> {
        Encoder {
            out: &mut self.out,
            written: &mut self.counted,
            version: self.client.version,
            most: self.client.most,
            wants_problems: self.client.wants_problems,
        }
    }

    /// Serves the client until one of both ends the connection; then settles what it has published.
    pub(crate) async fn run(mut self: Box<Self>) {
        let counted = i64::from(!self.client.is_probe);
        self.shared().counters.connections.inc_by(counted);
        self.say_what_is_subscribed();
        let end = poll_fn(|context| self.poll(context)).await;
        self.shared().counters.connections.dec_by(counted);
        if !self.client.is_probe {
            self.note(&end);
        }
        // What only the end needs takes no memory before.
        Box::pin(self.leave(end)).await;
    }

    /// A session that the client comes back to has subscriptions already.
    fn say_what_is_subscribed(&self) {
        let filters: Vec<_> = self.session().state().subscriptions.keys().cloned().collect();
        filters.iter().for_each(|filter| self.shared().sink.subscribed(filter));
    }

    fn note(&self, end: &End) {
        let shared = self.shared();
        let note = |ending, why: &str| shared.ends.note(&shared.counters, &self.session().key, ending, why);
        match end {
            End::ByClient { .. } => note(Ending::ByClient, "the client disconnected"),
            End::Lost(e) => note(Ending::Lost, &e.to_string()),
            End::Fault(fault) => note(Ending::from(fault), fault.why),
        }
    }

    async fn leave(mut self: Box<Self>, end: End) {
        let shared = Arc::clone(self.shared());
        let is_fault = matches!(end, End::Fault(_));
        match end {
            End::ByClient { with_will: false } => self.attached.will = None,
            End::ByClient { with_will: true } | End::Lost(_) => {}
            End::Fault(fault) => self.farewell(fault).await,
        }
        let Self { stream, attached, mut ledger, mut turn, .. } = *self;
        let session = Arc::clone(&attached.session);
        // The session is free for the client's next connection before all is settled.
        drop(attached);
        let lingering = is_fault.then(|| Box::pin(linger(&shared, stream)));
        let settling = async {
            let has_settled = !ledger.is_empty();
            if let Some(turn) = &mut turn {
                turn.come().await;
            }
            while let Some(entry) = poll_fn(|context| match ledger.pop_settled(context) {
                None if !ledger.is_empty() => Poll::Pending,
                entry => Poll::Ready(entry),
            })
            .await
            {
                pass_on(&shared, entry.publication);
            }
            if has_settled {
                // After a restart it must be known what of QoS 2 is settled now.
                shared.note(&session);
            }
            drop(turn);
        };
        join!(OptionFuture::from(lingering), settling);
    }

    async fn farewell(&mut self, fault: Fault) {
        if fault.reason == Reason::SHUTTING_DOWN {
            // The server is not there to keep its promise: the client comes back.
            self.attached.will = None;
        }
        self.encoder().disconnect(fault.reason, fault.why);
        let farewell = async {
            self.stream.write_all(&self.out[self.written..]).await?;
            self.stream.shutdown().await
        };
        let _ = timeout(FAREWELL, farewell).await;
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<End> {
        self.attached.line.waker.register(context.waker());
        loop {
            if let Some(reason) = self.attached.line.closing() {
                return Poll::Ready(self.close(reason, context));
            }
            self.settle(context);
            if let Err(e) = self.write(context) {
                return Poll::Ready(End::Lost(e));
            }
            if self.shared().stop.is_cancelled() && self.ledger.is_empty() {
                return Poll::Ready(End::Fault(Fault::new(Reason::SHUTTING_DOWN, "the server stops")));
            }
            match self.poll_receive(context) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(end)) => return Poll::Ready(end),
                Poll::Pending => return self.poll_timer(context),
            }
        }
    }

    /// The server ends the connection. A client that connects anew may have disconnected just before, and published: what
    /// it has sent counts as always.
    fn close(&mut self, reason: Reason, context: &mut Context<'_>) -> End {
        let mut end = End::Fault(Fault::new(reason, closing_words(reason)));
        let reads = if reason == Reason::TAKEN_OVER { LAST_READS } else { 0 };
        for _ in 0..reads {
            match self.poll_receive(context) {
                Poll::Ready(Ok(())) => self.settle(context),
                Poll::Ready(Err(by_client)) => {
                    end = by_client;
                    break;
                }
                Poll::Pending => break,
            }
        }
        self.settle(context);
        end
    }

    /// Handles what has been read, or reads more; pending while neither may be done.
    fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<Result<(), End>> {
        self.count_held();
        if !self.may_receive() {
            return Poll::Pending;
        }
        if !self.has_more {
            match poll_read(&mut self.stream, &mut self.input, context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(End::Lost(ErrorKind::UnexpectedEof.into()))),
                Poll::Ready(Err(e)) => return Poll::Ready(Err(End::Lost(e))),
                Poll::Ready(Ok(count)) => {
                    self.hears(Instant::now());
                    self.shared().counters.traffic.bytes_received.inc_by(count as u64);
                }
            }
        }
        Poll::Ready(self.receive())
    }

    fn receive(&mut self) -> Result<(), End> {
        let mut batch = Batch::default();
        let end = self.receive_all(&mut batch);
        batch.hand_over(self.shared());
        self.partial.set(self.input.partial_bytes());
        if self.shared().partial.is_too_small_for(0) && self.input.partial_bytes() > 0 {
            let why = "too many bytes of incomplete packets";
            return Err(self.fault(Fault::limit(Rule::PartialBytesTotal, Reason::QUOTA_EXCEEDED, why)));
        }
        end
    }
}

/// Reads on for a moment, until the client closes, too. A system that closes a connection with something unread tells the
/// client to throw away what it has not read, such as acknowledgements and why the connection ends.
async fn linger(shared: &Shared, mut stream: impl AsyncRead + Unpin) {
    let mut nowhere = sink();
    let until_closed = timeout(LINGER, copy(&mut stream, &mut nowhere));
    shared.stop.run_until_cancelled(until_closed).await;
}

fn closing_words(reason: Reason) -> &'static str {
    match reason {
        Reason::TAKEN_OVER => "another connection has taken over the session",
        Reason::NOT_AUTHORIZED => "the user may no longer connect",
        _ => "the server ends the connection",
    }
}

/// What became of a message beside the sink.
struct Passed {
    receivers: usize,
    /// Whether it was to be retained, and there was no room.
    not_retained: bool,
}

/// Retains a message that is to be retained, and passes it on.
fn pass_on(shared: &Shared, publication: Option<Box<Publication>>) -> Passed {
    let Some(publication) = publication else { return Passed { receivers: 0, not_retained: false } };
    let not_retained = publication.retain && !shared.retain(&publication);
    Passed { receivers: shared.route(&publication), not_retained }
}
