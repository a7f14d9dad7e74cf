//! Texts of a payload that are attributes of its device, as a rule names them.

use serde_json::Value;

use super::extract::Extraction;
use super::pointer::Place;
use super::rule::Take;
use crate::attribute::Attribute;
use crate::mapping::name;

/// Most attributes that one message may have.
const MAX_IN_A_MESSAGE: usize = 64;

/// What a message says of its devices in words.
#[derive(Debug, Default)]
pub(super) struct Attributes {
    pub(super) found: Vec<Attribute>,
    /// How many could not be taken: their names or values are not allowed, or there are too many.
    pub(super) refused: usize,
}

impl Attributes {
    /// Adds those in one value of a payload.
    pub(super) fn add(&mut self, extraction: &Extraction<'_>, root: &Value) {
        for take in extraction.rule.takes.iter().filter(|take| !take.attributes.is_empty()) {
            for place in extraction.places(take, root) {
                self.add_at(extraction, take, &place);
            }
        }
    }

    fn add_at(&mut self, extraction: &Extraction<'_>, take: &Take, place: &Place<'_>) {
        let fill = |template: &super::template::Template| {
            template.fill(extraction.captures, place, extraction.publisher)
        };
        for (named, path) in &take.attributes {
            // What is not there says nothing: many devices send only some of it.
            let Some(text) = path.find_near(place).and_then(text) else { continue };
            let attribute = fill(&take.device).ok().zip(fill(named).ok()).and_then(|(device, named)| {
                Attribute::new(&name::device(&device), &name::metric(&named), &text, extraction.received_at)
            });
            match attribute {
                Some(attribute) if self.found.len() < MAX_IN_A_MESSAGE => self.found.push(attribute),
                _ => self.refused += 1,
            }
        }
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()).filter(|text| !text.trim().is_empty()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
