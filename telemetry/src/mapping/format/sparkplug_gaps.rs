//! Messages of Sparkplug nodes that did not come.

use std::collections::HashMap;

use super::sparkplug::{Field, fields, place};

/// Nodes whose messages are counted, at most; of further ones nothing is said.
const MAX_NODES: usize = 10_000;

/// A message whose number is this much ahead of the one before, or more, is an older one that comes again.
const OLDER: u8 = 128;

/// Finds gaps in the numbers that nodes give their messages: from 0 to 255 and then anew, over the node and all of its devices, and
/// from the number of a birth on (Sparkplug 3.0, section 6.4.5, `seq`).
#[derive(Debug, Default)]
pub struct SparkplugGaps {
    /// The number of the last message, by group and node.
    last: HashMap<String, u8>,
}

impl SparkplugGaps {
    /// Whether messages on this topic have numbers.
    #[must_use]
    pub fn numbers(topic: &str) -> bool {
        topic.starts_with("spBv1")
    }

    /// How many messages of its node did not come between the one before and this one, which is noted.
    pub fn missing_before(&mut self, topic: &str, payload: &[u8]) -> u64 {
        let (kind, device) = place(topic);
        let (is_birth, number) = (kind == "NBIRTH", number(kind, payload));
        let Some(number) = number else { return 0 };
        let node = node_of(&device);
        let Some(last) = self.last.get_mut(node) else {
            if self.last.len() < MAX_NODES {
                self.last.insert(node.to_owned(), number);
            }
            return 0;
        };
        let ahead = number.wrapping_sub(*last).wrapping_sub(1);
        if is_birth || ahead < OLDER {
            *last = number;
        }
        if is_birth || ahead >= OLDER { 0 } else { ahead.into() }
    }
}

/// The number of a message; a death by a will, and a state of a host, have none.
fn number(kind: &str, payload: &[u8]) -> Option<u8> {
    if !matches!(kind, "NBIRTH" | "NDATA" | "DBIRTH" | "DDATA" | "DDEATH") {
        return None;
    }
    fields(payload).flatten().find_map(|field| match field {
        (3, Field::Varint(number)) => u8::try_from(number).ok(),
        _ => None,
    })
}

/// `plant/edge` of `plant/edge/press`.
fn node_of(device: &str) -> &str {
    let end = device.match_indices('/').nth(1).map_or(device.len(), |(at, _)| at);
    &device[..end]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn missing(gaps: &mut SparkplugGaps, kind: &str, device: &str, number: u8) -> u64 {
        let seq = if number < 128 { vec![0x18, number] } else { vec![0x18, number, 0x01] };
        gaps.missing_before(&format!("spBv1.0/plant/{kind}/{device}"), &seq)
    }

    #[test]
    fn numbers_that_are_left_out_are_missing_over_a_node_and_its_devices() {
        let mut gaps = SparkplugGaps::default();
        for (kind, device, number, expected) in [
            ("NBIRTH", "edge", 0, 0),
            ("DBIRTH", "edge/press", 1, 0),
            ("DDATA", "edge/press", 2, 0),
            ("NDATA", "edge", 5, 2),
            ("NDATA", "edge", 5, 0),
            ("DDATA", "edge/saw", 4, 0),
            ("DDATA", "edge/press", 6, 0),
            ("NDATA", "other", 77, 0),
            ("NDATA", "other", 78, 0),
            ("NBIRTH", "edge", 0, 0),
            ("NDATA", "edge", 1, 0),
        ] {
            assert_eq!(missing(&mut gaps, kind, device, number), expected, "{kind} {device} {number}");
        }
    }

    #[test]
    fn after_255_comes_0() {
        let mut gaps = SparkplugGaps::default();
        for (number, expected) in [(254, 0), (255, 0), (0, 0), (3, 2)] {
            assert_eq!(missing(&mut gaps, "NDATA", "edge", number), expected, "{number}");
        }
    }

    #[test]
    fn what_has_no_number_says_nothing_and_nodes_are_bounded() {
        let mut gaps = SparkplugGaps::default();
        assert_eq!(gaps.missing_before("spBv1.0/plant/NDEATH/edge", &[0x18, 9]), 0);
        assert_eq!(gaps.missing_before("spBv1.0/plant/NDATA/edge", &[]), 0);
        assert!(gaps.last.is_empty());
        for node in 0..MAX_NODES + 5 {
            missing(&mut gaps, "NDATA", &format!("edge-{node}"), 0);
        }
        assert_eq!(gaps.last.len(), MAX_NODES);
        assert!(SparkplugGaps::numbers("spBv1.0/a/NDATA/b") && !SparkplugGaps::numbers("temperature/lab"));
    }

    proptest! {
        #[test]
        fn no_message_panics(topic in "\\PC{0,40}", payload in proptest::collection::vec(any::<u8>(), 0..50)) {
            SparkplugGaps::default().missing_before(&topic, &payload);
        }
    }
}
