//! A stream of deliveries.

use std::fmt;

use tokio::sync::mpsc;

use crate::delivery::Delivery;
use crate::published::Published;

/// A stream of deliveries, in the order in which the broker sent them.
///
/// A stream of messages can be decoded as it is received: what waits in the channel is the message, which is smaller.
pub struct Deliveries<T>(Inner<T>);

enum Inner<T> {
    Items(mpsc::Receiver<Delivery<T>>),
    Messages(Decoding<T>),
    Batches(Batches<T>),
}

struct Batches<T> {
    batches: mpsc::UnboundedReceiver<Vec<Delivery<T>>>,
    /// What is left of the batch that came last.
    current: std::vec::IntoIter<Delivery<T>>,
}

struct Decoding<T> {
    messages: mpsc::Receiver<Delivery<Published>>,
    /// Empty between two calls, and kept for its memory.
    received: Vec<Delivery<Published>>,
    decode: Box<dyn Fn(Published) -> T + Send + Sync>,
}

impl<T> Deliveries<T> {
    /// Decodes each message when it is received.
    pub fn decoded(
        messages: mpsc::Receiver<Delivery<Published>>,
        decode: impl Fn(Published) -> T + Send + Sync + 'static,
    ) -> Self {
        Self(Inner::Messages(Decoding { messages, received: Vec::new(), decode: Box::new(decode) }))
    }

    /// Waits for the next delivery. `None` when the stream has ended. Safe to cancel.
    pub async fn recv(&mut self) -> Option<Delivery<T>> {
        match &mut self.0 {
            Inner::Items(items) => items.recv().await,
            Inner::Messages(decoding) => decoding.recv().await,
            Inner::Batches(batches) => batches.recv().await,
        }
    }

    /// The next delivery, if one has arrived.
    pub fn try_recv(&mut self) -> Option<Delivery<T>> {
        match &mut self.0 {
            Inner::Items(items) => items.try_recv().ok(),
            Inner::Messages(decoding) => decoding.try_recv(),
            Inner::Batches(batches) => batches.try_recv(),
        }
    }

    /// Waits for deliveries, appends at most `limit` of them and returns how many: 0 when the stream has ended.
    /// Safe to cancel.
    pub async fn recv_many(&mut self, deliveries: &mut Vec<Delivery<T>>, limit: usize) -> usize {
        match &mut self.0 {
            Inner::Items(items) => items.recv_many(deliveries, limit).await,
            Inner::Messages(decoding) => decoding.recv_many(deliveries, limit).await,
            Inner::Batches(batches) => batches.recv_many(deliveries, limit).await,
        }
    }
}

impl<T> Batches<T> {
    async fn recv(&mut self) -> Option<Delivery<T>> {
        loop {
            if let Some(delivery) = self.current.next() {
                return Some(delivery);
            }
            self.current = self.batches.recv().await?.into_iter();
        }
    }

    fn try_recv(&mut self) -> Option<Delivery<T>> {
        loop {
            if let Some(delivery) = self.current.next() {
                return Some(delivery);
            }
            self.current = self.batches.try_recv().ok()?.into_iter();
        }
    }

    async fn recv_many(&mut self, deliveries: &mut Vec<Delivery<T>>, limit: usize) -> usize {
        let before = deliveries.len();
        deliveries.extend(self.recv().await);
        while deliveries.len() - before < limit
            && let Some(delivery) = self.try_recv()
        {
            deliveries.push(delivery);
        }
        deliveries.len() - before
    }
}

impl<T> Decoding<T> {
    async fn recv(&mut self) -> Option<Delivery<T>> {
        let delivery = self.messages.recv().await?;
        Some(delivery.map(&self.decode))
    }

    fn try_recv(&mut self) -> Option<Delivery<T>> {
        let delivery = self.messages.try_recv().ok()?;
        Some(delivery.map(&self.decode))
    }

    async fn recv_many(&mut self, deliveries: &mut Vec<Delivery<T>>, limit: usize) -> usize {
        let count = self.messages.recv_many(&mut self.received, limit).await;
        deliveries.extend(self.received.drain(..).map(|delivery| delivery.map(&self.decode)));
        count
    }
}

impl<T> From<mpsc::Receiver<Delivery<T>>> for Deliveries<T> {
    fn from(items: mpsc::Receiver<Delivery<T>>) -> Self {
        Self(Inner::Items(items))
    }
}

/// A stream of batches is bounded by its sender.
impl<T> From<mpsc::UnboundedReceiver<Vec<Delivery<T>>>> for Deliveries<T> {
    fn from(batches: mpsc::UnboundedReceiver<Vec<Delivery<T>>>) -> Self {
        Self(Inner::Batches(Batches { batches, current: Vec::new().into_iter() }))
    }
}

impl<T> fmt::Debug for Deliveries<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deliveries").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use telemetry::Message;

    #[tokio::test]
    async fn messages_are_decoded_in_order_as_they_are_received() {
        let (out, messages) = mpsc::channel(10);
        for payload in ["1", "2", "3", "4"] {
            let received_at = "2026-01-15T10:30:01Z".parse().unwrap();
            let message = Message { topic: "temperature/lab".into(), payload: payload.into(), received_at };
            out.send(Delivery::untracked(message.into())).await.unwrap();
        }
        drop(out);
        let mut deliveries = Deliveries::decoded(messages, |message| message.decode().readings[0].value);
        assert_eq!(deliveries.recv().await.unwrap().item, 1.0);
        assert_eq!(deliveries.try_recv().unwrap().item, 2.0);
        let mut rest = Vec::new();
        assert_eq!(deliveries.recv_many(&mut rest, 10).await, 2);
        assert_eq!(rest.iter().map(|delivery| delivery.item).collect::<Vec<_>>(), [3.0, 4.0]);
        assert_eq!(deliveries.recv_many(&mut rest, 10).await, 0);
        assert!(deliveries.recv().await.is_none() && deliveries.try_recv().is_none());
    }

    #[tokio::test]
    async fn batches_come_as_one_stream() {
        let (out, batches) = mpsc::unbounded_channel();
        for batch in [vec![1, 2], vec![], vec![3], vec![4, 5, 6]] {
            out.send(batch.into_iter().map(Delivery::untracked).collect()).unwrap();
        }
        drop(out);
        let mut deliveries = Deliveries::from(batches);
        assert_eq!(deliveries.recv().await.unwrap().item, 1);
        let mut some = Vec::new();
        assert_eq!(deliveries.recv_many(&mut some, 3).await, 3);
        assert_eq!(some.iter().map(|delivery| delivery.item).collect::<Vec<_>>(), [2, 3, 4]);
        assert_eq!(deliveries.try_recv().unwrap().item, 5);
        assert_eq!(deliveries.recv_many(&mut some, 3).await, 1);
        assert!(deliveries.recv().await.is_none() && deliveries.try_recv().is_none());
    }
}
