//! One connection that receives messages, and their acks.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use rumqttc::{
    AsyncClient, ConnectionError, Event, EventLoop, Packet, Publish, QoS, SubscribeFilter,
    SubscribeReasonCode,
};
use telemetry::Message;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{CLOSING, Qos, Subscription, client, drained, explained, options};
use crate::ack::{Acknowledge, Outcome, Unsettled, new_session};
use crate::connection_status::ConnectionStatus;

/// Acks that may wait for the connection.
const ACKS_AHEAD: usize = 1024;

/// The acknowledgement of one MQTT message: a PUBACK on the connection it came over.
#[derive(Debug)]
pub(crate) struct Ack {
    client: AsyncClient,
    publish: Publish,
    settled: bool,
    session: u64,
    retry: Arc<Notify>,
    _held: mpsc::Sender<Infallible>,
}

impl Acknowledge for Ack {
    fn session(&self) -> u64 {
        self.session
    }

    /// MQTT 3.1.1 has no negative ack: a rejected message is acked; to retry one, the connection is made anew.
    async fn settle(mut self, outcome: Outcome) -> Result<(), Unsettled> {
        if outcome != Outcome::Retry {
            self.client.ack(&self.publish).await.map_err(|_| Unsettled)?;
            self.settled = true;
        }
        Ok(())
    }
}

impl Drop for Ack {
    fn drop(&mut self) {
        if !self.settled {
            self.retry.notify_one();
        }
    }
}

/// Why a connection is given up.
#[derive(Debug, thiserror::Error)]
pub(super) enum End {
    #[error("stopped")]
    Stop,
    #[error("{}", explained(.0))]
    Lost(#[from] Box<ConnectionError>),
    #[error("no message for {0:?}: subscribing anew")]
    Idle(Duration),
    #[error("a message is to be delivered again")]
    Retry,
    #[error("the broker refused the subscription {0}: check the rights of this user")]
    Refused(String),
}

/// One connection with its own event loop: discarding both together is what makes cancelling a poll safe.
pub(super) struct Connection<'a> {
    subscription: &'a Subscription,
    status: &'a watch::Sender<ConnectionStatus>,
    client: AsyncClient,
    events: EventLoop,
    session: u64,
    since: Option<Instant>,
    heard: watch::Sender<Instant>,
    retry: Arc<Notify>,
    held: (mpsc::Sender<Infallible>, mpsc::Receiver<Infallible>),
}

impl<'a> Connection<'a> {
    pub(super) fn new(subscription: &'a Subscription, status: &'a watch::Sender<ConnectionStatus>) -> Self {
        let mut options = options(&subscription.url, &subscription.client_id);
        options.set_clean_session(subscription.qos == Qos::AtMostOnce);
        options.set_manual_acks(true);
        let (client, events) = client(options, ACKS_AHEAD);
        Self {
            subscription,
            status,
            client,
            events,
            session: new_session(),
            since: None,
            heard: watch::Sender::new(Instant::now()),
            retry: Arc::default(),
            held: mpsc::channel(1),
        }
    }

    pub(super) async fn run<D: From<(Message, Option<Ack>)>>(
        &mut self,
        out: &mpsc::Sender<D>,
        stop: &CancellationToken,
    ) -> End {
        // Holds no more than the broker sends ahead of acks. The connection goes on answering meanwhile.
        let (arrived, arriving) = mpsc::unbounded_channel();
        let retry = Arc::clone(&self.retry);
        let idle_timeout = self.subscription.idle_timeout;
        let idle = idle(idle_timeout, self.heard.subscribe(), self.held.0.downgrade());
        tokio::select! {
            biased;
            () = stop.cancelled() => End::Stop,
            () = out.closed() => End::Stop,
            () = retry.notified() => End::Retry,
            () = hand_over(arriving, out) => End::Stop,
            end = self.listen(out, &arrived) => end,
            () = idle => End::Idle(idle_timeout),
        }
    }

    /// How long it delivered.
    pub(super) fn lasted(&self) -> Duration {
        self.since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    async fn listen<D: From<(Message, Option<Ack>)>>(
        &mut self,
        out: &mpsc::Sender<D>,
        arrived: &mpsc::UnboundedSender<D>,
    ) -> End {
        loop {
            match self.events.poll().await {
                Err(e) => return End::Lost(Box::new(e)),
                Ok(Event::Incoming(Packet::ConnAck(_))) => self.subscribe(),
                Ok(Event::Incoming(Packet::SubAck(ack))) => {
                    if let Some(refused) = self.refused(&ack.return_codes) {
                        return End::Refused(refused);
                    }
                }
                Ok(Event::Incoming(Packet::Publish(publish))) => self.take(publish, out, arrived),
                Ok(_) => {}
            }
        }
    }

    fn subscribe(&mut self) {
        let qos = match self.subscription.qos {
            Qos::AtMostOnce => QoS::AtMostOnce,
            Qos::AtLeastOnce => QoS::AtLeastOnce,
        };
        let filters = self.subscription.filters.iter().map(|f| SubscribeFilter::new(f.clone(), qos));
        if let Err(e) = self.client.try_subscribe_many(filters) {
            warn!("cannot subscribe: {e}");
        }
    }

    fn refused(&mut self, codes: &[SubscribeReasonCode]) -> Option<String> {
        let refused = codes.iter().position(|code| matches!(code, SubscribeReasonCode::Failure));
        if refused.is_none() {
            info!(broker = %self.subscription.url, filters = ?self.subscription.filters, "subscribed");
            self.since = Some(Instant::now());
            self.status.send_modify(ConnectionStatus::connected);
        }
        refused.map(|index| self.subscription.filters.get(index).cloned().unwrap_or_default())
    }

    fn take<D: From<(Message, Option<Ack>)>>(
        &self,
        publish: Publish,
        out: &mpsc::Sender<D>,
        arrived: &mpsc::UnboundedSender<D>,
    ) {
        self.heard.send_replace(Instant::now());
        if publish.retain || publish.payload.is_empty() {
            self.skip(publish);
            return;
        }
        let message = Message {
            topic: publish.topic.clone(),
            payload: publish.payload.clone(),
            received_at: self.subscription.clock.wall(),
        };
        match self.subscription.qos {
            Qos::AtMostOnce => {
                if out.try_send((message, None).into()).is_err() {
                    self.status.send_modify(|status| status.missed += 1);
                }
            }
            // The receiver ends only together with this connection.
            Qos::AtLeastOnce => drop(arrived.send((message, Some(self.ack(publish))).into())),
        }
    }

    /// Acks what is no new reading: a retained message, which comes because we subscribed and says nothing of now, and an
    /// empty one, with which a device takes back what is retained.
    fn skip(&self, publish: Publish) {
        self.status.send_modify(|status| status.skipped += 1);
        if self.subscription.qos == Qos::AtLeastOnce {
            tokio::spawn(self.ack(publish).settle(Outcome::Done));
        }
    }

    fn ack(&self, publish: Publish) -> Ack {
        Ack {
            client: self.client.clone(),
            publish: Publish { payload: bytes::Bytes::new(), ..publish },
            settled: false,
            session: self.session,
            retry: Arc::clone(&self.retry),
            _held: self.held.0.clone(),
        }
    }

    /// Sends the acks of all that was handed over, then says goodbye.
    pub(super) async fn close(self) {
        let Self { client, mut events, held: (keep, mut held), .. } = self;
        drop(keep);
        if events.network.is_none() {
            return;
        }
        let goodbye = async {
            let none = held.recv().await;
            debug_assert!(none.is_none());
            let _ = client.disconnect().await;
            tokio::time::sleep(CLOSING).await;
        };
        tokio::select! { () = goodbye => {}, () = drained(&mut events) => {} }
    }
}

/// Hands over until the receiver is dropped.
async fn hand_over<D>(mut arriving: mpsc::UnboundedReceiver<D>, out: &mpsc::Sender<D>) {
    while let Some(delivery) = arriving.recv().await {
        if out.send(delivery).await.is_err() {
            return;
        }
    }
}

/// Resolves when there was no message for `idle_timeout`, and none is unsettled that the broker may be waiting for.
async fn idle(idle_timeout: Duration, heard: watch::Receiver<Instant>, held: mpsc::WeakSender<Infallible>) {
    loop {
        let due = *heard.borrow() + idle_timeout;
        if due > Instant::now() {
            tokio::time::sleep_until(due).await;
        } else if held.strong_count() <= 1 {
            return;
        } else {
            tokio::time::sleep(idle_timeout).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rumqttc::ConnectReturnCode;

    #[test]
    fn an_end_says_what_to_do_about_it() {
        let refused = ConnectionError::ConnectionRefused(ConnectReturnCode::NotAuthorized);
        for (end, text) in [
            (
                End::Refused("humidity/#".into()),
                "the broker refused the subscription humidity/#: check the rights of this user",
            ),
            (
                End::Lost(Box::new(refused)),
                "the broker refused the connection (NotAuthorized): check user, password and rights",
            ),
            (End::Idle(Duration::from_secs(60)), "no message for 60s: subscribing anew"),
        ] {
            assert_eq!(end.to_string(), text);
        }
    }
}
