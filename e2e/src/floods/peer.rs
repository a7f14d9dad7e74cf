//! What all who flood have in common.

use std::any::Any;

use crate::mqtt::{Endpoint, Publish};

/// What stays open while the flood lasts.
pub(super) type Held = Vec<Box<dyn Any>>;

/// How often a flood goes on over a new connection when the server has closed one or says nothing.
pub(super) const PATIENCE: usize = 20;

pub(super) const LARGE: usize = 900_000;

pub(super) fn large() -> Vec<u8> {
    vec![b'x'; LARGE]
}

pub(super) fn held<T: 'static>(these: impl IntoIterator<Item = T>) -> Held {
    these.into_iter().map(|one| Box::new(one) as Box<dyn Any>).collect()
}

/// Publishes at QoS 1, as often as the server takes it: over a new connection if it closes one.
pub(super) fn published(endpoint: Endpoint, publishes: impl Iterator<Item = Publish>) {
    let (mut client, mut left) = (endpoint.connect("flood"), PATIENCE);
    for publish in publishes {
        client.send(&Publish { id: 1, qos: 1, ..publish }.written(endpoint.version));
        if client.next_within(crate::SOON).is_err() {
            client = endpoint.connect("flood");
            left -= 1;
        }
        if left == 0 {
            return;
        }
    }
}
