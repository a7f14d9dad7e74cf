//! Which attributes of devices have changed, and for which of them there is room.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use telemetry::Attribute;

/// How many attributes are stored.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AttributeLimits {
    /// Of all devices.
    pub(crate) all: usize,
    /// Of one device.
    pub(crate) of_a_device: usize,
}

/// The newest value of each attribute, as it is stored or about to be.
#[derive(Debug)]
pub(crate) struct KnownAttributes {
    limits: AttributeLimits,
    devices: HashMap<String, BTreeMap<String, Known>>,
    count: usize,
}

#[derive(Debug)]
struct Known {
    value: String,
    since: Timestamp,
    /// Whether it was written since these were read: the store then knows that the device still says it.
    is_seen: bool,
}

impl KnownAttributes {
    /// Those that are stored. They stay even where there are more than the limits allow, and each is written once again when
    /// its device says it.
    pub(crate) fn new(limits: AttributeLimits, stored: Vec<Attribute>) -> Self {
        let mut known = Self { limits, devices: HashMap::new(), count: 0 };
        stored.into_iter().for_each(|attribute| known.insert(attribute, false));
        known
    }

    /// Keeps what has changed or was not seen yet, and returns how many there is no room for.
    pub(crate) fn retain_changed(&mut self, attributes: &mut Vec<Attribute>) -> usize {
        let mut refused = 0;
        attributes.retain(|attribute| {
            let names = self.devices.get(&attribute.device);
            match names.and_then(|names| names.get(&attribute.name)) {
                Some(known)
                    if known.since > attribute.since || known.is_seen && known.value == attribute.value =>
                {
                    return false;
                }
                Some(_) => {}
                None if self.count >= self.limits.all
                    || names.is_some_and(|names| names.len() >= self.limits.of_a_device) =>
                {
                    refused += 1;
                    return false;
                }
                None => {}
            }
            self.insert(attribute.clone(), true);
            true
        });
        refused
    }

    fn insert(&mut self, Attribute { device, name, value, since }: Attribute, is_seen: bool) {
        let names = self.devices.entry(device).or_default();
        self.count += usize::from(names.insert(name, Known { value, since, is_seen }).is_none());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(device: &str, name: &str, value: &str, second: i64) -> Attribute {
        Attribute::new(device, name, value, Timestamp::from_second(second).unwrap()).unwrap()
    }

    fn known(all: usize, of_a_device: usize) -> KnownAttributes {
        let stored = vec![attribute("lab", "mode", "heat", 5)];
        KnownAttributes::new(AttributeLimits { all, of_a_device }, stored)
    }

    #[test]
    fn what_is_stored_already_is_written_once_more_and_then_when_it_changes() {
        let mut known = known(10, 10);
        let mut come = vec![
            attribute("lab", "mode", "heat", 4),
            attribute("lab", "mode", "heat", 8),
            attribute("lab", "mode", "heat", 9),
            attribute("lab", "mode", "off", 4),
            attribute("lab", "mode", "off", 10),
            attribute("lab", "mode", "off", 11),
            attribute("lab", "mode", "heat", 12),
        ];
        let seen_and_changed = [come[1].clone(), come[4].clone(), come[6].clone()];
        assert_eq!(known.retain_changed(&mut come), 0);
        assert_eq!(come, seen_and_changed);
    }

    #[test]
    fn there_is_room_for_so_many_and_what_is_known_may_change() {
        for (all, of_a_device) in [(2, 10), (10, 2)] {
            let mut known = known(all, of_a_device);
            let mut come = vec![attribute("lab", "firmware", "1", 6), attribute("lab", "model", "x", 6)];
            assert_eq!(known.retain_changed(&mut come), 1);
            assert_eq!(come, [attribute("lab", "firmware", "1", 6)]);
            let mut come = vec![attribute("lab", "firmware", "2", 7), attribute("attic", "mode", "off", 7)];
            assert_eq!(known.retain_changed(&mut come), usize::from(all == 2));
        }
    }
}
