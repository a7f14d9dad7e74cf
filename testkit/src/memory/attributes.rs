//! Attributes in memory.

use async_trait::async_trait;
use jiff::Timestamp;
use store::{ATTRIBUTE_SEEN_EVERY, AttributeStore, Result};
use telemetry::Attribute;

use super::{Data, MemoryStore, whole_micros};

#[async_trait]
impl AttributeStore for MemoryStore {
    async fn attributes(&self) -> Result<Vec<Attribute>> {
        Ok(self.call("attributes")?.attributes.values().cloned().collect())
    }

    async fn attributes_of(&self, device: &str) -> Result<Vec<Attribute>> {
        let is_of = |attribute: &Attribute| {
            device
                .strip_prefix(&attribute.device)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        Ok(self.call("attributes_of")?.attributes.values().filter(|found| is_of(found)).cloned().collect())
    }
}

impl Data {
    pub(super) fn set_attributes(&mut self, attributes: &[Attribute]) {
        let mut attributes: Vec<_> = attributes.iter().collect();
        attributes.sort_by_key(|attribute| attribute.since);
        for attribute in attributes {
            let new = Attribute { since: whole_micros(attribute.since), ..attribute.clone() };
            let key = (new.device.clone(), new.name.clone());
            let old = self.attributes.get(&key);
            if old.is_some_and(|old| old.since > new.since) {
                continue;
            }
            let seen = self.attributes_seen.entry(key.clone()).or_insert(new.since);
            *seen = new.since.max(*seen);
            if old.is_none_or(|old| old.value != new.value) {
                self.attributes.insert(key, new);
            }
        }
    }

    /// Removes those of devices of which nothing else is left.
    pub(super) fn purge_attributes(&mut self, older_than: Timestamp) {
        let seen_before = older_than - 2 * ATTRIBUTE_SEEN_EVERY;
        let is_of = |name: &str, device: &str| {
            name.strip_prefix(device).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let (readings, registry, seen) = (&self.readings, &self.registry, &self.attributes_seen);
        self.attributes.retain(|key, _| {
            seen.get(key).is_some_and(|seen| *seen >= seen_before)
                || registry.names().any(|name| is_of(name, &key.0))
                || readings.values().any(|stored| is_of(stored.reading.series.device(), &key.0))
        });
    }
}
