//! What a client says and expects in answer.

use std::collections::VecDeque;

use super::client::Client;
use super::packets::{Publish, Subscribe, ack, pingreq, unsubscribe};
use super::read::{Ack, Packet, Received};

impl Client {
    /// The next packet, which is a PUBLISH; at QoS 1 and 2 it is not acknowledged.
    ///
    /// # Panics
    /// Another comes, or none.
    pub fn next_publish(&mut self) -> Received {
        match self.next() {
            Packet::Publish(publish) => publish,
            other => panic!("expected PUBLISH: {other:?}"),
        }
    }

    /// The next packet, which is a PUBLISH with this payload; it is acknowledged.
    ///
    /// # Panics
    /// Another comes, or none.
    pub fn hear(&mut self, payload: &str) -> Received {
        let publish = self.next_publish();
        assert_eq!(publish.text(), payload, "{publish:?}");
        self.acknowledge(&publish);
        publish
    }

    /// Acknowledges a PUBLISH to the end.
    ///
    /// # Panics
    /// At QoS 2, no PUBREL comes.
    pub fn acknowledge(&mut self, publish: &Received) {
        match publish.qos {
            0 => {}
            1 => self.send(&ack(4, publish.id, 0)),
            _ => {
                self.send(&ack(5, publish.id, 0));
                self.await_pubrel(publish.id);
                self.send(&ack(7, publish.id, 0));
            }
        }
    }

    /// Other messages may come before it.
    fn await_pubrel(&mut self, id: u16) {
        let mut before = VecDeque::new();
        loop {
            match self.next() {
                Packet::Ack(ack) if ack.kind == 6 && ack.id == id => break,
                other => before.push_back(other),
            }
        }
        before.append(&mut self.set_aside);
        self.set_aside = before;
    }

    /// The next packet, which is this acknowledgement.
    ///
    /// # Panics
    /// Another comes, or none.
    pub fn expect_ack(&mut self, kind: u8, id: u16) -> Ack {
        match self.next() {
            Packet::Ack(ack) if ack.kind == kind && ack.id == id => ack,
            other => panic!("expected acknowledgement {kind} of {id}: {other:?}"),
        }
    }

    /// Publishes and waits until the server has taken it over, at any QoS; returns the reason of its acknowledgement.
    ///
    /// # Panics
    /// It is not acknowledged, or something else comes before.
    pub fn publish(&mut self, publish: &Publish) -> u8 {
        let id = if publish.id == 0 { self.fresh_id() } else { publish.id };
        let publish = Publish { id, ..publish.clone() };
        self.send(&publish.written(self.version));
        match publish.qos {
            0 => {
                self.ping();
                0
            }
            1 => self.expect_ack(4, id).reason,
            _ => {
                let received = self.expect_ack(5, id);
                if received.reason < 0x80 {
                    self.send(&ack(6, id, 0));
                    self.expect_ack(7, id);
                }
                received.reason
            }
        }
    }

    /// Subscribes to one filter with these options, and returns the reason.
    ///
    /// # Panics
    /// Something else than the SUBACK comes.
    pub fn subscribe(&mut self, filter: &str, options: u8) -> u8 {
        self.subscribe_with(&Subscribe::new(0, &[(filter, options)]))[0]
    }

    /// Subscribes, and returns the reasons.
    ///
    /// # Panics
    /// Something else than the SUBACK comes.
    pub fn subscribe_with(&mut self, subscribe: &Subscribe) -> Vec<u8> {
        let id = if subscribe.id == 0 { self.fresh_id() } else { subscribe.id };
        let subscribe = Subscribe { id, ..subscribe.clone() };
        self.send(&subscribe.written(self.version));
        match self.next() {
            Packet::Suback(suback) if suback.id == id => suback.codes,
            other => panic!("expected SUBACK of {id}: {other:?}"),
        }
    }

    /// Ends a subscription.
    ///
    /// # Panics
    /// Something else than the UNSUBACK comes.
    pub fn unsubscribe(&mut self, filter: &str) -> Vec<u8> {
        let id = self.fresh_id();
        self.send(&unsubscribe(self.version, id, &[filter]));
        match self.next() {
            Packet::Unsuback(unsuback) if unsuback.id == id => unsuback.codes,
            other => panic!("expected UNSUBACK of {id}: {other:?}"),
        }
    }

    /// PINGREQ, answered by nothing but its PINGRESP: all that was sent before is dealt with, and nothing else was to come.
    ///
    /// # Panics
    /// Another packet comes, or none.
    pub fn ping(&mut self) {
        self.send(&pingreq());
        assert_eq!(self.next(), Packet::Pingresp);
    }

    fn fresh_id(&mut self) -> u16 {
        self.last_id += 1;
        self.last_id
    }
}
