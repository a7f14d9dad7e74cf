//! What comes in over HTTP takes the way of what devices publish: its answer waits as a PUBACK does.

use std::sync::Arc;

use broker::server::Receipt;
use jiff::Timestamp;
use service::{Incoming, Intake, Offered, Outcome, Promise, Taken};
use telemetry::{Decoded, Inputs, Message, Publisher};

use super::batch::Batch;
use super::{Hub, reject_others};

impl Intake for Hub {
    fn promise(&self) -> Promise {
        Promise::Stored
    }

    fn stamp(&self, count: usize) -> Timestamp {
        self.stamps.next_of(count)
    }

    fn take_in(&self, incoming: Incoming<'_>) -> Taken {
        let Incoming { messages, objection, charge } = incoming;
        let inputs = Arc::clone(&self.decoder.inputs().borrow());
        let mut read = Vec::new();
        let outcomes = messages.iter().map(|offered| {
            let Some(decoded) = self.read(offered, &inputs, objection) else {
                let topic = &offered.message.topic;
                let may_hold_readings = !offered.is_of_an_edge() && self.decoder.may_hold_readings(topic);
                return Outcome::unread(topic, may_hold_readings);
            };
            let outcome = Outcome::of(&decoded);
            read.push(decoded);
            outcome
        });
        let outcomes = outcomes.collect();
        let messages: Vec<_> = together(read).into_iter().map(Arc::new).collect();
        let (receipt, settled) = Receipt::new();
        let (count, receipt) = (messages.len(), receipt.holding(charge));
        self.counters.published.inc_by(count as u64);
        if messages.iter().all(|message| message.is_empty()) {
            self.counters.acknowledged.inc_by(count as u64);
            receipt.settled(count);
        } else {
            self.services.hand_out(&Batch::new((messages, Vec::new()), vec![true; count], receipt, self));
        }
        let acknowledged = async move {
            settled.reached(count).await;
            Ok(())
        };
        Taken { outcomes, acknowledged: Box::pin(acknowledged) }
    }
}

impl Hub {
    /// What is in a message; none if no rule takes it.
    fn read(
        &self,
        offered: &Offered,
        inputs: &Inputs,
        objection: &(dyn Fn(&str, &str) -> Option<String> + Sync),
    ) -> Option<Decoded> {
        let message = &offered.message;
        let decode = |message: &Message| self.decoder.decode(message, Publisher::default());
        let mut decoded = offered.read(inputs, decode)?;
        reject_others(&mut decoded, message, |device| objection(&message.topic, device));
        self.limit_series(&mut decoded, message);
        Some(decoded)
    }
}

/// The messages of one request as one, which costs least. What announces something stays alone.
fn together(read: Vec<Decoded>) -> Vec<Decoded> {
    let mut messages: Vec<Decoded> = Vec::with_capacity(1);
    for decoded in read {
        match messages.first_mut() {
            Some(first) if first.metadata.is_none() && decoded.metadata.is_none() => {
                first.payload_bytes += decoded.payload_bytes;
                first.readings.extend(decoded.readings);
                first.rejected.extend(decoded.rejected);
            }
            _ => messages.push(decoded),
        }
    }
    messages
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn the_messages_of_a_request_become_one() {
        let received_at = Timestamp::from_microsecond(1_768_473_000_000_001).unwrap();
        let decoded = |topic: &str, payload: &'static str| {
            let message = Message { topic: topic.into(), payload: Bytes::from(payload), received_at };
            message.decode()
        };
        let all = together(vec![
            decoded("temperature/a", "1"),
            decoded("temperature/b", "x"),
            decoded("humidity/a", "2"),
        ]);
        let [one] = &all[..] else { panic!("{all:?}") };
        assert_eq!((one.readings.len(), one.rejected.len(), one.payload_bytes), (2, 1, 3));
    }
}
