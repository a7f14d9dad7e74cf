//! Messages that came in over HTTP, published to the broker: a cluster's services get them as any other.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use broker::{BrokerUrl, Outbox, OutboxConfig};
use bytes::Bytes;
use jiff::Timestamp;
use telemetry::{
    Clock, Decoded, Inputs, MAX_PAYLOAD_BYTES, Mapped, Message, Publisher, Reading, Rejected, Series,
    awaited_subject, to_payloads,
};

use crate::intake::{Incoming, Intake, Offered, Outcome, Promise, ReadAs, RejectedPart, Taken};
use crate::{Check, Decoder, instance_name};

/// Publishes between the oldest without a PUBACK and the newest, at most.
const WINDOW: u16 = 4_096;

/// A broker that takes longer for an acknowledgement is not ready.
const ACKNOWLEDGED_WITHIN: Duration = Duration::from_secs(5);

/// How often it is looked whether it does.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Publishes what comes in over HTTP, and tells when the broker has it.
///
/// Readings are published in Millrace's own format, each with its time, so that what is sent again is known by its key. What
/// announces something, or is of a metric that is not collected in the own format, is published as it came.
#[derive(Debug, Clone)]
pub struct Outgoing {
    outbox: Outbox,
    decoder: Decoder,
    clock: Arc<dyn Clock>,
    last: Arc<Mutex<i64>>,
}

impl Outgoing {
    /// Publishes to a broker that speaks MQTT 5, whose PUBACKs say whether anybody takes a message. Returns the task that
    /// keeps the connection, too: spawn it.
    pub fn new(
        broker: BrokerUrl,
        client_id: &str,
        decoder: Decoder,
        clock: Arc<dyn Clock>,
    ) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let client_id = format!("{client_id}-{}", instance_name());
        let config = OutboxConfig { url: broker, client_id, window: WINDOW, presence: None };
        let (outbox, connection) = config.open_over_mqtt_5();
        (Self { outbox, decoder, clock, last: Arc::default() }, connection)
    }

    /// Says whether the broker acknowledges what is published. Never ends.
    pub async fn watch(&self, ready: Check) {
        loop {
            match self.outbox.unacked().oldest {
                Some(oldest) if oldest > ACKNOWLEDGED_WITHIN => {
                    ready.fail(format!("the broker has acknowledged nothing for {} s", oldest.as_secs()));
                }
                _ => ready.pass(),
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// What is published for a message, and what becomes of it.
    fn plan(
        &self,
        offered: Offered,
        objection: &(dyn Fn(&str, &str) -> Option<String> + Sync),
        inputs: &Inputs,
        publishes: &mut Vec<(String, Bytes)>,
    ) -> Outcome {
        let read = offered.read(inputs, |message| self.decoder.decode(message, Publisher::default()));
        let may_hold_readings = !offered.is_of_an_edge() && inputs.may_hold_readings(&offered.message.topic);
        let Offered { message, reading } = offered;
        let Some(mut decoded) = read else {
            // A person wants to see what no rule reads.
            publishes.extend(may_hold_readings.then(|| as_it_came(&message)));
            return Outcome::unread(&message.topic, may_hold_readings);
        };
        if let Some(reason) = refused(&decoded, &message, objection) {
            decoded = message.rejected(reason);
            return Outcome { rejected: not_kept(Outcome::of(&decoded)), ..Outcome::default() };
        }
        let mut outcome = Outcome::of(&decoded);
        if matches!(reading, ReadAs::Wrong(_)) {
            outcome = Outcome { rejected: not_kept(outcome), ..Outcome::default() };
        }
        publishes.extend(self.messages(message, decoded, inputs));
        outcome
    }

    /// What is published of a message. What is rejected here is rejected once more where it is stored.
    fn messages(&self, message: Message, mut decoded: Decoded, inputs: &Inputs) -> Vec<(String, Bytes)> {
        // What is held for want of a device is published with its times all the same.
        let is_held = |rejected: &Rejected| {
            rejected.payload == message.payload && awaited_subject(&rejected.reason).is_some()
        };
        if decoded.rejected.iter().any(is_held)
            && let Mapped::Read(all) = inputs.decode(&message, Publisher::default())
        {
            decoded = all;
        }
        let is_own = |reading: &Reading| inputs.metrics().has(reading.series.metric());
        if decoded.metadata.is_some() || !decoded.readings.iter().all(is_own) {
            return vec![(message.topic, message.payload)];
        }
        let mut messages = in_own_format(decoded.readings);
        messages.extend(decoded.rejected.into_iter().map(|part| (part.topic, cut(&part.payload))));
        messages
    }
}

/// More of a rejected payload is not kept, but it must stay too large for a reading.
fn cut(payload: &Bytes) -> Bytes {
    payload.slice(..payload.len().min(MAX_PAYLOAD_BYTES + 1))
}

fn not_kept(outcome: Outcome) -> Vec<RejectedPart> {
    let part = |part: RejectedPart| RejectedPart { kept_as: None, ..part };
    outcome.rejected.into_iter().map(part).collect()
}

/// Why the sender may not send one of the readings.
fn refused(
    decoded: &Decoded,
    message: &Message,
    objection: &(dyn Fn(&str, &str) -> Option<String> + Sync),
) -> Option<String> {
    decoded.readings.iter().find_map(|reading| objection(&message.topic, reading.series.device()))
}

fn as_it_came(message: &Message) -> (String, Bytes) {
    (message.topic.clone(), message.payload.clone())
}

/// Objects that name each reading's time, in as few messages as its series allows.
fn in_own_format(readings: Vec<Reading>) -> Vec<(String, Bytes)> {
    let mut groups: Vec<(Series, Vec<Reading>)> = Vec::new();
    for reading in readings {
        match groups.iter_mut().find(|(series, _)| *series == reading.series) {
            Some((_, group)) => group.push(reading),
            None => groups.push((reading.series.clone(), vec![reading])),
        }
    }
    let messages = groups.into_iter().flat_map(|(series, group)| {
        to_payloads(&group).into_iter().map(move |payload| (series.to_string(), payload))
    });
    messages.collect()
}

/// Returns when the broker has all of them.
async fn publish(outbox: Outbox, messages: Vec<(String, Bytes)>) -> Result<(), String> {
    let mut acks = Vec::with_capacity(messages.len());
    for (topic, payload) in messages {
        acks.push(outbox.publish(&topic, payload).await.map_err(|e| e.to_string())?);
    }
    for ack in acks {
        match ack.acked().await {
            Some(acked) if acked.is_taken() => {}
            Some(_) => return Err("no queue takes them: are db-writer and alerter set up?".into()),
            None => return Err("the process stops".into()),
        }
    }
    Ok(())
}

impl Intake for Outgoing {
    fn promise(&self) -> Promise {
        Promise::Accepted
    }

    fn stamp(&self, count: usize) -> Timestamp {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.wall().as_microsecond();
        // A clock that was set back by more than a moment is followed.
        let is_ahead = *last - now > Duration::from_secs(1).as_micros() as i64;
        let first = if is_ahead { now } else { now.max(*last + 1) };
        *last = first + count.saturating_sub(1) as i64;
        Timestamp::from_microsecond(first).unwrap_or_else(|_| self.clock.wall())
    }

    fn take_in(&self, incoming: Incoming<'_>) -> Taken {
        let Incoming { messages, objection, charge } = incoming;
        let inputs = Arc::clone(&self.decoder.inputs().borrow());
        let mut publishes = Vec::new();
        let plan = |offered| self.plan(offered, objection, &inputs, &mut publishes);
        let outcomes = messages.into_iter().map(plan).collect();
        let outbox = self.outbox.clone();
        // In a task of its own: what was begun goes on where nobody waits for it, and its charge lasts as long.
        let published = tokio::spawn(async move {
            let published = publish(outbox, publishes).await;
            drop(charge);
            published
        });
        let acknowledged = async move { published.await.unwrap_or_else(|e| Err(e.to_string())) };
        Taken { outcomes, acknowledged: Box::pin(acknowledged) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readings_are_published_with_their_times_by_series() {
        let message = |topic: &str, payload: &str| Message {
            topic: topic.into(),
            payload: Bytes::copy_from_slice(payload.as_bytes()),
            received_at: Timestamp::from_microsecond(1_768_473_000_000_001).unwrap(),
        };
        let mut readings = message("temperature/lab", "23.5").decode().readings;
        readings.extend(message("humidity/lab", r#"{"value": 48, "boot": 7, "seq": 1}"#).decode().readings);
        readings.extend(message("temperature/lab", r#"{"value": 24, "unit": "celsius"}"#).decode().readings);
        let published = in_own_format(readings);
        let topics: Vec<_> = published.iter().map(|(topic, _)| topic.as_str()).collect();
        assert_eq!(topics, ["temperature/lab", "humidity/lab"]);
        let again = message("temperature/lab", std::str::from_utf8(&published[0].1).unwrap()).decode();
        assert_eq!(again.readings.len(), 2);
        assert_eq!(again.readings[0].measured_at.as_microsecond(), 1_768_473_000_000_001);
    }
}
