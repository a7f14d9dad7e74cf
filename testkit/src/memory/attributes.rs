//! Attributes in memory.

use async_trait::async_trait;
use store::{AttributeStore, Result};
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
            match self.attributes.get(&key) {
                Some(old) if old.since > new.since || old.value == new.value => {}
                _ => drop(self.attributes.insert(key, new)),
            }
        }
    }
}
